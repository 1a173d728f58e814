"""The same scenarios through boto3, the process of the aws CLI, both clients of the AWS SDK for JavaScript and Terraform: each sees
the same.

A scenario is a list of steps in `scenarios/`: an operation, what is asked, and the whole answer or the error. `<any>` stands
for a value that is another each time.
"""

import json
import re
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

import javascript_sdk
from aws_services import REGION
from conftest import AwsCliError
from terraform_cli import Terraform
from terraform_scenario import Resources
from test_bad_input import IMPLEMENTED

SCENARIOS = sorted((Path(__file__).parent / "scenarios").glob("*.json"))
EACH_SCENARIO = pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
ANY = "<any>"
# What the older client for JavaScript does not know of event buses.
NEWER = {"Description", "CreationTime", "LastModifiedTime"}
CLI_ERROR = re.compile(r"An error occurred \((\w+)\) when calling the \w+ operation: (.*)", re.DOTALL)


def steps_of(file):
    return json.loads(file.read_text())


def check(steps, seen):
    assert len(seen) == len(steps)
    for number, (step, found) in enumerate(zip(steps, seen), 1):
        expected = {key: step[key] for key in ["answer", "error"] if key in step}
        assert masked(found, expected) == expected, f"step {number}, {step['operation']}"


def masked(found, expected):
    """What was found, with `<any>` where that is expected."""
    if expected == ANY:
        return ANY
    if isinstance(found, dict) and isinstance(expected, dict):
        return {key: masked(value, expected.get(key)) for key, value in found.items()}
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        return [masked(*pair) for pair in zip(found, expected)]
    return found


@pytest.fixture
def ask(client):
    """A function that takes a step with boto3, and gives what it answered."""

    def ask(operation, request, **expected):
        try:
            answer = getattr(client, xform_name(operation))(**request)
        except ClientError as error:
            return {"error": {"code": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}}
        del answer["ResponseMetadata"]
        return {"answer": answer}

    return ask


def test_every_operation_is_in_a_scenario():
    assert {step["operation"] for file in SCENARIOS for step in steps_of(file)} == set(IMPLEMENTED)


@EACH_SCENARIO
def test_with_boto3(file, ask):
    check(steps_of(file), [ask(**step) for step in steps_of(file)])


@EACH_SCENARIO
def test_with_the_aws_cli(file, aws):
    def run(operation, request):
        try:
            return {"answer": aws(xform_name(operation, "-"), "--cli-input-json", json.dumps(request)) or {}}
        except AwsCliError as error:
            code, message = CLI_ERROR.search(str(error)).groups()
            return {"error": {"code": code, "message": message}}

    check(steps_of(file), [run(step["operation"], step["request"]) for step in steps_of(file)])


@EACH_SCENARIO
def test_with_the_sdk_for_javascript(file, daemon, node):
    check(steps_of(file), javascript_sdk.steps(javascript_sdk.EVENTBRIDGE, file, daemon.api_url, REGION))


@EACH_SCENARIO
def test_with_the_older_sdk_for_javascript(file, daemon, node):
    steps = [as_the_older_client_sees(step) for step in steps_of(file)]
    check(steps, javascript_sdk.steps(javascript_sdk.CLOUDWATCH_EVENTS, file, daemon.api_url, REGION))


def as_the_older_client_sees(step):
    """A step as the client of CloudWatch Events sees it, which knows less of event buses than there is."""
    operation = step["operation"]
    if operation == "UpdateEventBus":
        return {"operation": operation}
    if not operation.endswith(("EventBus", "EventBuses")) or "answer" not in step:
        return step
    answer = without_newer(step["answer"])
    if operation == "ListEventBuses":
        answer["EventBuses"] = [without_newer(bus) for bus in answer["EventBuses"]]
    return step | {"answer": answer}


def without_newer(bus):
    return {member: value for member, value in bus.items() if member not in NEWER}


@EACH_SCENARIO
def test_with_terraform(file, daemon, ask, terraform_folder):
    """Terraform changes what is changed, and boto3 asks what is there then. The provider says nothing of answers, and what is
    refused cannot be declared."""
    plugins, folder = terraform_folder
    terraform = Terraform(plugins, folder, daemon)
    resources, asked, seen = Resources(), [], []
    for step in steps_of(file):
        if not Resources.has(step["operation"]):
            bring_up(terraform, resources)
            asked.append(step)
            seen.append(ask(**step))
        elif "answer" in step:
            resources.change(step["operation"], step["request"])
    bring_up(terraform, resources)
    assert len(asked) < len(steps_of(file))
    check(asked, seen)


def bring_up(terraform, resources):
    """Lets Terraform make what there has to be, unless it is there."""
    file = terraform.folder / "scenario.tf.json"
    text = resources.configuration()
    if not file.exists() or file.read_text() != text:
        file.write_text(text)
        terraform.apply()
        assert terraform.drift() is None
