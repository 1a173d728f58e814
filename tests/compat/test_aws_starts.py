"""Targets that start something on an AWS service: tasks, jobs, commands, assessments, the built-in calls of EC2."""

import copy
import json

import pytest
from botocore.credentials import Credentials

from aws_services import EXPIRED, REGION, ROLE, THROTTLED, arn, assert_signed, only_letter, read
from conftest import CREDENTIALS
from sink import Answer
from test_model_variants import variants
from waiting import wait_until
from wire import call, refusal, request

ECS = {
    "TaskDefinitionArn": "orders:1",
    "TaskCount": 2,
    "LaunchType": "FARGATE",
    "NetworkConfiguration": {
        "awsvpcConfiguration": {"Subnets": ["subnet-1"], "SecurityGroups": ["sg-1"], "AssignPublicIp": "ENABLED"}
    },
    "PlatformVersion": "1.4.0",
    "Group": "shop",
    "CapacityProviderStrategy": [{"capacityProvider": "p", "weight": 1, "base": 0}],
    "EnableECSManagedTags": True,
    "EnableExecuteCommand": False,
    "PlacementConstraints": [{"type": "memberOf", "expression": "e"}],
    "PlacementStrategy": [{"type": "spread", "field": "f"}],
    "PropagateTags": "TASK_DEFINITION",
    "ReferenceId": "r",
    "Tags": [{"Key": "Team", "Value": "Shop"}],
}
BATCH = {
    "JobDefinition": "orders",
    "JobName": "order",
    "ArrayProperties": {"Size": 2},
    "RetryStrategy": {"Attempts": 3},
}
RUN_COMMAND = {"RunCommandTargets": [{"Key": "tag:Team", "Values": ["Shop", "Web"]}]}
CLUSTER = {"Arn": arn("ecs", "cluster/orders"), "RoleArn": ROLE, "EcsParameters": ECS}
QUEUE = {"Arn": arn("batch", "job-queue/orders"), "RoleArn": ROLE, "BatchParameters": BATCH}
DOCUMENT = {"Arn": f"arn:aws:ssm:{REGION}::document/AWS-RunShellScript", "RunCommandParameters": RUN_COMMAND}
TEMPLATE = {"Arn": arn("inspector", "target/0-a/template/0-b")}
OVERRIDES = {"containerOverrides": [{"name": "c", "environment": [{"name": "ORDER", "value": "7"}]}]}
TRANSFORMER = {
    "InputPathsMap": {"order": "$.detail.order"},
    "InputTemplate": '{"containerOverrides": [{"name": "c", "environment": [{"name": "ORDER", "value": "<order>"}]}]}',
}


def action(name, resource):
    return {"Arn": arn("events", f"target/{name}"), "Input": json.dumps(resource)}


def test_the_blocks_come_back_as_they_were_put(daemon):
    assert call(daemon, "PutRule", {"Name": "orders", "EventPattern": '{"source":["shop"]}'}).status == 200
    targets = [{"Id": "1"} | CLUSTER, {"Id": "2"} | QUEUE, {"Id": "3"} | DOCUMENT]
    assert call(daemon, "PutTargets", {"Rule": "orders", "Targets": targets}).json()["FailedEntryCount"] == 0
    assert call(daemon, "ListTargetsByRule", {"Rule": "orders"}).json() == {"Targets": targets}


# Delivered to moto, read back with boto3


def test_ecs(moto, router, aws_client):
    ecs = aws_client("ecs", moto.url)
    ecs.create_cluster(clusterName="orders")
    ecs.register_task_definition(
        family="orders", containerDefinitions=[{"name": "c", "image": "i", "memory": 4, "cpu": 1}]
    )
    block = {"TaskDefinitionArn": "orders:1", "LaunchType": "FARGATE", "Group": "shop"}
    router(moto.url, CLUSTER | {"EcsParameters": block, "InputTransformer": TRANSFORMER})
    tasks = wait_until(lambda: ecs.list_tasks(cluster="orders")["taskArns"])
    (task,) = ecs.describe_tasks(cluster="orders", tasks=tasks)["tasks"]
    assert (task["group"], task["startedBy"], task["launchType"]) == ("shop", "events-rule/orders", "FARGATE")
    assert task["overrides"]["containerOverrides"] == OVERRIDES["containerOverrides"]


