"""Messages beside each other on one broker: what tells them apart, and what one of them must not do to the others."""

import asyncio
from types import SimpleNamespace

import nats
import pytest

from broker_clients import MqttSubscription, NatsSubject, RabbitQueue
from brokers import Nats
from relay import Relay
from waiting import wait_until
from wire import code_of_letter, dead_letters, outcomes, request

IMPATIENT = {"EVENTYARD_DELIVERY__RESPONSE_TIMEOUT_MS": "1000"}


@pytest.fixture
def relay_to():
    """A function that puts a relay before a server."""
    running = []

    def start(broker, **options):
        running.append(Relay(broker.port, **options))
        return running[-1]

    yield start
    for relay in running:
        relay.close()


def ended(daemon, event, deliveries=1):
    """Waits until nothing is owed of an event, and gives how its deliveries ended."""

    def finals():
        report = request(daemon.admin_address, "GET", f"/events/{event}").json()["deliveries"]
        last = [delivery["attempts"][-1]["outcome"] for delivery in report if delivery["attempts"]]
        return len(last) == deliveries and not set(last) & {"TARGET_FAILED", "TIMED_OUT", "CONNECTION_FAILED"} and last

    return sorted(wait_until(finals))


# Message ids


def test_two_targets_may_send_one_event_into_one_stream(broker_of, route):
    broker = broker_of(NatsSubject)
    stream = NatsSubject(broker, "twice", "twice", keeps=True)
    router = route(stream.arn(), others=[stream.arn(header_b="2")])
    (event,) = router.put({})
    messages = stream.read(2)
    assert {message.event for message in messages} == {event}
    assert len({message.headers["Nats-Msg-Id"] for message in messages}) == 2
    assert ended(router.daemon, event, 2) == ["DELIVERED", "DELIVERED"]


def test_a_lost_answer_of_a_stream_stores_no_event_twice(broker_of, route, relay_to):
    broker = broker_of(NatsSubject)
    stream = NatsSubject(broker, "once", "once", keeps=True)
    relay = relay_to(broker)
    router = route(f"nats://{relay.server}/once?jetstream=true", env=IMPATIENT)
    # The first event opens the connection.
    (first,) = router.put({})
    wait_until(lambda: outcomes(router.daemon, first))
    relay.mute.set()
    (second,) = router.put({})
    wait_until(lambda: outcomes(router.daemon, second))
    assert outcomes(router.daemon, second)[0][0] == "TIMED_OUT"
    relay.mute.clear()
    assert ended(router.daemon, second) == ["DELIVERED"]
    assert [message.event for message in stream.read(2)] == [first, second]


def test_a_stream_takes_a_redriven_event_that_it_had_before(broker_of, route, relay_to):
    broker = broker_of(NatsSubject)
    stream = NatsSubject(broker, "again", "again", keeps=True)
    relay = relay_to(broker)
    once = {"RetryPolicy": {"MaximumRetryAttempts": 0}}
    router = route(f"nats://{relay.server}/again?jetstream=true", once, env=IMPATIENT)
    router.put({})
    stream.read(1)
    relay.mute.set()
    (event,) = router.put({})
    wait_until(lambda: dead_letters(router.daemon)["dead_letters"])
    assert stream.read(2)[1].event == event

    async def purge():
        client = await nats.connect(f"nats://{broker.server}")
        await client.jetstream().purge_stream("again")
        await client.close()

    asyncio.run(purge())
    relay.mute.clear()
    assert request(router.daemon.admin_address, "POST", "/dead-letters/redrive?all=true").status == 200
    assert [message.event for message in stream.read(1)] == [event]


def test_both_targets_learn_that_no_queue_wants_an_event(broker_of, route):
    arn = f"amqp://{broker_of(RabbitQueue).server}/%2F//no-queue"
    router = route(arn, others=[f"{arn}?header.b=2"])
    for event in router.put(*({"n": n} for n in range(10))):
        assert ended(router.daemon, event, 2) == ["REFUSED_BY_TARGET", "REFUSED_BY_TARGET"]


# What one message does to the others


