"""Targets that are AWS services: delivered for real to moto, and what becomes of what the services do not take."""

import io
import json
import zipfile

import pytest
from botocore.credentials import Credentials

from aws_services import (
    ACCOUNT,
    DENIED,
    DETAIL,
    EXPIRED,
    REGION,
    ROLE,
    THROTTLED,
    arn,
    assert_signed,
    only_letter,
    read,
)
from sink import Answer
from waiting import wait_until
from wire import call, dead_letters, refusal, request

# Delivered to moto, read back with boto3


@pytest.mark.parametrize("name", ["orders", "orders.fifo"])
def test_sqs(moto, router, aws_client, name):
    sqs = aws_client("sqs", moto.url)
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if name.endswith(".fifo") else {}
    queue = sqs.create_queue(QueueName=name, Attributes=fifo)["QueueUrl"]
    target = {"Arn": arn("sqs", name)} | ({"SqsParameters": {"MessageGroupId": "g-1"}} if fifo else {})
    event = router(moto.url, target).event
    receive = lambda: sqs.receive_message(QueueUrl=queue, AttributeNames=["All"]).get("Messages")
    (message,) = wait_until(receive)
    body = json.loads(message["Body"])
    assert (body["id"], body["detail"]) == (event, DETAIL)
    assert message["Attributes"].get("MessageGroupId") == ("g-1" if fifo else None)


def test_sns(moto, router, aws_client):
    sns, sqs = aws_client("sns", moto.url), aws_client("sqs", moto.url)
    topic = sns.create_topic(Name="orders")["TopicArn"]
    queue = sqs.create_queue(QueueName="of-the-topic")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn("sqs", "of-the-topic"))
    event = router(moto.url, {"Arn": topic}).event
    (message,) = wait_until(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))
    body = json.loads(json.loads(message["Body"])["Message"])
    assert (body["id"], body["detail"]) == (event, DETAIL)


def test_an_event_bus_of_another_service(moto, router, aws_client):
    """What moto's bus got comes back by a rule there, whose target is a queue."""
    events, sqs = aws_client("events", moto.url), aws_client("sqs", moto.url)
    queue = sqs.create_queue(QueueName="of-the-bus")["QueueUrl"]
    events.create_event_bus(Name="central")
    events.put_rule(Name="all", EventBusName="central", EventPattern='{"source":["com.example.shop"]}')
    events.put_targets(Rule="all", EventBusName="central", Targets=[{"Id": "1", "Arn": arn("sqs", "of-the-bus")}])
    env = {"EVENTYARD_AWS_SERVICES__ENDPOINT_URLS": f"eventbridge={moto.url}"}
    event = router(moto.url, {"Arn": arn("events", "event-bus/central")}, env).event
    (message,) = wait_until(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))
    body = json.loads(message["Body"])
    assert (body["source"], body["detail-type"], body["detail"]) == ("com.example.shop", "Order Placed", DETAIL)
    assert body["id"] != event


