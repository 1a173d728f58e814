"""Deliveries a second to each kind of message broker, beside what a client alone does there.

    cargo build --release
    EVENTYARD_BINARY=target/release/eventyard .venv/bin/python benches/broker_deliveries.py [KIND…]

Each event is 1 KB, 16 messages are without a confirmation at a time. eventyard is owed all events before the server starts, and
is timed from a tenth of the deliveries to nine tenths. The client alone is Python's, but for Redis, where it is
redis-benchmark: it says what the server can do at least.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "compat"))

import boto3
import confluent_kafka
import nats
import paho.mqtt.client as mqtt
import pika
from botocore.config import Config

from broker_clients import KafkaTopic, MqttSubscription, NatsSubject, RabbitQueue, RedisStream
from daemon import Daemon

EVENTS = int(os.environ.get("EVENTS", "20000"))
AT_A_TIME = 16
BODY = json.dumps({"text": "x" * 700})


def bare_nats(broker, jetstream):
    async def publish():
        client = await nats.connect(f"nats://{broker.server}")
        stream, turns = client.jetstream(), asyncio.Semaphore(AT_A_TIME)

        async def one():
            async with turns:
                await (stream.publish("bench", BODY.encode()) if jetstream else client.publish("alone", BODY.encode()))

        await asyncio.gather(*(one() for _ in range(EVENTS)))
        await client.flush()
        await client.close()

    asyncio.run(publish())


def bare_redis(broker):
    command = ["redis-benchmark", "-p", str(broker.port), "-n", str(EVENTS), "-c", "1", "-P", str(AT_A_TIME), "-q"]
    subprocess.run([*command, "XADD", "bench", "*", "id", "1", "event", BODY], check=True, stdout=subprocess.DEVNULL)


def bare_rabbitmq(broker):
    """One at a time: pika waits for each confirmation."""
    connection = pika.BlockingConnection(pika.ConnectionParameters(host="127.0.0.1", port=broker.port))
    channel = connection.channel()
    channel.confirm_delivery()
    for _ in range(EVENTS):
        channel.basic_publish("shop", "bench", BODY.encode(), pika.BasicProperties(delivery_mode=2), mandatory=True)
    connection.close()


def bare_kafka(broker):
    options = {"bootstrap.servers": broker.server, "acks": "all", "linger.ms": 0, "batch.num.messages": 1}
    producer = confluent_kafka.Producer(options)
    for _ in range(EVENTS):
        while len(producer) >= AT_A_TIME:
            producer.poll(0.001)
        producer.produce("bench", BODY.encode())
    producer.flush()


def bare_mqtt(broker):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.max_inflight_messages_set(AT_A_TIME)
    client.max_queued_messages_set(0)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for last in [client.publish("alone", BODY, qos=1) for _ in range(EVENTS)]:
        last.wait_for_publish()
    client.loop_stop()


KINDS = {
    "nats": (NatsSubject, {}, lambda broker: bare_nats(broker, False)),
    "jetstream": (NatsSubject, {"keeps": True}, lambda broker: bare_nats(broker, True)),
    "redis": (RedisStream, {}, bare_redis),
    "rabbitmq": (RabbitQueue, {}, bare_rabbitmq),
    "kafka": (KafkaTopic, {}, bare_kafka),
    "mqtt": (MqttSubscription, {}, bare_mqtt),
}


def delivered(daemon):
    text = urllib.request.urlopen(f"{daemon.admin_url}/metrics").read().decode()
    found = re.search(r'^eventyard_delivery_attempts_total\{[^}]*outcome="DELIVERED"[^}]*\} (\S+)', text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def through_eventyard(folder, client, broker):
    """Deliveries a second of a daemon that is owed everything when the server comes."""
    daemon = Daemon(os.environ["EVENTYARD_BINARY"], folder, {"EVENTYARD_DELIVERY__CIRCUIT_BREAKER_OPEN_MAX_MS": "1000"})
    daemon.start()
    try:
        config = Config(parameter_validation=False)
        options = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1", "config": config}
        api = boto3.client("events", endpoint_url=daemon.api_url, **options)
        api.put_rule(Name="bench", EventPattern='{"source":["bench"]}')
        api.put_targets(Rule="bench", Targets=[{"Id": "1", "Arn": client.arn(), "InputPath": "$.detail"}])
        entries = [{"Source": "bench", "DetailType": "d", "Detail": BODY}] * 10
        for _ in range(EVENTS // 10):
            assert api.put_events(Entries=entries)["FailedEntryCount"] == 0
        broker.start()
        if not client.survives:
            type(client)(broker, "bench", "bench")
        begun, end, deadline = None, None, time.monotonic() + 300
        while end is None:
            assert time.monotonic() < deadline, daemon.log()[-2000:]
            count, now = delivered(daemon), time.monotonic()
            if begun is None and count >= EVENTS / 10:
                begun = (now, count)
            if count >= EVENTS * 0.9:
                end = (now, count)
            time.sleep(0.01)
        return (end[1] - begun[1]) / (end[0] - begun[0])
    finally:
        daemon.kill9()


def main():
    print(f"{EVENTS} events of 1 KB, deliveries a second:")
    for kind in sys.argv[1:] or KINDS:
        place, options, bare = KINDS[kind]
        with tempfile.TemporaryDirectory() as folder:
            broker = place.server(Path(folder) / "broker")
            try:
                client = place(broker, "bench", "bench", **options)
                begun = time.monotonic()
                bare(broker)
                alone = EVENTS / (time.monotonic() - begun)
                broker.stop()
                rate = through_eventyard(folder, client, broker)
                print(f"{kind:10} eventyard {rate:8.0f}   client alone {alone:8.0f}", flush=True)
            finally:
                broker.stop()


if __name__ == "__main__":
    main()