def test_a_routing_key_that_is_forbidden_is_no_matter_of_the_others(own_broker, route):
    broker = own_broker(RabbitQueue.server)
    queue = RabbitQueue(broker, "allowed", "allowed")
    connection, channel = queue.channel()
    with connection:
        channel.exchange_declare("topics", "topic", durable=True)
        channel.queue_bind("allowed", "topics", "#")
    broker.control("set_topic_permissions", "-p", "/", "guest", "topics", "^allowed$", ".*")
    router = route(f"amqp://{broker.server}/%2F/topics/{{$.detail.to}}")
    events = router.put(*({"to": "forbidden" if n == 4 else "allowed"} for n in range(10)))
    forbidden = events.pop(4)
    assert ended(router.daemon, forbidden) == ["REFUSED_BY_TARGET"]
    code, message = code_of_letter(router.daemon)
    assert code == "REFUSED_BY_TARGET" and "access to topic 'forbidden'" in message
    for event in events:
        assert ended(router.daemon, event) == ["DELIVERED"]
    assert {message.event for message in queue.read(9)} == set(events)


def test_headers_that_the_broker_does_not_take_break_no_connection(broker_of, route):
    queue = RabbitQueue(broker_of(RabbitQueue), "headers", "headers")
    router = route(queue.arn(header_big="{$.detail.big}"))
    events = router.put(*({"big": "x" * (200_000 if n == 2 else 10)} for n in range(4)))
    refused = events.pop(2)
    code, message = code_of_letter(router.daemon)
    assert code == "REQUEST_INVALID" and "and the broker takes" in message
    assert ended(router.daemon, refused) == ["REQUEST_INVALID"]
    for event in events:
        assert ended(router.daemon, event) == ["DELIVERED"]
        assert outcomes(router.daemon, event) == [("DELIVERED", "")]
    assert {message.event for message in queue.read(3)} == set(events)


def test_a_user_property_is_never_cut(broker_of, route):
    client = MqttSubscription(broker_of(MqttSubscription), "properties", "properties")
    router = route(client.arn(header_big="{$.detail.big}"))
    fits, longer = "x" * 65_535, "x" * 65_534 + "ä"
    (event, _) = router.put({"big": fits}, {"big": longer})
    code, message = code_of_letter(router.daemon)
    assert code == "REQUEST_INVALID" and "at most 65535 bytes, and one has 65536" in message
    assert [(message.event, message.headers["big"]) for message in client.read(1)] == [(event, fits)]


def test_who_may_only_publish_publishes(own_broker, route):
    settings = """
        authorization {
            users = [
                {user: all, password: all}
                {user: u, password: open-sesame, permissions: {publish: "orders", subscribe: {deny: ">"}}}
            ]
        }
        """
    broker = own_broker(Nats, settings=settings)
    client = NatsSubject(SimpleNamespace(server=f"all:all@{broker.server}"), "orders", "orders")
    connection = f"""
        [[connections]]
        name = "broker"
        covers = "nats://{broker.server}"
        username = "u"
        password = "open-sesame"
        """
    router = route(f"nats://{broker.server}/orders", config=connection, others=[f"nats://{broker.server}/others"])
    (event,) = router.put({})
    assert [message.event for message in client.read(1)] == [event]
    assert ended(router.daemon, event, 2) == ["DELIVERED", "REFUSED_BY_TARGET"]
    assert "Permissions Violation" in code_of_letter(router.daemon)[1]


def test_a_broker_that_never_answers_holds_up_nobody_else(broker_of, own_broker, route, relay_to):
    queue = NatsSubject(broker_of(NatsSubject), "beside", "beside")
    silent = relay_to(own_broker(Nats))
    silent.mute.set()
    router = route(queue.arn(), others=[f"{scheme}://{silent.server}/a" for scheme in ["nats", "redis", "mqtt", "kafka"]])
    events = [event for _ in range(5) for event in router.put(*({"n": n} for n in range(10)))]
    assert {message.event for message in queue.read(50)} == set(events)
    assert dead_letters(router.daemon)["dead_letters"] == []
