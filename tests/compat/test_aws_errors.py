"""What services can answer against a call, taken from their models: each error in the form of its service's protocol."""

import json

import botocore.session
import pytest

from aws_services import ROLE, arn
from sink import Answer
from test_aws_starts import CLUSTER, DOCUMENT, QUEUE, TEMPLATE, action
from waiting import wait_until
from wire import outcomes

# The operation that a target is a call of.
CALLS = {
    ("sqs", "SendMessage"): {"Arn": arn("sqs", "q")},
    ("sns", "Publish"): {"Arn": arn("sns", "t")},
    ("lambda", "Invoke"): {"Arn": arn("lambda", "function:f")},
    ("kinesis", "PutRecord"): {"Arn": arn("kinesis", "stream/s"), "RoleArn": ROLE},
    ("firehose", "PutRecord"): {"Arn": arn("firehose", "deliverystream/s"), "RoleArn": ROLE},
    ("stepfunctions", "StartExecution"): {"Arn": arn("states", "stateMachine:m"), "RoleArn": ROLE},
    ("logs", "PutLogEvents"): {"Arn": arn("logs", "log-group:/g")},
    ("codebuild", "StartBuild"): {"Arn": arn("codebuild", "project/p"), "RoleArn": ROLE},
    ("codepipeline", "StartPipelineExecution"): {"Arn": arn("codepipeline", "p"), "RoleArn": ROLE},
    ("ssm", "StartAutomationExecution"): {"Arn": arn("ssm", "automation-definition/d"), "RoleArn": ROLE},
    ("ssm", "SendCommand"): DOCUMENT | {"Input": "{}"},
    ("ecs", "RunTask"): CLUSTER,
    ("batch", "SubmitJob"): QUEUE,
    ("inspector", "StartAssessmentRun"): TEMPLATE,
    ("events", "PutEvents"): {"Arn": arn("events", "event-bus/elsewhere")},
    ("ec2", "StopInstances"): action("stop-instances", arn("ec2", "instance/i-0123456789abcdef0")),
}
# EC2 has no errors in its model; these are some of what its documentation has.
EC2_ERRORS = {
    name: 400
    for name in ["IncorrectInstanceState", "InvalidInstanceID.NotFound", "UnauthorizedOperation", "RequestLimitExceeded"]
} | {"InternalError": 500, "Unavailable": 503}
# What every service can answer.
COMMON_ERRORS = {
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "InternalFailure": 500,
    "ServiceUnavailable": 503,
    "ThrottlingException": 400,
}
# What asks for less, and what passes; all others are refusals.
THROTTLED = {
    "AccountLimitExceededException",
    "AutomationExecutionLimitExceededException",
    "ConcurrentPipelineExecutionsLimitExceededException",
    "EC2ThrottledException",
    "ExecutionLimitExceeded",
    "KMSThrottling",
    "KMSThrottlingException",
    "KmsThrottled",
    "KmsThrottlingException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ServiceQuotaExceededException",
    "ThrottlingException",
    "TooManyRequestsException",
}
PASSING = {
    "AgentsAlreadyRunningAssessmentException",
    "EFSIOException",
    "ExpiredTokenException",
    "InternalError",
    "InternalException",
    "InternalFailure",
    "InternalFailureException",
    "InternalServerError",
    "ServerException",
    "ServiceException",
    "ServiceTemporarilyUnavailableException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Unavailable",
    "UnrecognizedClientException",
}
# That an earlier attempt was enough.
DONE = {"ExecutionAlreadyExists"}
# Statuses that say by themselves that time may help.
PASSING_STATUSES = {408, 409}


def model(service):
    return botocore.session.get_session().get_service_model(service)


def errors_of(service, operation):
    """Name and status of each error that can be the answer."""
    found = dict(COMMON_ERRORS) | (EC2_ERRORS if service == "ec2" else {})
    for shape in model(service).operation_model(operation).error_shapes:
        error = shape.metadata.get("error", {})
        found[error.get("code", shape.name)] = error.get("httpStatusCode", 400)
    # That is how a stream that is not there yet is told from one that is; test_aws_targets.py has it.
    if service == "logs":
        del found["ResourceNotFoundException"]
    return found


def expected(name, status):
    if name in DONE:
        return "DELIVERED"
    if name in THROTTLED:
        return "THROTTLED"
    is_passing = name in PASSING or status in PASSING_STATUSES or status >= 500
    return "TARGET_FAILED" if is_passing else "REFUSED_BY_TARGET"


def answer(service, name, status):
    """The error as the service writes it."""
    protocol = model(service).metadata["protocol"]
    error = f"<Error><Code>{name}</Code><Message>m</Message></Error>"
    if protocol == "ec2":
        return Answer(status, f"<Response><Errors>{error}</Errors><RequestID>r</RequestID></Response>".encode())
    if protocol == "query":
        return Answer(status, f"<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>".encode())
    if protocol == "rest-json":
        return Answer(status, b'{"message": "m"}', {"x-amzn-ErrorType": f"{name}:http://internal/"})
    return Answer(status, json.dumps({"__type": f"com.amazonaws.{service}#{name}", "message": "m"}).encode())


@pytest.mark.parametrize("service, operation", CALLS)
def test_every_error_of_a_model_means_what_it_says(router, sink, service, operation):
    errors = errors_of(service, operation)
    path = "/v1/submitjob" if service == "batch" else "/"
    if service == "lambda":
        path = f"/2015-03-31/functions/{CALLS[service, operation]['Arn'].replace(':', '%3A')}/invocations"
    target = CALLS[service, operation] | {"RetryPolicy": {"MaximumRetryAttempts": 0}}
    env = {"EVENTYARD_AWS_SERVICES__ENDPOINT_URL": sink.url, "EVENTYARD_DELIVERY__CIRCUIT_BREAKER_FAILURES": "0"}
    env |= {"EVENTYARD_AWS_SERVICES__ENDPOINT_URLS": f"eventbridge={sink.url}"}
    sink.always(path, Answer(404))
    done = router(sink.url, target, env)
    meant = {}
    for name, status in errors.items():
        sink.always(path, answer(service, name, status))
        entry = {"Source": "com.example.shop", "DetailType": "a", "Detail": "{}"}
        (put,) = done.client.put_events(Entries=[entry])["Entries"]
        ((meant[name], _),) = wait_until(lambda: outcomes(done.daemon, put["EventId"]))
    assert meant == {name: expected(name, status) for name, status in errors.items()}


def test_no_name_is_made_up():
    known = {name for service, operation in CALLS for name in errors_of(service, operation)}
    assert THROTTLED | PASSING | DONE <= known
