"""Requests that no SDK sends: no JSON, no operation, too large, too deep. Each is refused in the protocol's form."""

import json
import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from waiting import wait_until
from wire import AWS_JSON, call, post_events, request

IMPLEMENTED = [
    "CreateEventBus",
    "DeleteEventBus",
    "DeleteRule",
    "DescribeEventBus",
    "DescribeRule",
    "DisableRule",
    "EnableRule",
    "ListEventBuses",
    "ListRuleNamesByTarget",
    "ListRules",
    "ListTagsForResource",
    "ListTargetsByRule",
    "PutEvents",
    "PutPermission",
    "PutRule",
    "PutTargets",
    "RemovePermission",
    "RemoveTargets",
    "TagResource",
    "TestEventPattern",
    "UntagResource",
    "UpdateEventBus",
]
# A text member that each operation reads.
TEXT_MEMBERS = {
    "PutPermission": "Policy",
    "RemovePermission": "StatementId",
    "ListEventBuses": "NamePrefix",
    "ListRuleNamesByTarget": "TargetArn",
    "ListRules": "NamePrefix",
    "ListTagsForResource": "ResourceARN",
    "ListTargetsByRule": "Rule",
    "PutEvents": "EndpointId",
    "PutTargets": "Rule",
    "RemoveTargets": "Rule",
    "TagResource": "ResourceARN",
    "TestEventPattern": "Event",
    "UntagResource": "ResourceARN",
}
EACH_OPERATION = pytest.mark.parametrize("operation", IMPLEMENTED)
BODY_SIZE_MAX = 16 * 1024 * 1024


@pytest.fixture
def daemon(shared_daemon):
    yield shared_daemon
    # Whatever it was told, it answers the next one.
    assert call(shared_daemon, "ListRules").json() == {"Rules": []}


def serialization(answer):
    """The answer is the error for what cannot be read; gives its message."""
    status, code, message = answer.error
    assert (status, code) == (400, "SerializationException"), answer
    assert answer.headers["content-type"] == AWS_JSON
    assert uuid.UUID(answer.headers["x-amzn-requestid"])
    assert message
    return message


# Operations


def test_every_operation_of_the_model_is_there_or_refused_by_its_name(daemon, boto3_session):
    model = boto3_session.client("events", region_name="us-east-1").meta.service_model
    found = set()
    for operation in model.operation_names:
        answer = call(daemon, operation)
        if answer.status == 200 or answer.error[1] != "UnsupportedOperationException":
            found.add(operation)
            continue
        status, _, message = answer.error
        assert status == 400
        assert operation in message
        assert answer.headers["content-type"] == AWS_JSON
    assert found == set(IMPLEMENTED)


@pytest.mark.parametrize("operation", ["NoSuchThing", "putrule", "", "PutRules", "Put Rule", "PutRule?", "P" * 4000])
def test_an_unknown_operation(daemon, operation):
    assert call(daemon, operation).error[:2] == (400, "UnknownOperationException")


@pytest.mark.parametrize("prefix", ["Other.", "", "AWSEvents", "awsevents.", "AWSEvents_20151007."])
def test_an_operation_of_another_service(daemon, prefix):
    assert call(daemon, "ListRules", prefix=prefix).error[:2] == (400, "UnknownOperationException")


def test_no_operation_at_all(daemon):
    answer = request(daemon.api_address, "POST", "/", b"{}", {"Content-Type": AWS_JSON})
    assert answer.error[:2] == (400, "UnknownOperationException")
    answer = request(daemon.api_address, "POST", "/", b"{}", {"X-Amz-Target": "AWSEvents.\u00e9"})
    assert answer.error[:2] == (400, "UnknownOperationException")


@pytest.mark.parametrize(
    "method, path",
    [("GET", "/"), ("PUT", "/"), ("POST", "/other"), ("GET", "/events"), ("DELETE", "/events"), ("POST", "/events/")],
)
def test_what_is_not_there(daemon, method, path):
    answer = request(daemon.api_address, method, path, b"{}", {"X-Amz-Target": "AWSEvents.ListRules"})
    assert 400 <= answer.status < 500
    assert answer.json()["__type"] == "UnknownOperationException"