@pytest.fixture
def job_queue(moto, aws_client):
    """A queue `orders` of moto's Batch, and a job definition of that name."""
    ec2, iam, batch = (aws_client(service, moto.url) for service in ["ec2", "iam", "batch"])
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/25")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    role = iam.create_role(RoleName="batch", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    environment = batch.create_compute_environment(
        computeEnvironmentName="orders",
        type="MANAGED",
        computeResources={"type": "FARGATE", "maxvCpus": 1, "subnets": [subnet], "securityGroupIds": [group]},
        serviceRole=role,
    )["computeEnvironmentArn"]
    queue = batch.create_job_queue(
        jobQueueName="orders",
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment}],
    )
    batch.register_job_definition(
        jobDefinitionName="orders",
        type="container",
        containerProperties={"image": "i", "vcpus": 1, "memory": 4, "command": ["true"]},
    )
    return queue["jobQueueArn"]


def test_batch(moto, router, aws_client, job_queue):
    batch = aws_client("batch", moto.url)
    input = {"Parameters": {"Order": "7"}}
    block = {"JobDefinition": "orders", "JobName": "order"}
    router(moto.url, {"Arn": job_queue, "RoleArn": ROLE, "BatchParameters": block, "Input": json.dumps(input)})

    def jobs():
        states = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"]
        found = [batch.list_jobs(jobQueue="orders", jobStatus=state)["jobSummaryList"] for state in states]
        # One that moves on meanwhile is seen twice.
        return list({job["jobId"]: job for jobs in found for job in jobs}.values())

    (job,) = wait_until(jobs)
    assert job["jobName"] == "order"
    assert batch.describe_jobs(jobs=[job["jobId"]])["jobs"][0]["parameters"] == {"Order": "7"}


@pytest.mark.parametrize("key, values", [("tag:Team", ["Shop"]), ("InstanceIds", ["i-0123456789abcdef0"])])
def test_run_command(moto, router, aws_client, key, values):
    ssm = aws_client("ssm", moto.url)
    known = {command["CommandId"] for command in ssm.list_commands()["Commands"]}
    block = {"RunCommandTargets": [{"Key": key, "Values": values}]}
    router(moto.url, DOCUMENT | {"RunCommandParameters": block, "Input": '{"commands": ["date"]}'})
    new = lambda: [command for command in ssm.list_commands()["Commands"] if command["CommandId"] not in known]
    (command,) = wait_until(new)
    assert (command["DocumentName"], command["Parameters"]) == ("AWS-RunShellScript", {"commands": ["date"]})
    assert command["Targets"] == [{"Key": key, "Values": values}]


def instance(ec2):
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    return ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]


@pytest.mark.parametrize("name, state", [("stop-instances", "stopped"), ("terminate-instances", "terminated")])
def test_an_instance_is_stopped_or_terminated(moto, router, aws_client, name, state):
    ec2 = aws_client("ec2", moto.url)
    id = instance(ec2)
    router(moto.url, action(name, arn("ec2", f"instance/{id}")))
    described = lambda: ec2.describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"][0]["State"]["Name"]
    wait_until(lambda: described() == state)


def test_an_instance_that_an_event_names_is_rebooted(moto, router, aws_client):
    ec2 = aws_client("ec2", moto.url)
    id = instance(ec2)
    transformer = {"InputPathsMap": {}, "InputTemplate": json.dumps(id)}
    target = {"Arn": arn("events", "target/reboot-instance"), "InputTransformer": transformer}
    done = router(moto.url, target)
    report = lambda: request(done.daemon.admin_address, "GET", f"/events/{done.event}").json()["deliveries"]
    # Nothing is seen of an instance that was rebooted; moto refuses those that it does not know.
    attempts = wait_until(lambda: [attempt for delivery in report() for attempt in delivery["attempts"]])
    assert [attempt["outcome"] for attempt in attempts] == ["DELIVERED"]


