"""Delivery: what a target receives, when it is tried again, and what becomes of what it never takes."""

import json

import pytest

from sink import Answer
from waiting import wait_until
from wire import call, dead_letters, post_events

ACCOUNT = "000000000000"
RULE_ARN = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/orders"
QUICK = {"EVENTYARD_DELIVERY__BACKOFF_BASE_MS": "10", "EVENTYARD_DELIVERY__BACKOFF_MAX_MS": "50"}
# So long that a test ends before a retry comes by itself.
SLOW = {"EVENTYARD_DELIVERY__BACKOFF_BASE_MS": "3600000", "EVENTYARD_DELIVERY__BACKOFF_MAX_MS": "3600000"}


@pytest.fixture
def daemon(start_daemon):
    return start_daemon(QUICK)


@pytest.fixture
def rule(client, sink):
    """A function that makes the rule `orders` with one target at the sink, which has these members too."""

    def rule(**target):
        client.put_rule(Name="orders", EventPattern='{"source":["com.example.shop"]}')
        client.put_targets(Rule="orders", Targets=[{"Id": "t-1", "Arn": f"{sink.url}/hook"} | target])

    return rule


@pytest.fixture
def put(client):
    """A function that puts one event and gives its id."""

    def put(**members):
        entry = {"Source": "com.example.shop", "DetailType": "Order Placed", "Detail": "{}"} | members
        answer = client.put_events(Entries=[entry])
        assert answer["FailedEntryCount"] == 0, answer
        return answer["Entries"][0]["EventId"]

    return put


def only_letter(daemon):
    """The one dead letter there is, once it is there."""
    letters = wait_until(lambda: dead_letters(daemon)["dead_letters"])
    assert len(letters) == 1
    return letters[0]


# The event


def test_the_envelope_is_amazons_to_the_byte(rule, put, sink):
    rule()
    id = put(
        Time=1704164645,
        Resources=["arn:aws:ec2:us-east-1:1:instance/i-1", 'b"ä'],
        DetailType='Order "Placed" ä',
        Detail=' { "b" : [ 1.0, 1e3, "\\u00e4 x" ],\n\t"a": {"z": null, "y": true, "z": 12345678901234567890} } ',
    )
    expected = (
        '{"version":"0","id":"%s","detail-type":"Order \\"Placed\\" ä","source":"com.example.shop",'
        '"account":"000000000000","time":"2024-01-02T03:04:05Z","region":"us-east-1",'
        '"resources":["arn:aws:ec2:us-east-1:1:instance/i-1","b\\"ä"],'
        '"detail":{"b":[1.0,1e3,"\\u00e4 x"],"a":{"z":null,"y":true,"z":12345678901234567890}}}'
    ) % id
    request = sink.wait_for(1)[0]
    assert request.body.decode() == expected
    assert (request.method, request.path) == ("POST", "/hook")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["eventyard-event-id"] == id
    assert request.headers["eventyard-attempt"] == "1"


def test_an_event_without_time_has_that_of_its_arrival_in_whole_seconds(rule, put, sink):
    rule()
    put()
    event = sink.wait_for(1)[0].json()
    assert list(event) == ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"]
    assert len(event["time"]) == len("2024-01-02T03:04:05Z") and event["time"].endswith("Z")
    assert (event["resources"], event["detail"]) == ([], {})


def test_a_fraction_of_a_second_is_cut_off(daemon, rule, sink):
    rule()
    entry = {"Source": "com.example.shop", "DetailType": "t", "Detail": "{}", "Time": 1704164645.999}
    assert call(daemon, "PutEvents", {"Entries": [entry]}).status == 200
    assert sink.wait_for(1)[0].json()["time"] == "2024-01-02T03:04:05Z"


