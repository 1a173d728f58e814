"""Events coming in: PutEvents, and the plain POST /events. What targets receive stands in test_delivery.py."""

import datetime
import json
import re

import pytest

from waiting import wait_until
from wire import AWS_JSON, answered, call, length_at_least, length_at_most, matching, post_events, refused, violation

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TOO_LARGE = "Total size of the entries in the request is over the limit."
REQUIRED = "Parameter {0} is not valid. Reason: {0} is a required argument.".format
BUS_PATTERN = r"(arn:aws[\w-]*:events:[a-z]+-[a-z]+-[\w-]+:[0-9]{12}:event-bus\/)?[\.\-_A-Za-z0-9]+"
NEW = "2026-01-02T03:04:05Z"


@pytest.fixture
def daemon(shared_daemon):
    return shared_daemon


def entry(**members):
    """A good entry, with these members changed; those that are None are absent."""
    entry = {"Source": "com.example.shop", "DetailType": "Order Placed", "Detail": "{}"} | members
    return {name: value for name, value in entry.items() if value is not None}


def put(client, *entries):
    return answered(client.put_events(Entries=list(entries)))


def accepted(answer, count):
    assert set(answer) == {"FailedEntryCount", "Entries"}
    assert answer["FailedEntryCount"] == 0
    ids = [result.pop("EventId") for result in answer["Entries"]]
    assert answer["Entries"] == [{}] * count
    assert len(set(ids)) == count
    assert all(UUID.fullmatch(id) for id in ids), ids


# What is accepted


def test_each_entry_gets_an_id_and_nothing_else(daemon):
    # Read from the wire, where boto3 cannot hide a null.
    accepted(call(daemon, "PutEvents", {"Entries": [entry()] * 10}).json(), 10)


@pytest.mark.parametrize(
    "members",
    [
        {"Time": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)},
        {"Resources": []},
        {"Resources": ["a", "b"] * 50},
        {"EventBusName": "default"},
        {"EventBusName": "arn:aws:events:us-east-1:000000000000:event-bus/default"},
        {"TraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793"},
        {"Source": "awsome"},
        {"Source": "aws"},
        {"Detail": ' { "a" : [ 1 ] } '},
        {"Detail": '{"a":1,"a":2}'},
    ],
    ids=str,
)
def test_what_an_entry_may_have(client, members):
    accepted(put(client, entry(**members)), 1)


def test_a_trace_header_is_told_once_after_each_start(start_daemon, client_of):
    daemon = start_daemon()
    client, line = client_of(daemon), 'member="TraceHeader" resource="arn:aws:events:us-east-1:000000000000:event-bus/default"'
    put(client, entry(TraceHeader="Root=1-5759e988-bd862e3fe1be46a994272793"))
    put(client, entry(TraceHeader="another"))
    post_events(daemon, {"Source": "shop", "DetailType": "t", "Detail": {}, "TraceHeader": "posted"})
    daemon.restart()
    assert daemon.log().count(line) == 1
    post_events(daemon, {"Source": "shop", "DetailType": "t", "Detail": {}, "TraceHeader": "posted"})
    wait_until(lambda: daemon.log().count(line) == 2)


@pytest.mark.parametrize("time", [1704164645, 1704164645.678, 0, -1, 1704164645.9999])
def test_the_times_that_sdks_send(daemon, time):
    accepted(call(daemon, "PutEvents", {"Entries": [entry(Time=time)]}).json(), 1)


@pytest.mark.parametrize("time", [253402300800, 1704164645000, 8e12, -62167219201, -8e12])
def test_a_time_that_no_envelope_can_hold(daemon, time):
    """Its form is YYYY-MM-DDThh:mm:ssZ, so there is no year 10000. Milliseconds sent for seconds end there."""
    answer = call(daemon, "PutEvents", {"Entries": [entry(Time=time)]})
    assert answer.status == 400 or answer.json()["FailedEntryCount"] == 1, answer


@pytest.mark.parametrize("bus", ["other", "arn:aws:events:us-east-1:000000000000:event-bus/other"])
def test_an_entry_for_an_unknown_bus_is_accepted(client, bus):
    accepted(put(client, entry(EventBusName=bus), entry()), 2)


# Entries that fail, each for itself


@pytest.mark.parametrize("empty", [None, ""])
@pytest.mark.parametrize("member", ["Source", "DetailType", "Detail"])
def test_a_member_that_is_required(daemon, member, empty):
    answer = call(daemon, "PutEvents", {"Entries": [entry(**{member: empty})]}).json()
    failure = {"ErrorCode": "InvalidArgument", "ErrorMessage": REQUIRED(member)}
    assert answer == {"FailedEntryCount": 1, "Entries": [failure]}