def test_header_names_may_be_in_any_case(daemon):
    for name in ["x-amz-target", "X-AMZ-TARGET"]:
        answer = request(daemon.api_address, "POST", "/", b"{}", {name: "AWSEvents.ListRules"})
        assert (answer.status, answer.json()) == (200, {"Rules": []})


def test_every_answer_has_its_headers(daemon):
    ids = set()
    for answer in [call(daemon, "ListRules"), call(daemon, "DescribeRule"), call(daemon, "CreateArchive")]:
        assert answer.headers["content-type"] == AWS_JSON
        assert int(answer.headers["content-length"]) == len(answer.body)
        assert answer.headers["date"].endswith(" GMT")
        ids.add(uuid.UUID(answer.headers["x-amzn-requestid"]))
    assert len(ids) == 3


# Bodies


@EACH_OPERATION
def test_an_empty_body_is_an_empty_object(daemon, operation):
    empty, none = call(daemon, operation, b"{}"), call(daemon, operation, b"")
    assert (none.status, none.body) == (empty.status, empty.body)
    assert b"SerializationException" not in none.body


@EACH_OPERATION
def test_unknown_members_are_ignored(daemon, operation):
    plain = call(daemon, operation)
    other = call(daemon, operation, {"Unknown": {"deep": [1, None]}, "name": 1, "ENTRIES": []})
    assert (other.status, other.body) == (plain.status, plain.body)


@EACH_OPERATION
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"text",
        b'{"Name":}',
        b'{"Name":"a"',
        b'{"Name":"a",}',
        b"{} {}",
        b"{}x",
        b"'a'",
        b" ",
        b"null",
        b"1",
        b'"a"',
        b"true",
        b"\x00",
        b"\xef\xbb\xbf{}",
        b'{"Name":"\x01"}',
        b'{"Name":"\\x"}',
    ],
)
def test_a_body_that_is_no_json_object(daemon, operation, body):
    serialization(call(daemon, operation, body))


@EACH_OPERATION
@pytest.mark.parametrize(
    "bytes_", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80", b"\\ud800", b"\\udc00\\ud800"]
)
def test_a_text_that_is_no_unicode(daemon, operation, bytes_):
    member = TEXT_MEMBERS.get(operation, "Name").encode()
    serialization(call(daemon, operation, b'{"' + member + b'":"a' + bytes_ + b'"}'))


