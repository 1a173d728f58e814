"""CloudEvents over HTTP: each mode from the request to the target, and what is refused."""

import json

import pytest

from wire import request

ATTRIBUTES = {"specversion": "1.0", "id": "A234-1234", "source": "/shop/7", "type": "com.example.placed"}
ATTRIBUTES |= {"subject": "order/\u20ac", "time": "2026-05-01T10:00:01Z", "traceparent": "00-ab-cd-01"}
STRUCTURED = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
BATCH = {"Content-Type": "application/cloudevents-batch+json"}


def post(daemon, body, headers, query=""):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request(daemon.api_address, "POST", f"/cloudevents{query}", body, headers)


@pytest.fixture
def target(daemon, client, sink):
    """A rule that takes what the shop says."""
    client.put_rule(Name="r", EventPattern=json.dumps({"detail-type": [{"prefix": "com.example."}]}))
    client.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": sink.url}])
    return sink


def put_together(event):
    """The CloudEvent that an event was made of."""
    detail = dict(event["detail"])
    return detail.pop("metadata") | detail


def test_structured(daemon, target):
    sent = ATTRIBUTES | {"datacontenttype": "application/json", "sampled": True, "n": 7, "data": {"total": [1, {"a": None}]}}
    answer = post(daemon, sent, STRUCTURED)
    assert answer.status == 200 and answer.headers["content-type"] == "application/json"
    event = target.wait_for(1)[0].json()
    assert answer.json() == {"FailedEntryCount": 0, "Entries": [{"EventId": event["id"]}]}
    assert (event["source"], event["detail-type"], event["time"]) == ("/shop/7", "com.example.placed", "2026-05-01T10:00:01Z")
    assert put_together(event) == sent


def test_binary(daemon, target):
    headers = {f"ce-{name}": value for name, value in ATTRIBUTES.items()}
    headers |= {"ce-subject": "order/%E2%82%AC", "Content-Type": "application/json"}
    assert post(daemon, b'{"total": 20}', headers).status == 200
    assert post(daemon, b"\x00\x01", headers | {"Content-Type": "application/octet-stream"}).status == 200
    sent = ATTRIBUTES | {"datacontenttype": "application/json", "data": {"total": 20}}
    found = [put_together(delivered.json()) for delivered in target.wait_for(2)]
    other = ATTRIBUTES | {"datacontenttype": "application/octet-stream", "data_base64": "AAE="}
    assert len(found) == 2 and sent in found and other in found


def test_batch(daemon, target):
    sent = [ATTRIBUTES | {"id": str(number), "data": number} for number in range(100)]
    answer = post(daemon, sent, BATCH).json()
    assert answer["FailedEntryCount"] == 0 and len(answer["Entries"]) == 100
    found = [put_together(delivered.json()) for delivered in target.wait_for(100)]
    assert sorted(found, key=lambda event: int(event["id"])) == sent
    assert post(daemon, [], BATCH).json() == {"FailedEntryCount": 0, "Entries": []}


def test_what_is_refused(daemon):
    def message(body, headers, query=""):
        status, code, message = post(daemon, body, headers, query).error
        assert (status, code) in [(400, "ValidationException"), (400, "SerializationException")]
        return message

    assert "id is missing" in message({"specversion": "1.0", "source": "s", "type": "t"}, STRUCTURED)
    assert "cannot be read" in message(b"{", STRUCTURED)
    assert "ce-specversion" in message(b"{}", {"Content-Type": "application/json"})
    assert "application/cloudevents+xml" in message(b"<e/>", {"Content-Type": "application/cloudevents+xml"})
    assert "NotAuthorizedForSourceException" in message(ATTRIBUTES | {"source": "aws.s3"}, STRUCTURED)
    assert "at most 1000" in message([ATTRIBUTES] * 1001, BATCH)
    assert "Origin" in message(ATTRIBUTES, STRUCTURED | {"Origin": "https://example.com"})
    assert "EventBusName, once" in message(ATTRIBUTES, STRUCTURED, "?bus=x")
    assert "eventBusName" in message(ATTRIBUTES, STRUCTURED, "?EventBusName=%20")
    answer = post(daemon, [ATTRIBUTES, ATTRIBUTES | {"source": "aws.s3"}], BATCH).json()
    assert answer["FailedEntryCount"] == 1 and answer["Entries"][1]["ErrorCode"] == "NotAuthorizedForSourceException"
    assert request(daemon.api_address, "GET", "/cloudevents").status == 400
