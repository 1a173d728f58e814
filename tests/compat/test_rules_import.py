"""`eventyard rules`: from a daemon into a file, and from each kind of file into a daemon."""

import json
import os
import subprocess

import pytest

ACCOUNT = "000000000000"

TEMPLATE = """
AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  Stage: {Type: String, Default: test}
Resources:
  Orders:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub 'orders-${Stage}'
  Placed:
    Type: AWS::Events::Rule
    Properties:
      Description: !Sub 'orders of ${AWS::Region}, ${Stage}'
      EventBusName: shop
      EventPattern:
        source: [shop]
        detail: {total: [{numeric: ['>', 10]}]}
      State: ENABLED
      Tags: [{Key: stage, Value: !Ref Stage}]
      Targets:
        - Id: queue
          Arn: !GetAtt Orders.Arn
          InputTransformer:
            InputPathsMap: {total: $.detail.total}
            InputTemplate: '{"total": <total>}'
          DeadLetterConfig: {Arn: !GetAtt Dead.Arn}
          RetryPolicy: {MaximumRetryAttempts: 3}
  Hourly:
    Type: AWS::Events::Rule
    Properties:
      Name: hourly
      ScheduleExpression: rate(1 hour)
      State: DISABLED
  Bucket: {Type: AWS::S3::Bucket}
"""


@pytest.fixture
def rules(binary):
    """A function that runs `eventyard rules` for a daemon."""

    def run(daemon, *arguments, code=0):
        env = os.environ | {"AWS_ENDPOINT_URL_EVENTBRIDGE": daemon.api_url}
        done = subprocess.run([binary, "rules", *arguments], env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


def everything(client):
    """All rules with their targets and tags."""
    found = {}
    for bus in client.list_event_buses()["EventBuses"]:
        for rule in client.list_rules(EventBusName=bus["Name"])["Rules"]:
            targets = client.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus["Name"])["Targets"]
            tags = client.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]
            found[rule["Arn"]] = {"rule": rule, "targets": targets, "tags": tags}
    return found


def fill(client):
    client.create_event_bus(Name="shop")
    for number in range(120):
        client.put_rule(Name=f"r{number:03}", EventPattern=f'{{"source":["shop"], "detail": {{"n": [{number}]}}}}')
    client.put_rule(Name="s", EventBusName="shop", EventPattern='{"source":["shop"]}', State="DISABLED",
                    RoleArn="arn:aws:iam::000000000000:role/r", Tags=[{"Key": "a", "Value": "ü"}])  # fmt: skip
    targets = [
        {"Id": "a", "Arn": "http://127.0.0.1:9/a", "Input": '{"a": 1}'},
        {"Id": "b", "Arn": "http://127.0.0.1:9/*", "HttpParameters": {"PathParameterValues": ["$.source"]}},
    ]
    client.put_targets(Rule="s", EventBusName="shop", Targets=targets)


def test_what_is_exported_is_imported_as_the_same(start_daemon, client_of, rules, tmp_path):
    here, there = start_daemon(), start_daemon()
    fill(client_of(here))
    file = tmp_path / "rules.json"
    file.write_text(rules(here, "export").stdout)
    refused = rules(there, "import", str(file), code=1)
    assert "1 of 121 rules were not put" in refused.stderr and "Event bus shop does not exist" in refused.stderr
    planned = rules(there, "import", str(file), "--dry-run").stdout
    assert "rule s on the event bus shop with 2 targets: would be put" in planned
    rules(there, "import", str(file), "--create-event-buses")
    assert everything(client_of(there)) == everything(client_of(here))
    # Again, it changes nothing.
    rules(there, "import", str(file), "--create-event-buses")
    assert everything(client_of(there)) == everything(client_of(here))
    only = json.loads(rules(here, "export", "--event-bus", "shop").stdout)["Rules"]
    assert [rule["Name"] for rule in only] == ["s"]


