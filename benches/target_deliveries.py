"""Deliveries a second to each kind of target, beside what a client alone does there.

    cargo build --release
    EVENTYARD_BINARY=target/release/eventyard .venv/bin/python benches/target_deliveries.py [KIND…]

An event is 1 KB. eventyard and the client alone have 16 messages without an answer at a time. eventyard owes all events to a rule
that is paused, and is timed from a tenth of the deliveries to nine tenths once it is resumed. The client alone is Python's, in 16
threads where it waits for each answer; for Redis it is redis-benchmark. So it says what the server can do at least. Servers of AWS
services are moto, which is slow and gets fewer events: what counts there is that both are as fast.
"""

import asyncio
import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "compat"))

import boto3
import confluent_kafka
import nats
import paho.mqtt.client as mqtt
import pika
from botocore.config import Config

from aws_services import ACCOUNT, AwsServices, arn
from broker_clients import KafkaTopic, MqttSubscription, NatsSubject, RabbitQueue, RedisStream
from daemon import Daemon, free_ports

EVENTS = int(os.environ.get("EVENTS", "10000"))
EVENTS_OF_AWS = int(os.environ.get("EVENTS_OF_AWS", "500"))
AT_A_TIME = 16
BODY = json.dumps({"text": "x" * 700})
KEY = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}


