"""Terraform's aws provider: its resources are made, do not drift, are changed in place and taken away.

The provider comes from a copy on this machine: EVENTYARD_TERRAFORM_PLUGINS names the folder, laid out as a filesystem mirror
of Terraform's, where it is not in one of the usual places. Without it this is skipped and says so.
"""

import json

import terraform_cli


def test_resources_are_made_do_not_drift_are_changed_and_go(terraform_folder, daemon, client):
    def seen(stage):
        """What stands behind Terraform's own view of it."""
        bus = client.describe_event_bus(Name="orders")
        assert bus["Description"] == f"Orders of the shop, {stage}"
        tags = client.list_tags_for_resource(ResourceARN=bus["Arn"])["Tags"]
        trial = {"first": {"trial": "yes"}, "second": {}}[stage]
        assert {tag["Key"]: tag["Value"] for tag in tags} == {"project": "shop", "stage": stage} | trial
        accounts = json.loads(bus["Policy"])["Statement"][0]["Principal"]["AWS"]
        assert accounts == ("111122223333" if stage == "first" else ["444455556666", "111122223333"])
        placed = client.describe_rule(Name="placed", EventBusName="orders")
        assert json.loads(placed["EventPattern"])["detail"]["stage"] == [stage]
        targets = client.list_targets_by_rule(Rule="placed", EventBusName="orders")["Targets"]
        retries = {"first": (60, 0), "second": (3600, 5)}[stage]
        role = f"arn:aws:iam::000000000000:role/{stage}"
        template = f'{{"stage": "{stage}", "total": <total>, "id": <id>}}'
        key = {"first": "$.detail.customer", "second": "$.source"}[stage]
        assert {target.pop("Id"): target for target in targets} == {
            "audit": {
                "Arn": bus["Arn"].replace("orders", "audit"),
                "RoleArn": role,
                "RetryPolicy": {"MaximumEventAgeInSeconds": retries[0], "MaximumRetryAttempts": retries[1]},
            },
            "queue": {
                "Arn": "arn:aws:sqs:us-east-1:000000000000:orders.fifo",
                "SqsParameters": {"MessageGroupId": stage},
                "InputTransformer": {
                    "InputPathsMap": {"total": "$.detail.total", "id": "$.id"},
                    "InputTemplate": template,
                },
                "DeadLetterConfig": {"Arn": f"arn:aws:sqs:us-east-1:000000000000:dead-{stage}"},
            },
            "stream": {
                "Arn": "arn:aws:kinesis:us-east-1:000000000000:stream/orders",
                "RoleArn": role,
                "KinesisParameters": {"PartitionKeyPath": key},
            }
            | ({"InputPath": "$.detail"} if stage == "first" else {}),
            "task": {
                "Arn": "arn:aws:ecs:us-east-1:000000000000:cluster/orders",
                "RoleArn": role,
                "EcsParameters": {
                    "TaskDefinitionArn": "arn:aws:ecs:us-east-1:000000000000:task-definition/report:1",
                    "TaskCount": {"first": 1, "second": 2}[stage],
                    "LaunchType": "FARGATE",
                    "PlatformVersion": "LATEST",
                    "NetworkConfiguration": {
                        "awsvpcConfiguration": {
                            "Subnets": ["subnet-1"],
                            "SecurityGroups": ["sg-1"],
                            "AssignPublicIp": "ENABLED",
                        }
                    },
                    "PropagateTags": "TASK_DEFINITION",
                    "Tags": [{"Key": "stage", "Value": stage}],
                },
            },
            "job": {
                "Arn": "arn:aws:batch:us-east-1:000000000000:job-queue/orders",
                "RoleArn": role,
                "BatchParameters": {
                    "JobDefinition": "report:1",
                    "JobName": f"report-{stage}",
                    "ArrayProperties": {"Size": 2},
                    "RetryStrategy": {"Attempts": {"first": 1, "second": 3}[stage]},
                },
            },
        }
        (hourly,) = client.list_rules(NamePrefix="hourly-")["Rules"]
        expected = {"first": ("rate(1 hour)", "DISABLED"), "second": ("cron(0 12 * * ? *)", "ENABLED")}
        assert (hourly["ScheduleExpression"], hourly["State"]) == expected[stage]
        command, function = client.list_targets_by_rule(Rule=hourly["Name"])["Targets"]
        assert command == {
            "Id": "command",
            "Arn": "arn:aws:ssm:us-east-1:000000000000:document/Report",
            "RoleArn": role,
            "RunCommandParameters": {"RunCommandTargets": [{"Key": "tag:stage", "Values": [stage]}]},
        }
        arn = "arn:aws:lambda:us-east-1:000000000000:function:report"
        assert function == {"Id": "function", "Arn": arn, "Input": json.dumps({"stage": stage}, separators=(",", ":"))}
        organization = {"first": "o-a1b2c3d4e5", "second": "o-f6a7b8c9d0"}[stage]
        assert organization in client.describe_event_bus()["Policy"]

    wrong = terraform_cli.make_and_change(*terraform_folder, daemon, seen)
    assert wrong is None, wrong
    assert [bus["Name"] for bus in client.list_event_buses()["EventBuses"]] == ["default"]
    assert client.list_rules()["Rules"] == []
    assert "Policy" not in client.describe_event_bus()