def test_what_is_exported_can_be_declared(start_daemon, client_of, rules, tmp_path):
    here = start_daemon()
    fill(client_of(here))
    client_of(here).delete_rule(Name="r000")
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "rules.json").write_text(rules(here, "export", "--event-bus", "default").stdout)
    there = start_daemon(env={"EVENTYARD_MANAGED_RULES__RULES_DIR": str(folder)})
    declared = {arn: found["rule"] for arn, found in everything(client_of(there)).items()}
    expected = {arn: found["rule"] for arn, found in everything(client_of(here)).items() if "/shop/" not in arn}
    assert {arn: rule | {"ManagedBy": "eventyard.rules_dir"} for arn, rule in expected.items()} == declared
    exported = rules(there, "export")
    assert json.loads(exported.stdout) == {"Rules": []} and "119 managed rules were left out" in exported.stderr


def test_what_the_aws_cli_printed_is_imported(start_daemon, client_of, aws_at, rules, tmp_path):
    here, there = start_daemon(), start_daemon()
    fill(client_of(here))
    listed = aws_at(here.api_url)("list-rules", "--event-bus-name", "shop")
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(listed))
    targets = tmp_path / "targets"
    targets.mkdir()
    printed = aws_at(here.api_url)("list-targets-by-rule", "--rule", "s", "--event-bus-name", "shop")
    (targets / "s.json").write_text(json.dumps(printed))
    rules(there, "import", str(file), "--targets-dir", str(targets), "--create-event-buses")
    found, expected = everything(client_of(there)), everything(client_of(here))
    arn = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/shop/s"
    assert found == {arn: expected[arn] | {"tags": []}}


def test_a_template_is_imported(start_daemon, client_of, rules, tmp_path):
    daemon = start_daemon()
    file = tmp_path / "template.yaml"
    file.write_text(TEMPLATE)
    dead = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"
    refused = rules(daemon, "import", str(file), code=2)
    assert "Placed: Fn::GetAtt Dead.Arn is not known here; give it with --value Dead.Arn=" in refused.stderr
    given = ["--value", f"Dead.Arn={dead}", "--value", "Stage=live", "--create-event-buses"]
    rules(daemon, "import", str(file), *given)
    found = everything(client_of(daemon))
    placed = found[f"arn:aws:events:us-east-1:{ACCOUNT}:rule/shop/Placed"]
    assert placed["rule"]["Description"] == "orders of us-east-1, live"
    pattern = {"source": ["shop"], "detail": {"total": [{"numeric": [">", 10]}]}}
    assert json.loads(placed["rule"]["EventPattern"]) == pattern
    assert placed["tags"] == [{"Key": "stage", "Value": "live"}]
    assert placed["targets"] == [
        {
            "Id": "queue",
            "Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:orders-live",
            "InputTransformer": {
                "InputPathsMap": {"total": "$.detail.total"},
                "InputTemplate": '{"total": <total>}',
            },
            "DeadLetterConfig": {"Arn": dead},
            "RetryPolicy": {"MaximumRetryAttempts": 3},
        }
    ]
    hourly = found[f"arn:aws:events:us-east-1:{ACCOUNT}:rule/hourly"]["rule"]
    assert (hourly["ScheduleExpression"], hourly["State"]) == ("rate(1 hour)", "DISABLED")


def test_what_is_not_kept_is_told(start_daemon, rules, tmp_path):
    target = {"Id": "a", "Arn": "http://127.0.0.1:9/", "Inputt": "{}"}
    rule = {"Name": "r", "EventPattern": {"source": ["shop"]}, "Targets": [target]}
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"Rules": [rule]}))
    told = rules(start_daemon(), "import", str(file), code=1).stderr
    assert "target a is not kept as it was put: Inputt" in told


@pytest.mark.parametrize("text", ["[]", "a: [", "{}", '{"Rules": [1]}', '{"Resources": {}}'])
def test_what_is_no_file_of_rules_is_refused(start_daemon, rules, tmp_path, text):
    file = tmp_path / "rules.json"
    file.write_text(text)
    refused = rules(start_daemon(), "import", str(file), code=2)
    assert str(file) in refused.stderr


def test_nobody_there_is_said(rules, tmp_path):
    class Nobody:
        api_url = "http://127.0.0.1:9"

    assert "is it running" in rules(Nobody, "export", code=3).stderr
