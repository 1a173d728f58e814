"""What docs/COMPATIBILITY.md says of answers against what is on the wire: every member that is documented is seen, and none is
seen that is not documented, or documented as never answered."""

import json

import pytest

from daemon import Daemon
from good_requests import EVENT, PATTERN, PREFIX, TAGS, TARGET, URL
from test_aws_starts import CLUSTER, DOCUMENT, QUEUE
from test_bad_input import IMPLEMENTED
from test_documented_members import DEPTH_MAX, members_of, rows_of
from wire import call

MANAGED = {"Rules": [{"Name": "managed", "EventPattern": PATTERN}]}
BUS = {
    "Name": "orders",
    "Description": "d",
    "DeadLetterConfig": {"Arn": "arn"},
    "LogConfig": {"IncludeDetail": "FULL", "Level": "INFO"},
}
RULE = {"Name": "r", "EventPattern": PATTERN, "Description": "d", "RoleArn": "role"}
PERMISSION = {"EventBusName": "orders", "StatementId": "s", "Action": "events:PutEvents", "Principal": "*"}
ENTRY = {"Source": "shop", "DetailType": "t", "Detail": "{}"}
SQS = "arn:aws:sqs:us-east-1:000000000000:q"
OTHER_TARGETS = [
    {"Arn": f"{SQS}.fifo", "SqsParameters": {"MessageGroupId": "g"}, "DeadLetterConfig": {"Arn": SQS}, "Input": "{}"},
    {"Arn": "arn:aws:kinesis:us-east-1:000000000000:stream/s", "KinesisParameters": {"PartitionKeyPath": "$.id"}},
    {"Arn": URL, "InputPath": "$.detail"},
    *[CLUSTER, QUEUE, DOCUMENT],
]
TARGETS = [{"Id": str(number)} | target for number, target in enumerate([TARGET, *OTHER_TARGETS], 1)]
# Asked one after another, so that each member of each answer is seen.
REQUESTS = [
    ("CreateEventBus", BUS),
    ("UpdateEventBus", {"Name": "orders"}),
    ("PutPermission", PERMISSION),
    ("DescribeEventBus", {"Name": "orders"}),
    ("ListEventBuses", {"NamePrefix": "orders"}),
    ("ListEventBuses", {"Limit": 1}),
    ("RemovePermission", {"EventBusName": "orders", "StatementId": "s"}),
    ("PutRule", RULE | {"Tags": TAGS}),
    ("PutRule", {"Name": "s", "ScheduleExpression": "rate(1 day)"}),
    *[("DescribeRule", {"Name": name}) for name in ["managed", "r", "s"]],
    ("ListRules", {}),
    ("ListRules", {"Limit": 1}),
    ("DisableRule", {"Name": "r"}),
    ("EnableRule", {"Name": "r"}),
    ("PutTargets", {"Rule": "r", "Targets": TARGETS}),
    ("PutTargets", {"Rule": "s", "Targets": [{"Id": "1", "Arn": URL}]}),
    ("ListTargetsByRule", {"Rule": "r"}),
    ("ListTargetsByRule", {"Rule": "r", "Limit": 1}),
    ("ListRuleNamesByTarget", {"TargetArn": URL, "Limit": 1}),
    ("TagResource", {"ResourceARN": f"{PREFIX}rule/r", "Tags": TAGS}),
    ("ListTagsForResource", {"ResourceARN": f"{PREFIX}rule/r"}),
    ("UntagResource", {"ResourceARN": f"{PREFIX}rule/r", "TagKeys": ["team"]}),
    ("TestEventPattern", {"EventPattern": PATTERN, "Event": json.dumps(EVENT)}),
    ("PutEvents", {"Entries": [ENTRY, ENTRY | {"Detail": "[]"}]}),
    ("RemoveTargets", {"Rule": "s", "Ids": ["1", "2"]}),
    ("DeleteRule", {"Name": "s"}),
    ("DeleteEventBus", {"Name": "orders"}),
]


@pytest.fixture(scope="module")
def seen(binary, tmp_path_factory):
    """The members of all answers of each operation, as the tables write them."""
    folder = tmp_path_factory.mktemp("answers")
    (folder / "rules").mkdir()
    (folder / "rules" / "managed.json").write_text(json.dumps(MANAGED))
    options = {"MANAGED_RULES__RULES_DIR": str(folder / "rules"), "QUOTAS__TARGETS_PER_RULE_MAX": "10"}
    daemon = Daemon(binary, folder, {f"EVENTYARD_{name}": value for name, value in options.items()}).start()
    members = {operation: set() for operation in IMPLEMENTED}
    for operation, request in REQUESTS:
        answer = call(daemon, operation, request)
        assert answer.status == 200, answer
        members[operation] |= set(members_in(answer.json() if answer.body else {}))
    wrong = daemon.finish()
    assert wrong is None, wrong
    return members


def members_in(answer, path="", depth=0):
    for name, value in answer.items():
        assert value is not None, path + name
        yield path + name
        is_list = isinstance(value, list)
        for inside in value if is_list else [value]:
            if isinstance(inside, dict) and depth < DEPTH_MAX:
                yield from members_in(inside, f"{path}{name}{'[]' if is_list else ''}.", depth + 1)


@pytest.mark.parametrize("operation", IMPLEMENTED)
def test_what_is_answered_is_what_is_documented(seen, model, operation):
    documented = {row.member for row in rows_of(operation, "answer") if row.state == "Yes"}
    # The rows of several operations are of those that have the member.
    assert seen[operation] == documented & set(members_of(model, operation, "answer"))