def test_all_rules_and_targets_get_the_event_with_one_id(client, put, sink):
    for name in ["a", "b"]:
        client.put_rule(Name=name, EventPattern='{"source":[{"prefix":"com."}]}')
        targets = [{"Id": str(number), "Arn": f"{sink.url}/{name}/{number}"} for number in range(3)]
        client.put_targets(Rule=name, Targets=targets)
    client.put_rule(Name="other", EventPattern='{"source":["org"]}')
    client.put_targets(Rule="other", Targets=[{"Id": "1", "Arn": f"{sink.url}/other"}])
    id = put()
    requests = sink.wait_for(6)
    assert sorted(request.path for request in requests) == [f"/{name}/{number}" for name in "ab" for number in range(3)]
    assert {request.json()["id"] for request in requests} == {id}


def test_the_events_of_one_call_all_arrive(client, rule, sink):
    rule()
    details = [json.dumps({"n": number}) for number in range(10)]
    entries = [{"Source": "com.example.shop", "DetailType": "t", "Detail": detail} for detail in details]
    answer = client.put_events(Entries=entries)
    ids = [entry["EventId"] for entry in answer["Entries"]]
    arrived = {request.json()["id"]: request.json()["detail"]["n"] for request in sink.wait_for(10)}
    assert arrived == {id: number for number, id in enumerate(ids)}


def test_a_good_entry_is_delivered_though_others_of_its_call_fail(client, rule, sink):
    rule()
    good = {"Source": "com.example.shop", "DetailType": "t", "Detail": '{"n":1}'}
    answer = client.put_events(Entries=[good | {"Detail": "[]"}, good, good | {"Source": ""}])
    assert answer["FailedEntryCount"] == 2
    assert [request.json()["id"] for request in sink.wait_for(1)] == [answer["Entries"][1]["EventId"]]


def test_posted_events_are_delivered_in_the_same_form(daemon, rule, sink):
    rule()
    entry = {"Source": "com.example.shop", "DetailType": "t", "Time": "2024-01-02T04:04:05+01:00"}
    entry["Detail"] = {"b": [1.0, {"a": None}], "a": "ä"}
    answer = post_events(daemon, [entry, entry | {"Detail": '{ "b" : 1 }'}]).json()
    arrived = {request.json()["id"]: request.body.decode() for request in sink.wait_for(2)}
    first, second = (arrived[result["EventId"]] for result in answer["Entries"])
    assert '"time":"2024-01-02T03:04:05Z"' in first
    assert first.endswith('"detail":{"b":[1.0,{"a":null}],"a":"\\u00e4"}}')
    assert second.endswith('"detail":{"b":1}}')


# Which events


def test_a_disabled_rule_delivers_nothing(client, rule, put, sink):
    rule()
    client.disable_rule(Name="orders")
    put(Detail='{"n":1}')
    client.enable_rule(Name="orders")
    put(Detail='{"n":2}')
    # The second has arrived, so the first, if it were owed, would have been tried.
    assert [request.json()["detail"] for request in sink.wait_for(1)] == [{"n": 2}]
    client.put_rule(Name="orders", EventPattern='{"source":["com.example.shop"]}', State="DISABLED")
    put(Detail='{"n":3}')
    client.put_rule(Name="orders", EventPattern='{"source":["com.example.shop"]}')
    put(Detail='{"n":4}')
    assert [request.json()["detail"]["n"] for request in sink.wait_for(2)] == [2, 4]


def test_changes_of_rule_and_target_hold_for_the_next_event(client, rule, put, sink):
    rule(Input="1")
    put()
    sink.wait_for(1)
    client.put_rule(Name="orders", EventPattern='{"source":["com.example.billing"]}')
    put()
    rule_targets = [{"Id": "t-1", "Arn": f"{sink.url}/hook", "Input": "2"}]
    client.put_targets(Rule="orders", Targets=rule_targets)
    put(Source="com.example.billing")
    assert [request.body for request in sink.wait_for(2)] == [b"1", b"2"]


# What is sent


