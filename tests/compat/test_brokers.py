"""Targets that are message brokers: delivered for real to each server, and read back with a client of its own."""

import json
import time
from types import SimpleNamespace

import pytest
import redis
from confluent_kafka import Producer

from broker_clients import CLIENTS, MqttSubscription, NatsSubject, RabbitQueue, RedisStream, kafka_records
from brokers import Nats, Redis
from daemon import free_ports
from waiting import wait_until
from wire import code_of_letter, dead_letters, outcomes, refusal, request

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
    assert message.headers["trace"] == "t-7"
    wait_until(lambda: outcomes(router.daemon, event))
    assert outcomes(router.daemon, event) == [("DELIVERED", "")]


@kinds
def test_a_message_carries_the_span_that_its_event_was_sent_in(broker_of, route, kind):
    client = kind(broker_of(kind), "traced", "traced")
    router = route(client.arn())
    entry = json.dumps({"Source": "shop", "DetailType": "Order", "Detail": {}})
    span = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert request(router.daemon.api_address, "POST", "/events", entry, {"traceparent": span}).status == 200
    assert [message.headers["traceparent"] for message in client.read(1)] == [span]


@kinds
def test_an_input_is_what_is_sent(broker_of, route, kind):
    client = kind(broker_of(kind), "inputs", "inputs")
    router = route(client.arn(), {"InputPath": "$.detail"})
    router.put({"order": 1})
    assert [message.body for message in client.read(1)] == [b'{"order":1}']


@kinds
def test_a_dead_letter_is_copied_to_a_broker(broker_of, route, kind):
    client = kind(broker_of(kind), "dead", "dead")
    arn = f"http://127.0.0.1:{free_ports(1)[0]}/"
    dead = {"RetryPolicy": {"MaximumRetryAttempts": 1}, "DeadLetterConfig": {"Arn": client.arn(header_from="{$.source}")}}
    router = route(arn, dead)
    (event,) = router.put({"order": 7})
    (message,) = client.read(1)
    body = json.loads(message.body)
    assert (body["id"], body["detail"], message.event) == (event, {"order": 7}, event)
    headers = {name.lower(): value for name, value in message.headers.items()}
    assert headers["from"] == "shop"
    assert headers["target-arn"] == arn
    assert headers["error-code"] == "CONNECTION_FAILED"
    assert headers["exhausted-retry-condition"] == "MaximumRetryAttempts"
    assert headers["retry-attempts"] == "1"
    assert [letter["event"]["id"] for letter in dead_letters(router.daemon)["dead_letters"]] == [event]


@kinds
def test_a_broker_that_restarts_loses_nothing(broker_of, route, kind):
    broker = broker_of(kind)
    client = kind(broker, "restarts", "restarts", keeps=True)
    router = route(client.arn())
    first = router.put(*({"n": n} for n in range(5)))
    assert {message.event for message in client.read(5)} == set(first)
    broker.stop()
    second = router.put(*({"n": n} for n in range(5)))
    code, message = wait_until(lambda: outcomes(router.daemon, second[0]))[0]
    assert code == "CONNECTION_FAILED", message
    broker.start()
    if not kind.survives:
        kind(broker, "restarts", "restarts", keeps=True)
    for event in second:
        # A server that was away for long is left alone for a while.
        wait_until(lambda: ("DELIVERED", "") in outcomes(router.daemon, event), within_seconds=60)
    client = kind(broker, "restarts", "restarts", keeps=True, is_there=True)
    assert {message.event for message in client.read(10 if kind.survives else 5)} >= set(second)
    assert "panicked" not in router.daemon.log()
    assert len([line for line in router.daemon.log().splitlines() if "eventyard::" not in line]) == 0


@kinds
def test_nobody_listens(route, kind):
    (port,) = free_ports(1)
    client = kind(SimpleNamespace(server=f"127.0.0.1:{port}", port=port), "x", "x", is_there=True, opens=False)
    router = route(client.arn(), {"RetryPolicy": {"MaximumRetryAttempts": 1}})
    router.put({})
    code, message = code_of_letter(router.daemon)
    assert code == "CONNECTION_FAILED" and "refused" in message


@kinds
def test_what_a_place_does_not_select_is_a_dead_letter(broker_of, route, kind):
    client = kind(broker_of(kind), "a.{$.detail.region}", "a", is_there=True)
    router = route(client.arn())
    router.put({"order": 7})
    assert code_of_letter(router.daemon) == (
        "REQUEST_INVALID", "the request could not be built: {$.detail.region} selects nothing of the event"
    )


# NATS


def test_nats_subjects_take_no_wildcards_from_an_event(broker_of, route):
    router = route(f"nats://{broker_of(NatsSubject).server}/{{$.detail.to}}")
    for to in ["a.*", "a..b", "$JS.API.STREAM.PURGE.orders", "_INBOX.x", "a b"]:
        router.put({"to": to})
    letters = wait_until(lambda: len(dead_letters(router.daemon)["dead_letters"]) == 5 and dead_letters(router.daemon))
    assert {letter["ERROR_CODE"] for letter in letters["dead_letters"]} == {"REQUEST_INVALID"}