def in_threads(count, begin):
    """Makes `count` calls of what `begin` gives to each of 16 threads."""

    def calls(share):
        with begin() as call:
            for _ in range(share):
                call()

    with ThreadPoolExecutor(AT_A_TIME) as threads:
        shares = [count // AT_A_TIME + (n < count % AT_A_TIME) for n in range(AT_A_TIME)]
        list(threads.map(calls, shares))


# Message brokers


def bare_nats(broker, count, jetstream):
    async def publish():
        client = await nats.connect(f"nats://{broker.server}")
        stream, turns = client.jetstream(), asyncio.Semaphore(AT_A_TIME)

        async def one():
            async with turns:
                await (stream.publish("alone", BODY.encode()) if jetstream else client.publish("alone", BODY.encode()))
                if not jetstream:
                    # Its only confirmation is the answer to a PING.
                    await client.flush()

        if jetstream:
            await stream.add_stream(name="alone", subjects=["alone"])
        await asyncio.gather(*(one() for _ in range(count)))
        await client.close()

    asyncio.run(publish())


def bare_redis(broker, count):
    command = ["redis-benchmark", "-p", str(broker.port), "-n", str(count), "-c", "1", "-P", str(AT_A_TIME), "-q"]
    subprocess.run([*command, "XADD", "alone", "*", "id", "1", "event", BODY], check=True, stdout=subprocess.DEVNULL)


def bare_rabbitmq(broker, count):
    @contextlib.contextmanager
    def channel():
        connection = pika.BlockingConnection(pika.ConnectionParameters(host="127.0.0.1", port=broker.port))
        channel = connection.channel()
        channel.confirm_delivery()
        properties = pika.BasicProperties(delivery_mode=2)
        yield partial(channel.basic_publish, "shop", "bench", BODY.encode(), properties, mandatory=True)
        connection.close()

    in_threads(count, channel)


def bare_kafka(broker, count):
    options = {"bootstrap.servers": broker.server, "acks": "all", "linger.ms": 0, "batch.num.messages": 1}
    producer = confluent_kafka.Producer(options)
    for _ in range(count):
        while len(producer) >= AT_A_TIME:
            producer.poll(0.001)
        producer.produce("bench", BODY.encode())
    producer.flush()


def bare_mqtt(broker, count):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.max_inflight_messages_set(AT_A_TIME)
    client.max_queued_messages_set(0)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for last in [client.publish("alone", BODY, qos=1) for _ in range(count)]:
        last.wait_for_publish()
    client.loop_stop()


@contextlib.contextmanager
def broker(client, bare, folder, **options):
    server = client.server(folder / "broker")
    try:
        yield EVENTS, {"Arn": client(server, "bench", "bench", **options).arn()}, {}, partial(bare, server, EVENTS)
    finally:
        server.stop()


# AWS services, on moto


def sqs(client):
    url = client.create_queue(QueueName="bench")["QueueUrl"]
    return arn("sqs", "bench"), lambda: client.send_message(QueueUrl=url, MessageBody=BODY)


def sns(client):
    topic = client.create_topic(Name="bench")["TopicArn"]
    return topic, lambda: client.publish(TopicArn=topic, Message=BODY)


def kinesis(client):
    client.create_stream(StreamName="bench", ShardCount=1)
    stream = arn("kinesis", "stream/bench")
    return stream, lambda: client.put_record(StreamARN=stream, Data=BODY, PartitionKey="k")


def awslambda(client):
    function = arn("lambda", "function:bench")
    return function, lambda: client.invoke(FunctionName=function, InvocationType="Event", Payload=BODY)


def logs(client):
    client.create_log_group(logGroupName="bench")
    client.create_log_stream(logGroupName="bench", logStreamName="s")
    event = lambda: [{"timestamp": int(time.time() * 1000), "message": BODY}]
    put = lambda: client.put_log_events(logGroupName="bench", logStreamName="s", logEvents=event())
    return arn("logs", "log-group:bench"), put


@contextlib.contextmanager
def aws(service, make, folder):
    moto = AwsServices(folder)
    try:
        config = Config(max_pool_connections=AT_A_TIME, retries={"max_attempts": 0})
        target, call = make(boto3.client(service, endpoint_url=moto.url, config=config, **KEY))
        env = {"AWS_ENDPOINT_URL": moto.url, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        env |= {"EVENTYARD_AWS_SERVICES__ASSUME_ROLES": "false"}
        members = {"Arn": target, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r"}
        bare = partial(in_threads, EVENTS_OF_AWS, lambda: contextlib.nullcontext(call))
        yield EVENTS_OF_AWS, members, env, bare
    finally:
        moto.close()


# URLs and files

# Answers 200 to every request, which has a Content-Length.
HTTP_SERVER = """
import asyncio, re, sys

async def serve(reader, writer):
    while head := await reader.readuntil(b"\\r\\n\\r\\n"):
        await reader.readexactly(int(re.search(rb"(?i)content-length: (\\d+)", head)[1]))
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    print("ready", flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


@contextlib.contextmanager
def http_server(_):
    (port,) = free_ports(1)
    command = [sys.executable, "-c", HTTP_SERVER, str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    @contextlib.contextmanager
    def connection():
        client = http.client.HTTPConnection("127.0.0.1", port)

        def post():
            client.request("POST", "/", BODY, {"Content-Type": "application/json"})
            client.getresponse().read()

        yield post
        client.close()

    try:
        server.stdout.readline()
        yield EVENTS, {"Arn": f"http://127.0.0.1:{port}/"}, {}, partial(in_threads, EVENTS, connection)
    finally:
        server.kill()
        server.wait()


@contextlib.contextmanager
def file(folder):
    def append():
        with open(folder / "alone", "a") as lines:
            for _ in range(EVENTS):
                lines.write(BODY + "\n")
                lines.flush()

    yield EVENTS, {"Arn": f"file://{folder}/bench"}, {"EVENTYARD_LOCAL_TARGETS__FOLDER": str(folder)}, append


KINDS = {
    "http": http_server,
    "file": file,
    "nats": partial(broker, NatsSubject, partial(bare_nats, jetstream=False)),
    "jetstream": partial(broker, NatsSubject, partial(bare_nats, jetstream=True), keeps=True),
    "redis": partial(broker, RedisStream, bare_redis),
    "rabbitmq": partial(broker, RabbitQueue, bare_rabbitmq),
    "kafka": partial(broker, KafkaTopic, bare_kafka),
    "mqtt": partial(broker, MqttSubscription, bare_mqtt),
    "sqs": partial(aws, "sqs", sqs),
    "sns": partial(aws, "sns", sns),
    "kinesis": partial(aws, "kinesis", kinesis),
    "lambda": partial(aws, "lambda", awslambda),
    "logs": partial(aws, "logs", logs),
}


def delivered(daemon):
    text = urllib.request.urlopen(f"{daemon.admin_url}/metrics").read().decode()
    found = re.search(r'^eventyard_delivery_attempts_total\{[^}]*outcome="DELIVERED"[^}]*\} (\S+)', text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def through_eventyard(folder, count, target, env):
    """Deliveries a second of a daemon that owes everything when its rule is resumed."""
    daemon = Daemon(os.environ["EVENTYARD_BINARY"], folder, env | {"EVENTYARD_DELIVERY__CONCURRENCY_PER_TARGET": str(AT_A_TIME)})
    daemon.start()
    try:
        api = boto3.client("events", endpoint_url=daemon.api_url, config=Config(parameter_validation=False), **KEY)
        paused = lambda value: [{"Key": "eventyard:paused", "Value": value}]
        rule = api.put_rule(Name="bench", EventPattern='{"source":["bench"]}', Tags=paused("true"))["RuleArn"]
        put = api.put_targets(Rule="bench", Targets=[{"Id": "1", "InputPath": "$.detail"} | target])
        assert put["FailedEntryCount"] == 0, put
        entries = [{"Source": "bench", "DetailType": "d", "Detail": BODY}] * 10
        for _ in range(count // 10):
            assert api.put_events(Entries=entries)["FailedEntryCount"] == 0
        api.tag_resource(ResourceARN=rule, Tags=paused("false"))
        begun, deadline = None, time.monotonic() + 120
        while True:
            assert time.monotonic() < deadline, daemon.log()[-2000:]
            done, now = delivered(daemon), time.monotonic()
            if begun is None and done >= count / 10:
                begun = (now, done)
            elif begun is not None and done >= count * 0.9:
                return (done - begun[1]) / (now - begun[0])
            time.sleep(0.01)
    finally:
        daemon.kill9()


def main():
    print("| kind | events | eventyard, deliveries/s | client alone, calls/s |\n|---|---|---|---|")
    for kind in sys.argv[1:] or KINDS:
        with tempfile.TemporaryDirectory() as name, KINDS[kind](Path(name)) as (count, target, env, bare):
            begun = time.monotonic()
            bare()
            alone = count / (time.monotonic() - begun)
            rate = through_eventyard(Path(name), count, target, env)
            print(f"| {kind} | {count:,} | {rate:,.0f} | {alone:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
