"""Restart: rules and targets are the same afterwards, to the byte, and what was answered was on disk."""

import pytest

from sink import Answer
from waiting import wait_until
from wire import call

ROLE_ARN = "arn:aws:iam::000000000000:role/router"
RULES = [
    {"Name": "a.least", "EventPattern": '{"source":["a"]}'},
    {
        "Name": "b_whole",
        "EventPattern": '{ "detail" : {"a":[ 1.0, {"prefix":"\\u00e4"}, "漢" ]} }',
        "State": "DISABLED",
        "Description": 'ä "quoted" \\ \n\t \U0001f600',
        "RoleArn": ROLE_ARN,
        "EventBusName": "default",
    },
    {"Name": "c-trail", "EventPattern": '{"a":[null]}', "State": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"},
    {"Name": "d", "EventPattern": '{"source":[{"exists":true}]}', "Description": ""},
]
URL = "http://127.0.0.1:9/hook"
TARGETS = [
    {"Id": "1", "Arn": URL},
    {"Id": "2", "Arn": f"{URL}?a=b", "RoleArn": ROLE_ARN, "Input": '{ "a" : [1.0,  "\\u00e4", "ä"] }'},
    {"Id": "3", "Arn": "https://example.com:8443/a", "InputPath": "$.detail.a[0]"},
    {
        "Id": "4",
        "Arn": URL,
        "InputTransformer": {"InputPathsMap": {"b": "$.detail.b", "a": "$.time"}, "InputTemplate": '{"x" : <a>}'},
        "RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 61},
    },
    {
        "Id": "5",
        "Arn": f"{URL}/*",
        "HttpParameters": {
            "PathParameterValues": ["$.detail.two"],
            "HeaderParameters": {"X-B": "1", "X-A": "$.source"},
            "QueryStringParameters": {"z": "ä", "a": "$.id"},
        },
        "RetryPolicy": {"MaximumRetryAttempts": 185},
    },
]


def everything(daemon):
    """All that can be asked about rules and targets, as bytes."""
    requests = [("ListRules", {}), ("ListRules", {"Limit": 2}), ("ListRuleNamesByTarget", {"TargetArn": URL})]
    for rule in RULES:
        requests += [("DescribeRule", {"Name": rule["Name"]}), ("ListTargetsByRule", {"Rule": rule["Name"]})]
    answers = [call(daemon, *request) for request in requests]
    assert [answer.status for answer in answers] == [200] * len(requests), answers
    return [answer.body for answer in answers]


def make(daemon):
    for rule in RULES:
        assert call(daemon, "PutRule", rule).status == 200, rule
    for rule in RULES[:2]:
        assert call(daemon, "PutTargets", {"Rule": rule["Name"], "Targets": TARGETS}).status == 200


@pytest.mark.parametrize("end", ["stop", "kill9"])
def test_everything_is_the_same_to_the_byte(start_daemon, end):
    daemon = start_daemon()
    make(daemon)
    before = everything(daemon)
    # The second time nothing is written in between, so it shows what starting and reading alone leave.
    for _ in range(2):
        getattr(daemon, end)()
        daemon.start()
        assert everything(daemon) == before


def test_changes_are_kept_too(start_daemon):
    daemon = start_daemon()
    make(daemon)
    for operation, request in [
        ("EnableRule", {"Name": "b_whole"}),
        ("DisableRule", {"Name": "a.least"}),
        ("PutRule", {"Name": "d", "EventPattern": '{"source":["e"]}'}),
        ("RemoveTargets", {"Rule": "a.least", "Ids": ["1", "5"]}),
        ("PutTargets", {"Rule": "a.least", "Targets": [{"Id": "2", "Arn": URL}]}),
    ]:
        assert call(daemon, operation, request).status == 200, operation
    before = everything(daemon)
    daemon.kill9()
    daemon.start()
    assert everything(daemon) == before


def test_what_is_deleted_stays_deleted(start_daemon):
    daemon = start_daemon()
    make(daemon)
    ids = [target["Id"] for target in TARGETS]
    assert call(daemon, "RemoveTargets", {"Rule": "b_whole", "Ids": ids}).status == 200
    assert call(daemon, "DeleteRule", {"Name": "b_whole"}).status == 200
    daemon.kill9()
    daemon.start()
    message = "Rule b_whole does not exist on EventBus default."
    assert call(daemon, "DescribeRule", {"Name": "b_whole"}).error == (400, "ResourceNotFoundException", message)
    # A rule of the same name begins without the targets of the old one.
    assert call(daemon, "PutRule", RULES[1]).status == 200
    assert call(daemon, "ListTargetsByRule", {"Rule": "b_whole"}).json() == {"Targets": []}


def test_a_restarted_daemon_delivers_for_the_rules_it_had(start_daemon, client_of, sink):
    daemon = start_daemon()
    client = client_of(daemon)
    client.put_rule(Name="orders", EventPattern='{"source":["shop"]}')
    client.put_targets(Rule="orders", Targets=[{"Id": "1", "Arn": f"{sink.url}/hook", "Input": '"one"'}])
    daemon.kill9()
    daemon.start()
    client.put_events(Entries=[{"Source": "shop", "DetailType": "t", "Detail": "{}"}])
    assert [request.body for request in sink.wait_for(1)] == [b'"one"']


def test_what_a_target_is_owed_is_delivered_after_a_crash(start_daemon, client_of, sink):
    daemon = start_daemon({"EVENTYARD_DELIVERY__BACKOFF_BASE_MS": "10", "EVENTYARD_DELIVERY__BACKOFF_MAX_MS": "50"})
    client = client_of(daemon)
    client.put_rule(Name="orders", EventPattern='{"source":["shop"]}')
    client.put_targets(Rule="orders", Targets=[{"Id": "1", "Arn": f"{sink.url}/hook"}])
    sink.always("/hook", Answer(503))
    put = []
    for _ in range(5):
        entries = [{"Source": "shop", "DetailType": "t", "Detail": '{"n":1}'}] * 10
        put += [entry["EventId"] for entry in client.put_events(Entries=entries)["Entries"]]
    sink.wait_for(1)
    daemon.kill9()
    taken = []
    sink.always("/hook", lambda request: taken.append(request.json()["id"]) or Answer())
    daemon.start()
    wait_until(lambda: set(taken) == set(put))