@pytest.mark.parametrize(
    "detail",
    [
        "text",
        "[]",
        "{{}",
        '"NotJSON"',
        "null",
        "1",
        "{",
        '{"a":1',
        "{'a':1}",
        '{"a":1,}',
        "{} {}",
        " ",
        '{"a":01}',
        '{"a":"\n"}',
        '{"a":NaN}',
        "\ufeff{}",
    ],
)
def test_a_detail_that_is_no_object(client, detail):
    failure = {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    assert put(client, entry(Detail=detail)) == {"FailedEntryCount": 1, "Entries": [failure]}


@pytest.mark.parametrize("opening, closing", [('{"a":', "1}"), ('{"a":[', "1]}")])
def test_a_detail_nested_too_deep_fails_and_never_breaks_the_daemon(client, opening, closing):
    """How deep is ours to say; but a detail of tens of thousands of levels is none."""
    depth = 50_000
    if "[" in opening:
        detail = '{"a":' + "[" * depth + "]" * depth + "}"
    else:
        detail = opening * depth + "1" + "}" * depth
    failure = {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    assert put(client, entry(Detail=detail)) == {"FailedEntryCount": 1, "Entries": [failure]}


def test_a_detail_type_that_is_too_long(client):
    entries = [{"Source": "s", "DetailType": detail_type, "Detail": "{}"} for detail_type in ["é" * 128, "t" * 129]]
    fits, fails = client.put_events(Entries=entries)["Entries"]
    assert list(fits) == ["EventId"]
    reason = "Parameter DetailType is not valid. Reason: DetailType must have length less than or equal to 128."
    assert fails == {"ErrorCode": "InvalidArgument", "ErrorMessage": reason}


def test_a_source_that_is_amazons(client):
    failure = {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}
    for source in ["aws.events", "aws.", "aws.ec2"]:
        assert put(client, entry(Source=source)) == {"FailedEntryCount": 1, "Entries": [failure]}


def test_results_stand_in_the_order_of_the_entries(client):
    entries = [entry(Source=""), entry(), entry(DetailType=None), entry(Detail="[]"), entry(), entry(Source="aws.s3")]
    answer = put(client, *entries)
    codes = [result.get("ErrorCode") for result in answer["Entries"]]
    expected = ["InvalidArgument", None, "InvalidArgument", "MalformedDetail", None, "NotAuthorizedForSourceException"]
    assert (answer["FailedEntryCount"], codes) == (4, expected)
    for result in answer["Entries"]:
        assert set(result) in ({"EventId"}, {"ErrorCode", "ErrorMessage"})


# Requests that fail whole


def test_no_entries(client, daemon):
    with refused("ValidationException", violation(("[]", "entries", length_at_least(1)))):
        client.put_events(Entries=[])


def test_members_that_are_missing(daemon):
    message = (
        "1 validation error detected: Value null at 'entries' failed to satisfy constraint: Member must not be null"
    )
    for body in [{}, {"Entries": None}]:
        assert call(daemon, "PutEvents", body).error == (400, "ValidationException", message)


def test_more_than_ten_entries(client):
    shown = (
        'PutEventsRequestEntry(time=null, source=s, resources=null, detailType=t, detail={"n": 1}, eventBusName=null, '
        "traceHeader=null, kmsKeyIdentifier=null, internalMetadata=null)"
    )
    message = violation((f"[{', '.join([shown] * 11)}]", "entries", length_at_most(10)))
    with refused("ValidationException", message):
        client.put_events(Entries=[{"Source": "s", "DetailType": "t", "Detail": '{"n": 1}'}] * 11)


def test_members_outside_the_model(client):
    message = violation(
        ("no bus!", "entries.1.member.eventBusName", matching(BUS_PATTERN)),
        ("", "entries.2.member.traceHeader", length_at_least(1)),
        ("t" * 501, "entries.3.member.traceHeader", length_at_most(500)),
    )
    with refused("ValidationException", message):
        client.put_events(Entries=[entry(EventBusName="no bus!"), entry(TraceHeader=""), entry(TraceHeader="t" * 501)])


def test_an_endpoint_is_refused_and_not_ignored(daemon):
    answer = call(daemon, "PutEvents", {"Entries": [entry()], "EndpointId": "abcde.veo"})
    assert answer.error[:2] == (400, "ValidationException")
    assert "EndpointId" in answer.error[2]


def detail_of(length):
    detail = json.dumps({"a": "b" * (length - len('{"a": ""}'))})
    assert len(detail) == length
    return detail


LIMIT = 1 << 20
# What counts: 14 for a time, and the bytes of source, detail type, detail and resources.
PARTS = [
    ({}, 0),
    ({"Time": 1704164645}, 14),
    ({"Resources": ["ab", "cde"]}, 5),
    ({"EventBusName": "default", "TraceHeader": "Root=1"}, 0),
]


@pytest.mark.parametrize("members, size", PARTS, ids=str)
def test_the_size_of_a_request_has_a_limit(daemon, members, size):
    left = LIMIT - len("s") - len("t") - size
    for length, status in [(left, 200), (left + 1, 400)]:
        body = {"Entries": [entry(Source="s", DetailType="t", Detail=detail_of(length), **members)]}
        answer = call(daemon, "PutEvents", body)
        assert answer.status == status, (length, answer.body[:300])
        if status == 400:
            assert answer.error == (400, "ValidationException", TOO_LARGE)


def test_sizes_are_bytes_and_all_entries_count(daemon):
    half = LIMIT // 2
    good = [entry(Source="ä", DetailType="t", Detail=detail_of(half - 3))] * 2
    accepted(call(daemon, "PutEvents", {"Entries": good}).json(), 2)
    # One byte more in the second entry is over the limit, and nothing of the request is taken.
    answer = call(daemon, "PutEvents", {"Entries": [good[0], good[1] | {"DetailType": "tt"}]})
    assert answer.error == (400, "ValidationException", TOO_LARGE)


def test_the_limit_can_be_set(start_daemon, client_of):
    client = client_of(start_daemon({"EVENTYARD_PUT_EVENTS__ENTRIES_SIZE_BYTES_MAX": "262144"}))
    accepted(put(client, entry(Source="s", DetailType="t", Detail=detail_of(262142))), 1)
    with refused("ValidationException", TOO_LARGE):
        put(client, entry(Source="s", DetailType="t", Detail=detail_of(262143)))


# POST /events


def test_one_event_or_several_may_be_posted(daemon):
    answer = post_events(daemon, entry())
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["x-amzn-requestid"]
    accepted(answer.json(), 1)
    accepted(post_events(daemon, [entry(), entry()]).json(), 2)
    accepted(post_events(daemon, b" \n[" + json.dumps(entry()).encode() + b"]").json(), 1)
    accepted(post_events(daemon, [entry()] * 1000).json(), 1000)


@pytest.mark.parametrize("detail", [{}, {"a": [1, {"b": None}]}, '{"a":1}'])
def test_a_detail_may_be_an_object_or_its_text(daemon, detail):
    accepted(post_events(daemon, entry(Detail=detail)).json(), 1)


@pytest.mark.parametrize("detail", [[], 1, True, "text"])
def test_a_posted_detail_that_is_no_object(daemon, detail):
    failure = {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    assert post_events(daemon, entry(Detail=detail)).json() == {"FailedEntryCount": 1, "Entries": [failure]}


@pytest.mark.parametrize("time", [1704164645, 1704164645.5, NEW, "2026-01-02T03:04:05.678+01:00"])
def test_a_time_may_be_a_number_or_a_text(daemon, time):
    accepted(post_events(daemon, entry(Time=time)).json(), 1)


@pytest.mark.parametrize("time", ["yesterday", "", {}, [], True, "2026-13-01T00:00:00Z"])
def test_a_time_that_is_none(daemon, time):
    answer = post_events(daemon, entry(Time=time))
    assert answer.error[:2] == (400, "SerializationException")
    assert "Time" in answer.error[2]


def test_posted_entries_fail_each_for_itself(daemon):
    answer = post_events(daemon, [{}, entry()]).json()
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0] == {"ErrorCode": "InvalidArgument", "ErrorMessage": REQUIRED("Source")}
    assert set(answer["Entries"][1]) == {"EventId"}


@pytest.mark.parametrize("member", ["detail", "Sourc", "source", "Entries"])
def test_an_unknown_member_is_refused(daemon, member):
    """Most likely it is a typing error that would lose data."""
    for body in [entry() | {member: "a"}, [entry(), entry() | {member: "a"}]]:
        answer = post_events(daemon, body)
        assert answer.error[:2] == (400, "SerializationException")
        assert f"`{member}`" in answer.error[2]


def test_what_cannot_be_posted(daemon):
    assert post_events(daemon, []).error[:2] == (400, "ValidationException")
    assert post_events(daemon, [entry()] * 1001).error[:2] == (400, "ValidationException")
    for body in [b"", b"text", b"{", b'"text"', b"1", b"null", b"[1]", b"[[]]", b"\xff", b"{}{}", b"[" * 100_000]:
        answer = post_events(daemon, body)
        assert answer.error[:2] == (400, "SerializationException"), body[:20]
        assert answer.headers["content-type"] == "application/json"


def test_posted_events_have_the_same_limit(daemon):
    answer = post_events(daemon, entry(Source="s", DetailType="t", Detail=detail_of(LIMIT)))
    assert answer.error == (400, "ValidationException", TOO_LARGE)
    assert answer.headers["content-type"] != AWS_JSON
