"""The aws CLI: every operation once, in the order in which people use them."""

import json

import pytest

from conftest import AwsCliError

ACCOUNT = "000000000000"
RULE_ARN = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/orders"
PATTERN = '{"source": ["com.example.shop"]}'
NONE_FAILED = {"FailedEntryCount": 0, "FailedEntries": []}


def test_a_rule_lives_and_delivers_and_goes(aws, sink):
    assert aws("put-rule", "--name", "orders", "--event-pattern", PATTERN, "--state", "DISABLED",
               "--description", "orders of the shop") == {"RuleArn": RULE_ARN}  # fmt: skip
    assert aws("enable-rule", "--name", "orders") is None

    rule = {
        "Name": "orders",
        "Arn": RULE_ARN,
        "EventPattern": PATTERN,
        "State": "ENABLED",
        "Description": "orders of the shop",
        "EventBusName": "default",
    }
    assert aws("describe-rule", "--name", "orders") == rule | {"CreatedBy": ACCOUNT}
    assert aws("list-rules", "--name-prefix", "ord") == {"Rules": [rule]}

    event = {"id": "1", "account": ACCOUNT, "source": "com.example.shop", "time": "2026-01-02T03:04:05Z"}
    event |= {"region": "us-east-1", "detail-type": "Order Placed"}
    tested = aws("test-event-pattern", "--event-pattern", PATTERN, "--event", json.dumps(event))
    assert tested == {"Result": True}

    # The CLI reads the value of a parameter that begins with http:// from there; in JSON it does not.
    url = f"{sink.url}/hook"
    targets = [
        {"Id": "whole", "Arn": url, "RetryPolicy": {"MaximumRetryAttempts": 3}},
        {"Id": "part", "Arn": url, "InputPath": "$.detail"},
    ]
    assert aws("put-targets", "--rule", "orders", "--targets", json.dumps(targets)) == NONE_FAILED
    listed = aws("list-targets-by-rule", "--rule", "orders")["Targets"]
    assert sorted(listed, key=lambda target: target["Id"]) == sorted(targets, key=lambda target: target["Id"])
    by_target = aws("list-rule-names-by-target", "--cli-input-json", json.dumps({"TargetArn": url}))
    assert by_target == {"RuleNames": ["orders"]}

    entry = {"Source": "com.example.shop", "DetailType": "Order Placed", "Detail": '{"n": 1}'}
    entry["Time"] = "2026-01-02T03:04:05Z"
    answer = aws("put-events", "--entries", json.dumps([entry, entry | {"Detail": "[]"}]))
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][1] == {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    bodies = {request.body for request in sink.wait_for(2)}
    assert b'{"n":1}' in bodies
    whole = json.loads((bodies - {b'{"n":1}'}).pop())
    assert (whole["id"], whole["time"]) == (answer["Entries"][0]["EventId"], "2026-01-02T03:04:05Z")

    assert aws("disable-rule", "--name", "orders") is None
    with pytest.raises(AwsCliError) as caught:
        aws("delete-rule", "--name", "orders")
    assert "(ValidationException)" in str(caught.value)
    assert "Rule can't be deleted since it has targets." in str(caught.value)
    assert aws("remove-targets", "--rule", "orders", "--ids", "whole", "part") == NONE_FAILED
    assert aws("delete-rule", "--name", "orders") is None
    with pytest.raises(AwsCliError) as caught:
        aws("describe-rule", "--name", "orders")
    assert "(ResourceNotFoundException)" in str(caught.value)
    assert "Rule orders does not exist on EventBus default." in str(caught.value)


def test_the_cli_follows_pages_by_itself(aws, client):
    names = [f"rule-{number}" for number in range(5)]
    for name in names:
        client.put_rule(Name=name, EventPattern=PATTERN)
    found = aws("list-rules", "--page-size", "2", "--query", "Rules[].Name")
    assert found == names
    first = aws("list-rules", "--max-items", "3", "--page-size", "2")
    rest = aws("list-rules", "--starting-token", first["NextToken"])
    assert [rule["Name"] for rule in first["Rules"] + rest["Rules"]] == names


def test_event_buses_with_the_cli(aws):
    arn = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/orders"
    created = aws("create-event-bus", "--name", "orders", "--description", "d", "--tags", "Key=team,Value=shop")
    assert created == {"EventBusArn": arn, "Description": "d"}
    assert aws("update-event-bus", "--name", "orders", "--log-config", "Level=INFO")["LogConfig"] == {"Level": "INFO"}
    bus = aws("describe-event-bus", "--name", arn)
    assert (bus["Name"], bus["Description"], type(bus["CreationTime"])) == ("orders", "d", float)
    aws("put-rule", "--name", "r", "--event-pattern", PATTERN, "--event-bus-name", "orders")
    assert [bus["Name"] for bus in aws("list-event-buses")["EventBuses"]] == ["default", "orders"]
    with pytest.raises(AwsCliError) as caught:
        aws("delete-event-bus", "--name", "orders")
    assert "EventBus can't be deleted since it has rules." in str(caught.value)
    aws("delete-rule", "--name", "r", "--event-bus-name", "orders")
    assert aws("delete-event-bus", "--name", "orders") is None


def test_permissions_with_the_cli(aws):
    condition = "Type=StringEquals,Key=aws:PrincipalOrgID,Value=o-a1b2c3d4e5"
    assert aws("put-permission", "--action", "events:PutEvents", "--principal", "*", "--statement-id", "all",
               "--condition", condition) is None  # fmt: skip
    policy = json.loads(aws("describe-event-bus")["Policy"])
    assert policy["Statement"][0]["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
    assert aws("remove-permission", "--statement-id", "all") is None
    assert aws("put-permission", "--policy", json.dumps(policy)) is None
    assert json.loads(aws("describe-event-bus")["Policy"]) == policy
    assert aws("remove-permission", "--remove-all-permissions") is None
    assert "Policy" not in aws("describe-event-bus")


def test_tags_with_the_cli(aws):
    aws("put-rule", "--name", "orders", "--event-pattern", PATTERN, "--tags", "Key=team,Value=shop")
    assert aws("tag-resource", "--resource-arn", RULE_ARN, "--tags", "Key=stage,Value=") is None
    both = [{"Key": "stage", "Value": ""}, {"Key": "team", "Value": "shop"}]
    assert aws("list-tags-for-resource", "--resource-arn", RULE_ARN) == {"Tags": both}
    assert aws("untag-resource", "--resource-arn", RULE_ARN, "--tag-keys", "stage", "other") is None
    assert aws("list-tags-for-resource", "--resource-arn", RULE_ARN) == {"Tags": both[1:]}


def test_an_operation_that_is_not_there_says_so(aws):
    with pytest.raises(AwsCliError) as caught:
        aws("list-archives")
    assert "(UnsupportedOperationException)" in str(caught.value)
    assert "ListArchives" in str(caught.value)
