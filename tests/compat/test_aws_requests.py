"""Targets that are AWS services: every request is what boto3 sends for the same call."""

import base64
import json
from urllib.parse import urlsplit

import pytest
from botocore.credentials import Credentials

from aws_services import ACCOUNT, DETAIL, ROLE, arn, assert_signed, read
from conftest import CREDENTIALS
from sink import Answer


def invoke(client, body):
    client.invoke(FunctionName=arn("lambda", "function:f:live"), InvocationType="Event", Payload=body)


CALLS = {
    "sqs": (arn("sqs", "q"), lambda client, body, url: client.send_message(QueueUrl=f"{url}/{ACCOUNT}/q", MessageBody=body)),
    "sns": (arn("sns", "t"), lambda client, body, url: client.publish(TopicArn=arn("sns", "t"), Message=body)),
    "lambda": (arn("lambda", "function:f:live"), lambda client, body, url: invoke(client, body)),
    "kinesis": (
        arn("kinesis", "stream/s"),
        lambda client, body, url: client.put_record(
            StreamARN=arn("kinesis", "stream/s"), Data=body, PartitionKey=json.loads(body)["id"]
        ),
    ),
    "firehose": (
        arn("firehose", "deliverystream/s"),
        lambda client, body, url: client.put_record(DeliveryStreamName="s", Record={"Data": body}),
    ),
    "stepfunctions": (
        arn("states", "stateMachine:m"),
        lambda client, body, url: client.start_execution(stateMachineArn=arn("states", "stateMachine:m"), input=body),
    ),
}
SIGNED_AS = {"stepfunctions": "states"}


