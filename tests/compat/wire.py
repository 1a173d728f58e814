"""The wire itself: requests as bytes and answers as they came, with no SDK between."""

import http.client
import json
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError

from waiting import wait_until

AWS_JSON = "application/x-amz-json-1.1"


@dataclass(frozen=True)
class Answer:
    """An answer as it came. The names of headers are in lower case."""

    status: int
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """Status, code and message of an error, which has these two members and no other."""
        error = self.json()
        assert list(error) == ["__type", "message"], error
        return self.status, error["__type"], error["message"]


def request(address, method, path, body=b"", headers=None):
    """Sends one request and gives its answer."""
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def call(daemon, operation, body=b"{}", prefix="AWSEvents."):
    """Calls an operation with a body that is bytes, a text, or a value to be written as JSON."""
    if not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    body = body.encode() if isinstance(body, str) else body
    return request(
        daemon.api_address, "POST", "/", body, {"X-Amz-Target": prefix + operation, "Content-Type": AWS_JSON}
    )


def post_events(daemon, body):
    """Posts to the plain `/events` a body that is bytes, or a value to be written as JSON."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request(daemon.api_address, "POST", "/events", body, {"Content-Type": "application/json"})


def dead_letters(daemon, query=""):
    """The answer of the admin listener's list of dead letters."""
    answer = request(daemon.admin_address, "GET", f"/dead-letters{query}")
    assert answer.status == 200, answer
    return answer.json()


def code_of_letter(daemon):
    """Waits for the one dead letter, and gives its code and its message."""
    (letter,) = wait_until(lambda: dead_letters(daemon)["dead_letters"])
    return letter["ERROR_CODE"], letter["ERROR_MESSAGE"]


def outcomes(daemon, event):
    """How the attempts at an event ended so far: the codes and what was said."""
    report = request(daemon.admin_address, "GET", f"/events/{event}").json()
    attempts = [attempt for delivery in report["deliveries"] for attempt in delivery["attempts"]]
    return [(attempt["outcome"], attempt.get("message", "")) for attempt in attempts]


@contextmanager
def refused(code, message, status=400):
    """The calls inside are refused with exactly this error."""
    with pytest.raises(ClientError) as caught:
        yield
    answer = caught.value.response
    found = (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"])
    assert found == (status, code, message)


def violation(*wrong):
    """Amazon's sentence about values that the API model forbids; each is a value, its place and the constraint."""
    found = [f"Value '{value}' at '{place}' failed to satisfy constraint: {rule}" for value, place, rule in wrong]
    return f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: {'; '.join(found)}"


def length_at_most(length):
    return f"Member must have length less than or equal to {length}"


def length_at_least(length):
    return f"Member must have length greater than or equal to {length}"


def matching(pattern):
    return f"Member must satisfy regular expression pattern: {pattern}"


def answered(response):
    """What an operation answered through boto3, without what boto3 adds."""
    metadata = response.pop("ResponseMetadata")
    assert metadata["HTTPStatusCode"] == 200
    assert metadata["HTTPHeaders"]["content-type"] == AWS_JSON
    assert metadata["RequestId"]
    return response


def sweep(daemon):
    """Removes all rules with their targets, and all event buses but the default one, so that the next test finds none."""
    buses = [bus["Name"] for bus in call(daemon, "ListEventBuses").json()["EventBuses"]]
    for bus in buses:
        sweep_rules(daemon, bus)
        if bus != "default":
            assert call(daemon, "DeleteEventBus", {"Name": bus}).status == 200
    if len(buses) == 100:
        sweep(daemon)


def sweep_rules(daemon, bus):
    """Removes all rules of an event bus with their targets."""
    on = {"EventBusName": bus}
    while rules := call(daemon, "ListRules", on).json()["Rules"]:
        for name in [rule["Name"] for rule in rules]:
            while targets := call(daemon, "ListTargetsByRule", on | {"Rule": name}).json()["Targets"]:
                ids = [target["Id"] for target in targets]
                assert call(daemon, "RemoveTargets", on | {"Rule": name, "Ids": ids}).status == 200
            assert call(daemon, "DeleteRule", on | {"Name": name}).status == 200


def refusal(code, function, *arguments, **request):
    """Calls what must be refused with this code, and gives the message, where not all of it is laid down."""
    with pytest.raises(ClientError) as caught:
        function(*arguments, **request)
    answer = caught.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (400, code), answer
    return answer["Error"]["Message"]
