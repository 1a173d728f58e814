"""Targets that are message brokers: delivered for real to each server, and read back with a client of its own."""

import json
from types import SimpleNamespace

import pytest

from broker_clients import CLIENTS
from brokers import Nats
from test_tls import Authority
from waiting import wait_until
from wire import dead_letters, refusal, request

QUICK = {"EVENTYARD_DELIVERY__BACKOFF_BASE_MS": "200", "EVENTYARD_DELIVERY__BACKOFF_MAX_MS": "500"}
CLOSED = {"EVENTYARD_DELIVERY__CIRCUIT_BREAKER_FAILURES": "0"}


@pytest.fixture(scope="module")
def broker_of(tmp_path_factory):
    """A function that gives the running server of a kind, the same one for all tests."""
    running = {}

    def start(client):
        if client not in running:
            running[client] = client.server(tmp_path_factory.mktemp(client.__name__))
        return running[client]

    yield start
    for broker in running.values():
        broker.stop()


@pytest.fixture
def own_broker(tmp_path):
    """A function that starts a server for one test alone."""
    running = []

    def start(kind, **options):
        running.append(kind(tmp_path / f"broker-{len(running)}", **options))
        return running[-1]

    yield start
    for broker in running:
        broker.stop()


@pytest.fixture
def route(start_daemon, client_of):
    """A function that starts a daemon with one rule that has one target, and gives a way to put events."""

    def start(arn, target=None, env=None):
        daemon = start_daemon(QUICK | CLOSED | (env or {}))
        client = client_of(daemon)
        client.put_rule(Name="orders", EventPattern='{"source":["shop"]}')
        client.put_targets(Rule="orders", Targets=[{"Id": "t-1", "Arn": arn} | (target or {})])

        def put(*details):
            entries = [{"Source": "shop", "DetailType": "Order", "Detail": json.dumps(detail)} for detail in details]
            answer = client.put_events(Entries=entries)
            assert answer["FailedEntryCount"] == 0
            return [entry["EventId"] for entry in answer["Entries"]]

        return SimpleNamespace(daemon=daemon, client=client, put=put)

    return start


def outcomes(daemon, event):
    """How the attempts at an event ended so far: the codes and what was said."""
    report = request(daemon.admin_address, "GET", f"/events/{event}").json()
    attempts = [attempt for delivery in report["deliveries"] for attempt in delivery["attempts"]]
    return [(attempt["outcome"], attempt.get("message", "")) for attempt in attempts]


def only_letter(daemon):
    (letter,) = wait_until(lambda: dead_letters(daemon)["dead_letters"])
    return letter["ERROR_CODE"], letter["ERROR_MESSAGE"]


kinds = pytest.mark.parametrize("kind", CLIENTS, ids=lambda kind: kind.__name__)


@kinds
def test_an_event_arrives_with_what_the_url_adds(broker_of, route, kind):
    client = kind(broker_of(kind), "a.{$.detail.region}/ä?b", "a.eu/ä?b")
    router = route(client.arn(header_trace="t-{$.detail.order}"))
    (event,) = router.put({"region": "eu", "order": 7})
    (message,) = client.read(1)
    body = json.loads(message.body)
    assert (body["id"], body["detail"]) == (event, {"region": "eu", "order": 7})
    assert message.event == event
    if client.has_headers:
        assert message.headers["trace"] == "t-7"
    wait_until(lambda: outcomes(router.daemon, event))
    assert outcomes(router.daemon, event) == [("DELIVERED", "")]


@kinds
def test_an_input_is_what_is_sent(broker_of, route, kind):
    client = kind(broker_of(kind), "inputs", "inputs")
    router = route(client.arn(), {"InputPath": "$.detail"})
    router.put({"order": 1})
    assert [message.body for message in client.read(1)] == [b'{"order":1}']


@kinds
def test_a_broker_that_restarts_loses_nothing(own_broker, route, kind):
    broker = own_broker(kind.server)
    client = kind(broker, "restarts", "restarts", keeps=True)
    router = route(client.arn())
    first = router.put(*({"n": n} for n in range(5)))
    assert {message.event for message in client.read(5)} == set(first)
    broker.stop()
    second = router.put(*({"n": n} for n in range(5)))
    code, message = wait_until(lambda: outcomes(router.daemon, second[0]))[0]
    assert code == "CONNECTION_FAILED", message
    broker.start()
    for event in second:
        wait_until(lambda: ("DELIVERED", "") in outcomes(router.daemon, event))
    client = kind(broker, "restarts", "restarts", keeps=True, is_there=True)
    assert {message.event for message in client.read(10)} >= set(second)
    assert "panicked" not in router.daemon.log()
    assert len([line for line in router.daemon.log().splitlines() if "eventyard::" not in line]) == 0


@kinds
def test_nobody_listens(route, kind):
    from daemon import free_ports

    (port,) = free_ports(1)
    client = kind(SimpleNamespace(server=f"127.0.0.1:{port}", port=port), "x", "x", is_there=True, opens=False)
    router = route(client.arn(), {"RetryPolicy": {"MaximumRetryAttempts": 1}})
    router.put({})
    code, message = only_letter(router.daemon)
    assert code == "CONNECTION_FAILED" and "refused" in message