@pytest.mark.parametrize("service", CALLS)
def test_a_request_is_what_boto3_sends(router, sink, aws_client, service):
    target, send = CALLS[service]
    router(sink.url, {"Arn": target, "RoleArn": ROLE})
    (ours,) = sink.wait_for(1)
    fields = read(ours)[-1]
    body = {
        "sqs": lambda: fields["MessageBody"],
        "sns": lambda: fields["Message"][0],
        "lambda": lambda: ours.body.decode(),
        "kinesis": lambda: base64.b64decode(fields["Data"]).decode(),
        "firehose": lambda: base64.b64decode(fields["Record"]["Data"]).decode(),
        "stepfunctions": lambda: fields["input"],
    }[service]()
    assert json.loads(body)["detail"] == DETAIL
    try:
        send(aws_client(service, sink.url), body, sink.url)
    except Exception:  # noqa: BLE001 the sink's answer is none of the service's; only the request matters
        pass
    theirs = sink.wait_for(2)[1]
    ours_read = read(ours)
    # By the name an execution of Step Functions is known that was started before.
    ours_read[-1].pop("name", None)
    assert ours_read == read(theirs)
    key = Credentials(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"])
    assert_signed(ours, SIGNED_AS.get(service, service), key)
    assert urlsplit(sink.url).netloc == ours.headers["host"]


STARTS = [
    ("codebuild", "project/p", None, lambda client: client.start_build(projectName="p")),
    (
        "codebuild",
        "project/p",
        {"sourceVersion": "v7", "projectName": "another"},
        lambda client: client.start_build(sourceVersion="v7", projectName="p"),
    ),
    ("codepipeline", "p", None, lambda client: client.start_pipeline_execution(name="p")),
    (
        "codepipeline",
        "p",
        {"variables": [{"name": "a", "value": "b"}]},
        lambda client: client.start_pipeline_execution(name="p", variables=[{"name": "a", "value": "b"}]),
    ),
    (
        "ssm",
        "automation-definition/d:7",
        None,
        lambda client: client.start_automation_execution(DocumentName="d", DocumentVersion="7"),
    ),
    (
        "ssm",
        "automation-definition/d",
        {"InstanceId": ["i-1"]},
        lambda client: client.start_automation_execution(DocumentName="d", Parameters={"InstanceId": ["i-1"]}),
    ),
]


@pytest.mark.parametrize("service, resource, input, send", STARTS)
def test_what_is_started_gets_the_input_and_never_the_event(router, sink, aws_client, service, resource, input, send):
    target = {"Arn": arn(service, resource), "RoleArn": ROLE} | ({"Input": json.dumps(input)} if input else {})
    sink.always("/", Answer(body=b"{}"))
    router(sink.url, target)
    (ours,) = sink.wait_for(1)
    send(aws_client(service, sink.url))
    ours_read, theirs_read = read(ours), read(sink.wait_for(2)[1])
    for token in ["clientRequestToken", "ClientToken", "idempotencyToken"]:
        ours_read[-1].pop(token, None)
        # boto3 makes one of its own where the model wants one.
        theirs_read[-1].pop(token, None)
    assert ours_read == theirs_read
    assert_signed(ours, service, Credentials(*CREDENTIALS.values()))


# What each call is, with the request that was sent: what nobody knows before is taken from there, such as a time.
FURTHER = {
    "fifo queue": (
        "sqs",
        {"Arn": arn("sqs", "q.fifo"), "SqsParameters": {"MessageGroupId": "g"}},
        lambda client, url, sent: client.send_message(
            QueueUrl=f"{url}/{ACCOUNT}/q.fifo",
            MessageBody=sent["MessageBody"],
            MessageGroupId="g",
            MessageDeduplicationId=sent["MessageDeduplicationId"],
        ),
    ),
    "fifo topic": (
        "sns",
        {"Arn": arn("sns", "t.fifo"), "SqsParameters": {"MessageGroupId": "g"}},
        lambda client, url, sent: client.publish(
            TopicArn=arn("sns", "t.fifo"),
            Message=sent["Message"][0],
            MessageGroupId="g",
            MessageDeduplicationId=sent["MessageDeduplicationId"][0],
        ),
    ),
    "kinesis with a key": (
        "kinesis",
        {"Arn": arn("kinesis", "stream/s"), "RoleArn": ROLE, "KinesisParameters": {"PartitionKeyPath": "$.detail.order"}},
        lambda client, url, sent: client.put_record(
            StreamARN=arn("kinesis", "stream/s"), Data=base64.b64decode(sent["Data"]), PartitionKey="7"
        ),
    ),
    "log group": (
        "logs",
        {"Arn": arn("logs", "log-group:/orders")},
        lambda client, url, sent: client.put_log_events(
            logGroupName="/orders",
            logStreamName=sent["logStreamName"],
            logEvents=[{"timestamp": event["timestamp"], "message": event["message"]} for event in sent["logEvents"]],
        ),
    ),
    "event bus": (
        "events",
        {"Arn": arn("events", "event-bus/elsewhere")},
        lambda client, url, sent: client.put_events(
            Entries=[
                {
                    "Source": "com.example.shop",
                    "DetailType": "Order Placed",
                    "Detail": sent["Entries"][0]["Detail"],
                    "Resources": [],
                    "Time": sent["Entries"][0]["Time"],
                    "EventBusName": arn("events", "event-bus/elsewhere"),
                }
            ]
        ),
    ),
}


@pytest.mark.parametrize("kind", FURTHER)
def test_a_request_with_all_that_a_target_adds_is_what_boto3_sends(router, sink, aws_client, kind):
    service, target, send = FURTHER[kind]
    env = {"EVENTYARD_AWS_SERVICES__ENDPOINT_URL": sink.url}
    router(sink.url, target, env | {"EVENTYARD_AWS_SERVICES__ENDPOINT_URLS": f"eventbridge={sink.url}"})
    (ours,) = sink.wait_for(1)
    try:
        send(aws_client(service, sink.url), sink.url, read(ours)[-1])
    except Exception:  # noqa: BLE001 the sink's answer is none of the service's; only the request matters
        pass
    assert read(ours) == read(sink.wait_for(2)[1])
    assert "Order Placed" in json.dumps(read(ours)[-1]) or service == "kinesis"
    assert_signed(ours, service, Credentials(*CREDENTIALS.values()))
