"""Reads what brokers were sent, with the clients that their users have."""

import asyncio
import re
import ssl
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import quote

import nats
import paho.mqtt.client as mqtt
import pika
import redis
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from paho.mqtt.properties import PacketTypes, Properties

from brokers import Kafka, Mosquitto, Nats, RabbitMq, Redis

WITHIN_SECONDS = 30


@dataclass(frozen=True)
class Message:
    """A message as it arrived; `event` is the event's id where the protocol has a place for an id."""

    body: bytes
    event: str
    headers: dict


def encoded(template):
    """A name for a URL: percent-encoded but for its places."""
    return quote(template, safe="{}$.")


def parameters(given):
    text = "&".join(f"{name.replace('_', '.', 1)}={value}" for name, value in given.items())
    return f"?{text}" if text else ""


class Client:
    """Where messages go on a broker: `template` is what stands in a URL, `name` what becomes of it.

    What is sent has to be kept over a restart if it `keeps`; the place `is_there` already, or is never looked at unless it
    `opens`.
    """

    # Whether the server has after a restart what it had before.
    survives = True

    def __init__(self, broker, template, name, keeps=False, is_there=False, opens=True):
        self.broker, self.template, self.name, self.keeps = broker, template, name, keeps
        if opens:
            self.open(is_there)

    def open(self, is_there):
        pass

    def read(self, count):
        """Waits for `count` messages, and gives all that there are."""
        deadline = time.monotonic() + WITHIN_SECONDS
        while len(messages := self.all()) < count:
            assert time.monotonic() < deadline, f"{len(messages)} of {count} messages came"
            time.sleep(0.05)
        return messages


async def _say_nothing(_):
    pass


class NatsSubject(Client):
    """A subject of NATS, or of a stream of JetStream where what is sent has to be kept."""

    server = Nats

    def open(self, is_there):
        self.messages = []
        if self.keeps and not is_there:
            asyncio.run(self._make_stream())
        if not self.keeps:
            listening = threading.Event()
            threading.Thread(target=lambda: asyncio.run(self._listen(listening)), daemon=True).start()
            assert listening.wait(WITHIN_SECONDS)

    def arn(self, **given):
        given |= {"jetstream": "true"} if self.keeps else {}
        return f"nats://{self.broker.server}/{encoded(self.template)}{parameters(given)}"

    async def _connect(self):
        context = getattr(self.broker, "tls", None) and ssl.create_default_context(cafile=self.broker.tls)
        options = {"tls": context} if context else {}
        # It goes with its server, and says nothing about that.
        options |= {"allow_reconnect": False, "error_cb": _say_nothing}
        return await nats.connect(f"{'tls' if context else 'nats'}://{self.broker.server}", **options)

    async def _make_stream(self):
        client = await self._connect()
        await client.jetstream().add_stream(name=self.name, subjects=[self.name])
        await client.close()

    async def _listen(self, listening):
        client = await self._connect()
        subscription = await client.subscribe(self.name)
        await client.flush()
        listening.set()
        async for message in subscription.messages:
            self.messages.append(self._message(message))

    async def _stored(self):
        client = await self._connect()
        stream = client.jetstream()
        state = (await stream.stream_info(self.name)).state
        stored = [await stream.get_msg(self.name, seq=n) for n in range(max(1, state.first_seq), state.last_seq + 1)]
        await client.close()
        return [self._message(message) for message in stored]

    @staticmethod
    def _message(message):
        return Message(message.data, message.headers["eventyard-event-id"], dict(message.headers))

    def all(self):
        return asyncio.run(self._stored()) if self.keeps else list(self.messages)


class RedisStream(Client):
    """A stream of Redis."""

    server = Redis

    def arn(self, **given):
        return f"redis://{self.broker.server}/{encoded(self.template)}{parameters(given)}"

    def all(self):
        with redis.Redis(port=self.broker.port) as client:
            return [self._message(fields) for _, fields in client.xrange(self.name)]

    @staticmethod
    def _message(fields):
        body, event = fields.pop(b"event"), fields.pop(b"id").decode()
        return Message(body, event, {name.decode(): value.decode() for name, value in fields.items()})