def test_lambda(moto, router, aws_client):
    role = aws_client("iam", moto.url).create_role(RoleName="function", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("f.py", "def handler(event, context): return event")
    function = aws_client("lambda", moto.url).create_function(
        FunctionName="f", Runtime="python3.12", Role=role, Handler="f.handler", Code={"ZipFile": code.getvalue()}
    )["FunctionArn"]
    done = router(moto.url, {"Arn": function})
    # moto calls no function, so what is left to see is that it took the event.
    report = lambda: request(done.daemon.admin_address, "GET", f"/events/{done.event}").json()["deliveries"]
    attempts = wait_until(lambda: [attempt for delivery in report() for attempt in delivery["attempts"]])
    assert [attempt["outcome"] for attempt in attempts] == ["DELIVERED"]


@pytest.mark.parametrize("path", [None, "$.detail.order", "$.detail.nothing"])
def test_kinesis(moto, router, aws_client, path):
    kinesis = aws_client("kinesis", moto.url)
    name = f"orders{(path or '').replace('$', '')}"
    kinesis.create_stream(StreamName=name, ShardCount=1)
    target = {"Arn": arn("kinesis", f"stream/{name}"), "RoleArn": ROLE}
    event = router(moto.url, target | ({"KinesisParameters": {"PartitionKeyPath": path}} if path else {})).event

    def records():
        shard = kinesis.describe_stream(StreamName=name)["StreamDescription"]["Shards"][0]["ShardId"]
        iterator = kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        return kinesis.get_records(ShardIterator=iterator["ShardIterator"])["Records"]

    (record,) = wait_until(records)
    assert json.loads(record["Data"])["id"] == event
    assert record["PartitionKey"] == ("7" if path == "$.detail.order" else event)


def test_firehose(moto, router, aws_client):
    s3, firehose = aws_client("s3", moto.url), aws_client("firehose", moto.url)
    s3.create_bucket(Bucket="orders")
    firehose.create_delivery_stream(
        DeliveryStreamName="orders",
        ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::orders"},
    )
    event = router(moto.url, {"Arn": arn("firehose", "deliverystream/orders"), "RoleArn": ROLE}).event
    (stored,) = wait_until(lambda: s3.list_objects_v2(Bucket="orders").get("Contents"))
    assert json.loads(s3.get_object(Bucket="orders", Key=stored["Key"])["Body"].read())["id"] == event


def test_step_functions(moto, router, aws_client):
    states = aws_client("stepfunctions", moto.url)
    definition = {"StartAt": "a", "States": {"a": {"Type": "Succeed"}}}
    machine = states.create_state_machine(name="m", definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]
    event = router(moto.url, {"Arn": machine, "RoleArn": ROLE}).event
    (execution,) = wait_until(lambda: states.list_executions(stateMachineArn=machine)["executions"])
    done = states.describe_execution(executionArn=execution["executionArn"])
    assert json.loads(done["input"])["id"] == event


def test_cloudwatch_logs(moto, router, aws_client):
    logs = aws_client("logs", moto.url)
    logs.create_log_group(logGroupName="/orders")
    done = router(moto.url, {"Arn": arn("logs", "log-group:/orders")})
    events = lambda: logs.filter_log_events(logGroupName="/orders")["events"]
    (first,) = wait_until(events)
    assert json.loads(first["message"])["id"] == done.event
    assert first["logStreamName"].startswith("eventyard/")
    # The stream is there now.
    done.client.put_events(Entries=[{"Source": "com.example.shop", "DetailType": "b", "Detail": "{}"}])
    wait_until(lambda: len(events()) == 2)


def test_codebuild(moto, router, aws_client):
    codebuild = aws_client("codebuild", moto.url)
    codebuild.create_project(
        name="orders",
        source={"type": "S3", "location": "bucket/path"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=f"arn:aws:iam::{ACCOUNT}:role/service-role/build",
    )
    router(moto.url, {"Arn": arn("codebuild", "project/orders"), "RoleArn": ROLE, "Input": '{"sourceVersion": "v7"}'})
    (build,) = wait_until(lambda: codebuild.list_builds_for_project(projectName="orders")["ids"])
    assert codebuild.batch_get_builds(ids=[build])["builds"][0]["sourceVersion"] == "v7"


# What comes back


def test_blocks_come_back_as_they_were_put(start_daemon, client_of):
    daemon = start_daemon()
    client = client_of(daemon)
    client.put_rule(Name="orders", EventPattern='{"source":["com.example.shop"]}')
    targets = [
        {"Id": "1", "Arn": arn("sqs", "q.fifo"), "SqsParameters": {"MessageGroupId": "g"}},
        {"Id": "2", "Arn": arn("sqs", "q"), "SqsParameters": {}},
        {"Id": "3", "Arn": arn("kinesis", "stream/s"), "KinesisParameters": {"PartitionKeyPath": "$.id"}},
        {"Id": "4", "Arn": "http://127.0.0.1:9/", "DeadLetterConfig": {"Arn": arn("sqs", "dead")}},
        {"Id": "5", "Arn": "http://127.0.0.1:9/", "DeadLetterConfig": {}},
    ]
    client.put_targets(Rule="orders", Targets=targets)
    listed = lambda: call(daemon, "ListTargetsByRule", {"Rule": "orders"}).json()["Targets"]
    assert listed() == targets
    daemon.stop()
    daemon.start()
    assert listed() == targets


# Missing, failing


MISSING = [
    arn("sqs", "missing"),
    arn("sns", "missing"),
    arn("lambda", "function:missing"),
    arn("kinesis", "stream/missing"),
    arn("firehose", "deliverystream/missing"),
    arn("states", "stateMachine:missing"),
    arn("logs", "log-group:missing"),
    arn("codebuild", "project/missing"),
    arn("codepipeline", "missing"),
    arn("ssm", "automation-definition/missing"),
]
# What moto does not know: it takes every call of a function that it does not run, and has no executions of these.
NOT_IN_MOTO = {"lambda", "codepipeline", "ssm"}


@pytest.mark.parametrize(
    "target", [arn for arn in MISSING if arn.split(":")[2] not in NOT_IN_MOTO], ids=lambda arn: arn.split(":")[2]
)
def test_what_is_missing_ends_as_a_dead_letter_at_once(moto, router, target):
    letter = only_letter(router(moto.url, {"Arn": target, "RoleArn": ROLE}).daemon)
    assert (letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == ("REFUSED_BY_TARGET", 0), letter


@pytest.mark.parametrize("target", MISSING, ids=lambda target: target.split(":")[2])
def test_throttling_faults_and_expired_keys_pass(router, sink, target):
    path = f"/2015-03-31/functions/{target.replace(':', '%3A')}/invocations" if ":lambda:" in target else "/"
    sink.answer(path, THROTTLED, Answer(503), EXPIRED, DENIED)
    letter = only_letter(router(sink.url, {"Arn": target, "RoleArn": ROLE}).daemon)
    assert (letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == ("REFUSED_BY_TARGET", 3), letter
    assert "AccessDeniedException" in letter["ERROR_MESSAGE"]


@pytest.mark.parametrize("target", ["codebuild:project/p", "codepipeline:p", "ssm:automation-definition/d"])
def test_an_input_that_is_no_object_is_not_sent(router, sink, target):
    target = {"Arn": arn(*target.split(":")), "RoleArn": ROLE, "Input": "[1]"}
    letter = only_letter(router(sink.url, target).daemon)
    assert (letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == ("REQUEST_INVALID", 0), letter
    assert "not a JSON object" in letter["ERROR_MESSAGE"]
    assert sink.requests == []


@pytest.mark.parametrize("target", [arn("sns", "t"), arn("states", "stateMachine:m")], ids=lambda arn: arn.split(":")[2])
def test_what_is_too_large_for_a_service_is_not_sent(router, sink, target):
    done = router(sink.url, {"Arn": target, "RoleArn": ROLE, "InputPath": "$.detail.text"})
    put = lambda size: done.client.put_events(
        Entries=[{"Source": "com.example.shop", "DetailType": "a", "Detail": json.dumps({"text": "a" * size})}]
    )
    # Two bytes are the quotes. The first event, which has no such text, is none of this.
    put(256 * 1024 - 2)
    sink.wait_for(1)
    put(256 * 1024 - 1)
    letters = wait_until(lambda: len(found := dead_letters(done.daemon)["dead_letters"]) == 2 and found)
    (letter,) = [letter for letter in letters if letter["ERROR_CODE"] != "INPUT_FAILED"]
    assert (letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == ("REQUEST_INVALID", 0)
    assert "262145 bytes were to be sent" in letter["ERROR_MESSAGE"]
    assert len(sink.requests) == 1


def test_without_credentials_nothing_is_sent(router, sink):
    env = {"EVENTYARD_AWS_SERVICES__ENDPOINT_URL": sink.url, "AWS_ACCESS_KEY_ID": ""}
    target = {"Arn": arn("sqs", "q"), "RetryPolicy": {"MaximumRetryAttempts": 1}}
    letter = only_letter(router(sink.url, target, env).daemon)
    assert (letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == ("NO_CREDENTIALS", 1), letter
    assert "AWS_ACCESS_KEY_ID" in letter["ERROR_MESSAGE"]
    assert sink.requests == []


def test_endpoints_and_keys_from_where_aws_tools_have_them(router, sink, tmp_path):
    file = tmp_path / "credentials"
    file.write_text("[shop]\naws_access_key_id = AKIDFILE\naws_secret_access_key = s\naws_session_token = token\n")
    env = {
        "AWS_ENDPOINT_URL_SQS": sink.url,
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SHARED_CREDENTIALS_FILE": str(file),
        "AWS_PROFILE": "shop",
    }
    router(None, {"Arn": arn("sqs", "q")}, env)
    (request,) = sink.wait_for(1)
    assert "Credential=AKIDFILE/" in request.headers["authorization"]
    assert request.headers["x-amz-security-token"] == "token"
    assert_signed(request, "sqs", Credentials("AKIDFILE", "s", "token"))


# Dead-letter queues

DEAD_LETTER_HEADERS = (
    "rule-arn target-arn error-code error-message exhausted-retry-condition retry-attempts".split()
)


def test_a_dead_letter_is_copied_to_the_queue(moto, router, sink, aws_client):
    sqs = aws_client("sqs", moto.url)
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    sink.always("/hook", Answer(503, b"first\x01line"))
    target = {"Arn": f"{sink.url}/hook", "Input": "7", "RetryPolicy": {"MaximumRetryAttempts": 2}}
    done = router(moto.url, target | {"DeadLetterConfig": {"Arn": arn("sqs", "dead")}})
    receive = lambda: sqs.receive_message(QueueUrl=dead, MessageAttributeNames=["All"]).get("Messages")
    (message,) = wait_until(receive)
    assert json.loads(message["Body"])["id"] == done.event
    assert {name: value["StringValue"] for name, value in message["MessageAttributes"].items()} == {
        "RULE_ARN": f"arn:aws:events:{REGION}:000000000000:rule/orders",
        "TARGET_ARN": f"{sink.url}/hook",
        "ERROR_CODE": "TARGET_FAILED",
        "ERROR_MESSAGE": "the target answered HTTP 503: first line",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        "RETRY_ATTEMPTS": "2",
    }
    assert message["MessageAttributes"]["RETRY_ATTEMPTS"]["DataType"] == "Number"
    assert only_letter(done.daemon)["event"]["id"] == done.event


def test_a_queue_that_is_missing_costs_no_dead_letter(moto, router, sink):
    sink.always("/hook", Answer(404))
    target = {"Arn": f"{sink.url}/hook", "DeadLetterConfig": {"Arn": arn("sqs", "no-queue")}}
    done = router(moto.url, target)
    assert only_letter(done.daemon)["ERROR_CODE"] == "REFUSED_BY_TARGET"
    wait_until(lambda: "the copy of a dead letter was given up" in done.daemon.log())


def test_the_copy_to_a_queue_that_fails_is_owed_until_it_is_sent(router, sink):
    sink.always("/hook", Answer(404))
    sink.always("/", Answer(503))
    quick = {"EVENTYARD_DELIVERY__BACKOFF_MAX_MS": "50", "EVENTYARD_DELIVERY__CIRCUIT_BREAKER_OPEN_MAX_MS": "50"}
    quick |= {"EVENTYARD_DELIVERY__BACKOFF_BASE_MS": "10", "EVENTYARD_DELIVERY__CIRCUIT_BREAKER_OPEN_BASE_MS": "10"}
    dead = {"Arn": f"{sink.url}/hook", "DeadLetterConfig": {"Arn": arn("sqs", "dead")}}
    done = router(sink.url, dead, quick | {"EVENTYARD_AWS_SERVICES__ENDPOINT_URL": sink.url})
    assert only_letter(done.daemon)["ERROR_CODE"] == "REFUSED_BY_TARGET"
    sink.wait_for(12, "/")
    done.daemon.kill9()
    done.daemon.start()
    sink.always("/", Answer(200))
    sent = lambda: counted(done.daemon, "eventyard_deliveries_pending") == 0
    wait_until(sent)
    assert all(read(request) == read(sink.to("/")[0]) for request in sink.to("/"))
    assert counted(done.daemon, "eventyard_dead_letters_not_queued_total") == 0
    assert len(sink.to("/hook")) == 1


def test_a_copy_that_is_refused_is_counted(router, sink):
    sink.always("/hook", Answer(404))
    sink.always("/", Answer(403))
    done = router(sink.url, {"Arn": f"{sink.url}/hook", "DeadLetterConfig": {"Arn": arn("sqs", "dead")}})
    only_letter(done.daemon)
    wait_until(lambda: counted(done.daemon, "eventyard_dead_letters_not_queued_total") == 1)
    assert len(sink.to("/")) == 1


def test_a_dead_letter_is_copied_to_a_url(router, sink):
    sink.always("/hook", Answer(404, "gone ü".encode()))
    sink.answer("/dead", Answer(500))
    done = router(sink.url, {"Arn": f"{sink.url}/hook", "DeadLetterConfig": {"Arn": f"{sink.url}/dead?a=1"}})
    first, second = sink.wait_for(2, "/dead")
    assert second.path == "/dead?a=1"
    assert second.json()["id"] == done.event
    assert {name: value for name, value in second.headers.items() if name in DEAD_LETTER_HEADERS} == {
        "rule-arn": f"arn:aws:events:{REGION}:000000000000:rule/orders",
        "target-arn": f"{sink.url}/hook",
        "error-code": "REFUSED_BY_TARGET",
        "error-message": "the target answered HTTP 404: gone ?",
        "retry-attempts": "0",
    }
    assert (first.headers["eventyard-attempt"], second.headers["eventyard-attempt"]) == ("1", "2")
    assert first.headers["eventyard-event-id"] == second.headers["eventyard-event-id"] == done.event


def counted(daemon, name):
    lines = request(daemon.admin_address, "GET", "/metrics").body.decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


@pytest.mark.parametrize("queue", [arn("sqs", "dead.fifo"), arn("sns", "dead"), "dead", "ftp://127.0.0.1/dead", "nats://169.254.169.254/dead", "http://169.254.169.254/", "file:///dead"])
def test_a_dead_letter_queue_is_a_standard_queue(start_daemon, client_of, queue):
    client = client_of(start_daemon())
    client.put_rule(Name="orders", EventPattern='{"source":["com.example.shop"]}')
    target = {"Id": "1", "Arn": "http://127.0.0.1:9/", "DeadLetterConfig": {"Arn": queue}}
    message = refusal("ValidationException", client.put_targets, Rule="orders", Targets=[target])
    assert message.startswith(f"Parameter {queue} is not valid. Reason: ")