def test_a_snapshot_is_made(moto, router, aws_client):
    ec2 = aws_client("ec2", moto.url)
    volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=1)["VolumeId"]
    router(moto.url, action("create-snapshot", volume))
    of_volume = [{"Name": "volume-id", "Values": [volume]}]
    wait_until(lambda: len(ec2.describe_snapshots(Filters=of_volume)["Snapshots"]) == 1)


MISSING = [
    CLUSTER,
    QUEUE,
    action("stop-instances", "i-0123456789abcdef0"),
    action("create-snapshot", "vol-0123456789abcdef0"),
]


@pytest.mark.parametrize("target", MISSING, ids=lambda target: target["Arn"].split(":")[-1])
def test_what_is_missing_ends_as_a_dead_letter_at_once(moto, router, target):
    target = json.loads(json.dumps(target).replace("/orders", "/missing"))
    letter = only_letter(router(moto.url, target).daemon)
    assert (letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == ("REFUSED_BY_TARGET", 0), letter


# As boto3 sends it


def send_command(client, **more):
    client.send_command(DocumentName="AWS-RunShellScript", Targets=RUN_COMMAND["RunCommandTargets"], **more)


def run_task(client, **more):
    vpc = ECS["NetworkConfiguration"]["awsvpcConfiguration"]
    client.run_task(
        cluster=CLUSTER["Arn"],
        taskDefinition="orders:1",
        count=2,
        launchType="FARGATE",
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": vpc["Subnets"],
                "securityGroups": vpc["SecurityGroups"],
                "assignPublicIp": vpc["AssignPublicIp"],
            }
        },
        platformVersion="1.4.0",
        group="shop",
        capacityProviderStrategy=ECS["CapacityProviderStrategy"],
        enableECSManagedTags=True,
        enableExecuteCommand=False,
        placementConstraints=ECS["PlacementConstraints"],
        placementStrategy=ECS["PlacementStrategy"],
        propagateTags="TASK_DEFINITION",
        referenceId="r",
        tags=[{"key": "Team", "value": "Shop"}],
        startedBy="events-rule/orders",
        **more,
    )


def submit_job(client, **more):
    client.submit_job(
        jobName="order",
        jobQueue=QUEUE["Arn"],
        jobDefinition="orders",
        arrayProperties={"size": 2},
        retryStrategy={"attempts": 3},
        **more,
    )


BATCH_INPUT = {
    "Parameters": {"Order": "7"},
    "ContainerOverrides": {"Command": ["a"], "Environment": [{"Name": "A", "Value": "B"}]},
}
BATCH_SENT = {
    "parameters": {"Order": "7"},
    "containerOverrides": {"command": ["a"], "environment": [{"name": "A", "value": "B"}]},
}
STARTS = {
    "ecs": ("ecs", CLUSTER, run_task),
    "ecs with overrides": (
        "ecs",
        CLUSTER | {"Input": json.dumps(OVERRIDES)},
        lambda client: run_task(client, overrides=OVERRIDES),
    ),
    "batch": ("batch", QUEUE, submit_job),
    "batch with overrides": (
        "batch",
        QUEUE | {"Input": json.dumps(BATCH_INPUT)},
        lambda client: submit_job(client, **BATCH_SENT),
    ),
    "run command": ("ssm", DOCUMENT, send_command),
    "run command with parameters": (
        "ssm",
        DOCUMENT | {"Input": '{"commands": ["date"]}'},
        lambda client: send_command(client, Parameters={"commands": ["date"]}),
    ),
    "inspector": (
        "inspector",
        TEMPLATE,
        lambda client: client.start_assessment_run(assessmentTemplateArn=TEMPLATE["Arn"]),
    ),
    "inspector with a name": (
        "inspector",
        TEMPLATE | {"Input": '{"assessmentRunName": "n"}'},
        lambda client: client.start_assessment_run(assessmentTemplateArn=TEMPLATE["Arn"], assessmentRunName="n"),
    ),
    "snapshot": ("ec2", action("create-snapshot", "vol-1"), lambda client: client.create_snapshot(VolumeId="vol-1")),
    "reboot": (
        "ec2",
        action("reboot-instances", ["i-1", "i-2"]),
        lambda client: client.reboot_instances(InstanceIds=["i-1", "i-2"]),
    ),
    "stop": ("ec2", action("stop-instances", "i-1"), lambda client: client.stop_instances(InstanceIds=["i-1"])),
    "terminate": (
        "ec2",
        action("terminate-instances", "i-1"),
        lambda client: client.terminate_instances(InstanceIds=["i-1"]),
    ),
}