class RabbitQueue(Client):
    """A queue of RabbitMQ, bound to the exchange `shop` by its own name."""

    server = RabbitMq

    def arn(self, **given):
        return f"amqp://{self.broker.server}/%2F/shop/{encoded(self.template)}{parameters(given)}"

    def channel(self):
        """A channel of a connection that ends with it."""
        connection = pika.BlockingConnection(pika.ConnectionParameters(host="127.0.0.1", port=self.broker.port))
        return closing(connection), connection.channel()

    def open(self, is_there):
        connection, channel = self.channel()
        with connection:
            channel.exchange_declare("shop", "direct", durable=True)
            channel.queue_declare(self.name, durable=True)
            channel.queue_bind(self.name, "shop", self.name)

    def all(self):
        connection, channel = self.channel()
        with connection:
            # What is not acknowledged goes back when the connection ends.
            return list(map(self._message, iter(lambda: channel.basic_get(self.name), (None, None, None))))

    @staticmethod
    def _message(got):
        _, properties, body = got
        assert (properties.delivery_mode, properties.content_type) == (2, "application/json")
        assert properties.message_id.startswith(f"msg_{properties.headers['eventyard-event-id']}_")
        return Message(body, properties.headers["eventyard-event-id"], properties.headers)


class KafkaTopic(Client):
    """A topic of Kafka. Its name is fixed, so the template is a record's key."""

    server = Kafka
    survives = False

    def __init__(self, broker, template, name, **options):
        self.topic, self.key = re.sub("[^a-z]", "-", name), name
        super().__init__(broker, template, name, **options)

    def arn(self, **given):
        return f"kafka://{self.broker.server}/{self.topic}{parameters({'key': encoded(self.template)} | given)}"

    def open(self, is_there):
        admin = AdminClient({"bootstrap.servers": self.broker.server})
        for made in admin.create_topics([NewTopic(self.topic, 3, 1)]).values():
            try:
                made.result(WITHIN_SECONDS)
            except KafkaException as error:
                assert error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS, error

    def all(self):
        records = kafka_records(self.broker.server, self.topic)
        assert {record.key() for record in records} <= {self.key.encode()}
        return [self._message(record) for record in records]

    @staticmethod
    def _message(record):
        headers = {name: value.decode() for name, value in record.headers()}
        return Message(record.value(), headers["eventyard-event-id"], headers)


def kafka_records(servers, topic):
    """All records of a topic."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "tests", "enable.auto.commit": False})
    with closing(consumer):
        partitions = consumer.list_topics(topic, WITHIN_SECONDS).topics[topic].partitions
        ends = {n: consumer.get_watermark_offsets(TopicPartition(topic, n), WITHIN_SECONDS) for n in partitions}
        consumer.assign([TopicPartition(topic, n, low) for n, (low, _) in ends.items()])
        records, deadline = [], time.monotonic() + WITHIN_SECONDS
        while len(records) < sum(high - low for low, high in ends.values()):
            record = consumer.poll(0.1)
            if record is not None and record.error() is None:
                records.append(record)
            assert time.monotonic() < deadline, f"{len(records)} records came"
        return records


class MqttSubscription(Client):
    """A topic of MQTT, with one subscriber whose session outlives both ends of a connection."""

    server = Mosquitto
    subscribers = {}

    def arn(self, **given):
        return f"mqtt://{self.broker.server}/{encoded(self.template)}{parameters(given)}"

    def open(self, is_there):
        key = (self.broker.port, self.name)
        if key not in self.subscribers:
            self.subscribers[key] = []
            subscribed = threading.Event()
            client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, f"tests-{self.name}", protocol=mqtt.MQTTv5)
            client.on_message = lambda _client, _, message: self.subscribers[key].append(self._message(message))
            client.on_subscribe = lambda *_: subscribed.set()
            client.reconnect_delay_set(0.1, 0.5)
            session = Properties(PacketTypes.CONNECT)
            session.SessionExpiryInterval = 3600
            client.connect("127.0.0.1", self.broker.port, clean_start=False, properties=session)
            client.subscribe(self.name, qos=1)
            client.loop_start()
            assert subscribed.wait(WITHIN_SECONDS)

    def all(self):
        return list(self.subscribers[self.broker.port, self.name])

    @staticmethod
    def _message(message):
        assert (message.qos, message.properties.ContentType) == (1, "application/json")
        properties = dict(message.properties.UserProperty)
        return Message(message.payload, properties["eventyard-event-id"], properties)


CLIENTS = [NatsSubject, RedisStream, RabbitQueue, KafkaTopic, MqttSubscription]
