"""Event patterns: TestEventPattern, and the words with which patterns are refused."""

import json

import pytest

from wire import answered, call, length_at_most, refused, sweep, violation

EVENT = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "Order Placed",
    "source": "com.example.shop",
    "account": "000000000000",
    "time": "2026-01-02T03:04:05Z",
    "region": "us-east-1",
    "resources": ["arn:aws:ec2:us-east-1:000000000000:instance/i-1"],
    "detail": {
        "state": "open",
        "total": 12.5,
        "count": 3,
        "address": "10.1.2.3",
        "file": "a/b/Report.PDF",
        "nothing": None,
        "flag": True,
        "tags": ["red", "green"],
        "lines": [{"item": "pen", "price": 1}, {"item": "ink", "price": 20}],
    },
}


@pytest.fixture
def daemon(shared_daemon):
    yield shared_daemon
    sweep(shared_daemon)


@pytest.fixture
def matches(client):
    def matches(pattern, event=EVENT):
        pattern = pattern if isinstance(pattern, str) else json.dumps(pattern)
        event = event if isinstance(event, str) else json.dumps(event)
        answer = answered(client.test_event_pattern(EventPattern=pattern, Event=event))
        assert set(answer) == {"Result"}
        return answer["Result"]

    return matches


@pytest.mark.parametrize(
    "expected, pattern",
    [
        (True, {"source": ["com.example.shop"]}),
        (True, {"source": ["other", "com.example.shop"], "detail-type": ["Order Placed"]}),
        (False, {"source": ["com.example.shop"], "detail-type": ["Order Paid"]}),
        (False, {"source": ["com.example"]}),
        (True, {"resources": [{"prefix": "arn:aws:ec2:"}]}),
        (True, {"detail": {"state": ["open"]}}),
        (False, {"detail": {"state": ["OPEN"]}}),
        (True, {"detail": {"state": [{"equals-ignore-case": "OPEN"}]}}),
        (True, {"detail": {"nothing": [None]}}),
        (False, {"detail": {"nothing": [""]}}),
        (True, {"detail": {"flag": [True]}}),
        (True, {"detail": {"count": [3.0]}}),
        (False, {"detail": {"count": ["3"]}}),
        (True, {"detail": {"tags": ["green"]}}),
        (True, {"detail": {"state": [{"exists": True}], "missing": [{"exists": False}]}}),
        (False, {"detail": {"state": [{"exists": False}]}}),
        (True, {"detail": {"total": [{"numeric": [">", 12, "<=", 12.5]}]}}),
        (False, {"detail": {"total": [{"numeric": ["<", 12]}]}}),
        (True, {"detail": {"address": [{"cidr": "10.1.0.0/16"}]}}),
        (False, {"detail": {"address": [{"cidr": "10.2.0.0/16"}]}}),
        (True, {"detail": {"file": [{"suffix": ".PDF"}]}}),
        (True, {"detail": {"file": [{"suffix": {"equals-ignore-case": ".pdf"}}]}}),
        (True, {"detail": {"file": [{"wildcard": "a/*/Rep*.PDF"}]}}),
        (False, {"detail": {"file": [{"wildcard": "b/*"}]}}),
        (True, {"detail": {"state": [{"anything-but": ["closed", "void"]}]}}),
        (False, {"detail": {"state": [{"anything-but": "open"}]}}),
        (True, {"detail": {"file": [{"anything-but": {"prefix": "b/"}}]}}),
        (True, {"$or": [{"source": ["other"]}, {"detail": {"state": ["open"]}}]}),
        (False, {"$or": [{"source": ["other"]}, {"detail": {"state": ["closed"]}}]}),
        (True, {"detail": {"lines": {"item": ["ink"], "price": [20]}}}),
        # Both are there, but not in one and the same element of the array.
        (False, {"detail": {"lines": {"item": ["pen"], "price": [20]}}}),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_what_matches(matches, expected, pattern):
    assert matches(pattern) is expected


def test_of_a_repeated_key_the_pattern_takes_what_amazon_takes(client):
    """Duplicate keys are legal there."""
    client.put_rule(Name="orders", EventPattern='{"source":["a"],"source":["b"]}')


# What TestEventPattern asks of its event


@pytest.mark.parametrize("member", ["id", "account", "source", "time", "region", "detail-type"])
def test_an_event_that_lacks_a_member(matches, member):
    event = {name: value for name, value in EVENT.items() if name != member}
    with refused("ValidationException", "Parameter Event is not valid."):
        matches({"source": ["com.example.shop"]}, event)


@pytest.mark.parametrize("member", ["version", "resources", "detail"])
def test_a_member_that_an_event_may_lack(matches, member):
    event = {name: value for name, value in EVENT.items() if name != member}
    assert matches({"source": ["com.example.shop"]}, event) is True


@pytest.mark.parametrize("event", ["text", "", "[]", json.dumps([EVENT]), "null", '"text"', "{", "[" * 100_000])
def test_an_event_that_is_no_object(matches, event):
    with refused("ValidationException", "Parameter Event is not valid."):
        matches({"source": ["com.example.shop"]}, event)


def test_members_that_are_missing(daemon):
    missing = "Value null at '{}' failed to satisfy constraint: Member must not be null".format
    message = f"2 validation errors detected: {missing('eventPattern')}; {missing('event')}"
    assert call(daemon, "TestEventPattern").error == (400, "ValidationException", message)
    message = f"1 validation error detected: {missing('event')}"
    assert call(daemon, "TestEventPattern", {"EventPattern": "{}"}).error == (400, "ValidationException", message)


# Patterns that are refused, and where in them the fault is


AT = '\n at [Source: (String)"{}"; line: 1, column: {}]'
EMPTY_ARRAY = "Empty arrays are not allowed"
TOO_COMPLEX = (
    "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard"
    " character"
)
# The pattern, the reason, the column and how often Amazon tells it.
INVALID = [
    ('{"resources": []}', EMPTY_ARRAY, 17, 1),
    (
        '{"detail": {"state": [{"anything-but": null}]}}',
        "Value of anything-but must be an array or single string/number value.",
        44,
        1,
    ),
    (
        '{"detail": {"state": [{"anything-but": ["stopped", null]}]}}',
        "Inside anything but list, start|null|boolean is not supported.",
        56,
        2,
    ),
    ('{"detail": {"FileName": [{"anything-but": {"prefix": ""}}]}}', "Null prefix/suffix not allowed", 56, 1),
    ('{"detail": {"sourceIPAddress": [{"cidr": "bad-filter"}]}}', "Malformed CIDR, one '/' required", 0, 0),
    ('{"detail": {"c-count": [{"numeric": [">", 0, ">", 0]}]}}', "Bad numeric range operator: >", 49, 1),
    ('{"detail": {"c-count": [{"numeric": 10}]}}', "Value of numeric must be an array.", 39, 1),
    ('{"detail": {"c-count": [{"numeric": [">", 0, "<"]}]}}', "Value of < must be numeric", 50, 1),
    ('{"time": [{"prefix": 123}]}', "prefix match pattern must be a string", 25, 1),
    ('{"FileName": [{"suffix": [".png"]}]}', "suffix match pattern must be a string", 27, 1),
    ('{"EventBusArn": [{"wildcard": 123}]}', "wildcard match pattern must be a string", 34, 1),
    ('{"EventBusArn": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}', TOO_COMPLEX, 0, 0),
    (
        '{"EventBusArn": [{"wildcard": "arn:aws:events:us-east-1:**:event-bus/*"}]}',
        "Consecutive wildcard characters at pos 26",
        72,
        1,
    ),
    ('{"int": 42}', '"int" must be an object or an array', 11, 1),
    ('{"string": "my-value"}', '"string" must be an object or an array', 13, 1),
    ('{"my_key": [{"EXISTS": true}]}', "Unrecognized match type EXISTS", 28, 1),
]


@pytest.mark.parametrize("pattern, reason, column, times", INVALID, ids=lambda value: str(value)[:60])
def test_a_pattern_that_is_refused(client, pattern, reason, column, times):
    message = f"Event pattern is not valid. Reason: {reason}" + AT.format(pattern, column) * times
    with refused("InvalidEventPatternException", message):
        client.put_rule(Name="orders", EventPattern=pattern)
    with refused("InvalidEventPatternException", message):
        client.test_event_pattern(EventPattern=pattern, Event=json.dumps(EVENT))
    assert client.list_rules()["Rules"] == []


# A pattern that is no JSON, and how Amazon's reason begins; the rest of it belongs to its JSON library.
NO_JSON = [
    ("this is valid json but not a dict", "Unrecognized token 'this'"),
    ("{'bad': 'quotation'}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name"),
    ('{"not": closed mark"', "Unrecognized token 'closed'"),
    ('["not", "a", "dict"]', "Filter is not an object"),
]


@pytest.mark.parametrize("pattern, reason", NO_JSON)
def test_a_pattern_that_is_no_object(client, pattern, reason):
    for call_ in [
        lambda: client.put_rule(Name="orders", EventPattern=pattern),
        lambda: client.test_event_pattern(EventPattern=pattern, Event=json.dumps(EVENT)),
    ]:
        with pytest.raises(client.exceptions.InvalidEventPatternException) as caught:
            call_()
        message = caught.value.response["Error"]["Message"]
        assert message.startswith(f"Event pattern is not valid. Reason: {reason}")


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        " ",
        "{",
        '{"a":',
        '{"a":["b"]',
        "{}",
        '{"a":{}}',
        "[" * 4096,
        '{"a":' * 800,
        '{"a":[[["b"]]]}',
        '{"$or":[]}',
        '{"a":[{}]}',
    ],
    ids=lambda pattern: pattern[:20],
)
def test_a_broken_pattern_is_refused_and_never_breaks_the_daemon(daemon, pattern):
    answer = call(daemon, "TestEventPattern", {"EventPattern": pattern, "Event": json.dumps(EVENT)})
    assert answer.error[:2] == (400, "InvalidEventPatternException"), answer
    assert answer.error[2].startswith("Event pattern is not valid. Reason: ")


def test_a_pattern_that_is_too_long(client):
    pattern = json.dumps({"source": ["s" * 4096]})
    with refused("ValidationException", violation((pattern, "eventPattern", length_at_most(4096)))):
        client.test_event_pattern(EventPattern=pattern, Event=json.dumps(EVENT))