@kinds
def test_what_a_place_does_not_select_is_a_dead_letter(broker_of, route, kind):
    client = kind(broker_of(kind), "a.{$.detail.region}", "a", is_there=True)
    router = route(client.arn())
    router.put({"order": 7})
    assert only_letter(router.daemon) == (
        "REQUEST_INVALID", "the request could not be built: {$.detail.region} selects nothing of the event"
    )


# NATS


def test_nats_subjects_take_no_wildcards_from_an_event(broker_of, route):
    from broker_clients import NatsSubject

    router = route(f"nats://{broker_of(NatsSubject).server}/{{$.detail.to}}")
    for to in ["a.*", "a..b", "$JS.API.STREAM.PURGE.orders", "_INBOX.x", "a b"]:
        router.put({"to": to})
    letters = wait_until(lambda: len(dead_letters(router.daemon)["dead_letters"]) == 5 and dead_letters(router.daemon))
    assert {letter["ERROR_CODE"] for letter in letters["dead_letters"]} == {"REQUEST_INVALID"}


def test_jetstream_without_a_stream(broker_of, route):
    from broker_clients import NatsSubject

    router = route(f"nats://{broker_of(NatsSubject).server}/nobody.stores?jetstream=true")
    (event,) = router.put({})
    code, message = wait_until(lambda: outcomes(router.daemon, event))[0]
    assert code == "TARGET_FAILED" and "no stream has the subject" in message


def test_nats_message_too_large(own_broker, route):
    broker = own_broker(Nats, max_payload=1000)
    router = route(f"nats://{broker.server}/big")
    router.put({"text": "x" * 1000})
    code, message = only_letter(router.daemon)
    assert code == "REFUSED_BY_TARGET" and "more than its max_payload, 1000" in message


def test_nats_over_tls(own_broker, route, tmp_path):
    from broker_clients import NatsSubject

    authority = Authority(tmp_path)
    broker = own_broker(Nats, tls=authority.issue("server"))
    trusted = {"SSL_CERT_FILE": str(authority.file)}
    client = NatsSubject(SimpleNamespace(server=broker.server, tls=authority.file), "tls", "tls")
    for scheme in ["tls", "nats+tls"]:
        router = route(f"{scheme}://{broker.server}/tls", env=trusted)
        (event,) = router.put({})
        wait_until(lambda: outcomes(router.daemon, event))
        assert outcomes(router.daemon, event) == [("DELIVERED", "")]
    assert len(client.read(2)) == 2
    stranger = route(f"tls://{broker.server}/tls")
    (event,) = stranger.put({})
    code, message = wait_until(lambda: outcomes(stranger.daemon, event))[0]
    assert code == "CONNECTION_FAILED" and "certificate" in message


def test_nats_that_asks_for_a_password(own_broker, route):
    broker = own_broker(Nats, user="u", password="p")
    router = route(f"nats://{broker.server}/orders")
    (event,) = router.put({})
    code, message = wait_until(lambda: outcomes(router.daemon, event))[0]
    assert (code, "Authorization Violation" in message) == ("TARGET_FAILED", True), message


# What PutTargets refuses


@pytest.mark.parametrize("url, reason", [
    ("nats://h", "has a subject with an empty token or a wildcard"),
    ("nats://h/a..b", "has a subject with an empty token or a wildcard"),
    ("nats://h/a.>", "holds a character that a URL must percent-encode"),
    ("nats://h/a.%3E", "has a subject with an empty token or a wildcard"),
    ("nats://h/%24SYS.x", "has a subject that belongs to the server, as all do that begin with '$' or '_INBOX'"),
    ("nats://u:p@h/a", "holds credentials, which every ListTargetsByRule would show"),
    ("nats://h/a?jetstream=yes", "has a parameter that is neither true nor false"),
    ("nats://h/a?maxlen=1", "has the parameter 'maxlen', which this kind does not know"),
    ("nats://h/a?header.Nats-Msg-Id=1", "sets the header 'Nats-Msg-Id', which eventyard sets itself"),
    ("nats://h/a.{$.detail.x", "has a '{' that no JSON path and '}' follow, as in {$.detail.id}; write %7B for the character"),
    ("nats://h:0/a", "has a port that is not a number from 1 to 65535"),
])
def test_urls_that_are_no_target(shared_daemon, client_of, url, reason):
    client = client_of(shared_daemon)
    client.put_rule(Name="orders", EventPattern='{"source":["shop"]}')
    targets = [{"Id": "t-1", "Arn": url}]
    message = refusal("ValidationException", client.put_targets, Rule="orders", Targets=targets)
    assert message == f"Parameter {url} is not valid. Reason: Provided URL {reason}."


def test_blocks_that_do_not_belong_to_a_broker(shared_daemon, client_of):
    client = client_of(shared_daemon)
    client.put_rule(Name="orders", EventPattern='{"source":["shop"]}')
    for block in [{"HttpParameters": {"HeaderParameters": {"a": "b"}}}, {"SqsParameters": {"MessageGroupId": "g"}}]:
        target = {"Id": "t-1", "Arn": "nats://h/a"} | block
        message = refusal("ValidationException", client.put_targets, Rule="orders", Targets=[target])
        assert message == f"Parameter {list(block)[0]} is not valid for target t-1."