def test_jetstream_without_a_stream(broker_of, route):
    router = route(f"nats://{broker_of(NatsSubject).server}/nobody.stores?jetstream=true")
    (event,) = router.put({})
    code, message = wait_until(lambda: outcomes(router.daemon, event))[0]
    assert code == "TARGET_FAILED" and "no stream has the subject" in message


def test_nats_message_too_large(own_broker, route):
    broker = own_broker(Nats, settings="max_payload: 1000\n")
    router = route(f"nats://{broker.server}/big")
    router.put({"text": "x" * 1000})
    code, message = code_of_letter(router.daemon)
    assert code == "REFUSED_BY_TARGET" and "more than its max_payload, 1000" in message


# Redis


def test_redis_streams_are_kept_short_in_the_database_that_is_named(broker_of, route):
    broker = broker_of(RedisStream)
    router = route(f"redis://{broker.server}/short?maxlen=10&db=3")
    for _ in range(30):
        router.put(*({"n": n} for n in range(10)))
    with redis.Redis(port=broker.port, db=3) as client:
        wait_until(lambda: client.xinfo_stream("short")["entries-added"] == 300 if client.exists("short") else False)
        assert client.xlen("short") < 300


def test_what_redis_refuses(own_broker, route):
    broker = own_broker(Redis)
    with redis.Redis(port=broker.port) as client:
        client.set("taken", "x")
        router = route(f"redis://{broker.server}/taken")
        router.put({})
        code, message = code_of_letter(router.daemon)
        assert code == "REFUSED_BY_TARGET" and "WRONGTYPE" in message
        client.config_set("maxmemory", 1)
        full = route(f"redis://{broker.server}/orders")
        (event,) = full.put({})
        code, message = wait_until(lambda: outcomes(full.daemon, event))[0]
        assert code == "TARGET_FAILED" and "OOM" in message
        client.config_set("maxmemory", 0)
    assert len(RedisStream(broker, "orders", "orders").read(1)) == 1


# Kafka


@pytest.fixture
def kafka_cluster():
    """Three brokers as librdkafka, the library of most clients, has them for tests of its own."""
    keeps = Producer({"test.mock.num.brokers": 3, "bootstrap.servers": "", "partitioner": "murmur2"})
    brokers = keeps.list_topics(timeout=30).brokers.values()
    yield SimpleNamespace(producer=keeps, servers=",".join(f"{broker.host}:{broker.port}" for broker in brokers))


def test_a_key_leads_to_the_partition_where_other_clients_put_it(kafka_cluster, route):
    router = route(f"kafka://{kafka_cluster.servers}/orders?key={{$.detail.customer}}")
    customers = [f"customer-{n}" for n in range(20)]
    router.put(*({"customer": customer} for customer in customers[:10]))
    router.put(*({"customer": customer} for customer in customers[10:]))
    found = lambda: kafka_records(kafka_cluster.servers, "orders")
    ours = wait_until(lambda: len(records := found()) == 20 and records)
    for customer in customers:
        kafka_cluster.producer.produce("orders", key=customer, value=b"theirs")
    kafka_cluster.producer.flush(30)
    theirs = [record for record in found() if record.value() == b"theirs"]
    places = lambda records: {record.key().decode(): record.partition() for record in records}
    assert places(ours) == places(theirs) and len(set(places(ours).values())) > 1
    now = time.time() * 1000
    assert all(abs(record.timestamp()[1] - now) < 600_000 for record in ours)


def test_records_without_a_key_go_to_all_partitions(kafka_cluster, route):
    router = route(f"kafka://{kafka_cluster.servers}/spread")
    for _ in range(4):
        router.put(*({"n": n} for n in range(10)))
    ours = wait_until(lambda: len(records := kafka_records(kafka_cluster.servers, "spread")) == 40 and records)
    assert len({record.partition() for record in ours}) == 4
    assert {record.key() for record in ours} == {None}


# RabbitMQ


@pytest.mark.parametrize("path, code, said", [
    ("%2F/nobody/key", "REFUSED_BY_TARGET", "404 NOT_FOUND - no exchange 'nobody' in vhost '/'"),
    ("%2F//no-queue", "REFUSED_BY_TARGET", "no queue is bound to the exchange for this routing key"),
    ("elsewhere/shop/key", "TARGET_FAILED", "530 NOT_ALLOWED - vhost elsewhere not found"),
])
def test_what_rabbitmq_refuses(broker_of, route, path, code, said):
    router = route(f"amqp://{broker_of(RabbitQueue).server}/{path}")
    (event,) = router.put({})
    assert wait_until(lambda: outcomes(router.daemon, event))[0][0] == code
    assert said in outcomes(router.daemon, event)[0][1]