DETAIL = '{"a":"ä \\"b\\"","n":1.50,"l":[1,{"x":"y"}],"o":{"k":"v"},"t":true,"z":null}'
INPUTS = [
    ({"Input": '{ "a" : [1.0,  "\\u00e4", "ä"] }'}, '{ "a" : [1.0,  "\\u00e4", "ä"] }'),
    ({"Input": '"text"'}, '"text"'),
    ({"InputPath": "$.detail"}, DETAIL),
    ({"InputPath": "$.detail.a"}, '"ä \\"b\\""'),
    ({"InputPath": "$.detail.n"}, "1.50"),
    ({"InputPath": "$.detail.l[1].x"}, '"y"'),
    ({"InputPath": "$.detail.z"}, "null"),
    ({"InputPath": "$.detail-type"}, '"Order Placed"'),
    (
        {"InputTransformer": {"InputPathsMap": {"n": "$.detail.n", "s": "$.source"}, "InputTemplate": '"<n> of <s>"'}},
        '"1.50 of com.example.shop"',
    ),
    (
        {
            "InputTransformer": {
                "InputPathsMap": {"o": "$.detail.o", "t": "$.detail.t"},
                "InputTemplate": '"<o> <t> <o>"',
            }
        },
        '"{k:v} true {k:v}"',
    ),
    (
        {
            "InputTransformer": {
                "InputPathsMap": {"n": "$.detail.n", "s": "$.source", "o": "$.detail.o", "m": "$.detail.missing"},
                "InputTemplate": '{"n":<n>,"s":<s>,"in":"<s>!","o":<o>,"m":<m>,"in m":"<m>"}',
            }
        },
        '{"n":1.50,"s":"com.example.shop","in":"com.example.shop!","o":{"k":"v"},"m":"","in m":""}',
    ),
    (
        {"InputTransformer": {"InputTemplate": '{"rule":<aws.events.rule-name>,"arn":<aws.events.rule-arn>}'}},
        f'{{"rule":"orders","arn":"{RULE_ARN}"}}',
    ),
    ({"InputTransformer": {"InputTemplate": '"line one"\n"line two"'}}, '"line one"\n"line two"'),
]


@pytest.mark.parametrize("target, expected", INPUTS, ids=lambda value: str(value)[:60])
def test_what_is_sent_to_the_byte(rule, put, sink, target, expected):
    rule(**target)
    put(Detail=DETAIL)
    assert sink.wait_for(1)[0].body.decode() == expected


def test_the_whole_event_in_a_template(rule, put, sink):
    template = '{"event":<aws.events.event.json>,"bare":<aws.events.event>}'
    rule(InputTransformer={"InputTemplate": template})
    id = put(Detail='{"a":1}', Time=1704164645)
    sent = sink.wait_for(1)[0].json()
    assert (sent["event"]["id"], sent["event"]["detail"]) == (id, {"a": 1})
    # Without its detail, and with another name for its detail-type.
    members = ["id", "account", "detailType", "time", "source", "region", "resources", "version"]
    assert (sent["bare"]["id"], list(sent["bare"])) == (id, members)


