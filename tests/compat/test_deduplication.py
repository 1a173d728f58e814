"""Events that are put again: answered the first EventId within the window, and delivered once."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from waiting import wait_until
from wire import refused, request

BUS_ARN = "arn:aws:events:us-east-1:000000000000:event-bus/default"


@pytest.fixture
def daemon(start_daemon):
    return start_daemon({"EVENTYARD_PUT_EVENTS__DEDUPLICATE_CLOUD_EVENTS": "true"})


@pytest.fixture
def target(client, sink):
    client.put_rule(Name="orders", EventPattern='{"source":[{"prefix":""}]}')
    client.put_targets(Rule="orders", Targets=[{"Id": "t-1", "Arn": f"{sink.url}/hook"}])


def post(daemon, path, body, **headers):
    headers = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return request(daemon.api_address, "POST", path, json.dumps(body).encode(), headers)


def ids(answer):
    assert answer.status == 200, answer
    return [entry["EventId"] for entry in answer.json()["Entries"]]


def entry(n, **members):
    return {"Source": "shop", "DetailType": "Placed", "Detail": {"n": n}} | members


def numbers(sink):
    return sorted(each.json()["detail"]["n"] for each in sink.requests)


def test_a_request_with_its_key_may_be_made_again(daemon, client, target, sink):
    both = [entry(1), entry(2)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ids(post(daemon, "/events", both, Idempotency_Key="one")), range(16)))
    assert answers == [answers[0]] * 16 and len(set(answers[0])) == 2
    daemon.kill9()
    daemon.start()
    assert ids(post(daemon, "/events", both, Idempotency_Key="one")) == answers[0]
    assert ids(post(daemon, "/events", [entry(3)], Idempotency_Key="two")) != answers[0][:1]
    ids(post(daemon, "/events", [entry(4)]))
    wait_until(lambda: {1, 2, 3, 4} <= set(numbers(sink)))
    # A kill may make a delivery happen again, but the events are one each.
    assert len({each.json()["id"] for each in sink.requests}) == 4


@pytest.mark.parametrize("key", ["", "x" * 1025, "\xe4"])
def test_a_key_that_is_none_is_refused(daemon, client, key):
    answer = post(daemon, "/events", [entry(1)], Idempotency_Key=key)
    assert answer.error[:2] == (400, "ValidationException") and "Idempotency-Key" in answer.error[2]


def test_an_event_that_nobody_wants_is_known_too(daemon):
    first = ids(post(daemon, "/events", [entry(1)], Idempotency_Key="k"))
    assert ids(post(daemon, "/events", [entry(1)], Idempotency_Key="k")) == first


def test_a_reset_forgets_what_was_put(daemon):
    daemon.stop()
    daemon.ephemeral = True
    daemon.start()
    first = ids(post(daemon, "/events", [entry(1)], Idempotency_Key="k"))
    assert request(daemon.admin_address, "POST", "/reset").status == 200
    assert ids(post(daemon, "/events", [entry(1)], Idempotency_Key="k")) != first


def test_cloud_events_are_known_by_source_and_id(daemon, client, target, sink):
    def put(id, source):
        event = {"specversion": "1.0", "id": id, "source": source, "type": "t", "data": 1}
        headers = {"Content-Type": "application/cloudevents+json"}
        return ids(request(daemon.api_address, "POST", "/cloudevents", json.dumps(event).encode(), headers))

    first = put("1", "a")
    assert put("1", "a") == first
    assert len({*first, *put("2", "a"), *put("1", "b")}) == 3
    wait_until(lambda: len(sink.requests) == 3)


def test_a_bus_says_where_events_have_their_id(daemon, client, target, sink):
    def put(**detail):
        answer = client.put_events(Entries=[entry(0, Detail=json.dumps(detail))])
        return answer["Entries"][0]["EventId"]

    message = "Parameter Tags is not valid. Reason: eventyard:deduplication-path must be a path such as detail.customer.id."
    with refused("ValidationException", message):
        client.tag_resource(ResourceARN=BUS_ARN, Tags=[{"Key": "eventyard:deduplication-path", "Value": "a..b"}])
    message = "is not known; the nearest name is eventyard:deduplication-path, and there are eventyard:deduplication-path."
    with refused("ValidationException", f"Parameter Tags is not valid. Reason: eventyard:deduplicaton-path {message}"):
        client.tag_resource(ResourceARN=BUS_ARN, Tags=[{"Key": "eventyard:deduplicaton-path", "Value": "a"}])
    client.tag_resource(ResourceARN=BUS_ARN, Tags=[{"Key": "eventyard:deduplication-path", "Value": "detail.order"}])
    first = put(n=1, order="a")
    assert put(n=2, order="a") == first
    others = {first, put(n=3, order="b"), put(n=4), put(n=5), put(n=6, order=None), put(n=7, order=None)}
    assert len(others) == 6
    client.untag_resource(ResourceARN=BUS_ARN, TagKeys=["eventyard:deduplication-path"])
    assert put(n=8, order="a") != first
    wait_until(lambda: numbers(sink) == [1, 3, 4, 5, 6, 7, 8])