def test_rabbitmq_takes_what_nobody_wants_where_that_is_said(broker_of, route):
    router = route(f"amqp://{broker_of(RabbitQueue).server}/%2F//no-queue?mandatory=false&persistent=false")
    (event,) = router.put({})
    wait_until(lambda: outcomes(router.daemon, event))
    assert outcomes(router.daemon, event) == [("DELIVERED", "")]


def test_rabbitmq_sends_back_only_what_no_queue_wants(broker_of, route):
    client = RabbitQueue(broker_of(RabbitQueue), "to-{$.detail.to}", "to-us")
    router = route(client.arn())
    events = router.put(*({"to": "us" if n % 2 else "nobody"} for n in range(10)))
    for n, event in enumerate(events):
        wait_until(lambda: outcomes(router.daemon, event))
        assert outcomes(router.daemon, event)[0][0] == ("DELIVERED" if n % 2 else "REFUSED_BY_TARGET")
    assert {message.event for message in client.read(5)} == set(events[1::2])


def test_an_event_that_takes_many_frames(broker_of, route):
    client = RabbitQueue(broker_of(RabbitQueue), "large", "large")
    router = route(client.arn(), {"InputPath": "$.detail.text"})
    router.put({"text": "x" * 900_000})
    assert [message.body for message in client.read(1)] == [b'"' + b"x" * 900_000 + b'"']


# MQTT


def test_mqtt_topics_take_no_wildcards_from_an_event(broker_of, route):
    router = route(f"mqtt://{broker_of(MqttSubscription).server}/{{$.detail.to}}")
    for to in ["a/#", "+/a", "$SYS/x"]:
        router.put({"to": to})
    letters = wait_until(lambda: len(dead_letters(router.daemon)["dead_letters"]) == 3 and dead_letters(router.daemon))
    assert {letter["ERROR_CODE"] for letter in letters["dead_letters"]} == {"REQUEST_INVALID"}


def test_mqtt_keeps_within_what_the_broker_takes_at_a_time(broker_of, route):
    client = MqttSubscription(broker_of(MqttSubscription), "many", "many")
    # Mosquitto takes 20 messages without an answer; it ends the connection of whoever sends more.
    router = route(client.arn(), env={"EVENTYARD_DELIVERY__CONCURRENCY_PER_TARGET": "100"})
    events = [event for _ in range(30) for event in router.put(*({"n": n} for n in range(10)))]
    assert len({message.event for message in client.read(300)} & set(events)) == 300
    for event in events:
        assert wait_until(lambda: outcomes(router.daemon, event)) == [("DELIVERED", "")]


# Addresses


def test_brokers_are_behind_the_guard_over_addresses(start_daemon, client_of, broker_of):
    client = client_of(start_daemon())
    client.put_rule(Name="orders", EventPattern='{"source":["shop"]}')
    for arn in ["nats://169.254.169.254/a", "redis://10.0.0.1/a", "nats://1.1.1.1,10.0.0.1/a", "amqp://2852039166/a/b/c"]:
        targets = [{"Id": "t-1", "Arn": arn}]
        message = refusal("ValidationException", client.put_targets, Rule="orders", Targets=targets)
        assert message.startswith(f"Parameter {arn} is not valid. Reason: the address "), message


def test_a_broker_whose_name_leads_to_a_closed_address(route, broker_of):
    port = broker_of(RedisStream).port
    router = route(f"redis://localhost:{port}/closed", env={"EVENTYARD_EGRESS__ALLOW": "10.0.0.0/8"})
    router.put({})
    assert code_of_letter(router.daemon)[0] == "ADDRESS_FORBIDDEN"


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
    ("redis://h", "names no stream"),
    ("redis://h/a?maxlen=0", "has a maxlen that is not a number from 1"),
    ("redis://h/a?db=x", "has a db that is not a number from 0 to 65535"),
    ("redis://h,i/a", "has more than one server, which this kind does not know"),
    ("redis://h/a?header.event=1", "sets the header 'event', which eventyard sets itself"),
    ("amqp://h/orders", "needs a path of /vhost/exchange/routing-key; the virtual host '/' is %2F"),
    ("amqp://h//orders/x", "names no virtual host; '/' is written %2F"),
    ("amqp://h/%2F/{$.detail.x}/x", "has a place for a part of the event outside of the routing key and the headers"),
    ("mqtt://h", "has a topic that is empty, too long or has a wildcard"),
    ("mqtt://h/a/+/b", "has a topic that is empty, too long or has a wildcard"),
    ("mqtt://h/$SYS/a", "has a topic that belongs to the broker, as all do that begin with '$'"),
    ("kafka://h", "needs a topic: 1 to 249 letters, digits, dots, underscores and hyphens"),
    ("kafka://h/a/b", "needs a topic: 1 to 249 letters, digits, dots, underscores and hyphens"),
    ("kafka://h/{$.source}", "has a place for a part of the event outside of the key and the headers"),
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