@pytest.mark.parametrize("start", STARTS)
def test_a_start_is_what_boto3_sends(router, sink, aws_client, start):
    service, target, send = STARTS[start]
    router(sink.url, target)
    (ours,) = sink.wait_for(1)
    try:
        send(aws_client(service, sink.url))
    except Exception:  # noqa: BLE001 the sink's answer is none of the service's; only the request matters
        pass
    ours_read, theirs_read = read(ours), read(sink.wait_for(2)[1])
    for fields in ours_read[-1], theirs_read[-1]:
        fields.pop("clientToken", None)
    assert ours_read == theirs_read
    assert_signed(ours, service, Credentials(*CREDENTIALS.values()))


def test_the_dots_of_a_rule_are_hyphens_for_ecs(router, sink):
    client = router(sink.url, CLUSTER).client
    client.put_rule(Name="shop.orders", EventPattern='{"source":["com.example.other"]}')
    client.put_targets(Rule="shop.orders", Targets=[{"Id": "1"} | CLUSTER])
    client.put_events(Entries=[{"Source": "com.example.other", "DetailType": "a", "Detail": "{}"}])
    started_by = {read(request)[-1]["startedBy"] for request in sink.wait_for(2)}
    assert started_by == {"events-rule/orders", "events-rule/shop-orders"}


# What services answer