@pytest.mark.parametrize(
    "target",
    [
        {"InputPath": "$.detail.missing"},
        {"InputTransformer": {"InputPathsMap": {"o": "$.detail.o"}, "InputTemplate": '{"in":"<o>"}'}},
    ],
    ids=lambda target: next(iter(target)),
)
def test_what_cannot_be_made_is_a_dead_letter(daemon, rule, put, sink, target):
    rule(**target)
    id = put(Detail=DETAIL)
    letter = only_letter(daemon)
    assert (letter["event"]["id"], letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == (id, "INPUT_FAILED", 0)
    assert sink.requests == []


def test_http_parameters_are_filled_in(rule, put, sink):
    rule(
        Arn=f"{sink.url}/hook/*/of/*?fixed=1",
        HttpParameters={
            "PathParameterValues": ["one", "$.detail.two"],
            "HeaderParameters": {"X-Fixed": "one two", "X-Id": "$.id", "X-Number": "$.detail.n"},
            "QueryStringParameters": {"k": "$.detail.two", "m": "a&b=c"},
        },
    )
    id = put(Detail='{"two":"x/y z?#%","n":1.50}')
    request = sink.wait_for(1)[0]
    path, query = request.path.split("?", 1)
    assert path == "/hook/one/of/x%2Fy%20z%3F%23%25"
    assert query.startswith("fixed=1&")
    # The order of a map's members means nothing; what the values are does.
    assert sorted(query.split("&")[1:]) == ["k=x%2Fy+z%3F%23%25", "m=a%26b%3Dc"]
    headers = [request.headers[name] for name in ["x-fixed", "x-id", "x-number"]]
    assert headers == ["one two", id, "1.50"]


@pytest.mark.parametrize("value", ["..", ".", ""])
def test_a_path_value_cannot_leave_its_place(daemon, rule, put, sink, value):
    rule(Arn=f"{sink.url}/hook/*/end", HttpParameters={"PathParameterValues": ["$.detail.v"]})
    put(Detail=json.dumps({"v": value}))
    assert only_letter(daemon)["ERROR_CODE"] == "REQUEST_INVALID"
    assert sink.requests == []


def test_a_header_value_cannot_hold_a_second_header(daemon, rule, put, sink):
    rule(HttpParameters={"HeaderParameters": {"X-Value": "$.detail.v"}})
    put(Detail=json.dumps({"v": "a\r\nX-Other: b"}))
    assert only_letter(daemon)["ERROR_CODE"] == "REQUEST_INVALID"
    assert sink.requests == []


# Trying again, and giving up


@pytest.mark.parametrize("status", [401, 408, 409, 425, 429, 500, 503])
def test_a_failure_that_may_pass_is_tried_again(daemon, rule, put, sink, status):
    rule()
    sink.answer("/hook", Answer(status), Answer(status))
    id = put()
    requests = sink.wait_for(3)
    assert [request.headers["eventyard-attempt"] for request in requests] == ["1", "2", "3"]
    assert {request.headers["eventyard-event-id"] for request in requests} == {id}
    assert len({request.body for request in requests}) == 1
    assert dead_letters(daemon) == {"dead_letters": []}


def test_a_connection_that_breaks_is_tried_again(rule, put, sink):
    rule()
    sink.answer("/hook", Answer(drop=True))
    put()
    assert [request.headers["eventyard-attempt"] for request in sink.wait_for(2)] == ["1", "2"]


@pytest.mark.parametrize("retries", [0, 2])
def test_a_retry_policy_bounds_the_attempts(daemon, rule, put, sink, retries):
    rule(RetryPolicy={"MaximumRetryAttempts": retries})
    sink.always("/hook", Answer(503, b"come back later"))
    id = put()
    letter = only_letter(daemon)
    assert letter["event"]["id"] == id
    assert letter["ERROR_CODE"] == "TARGET_FAILED"
    assert letter["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"
    assert letter["RETRY_ATTEMPTS"] == retries
    assert len(sink.requests) == retries + 1


def test_an_event_that_would_be_too_old_is_given_up(start_daemon, client_of, sink):
    # The wait is drawn from far more than the 60 seconds that the event may grow old.
    daemon = start_daemon(SLOW)
    client = client_of(daemon)
    client.put_rule(Name="orders", EventPattern='{"source":["s"]}')
    target = {"Id": "t-1", "Arn": f"{sink.url}/hook", "RetryPolicy": {"MaximumEventAgeInSeconds": 60}}
    client.put_targets(Rule="orders", Targets=[target])
    sink.always("/hook", Answer(503))
    # Of ten waits, all drawn from an hour, not all can be shorter than a minute.
    client.put_events(Entries=[{"Source": "s", "DetailType": "t", "Detail": "{}"}] * 10)
    letters = wait_until(lambda: dead_letters(daemon)["dead_letters"])
    assert {letter["EXHAUSTED_RETRY_CONDITION"] for letter in letters} == {"MaximumEventAgeInSeconds"}


def test_a_target_that_refuses_gets_no_second_attempt(daemon, rule, put, sink):
    rule()
    sink.always("/hook", Answer(404, b"no such hook"))
    id = put(Detail='{"n":1}')
    letter = only_letter(daemon)
    died, received, event = letter.pop("died"), letter.pop("received"), letter.pop("event")
    assert letter.pop("id")
    assert received <= died
    assert letter == {
        "RULE_ARN": RULE_ARN,
        "target_id": "t-1",
        "TARGET_ARN": f"{sink.url}/hook",
        "ERROR_CODE": "REFUSED_BY_TARGET",
        "ERROR_MESSAGE": "the target answered HTTP 404: no such hook",
        "RETRY_ATTEMPTS": 0,
    }
    assert event == sink.requests[0].json()
    assert (event["id"], event["detail"], len(sink.requests)) == (id, {"n": 1}, 1)


def test_a_redirect_is_not_followed(daemon, rule, put, sink):
    rule()
    sink.always("/hook", Answer(307, headers={"Location": f"{sink.url}/elsewhere"}))
    put()
    letter = only_letter(daemon)
    assert letter["ERROR_CODE"] == "REDIRECTED"
    assert f"{sink.url}/elsewhere" in letter["ERROR_MESSAGE"]
    assert [request.path for request in sink.requests] == ["/hook"]


def test_dead_letters_have_pages_and_stay_over_a_crash(daemon, rule, put, sink):
    rule()
    sink.always("/hook", Answer(404))
    ids = [put(Detail=json.dumps({"n": number})) for number in range(5)]
    wait_until(lambda: len(dead_letters(daemon)["dead_letters"]) == 5)
    whole = dead_letters(daemon)
    assert set(whole) == {"dead_letters"}
    assert {letter["event"]["id"] for letter in whole["dead_letters"]} == set(ids)
    first = dead_letters(daemon, "?limit=3")
    second = dead_letters(daemon, f"?limit=3&after={first['next_after']}")
    assert "next_after" not in second
    assert first["dead_letters"] + second["dead_letters"] == whole["dead_letters"]
    daemon.restart()
    assert dead_letters(daemon) == whole


def test_what_a_removed_target_is_owed_becomes_dead_letters(start_daemon, client_of, sink):
    # The retries are hours away: what is owed has to be settled by the removal, and not by them.
    daemon = start_daemon(SLOW)
    client = client_of(daemon)
    client.put_rule(Name="orders", EventPattern='{"source":["s"]}')
    client.put_targets(Rule="orders", Targets=[{"Id": "t-1", "Arn": f"{sink.url}/hook"}])
    sink.always("/hook", Answer(503))
    answer = client.put_events(Entries=[{"Source": "s", "DetailType": "t", "Detail": "{}"}] * 3)
    sink.wait_for(3)
    client.remove_targets(Rule="orders", Ids=["t-1"])
    client.delete_rule(Name="orders")
    letters = wait_until(lambda: len(found := dead_letters(daemon)["dead_letters"]) == 3 and found)
    assert {letter["event"]["id"] for letter in letters} == {entry["EventId"] for entry in answer["Entries"]}
    for letter in letters:
        found = (letter["ERROR_CODE"], letter["RULE_ARN"], letter["target_id"], letter["TARGET_ARN"])
        assert found == ("TARGET_REMOVED", RULE_ARN, "t-1", f"{sink.url}/hook")


def test_a_target_that_hangs_keeps_no_other_waiting(client, put, sink):
    client.put_rule(Name="orders", EventPattern='{"source":["com.example.shop"]}')
    targets = [{"Id": name, "Arn": f"{sink.url}/{name}"} for name in ["dead", "good"]]
    client.put_targets(Rule="orders", Targets=targets)
    sink.always("/dead", Answer(hang=True))
    # More than one target may have under way.
    ids = {put() for _ in range(40)}
    assert {request.json()["id"] for request in sink.wait_for(40, "/good")} == ids