@EACH_OPERATION
@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"Targets":[', b'{"Unknown":[', b'{"Entries":[{"a":['])
def test_a_body_that_is_nested_too_deep(daemon, operation, opening):
    for depth in [200, 100_000]:
        serialization(call(daemon, operation, opening * depth))


@EACH_OPERATION
def test_an_unknown_member_that_is_nested_deep_is_refused_or_ignored(daemon, operation):
    plain = call(daemon, operation)
    answer = call(daemon, operation, b'{"Unknown":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    assert (answer.status, answer.body) == (plain.status, plain.body) or serialization(answer)


@pytest.mark.parametrize(
    "operation, member", [("PutTargets", "Targets"), ("PutEvents", "Entries"), ("PutRule", "Tags")]
)
def test_a_known_member_that_is_nested_deep(daemon, operation, member):
    body = b'{"Name":"a","EventPattern":"{}","' + member.encode() + b'":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert call(daemon, operation, body).status == 400


WRONG_TYPES = [
    ("PutRule", {"Name": 1}),
    ("PutRule", {"Name": ["a"]}),
    ("PutRule", {"Name": "a", "EventPattern": {"source": ["a"]}}),
    ("PutRule", {"Name": "a", "State": True}),
    ("PutRule", {"Name": "a", "Tags": {}}),
    ("DescribeRule", {"Name": {}}),
    ("DeleteRule", {"Name": "a", "Force": "true"}),
    ("ListRules", {"Limit": "5"}),
    ("ListRules", {"Limit": 1.5}),
    ("ListRules", {"Limit": True}),
    ("ListRules", {"Limit": []}),
    ("ListRules", {"NextToken": 1}),
    ("ListRules", []),
    ("ListRuleNamesByTarget", {"TargetArn": 1}),
    ("ListTargetsByRule", {"Rule": None, "EventBusName": False}),
    ("PutTargets", {"Rule": "a", "Targets": {}}),
    ("PutTargets", {"Rule": "a", "Targets": ["a"]}),
    ("PutTargets", {"Rule": "a", "Targets": [[]]}),
    ("PutTargets", {"Rule": "a", "Targets": [None]}),
    ("PutTargets", {"Rule": "a", "Targets": [{"Id": 1, "Arn": "b"}]}),
    ("PutTargets", {"Rule": "a", "Targets": [{"Id": "1", "Arn": "b", "Input": {}}]}),
    ("PutTargets", {"Rule": "a", "Targets": [{"Id": "1", "Arn": "b", "InputTransformer": {"InputPathsMap": []}}]}),
    (
        "PutTargets",
        {"Rule": "a", "Targets": [{"Id": "1", "Arn": "b", "InputTransformer": {"InputPathsMap": {"a": 1}}}]},
    ),
    (
        "PutTargets",
        {"Rule": "a", "Targets": [{"Id": "1", "Arn": "b", "HttpParameters": {"HeaderParameters": {"a": 1}}}]},
    ),
    ("PutTargets", {"Rule": "a", "Targets": [{"Id": "1", "Arn": "b", "RetryPolicy": {"MaximumRetryAttempts": "1"}}]}),
    ("PutTargets", {"Rule": "a", "Targets": [{"Id": "1", "Arn": "b", "RetryPolicy": {"MaximumRetryAttempts": 1.5}}]}),
    ("RemoveTargets", {"Rule": "a", "Ids": "1"}),
    ("RemoveTargets", {"Rule": "a", "Ids": [1]}),
    ("RemoveTargets", {"Rule": "a", "Ids": [None]}),
    ("PutEvents", {"Entries": {}}),
    ("PutEvents", {"Entries": [1]}),
    ("PutEvents", {"Entries": [None]}),
    ("PutEvents", {"Entries": [[]]}),
    ("PutEvents", {"Entries": [{"Source": 1}]}),
    ("PutEvents", {"Entries": [{"Detail": {}}]}),
    ("PutEvents", {"Entries": [{"Resources": "a"}]}),
    ("PutEvents", {"Entries": [{"Resources": [1]}]}),
    ("PutEvents", {"Entries": [{"Time": "2026-01-02T03:04:05Z"}]}),
    ("PutEvents", {"Entries": [{"Source": "a", "DetailType": "b", "Detail": "{}", "Time": 1e300}]}),
    ("CreateEventBus", {"Name": ["a"]}),
    ("CreateEventBus", {"Name": "a", "Description": 1}),
    ("CreateEventBus", {"Name": "a", "DeadLetterConfig": ["arn"]}),
    ("CreateEventBus", {"Name": "a", "LogConfig": {"Level": 1}}),
    ("PutPermission", {"Policy": {"Statement": []}}),
    ("PutPermission", {"Condition": "o-a1b2c3d4e5"}),
    ("RemovePermission", {"RemoveAllPermissions": "true"}),
    ("UpdateEventBus", {"DeadLetterConfig": {"Arn": {}}}),
    ("ListEventBuses", {"Limit": "1"}),
    ("TagResource", {"ResourceARN": "a", "Tags": {"team": "shop"}}),
    ("TagResource", {"ResourceARN": "a", "Tags": [["team", "shop"]]}),
    ("TagResource", {"ResourceARN": "a", "Tags": [{"Key": 1, "Value": "b"}]}),
    ("UntagResource", {"ResourceARN": "a", "TagKeys": "team"}),
    ("ListTagsForResource", {"ResourceARN": 1}),
    ("TestEventPattern", {"EventPattern": {}, "Event": "{}"}),
    ("TestEventPattern", {"EventPattern": "{}", "Event": {}}),
]


@pytest.mark.parametrize("operation, body", WRONG_TYPES, ids=lambda value: json.dumps(value)[:70])
def test_a_member_of_the_wrong_type(daemon, operation, body):
    serialization(call(daemon, operation, body))


@pytest.mark.parametrize(
    "operation, body",
    [
        ("ListRules", [None, None, None, None]),
        ("DescribeRule", ["orders", None, None]),
        ("PutEvents", [[], None]),
        ("PutEvents", {"Entries": [[None, "shop", None, "type", "{}", None, None]]}),
        ("PutTargets", {"Rule": "a", "Targets": [{"Id": "1", "Arn": "http://a", "InputTransformer": [None, "1"]}]}),
        ("PutTargets", {"Rule": "a", "Targets": [{"Id": "1", "Arn": "http://a", "RetryPolicy": [1, 60]}]}),
    ],
    ids=str,
)
def test_a_list_is_not_taken_for_a_structure(daemon, operation, body):
    """Whatever its items are: nothing says which of them is which member."""
    serialization(call(daemon, operation, body))


def test_a_posted_list_is_not_taken_for_an_event(daemon):
    answer = post_events(daemon, [[None, "shop", None, "type", {}, None, None]])
    assert answer.error[:2] == (400, "SerializationException")


# Sizes


def test_a_body_that_is_too_large(daemon):
    answer = call(daemon, "ListRules", b" " * (BODY_SIZE_MAX - 2) + b"{}")
    assert (answer.status, answer.json()) == (200, {"Rules": []})
    # No more is sent than the daemon reads, so that its answer cannot be lost with the connection.
    answer = call(daemon, "ListRules", b" " * (BODY_SIZE_MAX + 1))
    assert answer.error[:2] == (413, "RequestEntityTooLargeException")
    assert str(BODY_SIZE_MAX) in answer.error[2]


def test_a_body_that_says_that_it_is_too_large(start_daemon):
    """Nothing of it has to come before it is refused."""
    daemon = start_daemon({"EVENTYARD_API__REQUEST_TIMEOUT_MS": "2000"})
    answer = head_only(daemon, "ListRules", BODY_SIZE_MAX + 1)
    assert answer.startswith(b"HTTP/1.1 413 "), answer


def head_only(daemon, operation, length, body=None):
    """Sends a request that says a length, without its body or with the beginning of it, and gives what is answered."""
    host, port = daemon.api_address.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        head = f"POST / HTTP/1.1\r\nHost: {daemon.api_address}\r\nX-Amz-Target: AWSEvents.{operation}\r\n"
        connection.sendall(f"{head}Content-Length: {length}\r\nConnection: close\r\n\r\n".encode())
        if body is not None:
            connection.sendall(body)
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


def test_a_body_that_turns_out_to_be_too_large(start_daemon):
    limits = {"EVENTYARD_API__BODY_SIZE_BYTES_MAX": "4096", "EVENTYARD_PUT_EVENTS__ENTRIES_SIZE_BYTES_MAX": "1024",
              "EVENTYARD_JOURNAL__COMMIT_GROUP_BYTES_MAX": "65536"}  # fmt: skip
    daemon = start_daemon(limits)
    fitting = b'{"a":"' + b"b" * (4096 - 8) + b'"}'
    assert call(daemon, "ListRules", fitting).status == 200
    too_large = fitting + b" "
    for answer in [call(daemon, "ListRules", too_large), post_events(daemon, too_large), chunked(daemon, too_large)]:
        assert answer.error[:2] == (413, "RequestEntityTooLargeException")
        assert "4096" in answer.error[2]


def chunked(daemon, body):
    """Sends a body in pieces, without saying its length first."""
    pieces = (body[begin : begin + 1000] for begin in range(0, len(body), 1000))
    return request(daemon.api_address, "POST", "/", pieces, {"X-Amz-Target": "AWSEvents.ListRules"})


def test_bodies_have_their_bound_together(start_daemon):
    """One who sends slowly takes up most of the room there is; another is told to come later, and one after them is served."""
    room = {"EVENTYARD_API__BODY_SIZE_BYTES_MAX": "1100000", "EVENTYARD_API__BODIES_SIZE_BYTES_MAX": "1100000"}
    daemon = start_daemon(room)
    host, port = daemon.api_address.split(":")
    head = f"POST / HTTP/1.1\r\nHost: {host}\r\nX-Amz-Target: AWSEvents.ListRules\r\nContent-Length: 700000\r\n\r\n"
    small = {"Name": "r", "EventPattern": '{"a":[1]}', "Description": "d" * 300}

    def is_refused():
        return call(daemon, "ListRules", b" " * 500_000 + b"{}").status == 400

    slow = []

    def is_full():
        # Where the other came first it is this one that finds no room.
        slow.append(socket.create_connection((host, int(port)), timeout=30))
        slow[-1].sendall(head.encode() + b" " * 699_998)
        time.sleep(0.3)
        return is_refused() or slow.pop().close()

    wait_until(is_full)
    with slow.pop() as slow:
        answer = call(daemon, "ListRules", b" " * 500_000 + b"{}")
        message = "there is no room for the request's body beside those of others"
        assert answer.error == (400, "ThrottlingException", message)
        assert call(daemon, "PutRule", small).status == 200
        slow.sendall(b"{}")
        assert slow.recv(4096).startswith(b"HTTP/1.1 200")
    wait_until(lambda: not is_refused())


def test_the_log_has_nothing_of_what_a_caller_sent(daemon):
    secret = "hunter2"
    for operation, body in [
        ("PutRule", {"Name": f"{secret}!" * 1_000, "EventPattern": "{}"}),
        ("PutRule", {"Name": "r", "EventPattern": f"{secret}"}),
        ("PutTargets", {"Rule": "r", "Targets": [{"Id": "1", "Arn": f"https://user:{secret}@example.com/"}]}),
        ("PutEvents", {"Entries": [{"Detail": secret}] * 11}),
        (f"Nothing{secret}", {}),
    ]:
        answer = call(daemon, operation, body)
        assert answer.status == 400
        request_id = answer.headers["x-amzn-requestid"]
        (line,) = wait_until(lambda: [line for line in daemon.log().splitlines() if request_id in line])
        assert "request refused" in line and answer.error[1] in line and "client=127.0.0.1:" in line
    assert secret not in daemon.log()


def test_a_line_of_what_failed_inside_names_the_request(start_daemon):
    # No disk is as free as that, so no change can be written.
    daemon = start_daemon({"EVENTYARD_JOURNAL__FREE_SPACE_BYTES_MIN": str(1 << 50)}, ready_status=503)
    answer = call(daemon, "PutRule", {"Name": "r", "EventPattern": '{"source":["a"]}'})
    assert answer.error[:2] == (500, "InternalException")
    lines = [line for line in daemon.log().splitlines() if answer.headers["x-amzn-requestid"] in line]
    assert len(lines) == 2 and all("client=127.0.0.1:" in line for line in lines), lines
    assert "a request failed inside" in lines[0] and "bytes" in lines[0] and "request refused" in lines[1]


def test_a_body_in_pieces_is_read_whole(daemon):
    answer = chunked(daemon, b'{"Unknown":"' + b"a" * 10_000 + b'"}')
    assert (answer.status, answer.json()) == (200, {"Rules": []})


def test_a_body_that_breaks_off_is_no_request(daemon):
    body = json.dumps({"Name": "orders", "EventPattern": '{"source":["a"]}'}).encode()
    for length in range(0, len(body), 7):
        answer = head_only(daemon, "PutRule", len(body) + 1, body[:length])
        assert answer.startswith(b"HTTP/1.1 400 ")


def test_bad_requests_do_not_keep_good_ones_waiting(daemon):
    def good(_):
        return call(daemon, "ListRules").status

    def bad(number):
        return call(daemon, "PutEvents", [b"[" * 1_000_000, b"\xff" * 1_000_000, b'{"Entries":['][number % 3]).status

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(bad if number % 2 else good, number) for number in range(64)]
    assert [answer.result() for answer in answers] == [200, 400] * 32