@pytest.mark.parametrize(
    "target", [CLUSTER, QUEUE, DOCUMENT, TEMPLATE, action("stop-instances", "i-1")], ids=lambda it: it["Arn"].split(":")[2]
)
def test_throttling_faults_and_expired_keys_pass(router, sink, target):
    path = "/v1/submitjob" if ":batch:" in target["Arn"] else "/"
    denied = Answer(403, b"<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>")
    sink.answer(path, THROTTLED, Answer(503), EXPIRED, denied)
    letter = only_letter(router(sink.url, target).daemon)
    assert (letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == ("REFUSED_BY_TARGET", 3), letter
    assert "UnauthorizedOperation" in letter["ERROR_MESSAGE"]


def test_tasks_that_found_no_place_are_tried_again_unless_some_did(router, sink):
    failure = {"arn": "a", "reason": "RESOURCE:MEMORY"}
    none = Answer(body=json.dumps({"tasks": [], "failures": [failure]}).encode())
    some = Answer(body=json.dumps({"tasks": [{}], "failures": [failure]}).encode())
    sink.answer("/", none, some)
    letter = only_letter(router(sink.url, CLUSTER).daemon)
    assert (letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == ("REFUSED_BY_TARGET", 1), letter
    assert "1 tasks were started" in letter["ERROR_MESSAGE"] and "RESOURCE:MEMORY" in letter["ERROR_MESSAGE"]


TOKENS = {
    "ecs": (CLUSTER, "clientToken"),
    "states": ({"Arn": arn("states", "stateMachine:m"), "RoleArn": ROLE}, "name"),
    "ssm": ({"Arn": arn("ssm", "automation-definition/d")}, "ClientToken"),
    "codebuild": ({"Arn": arn("codebuild", "project/p"), "RoleArn": ROLE}, "idempotencyToken"),
    "codepipeline": ({"Arn": arn("codepipeline", "p"), "RoleArn": ROLE}, "clientRequestToken"),
    "fifo queue": (
        {"Arn": arn("sqs", "q.fifo"), "SqsParameters": {"MessageGroupId": "g"}},
        "MessageDeduplicationId",
    ),
    "fifo topic": ({"Arn": arn("sns", "t.fifo"), "SqsParameters": {"MessageGroupId": "g"}}, "MessageDeduplicationId"),
}


@pytest.mark.parametrize("service", TOKENS)
def test_a_service_can_tell_a_retry_from_another_event(router, sink, service):
    target, name = TOKENS[service]
    sink.answer("/", Answer(503), Answer(503))
    done = router(sink.url, target)
    sink.wait_for(3)
    done.client.put_events(Entries=[{"Source": "com.example.shop", "DetailType": "b", "Detail": "{}"}])
    first, again, once_more, other = [read(request)[-1][name] for request in sink.wait_for(4)]
    assert first == again == once_more != other


def test_an_execution_that_was_started_before_is_delivered(router, sink):
    sink.answer("/", Answer(503), Answer(400, b'{"__type":"ExecutionAlreadyExists"}'))
    done = router(sink.url, {"Arn": arn("states", "stateMachine:m"), "RoleArn": ROLE})
    report = lambda: request(done.daemon.admin_address, "GET", f"/events/{done.event}").json()["deliveries"]
    outcomes = lambda: [attempt["outcome"] for delivery in report() for attempt in delivery["attempts"]]
    wait_until(lambda: outcomes() == ["TARGET_FAILED", "DELIVERED"])


def test_a_fifo_topic_takes_a_group(moto, router, aws_client):
    sns, sqs = aws_client("sns", moto.url), aws_client("sqs", moto.url)
    topic = sns.create_topic(Name="groups.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    queue = sqs.create_queue(QueueName="groups.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn("sqs", "groups.fifo"))
    router(moto.url, {"Arn": topic, "SqsParameters": {"MessageGroupId": "g-7"}})
    receive = lambda: sqs.receive_message(QueueUrl=queue, AttributeNames=["All"]).get("Messages")
    (message,) = wait_until(receive)
    assert message["Attributes"]["MessageGroupId"] == "g-7"


ORDERED = {"Arn": arn("sns", "ordered.fifo"), "SqsParameters": {"MessageGroupId": "g"}}


def put_orders(client, numbers):
    entry = {"Source": "com.example.shop", "DetailType": "Order Placed"}
    for n in numbers:
        client.put_events(Entries=[entry | {"Detail": json.dumps({"n": n})}])


def test_a_fifo_topic_gets_its_group_in_order(moto, router, aws_client):
    sns, sqs = aws_client("sns", moto.url), aws_client("sqs", moto.url)
    sns.create_topic(Name="ordered.fifo", Attributes={"FifoTopic": "true"})
    queue = sqs.create_queue(QueueName="ordered.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=ORDERED["Arn"], Protocol="sqs", Endpoint=arn("sqs", "ordered.fifo"), Attributes=raw)
    done = router(moto.url, ORDERED | {"InputPath": "$.detail.n"})
    # They gather while nothing is sent, so that they could be sent beside each other.
    pause = lambda how: request(done.daemon.admin_address, "POST", f"/rules/{how}?rule=orders").status == 200
    assert pause("pause")
    put_orders(done.client, range(30))
    assert pause("resume")
    got = []

    def read_all():
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            got.append(message["Body"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [int(body) for body in got if body.isdecimal()] == list(range(30))

    wait_until(read_all)


def test_a_message_that_a_fifo_topic_did_not_take_holds_up_those_behind_it(router, sink):
    sink.answer("/", *[Answer(503)] * 3)
    done = router(sink.url, ORDERED)
    put_orders(done.client, range(5))
    events = [json.loads(read(request)[-1]["Message"][0])["id"] for request in sink.wait_for(9)]
    assert events[:4] == [done.event] * 4 and len(set(events)) == 6, events


# Inputs


@pytest.mark.parametrize(
    "target, reason",
    [
        (CLUSTER | {"Input": "[1]"}, "not a JSON object"),
        (QUEUE | {"Input": '{"JobName": "another"}'}, "JobName"),
        (DOCUMENT | {"Input": '"date"'}, "not a JSON object"),
        ({"Arn": arn("events", "target/stop-instances"), "InputPath": "$.detail.order"}, "the id or the ARN"),
    ],
    ids=["ecs", "batch", "ssm", "ec2"],
)
def test_an_input_that_makes_no_call_is_not_sent(router, sink, target, reason):
    letter = only_letter(router(sink.url, target).daemon)
    assert (letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == ("REQUEST_INVALID", 0), letter
    assert reason in letter["ERROR_MESSAGE"]
    assert sink.requests == []


# PutTargets


@pytest.fixture
def client(start_daemon, client_of):
    daemon = start_daemon()
    client = client_of(daemon)
    client.daemon = daemon
    client.put_rule(Name="orders", EventPattern='{"source":["com.example.shop"]}')
    return client


def test_blocks_come_back_as_they_were_put(client):
    targets = [CLUSTER | {"Id": "1"}, QUEUE | {"Id": "2"}, DOCUMENT | {"Id": "3"}]
    targets += [QUEUE | {"Id": "4", "BatchParameters": {"JobDefinition": "d", "JobName": "n", "ArrayProperties": {}}}]
    client.put_targets(Rule="orders", Targets=targets)
    daemon = client.daemon
    listed = lambda: call(daemon, "ListTargetsByRule", {"Rule": "orders"}).json()["Targets"]
    assert listed() == targets
    daemon.stop()
    daemon.start()
    assert listed() == targets


@pytest.mark.parametrize("target", [CLUSTER, QUEUE, DOCUMENT], ids=["ecs", "batch", "ssm"])
def test_what_the_model_forbids_in_a_block_is_refused(client, target):
    (name,) = [name for name in target if name.endswith("Parameters")]
    shape = client.meta.service_model.shape_for(name)
    wrong, tried = [], 0
    for variant in variants(shape, copy.deepcopy(target[name])):
        answer = call(client.daemon, "PutTargets", {"Rule": "orders", "Targets": [target | {"Id": "1", name: variant.value}]})
        code = answer.json().get("__type")
        told = "validation error" in answer.body.decode() and name[0].lower() + name[1:] in answer.body.decode()
        if not (code == "SerializationException" or code == "ValidationException" and told):
            wrong.append((variant.what, answer.status, answer.body[:200]))
        tried += 1
    assert not wrong, "\n".join(map(str, wrong))
    assert tried > 30


@pytest.mark.parametrize(
    "target, message",
    [
        (CLUSTER | {"EcsParameters": None}, "Parameter(s) EcsParameters must be specified for target: 1."),
        (QUEUE | {"BatchParameters": None}, "Parameter(s) BatchParameters must be specified for target: 1."),
        (DOCUMENT | {"RunCommandParameters": None}, "Parameter RunCommandParameters is not valid for target1."),
        (CLUSTER | {"RoleArn": None}, f"RoleArn is required for target {CLUSTER['Arn']}."),
        (CLUSTER | {"BatchParameters": BATCH}, "Parameter BatchParameters is not valid for target 1."),
        ({"Arn": arn("sqs", "q"), "EcsParameters": ECS}, "Parameter EcsParameters is not valid for target 1."),
        (
            {"Arn": arn("sns", "t.fifo")},
            "Parameter(s) SqsParameters must be specified for target: 1.",
        ),
    ],
)
def test_blocks_belong_to_their_kind(client, target, message):
    target = {name: value for name, value in target.items() if value is not None}
    assert refusal("ValidationException", client.put_targets, Rule="orders", Targets=[{"Id": "1"} | target]) == message
