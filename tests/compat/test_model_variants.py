"""Variants of good requests, made from the model of the service: every member missing, too long, too short, outside its
range, expression or enumeration, or of the wrong type. Each is refused as the model says, and nothing has changed."""

import copy
import json
import re
from dataclasses import dataclass

import pytest

from daemon import Daemon
from test_bad_input import IMPLEMENTED
from wire import call, request

ACCOUNT = "000000000000"
PREFIX = f"arn:aws:events:us-east-1:{ACCOUNT}:"
PATTERN = '{"source":["shop"]}'
URL = "http://127.0.0.1:9/hook"
TAGS = [{"Key": "team", "Value": "shop"}]
TARGET = {
    "Id": "1",
    "Arn": f"{URL}/*",
    "RoleArn": "role",
    "InputTransformer": {"InputPathsMap": {"a": "$.detail.a"}, "InputTemplate": '{"a": <a>}'},
    "HttpParameters": {
        "PathParameterValues": ["$.source"],
        "HeaderParameters": {"X-A": "a"},
        "QueryStringParameters": {"q": "a"},
    },
    "RetryPolicy": {"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60},
}
EVENT = {
    "id": "1",
    "account": ACCOUNT,
    "source": "shop",
    "time": "2026-01-02T03:04:05Z",
    "region": "us-east-1",
    "detail-type": "t",
}

# What is there before each operation is tried.
MADE = [
    ("CreateEventBus", {"Name": "orders", "Tags": TAGS}),
    ("PutRule", {"Name": "r", "EventPattern": PATTERN, "EventBusName": "orders", "Tags": TAGS}),
    ("PutTargets", {"Rule": "r", "EventBusName": "orders", "Targets": [TARGET]}),
    ("PutPermission", {"Action": "events:PutEvents", "Principal": "*", "StatementId": "all"}),
]
ON = {"EventBusName": "orders"}
# A good request of each operation, with the members that can be had together.
GOOD = {
    "CreateEventBus": {
        "Name": "new",
        "Description": "d",
        "DeadLetterConfig": {"Arn": "arn"},
        "LogConfig": {"IncludeDetail": "FULL", "Level": "INFO"},
        "Tags": TAGS,
    },
    "DeleteEventBus": {"Name": "other"},
    "DeleteRule": {"Name": "other", "Force": True} | ON,
    "DescribeEventBus": {"Name": "orders"},
    "DescribeRule": {"Name": "r"} | ON,
    "DisableRule": {"Name": "r"} | ON,
    "EnableRule": {"Name": "r"} | ON,
    "ListEventBuses": {"NamePrefix": "o", "Limit": 5},
    "ListRuleNamesByTarget": {"TargetArn": URL, "Limit": 5} | ON,
    "ListRules": {"NamePrefix": "r", "Limit": 5} | ON,
    "ListTagsForResource": {"ResourceARN": f"{PREFIX}event-bus/orders"},
    "ListTargetsByRule": {"Rule": "r", "Limit": 5} | ON,
    "PutEvents": {
        "Entries": [
            {
                "Time": 1_700_000_000,
                "Source": "shop",
                "Resources": ["a"],
                "DetailType": "t",
                "Detail": "{}",
                "EventBusName": "default",
                "TraceHeader": "trace",
            }
        ]
    },
    "PutPermission": {
        "EventBusName": "orders",
        "Action": "events:PutEvents",
        "Principal": "*",
        "StatementId": "s",
        "Condition": {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-a1b2c3d4e5"},
    },
    "PutRule": {
        "Name": "new",
        "EventPattern": PATTERN,
        "State": "DISABLED",
        "Description": "d",
        "RoleArn": "role",
        "Tags": TAGS,
    }
    | ON,
    "PutTargets": {"Rule": "r", "Targets": [TARGET | {"Id": "2"}]} | ON,
    "RemovePermission": {"StatementId": "all", "RemoveAllPermissions": False, "EventBusName": "default"},
    "RemoveTargets": {"Rule": "r", "Ids": ["1"], "Force": True} | ON,
    "TagResource": {"ResourceARN": f"{PREFIX}rule/orders/r", "Tags": [{"Key": "a", "Value": "b"}]},
    "TestEventPattern": {"EventPattern": PATTERN, "Event": json.dumps(EVENT)},
    "UntagResource": {"ResourceARN": f"{PREFIX}rule/orders/r", "TagKeys": ["team"]},
    "UpdateEventBus": {
        "Name": "orders",
        "Description": "d",
        "DeadLetterConfig": {"Arn": "arn"},
        "LogConfig": {"IncludeDetail": "FULL", "Level": "INFO"},
    },
}
# Fewer than this would mean that the model was not walked.
VARIANTS_MIN = 1_500

WRONG_TYPES = {
    "string": [1, 1.5, True, [], {}, ["a"]],
    "integer": ["1", 1.5, True, [], {}, 1e30],
    "boolean": ["true", 1, [], {}],
    "timestamp": ["2026-01-02T03:04:05Z", True, [], {}],
    "list": ["a", 1, True, {}, {"0": "a"}],
    "map": ["a", 1, True, [], [["a", "b"]]],
    "structure": ["a", 1, True, [], ["a"]],
}
OUTSIDE_OF_PATTERNS = ["!", "a b", "ä", "/", "\n"]


@dataclass
class Variant:
    """A value in the place of a good one, and what is wrong with it."""

    what: str
    value: object


def example(shape):
    """Some value of a shape, for members that no good request has."""
    kind = shape.type_name
    if kind == "structure":
        members = shape.members.items()
        return {name: example(member) for name, member in members if name in shape.required_members}
    if kind == "list":
        return [example(shape.member)]
    if kind == "map":
        return {"a": example(shape.value)}
    if kind == "string":
        return shape.enum[0] if shape.enum else "a" * max(1, shape.metadata.get("min", 1))
    return True if kind == "boolean" else shape.metadata.get("min", 1)


def variants(shape, value):
    """All that can be put in the place of `value` against its shape."""
    kind = shape.type_name
    limits = shape.metadata
    for wrong in WRONG_TYPES[kind]:
        yield Variant(f"is {json.dumps(wrong)}", wrong)
    yield from {
        "string": string_variants,
        "integer": integer_variants,
        "list": list_variants,
        "map": map_variants,
        "structure": structure_variants,
    }.get(kind, lambda *_: [])(shape, value, limits)


def string_variants(shape, _, limits):
    if "max" in limits:
        yield Variant("is too long", "a" * (limits["max"] + 1))
    if limits.get("min", 0) > 0:
        yield Variant("is too short", "a" * (limits["min"] - 1))
    if shape.enum:
        yield Variant("is of no enumeration", "NONE_OF_THEM")
    if "pattern" in limits and r"\p" not in limits["pattern"]:
        for text in OUTSIDE_OF_PATTERNS:
            if not re.fullmatch(limits["pattern"], text):
                yield Variant(f"is {text!r}", text)


def integer_variants(_, __, limits):
    if "max" in limits:
        yield Variant("is too large", limits["max"] + 1)
    if "min" in limits:
        yield Variant("is too small", limits["min"] - 1)


def list_variants(shape, value, limits):
    if "max" in limits:
        yield Variant("is too long", [copy.deepcopy(value[0]) for _ in range(limits["max"] + 1)])
    if limits.get("min", 0) > 0:
        yield Variant("is empty", [])
    yield Variant("holds null", [None])
    for variant in variants(shape.member, value[0]):
        yield Variant(f"[0] {variant.what}", [variant.value, *value[1:]])


def map_variants(shape, value, limits):
    key = next(iter(value))
    if "max" in limits:
        yield Variant("is too long", {f"a{number}": value[key] for number in range(limits["max"] + 1)})
    for variant in string_variants(shape.key, key, shape.key.metadata):
        yield Variant(f"has a key that {variant.what}", {variant.value: value[key]})
    for variant in variants(shape.value, value[key]):
        yield Variant(f"[{key}] {variant.what}", value | {key: variant.value})


def structure_variants(shape, value, _):
    for name, member in shape.members.items():
        if name in shape.required_members:
            yield Variant(f".{name} is absent", {other: value[other] for other in value if other != name})
            yield Variant(f".{name} is null", value | {name: None})
        for variant in variants(member, value.get(name, example(member))):
            yield Variant(f".{name} {variant.what}", value | {name: variant.value})


@pytest.fixture(scope="module")
def model(boto3_session):
    return boto3_session.client("events", region_name="us-east-1").meta.service_model


@pytest.fixture(scope="module")
def ephemeral(binary, tmp_path_factory):
    daemon = Daemon(binary, tmp_path_factory.mktemp("variants"))
    daemon.ephemeral = True
    yield daemon.start()
    wrong = daemon.finish()
    assert not wrong, wrong


@pytest.fixture
def daemon(ephemeral):
    assert request(ephemeral.admin_address, "POST", "/reset").status == 200
    for operation, body in MADE:
        assert call(ephemeral, operation, body).status == 200, operation
    return ephemeral


def everything(daemon):
    """All that a client can see."""
    requests = [("ListEventBuses", {}), ("DescribeEventBus", {"Name": "orders"}), ("ListRules", {}), ("ListRules", ON)]
    requests += [("ListTargetsByRule", {"Rule": "r"} | ON)]
    requests += [("ListTagsForResource", {"ResourceARN": PREFIX + name}) for name in ["event-bus/orders", "rule/orders/r"]]
    answers = [call(daemon, *each) for each in requests]
    assert [answer.status for answer in answers] == [200] * len(requests), answers
    return [answer.body for answer in answers]


def all_variants(model, operation):
    shape = model.operation_model(operation).input_shape
    return list(structure_variants(shape, copy.deepcopy(GOOD[operation]), {}))


def test_every_operation_has_a_good_request(daemon):
    assert set(GOOD) == set(IMPLEMENTED)
    for operation, body in GOOD.items():
        answer = call(daemon, operation, body)
        assert answer.status == 200, (operation, answer)


def test_the_model_is_walked(model):
    """What no good request has is tried, too, down to the last block of a target."""
    counts = {operation: len(all_variants(model, operation)) for operation in GOOD}
    assert min(counts.values()) >= 10, counts
    assert sum(counts.values()) >= VARIANTS_MIN, counts
    whats = {variant.what for variant in all_variants(model, "PutTargets")}
    name = ".Targets [0] .EcsParameters .NetworkConfiguration .awsvpcConfiguration .Subnets is absent"
    assert name in whats, sorted(whats)


@pytest.mark.parametrize("operation", GOOD)
def test_what_the_model_forbids_is_refused_and_changes_nothing(daemon, model, operation):
    modelled = {shape.name for shape in model.operation_model(operation).error_shapes} - {"InternalException"}
    expected = modelled | {"ValidationException", "SerializationException"}
    before, wrong = everything(daemon), []
    for variant in all_variants(model, operation):
        answer = call(daemon, operation, variant.value)
        if not 400 <= answer.status < 500 or answer.json()["__type"] not in expected:
            wrong.append((variant.what, answer.status, answer.body[:200]))
        elif everything(daemon) != before:
            wrong.append((variant.what, "changed something"))
            before = everything(daemon)
    assert not wrong, "\n".join(map(str, wrong))


def with_unknown(shape, value):
    """The value with a member that the model does not have, in each of its structures."""
    if shape.type_name == "structure":
        known = {name: with_unknown(shape.members[name], member) for name, member in value.items()}
        return known | {"Unknown": {"deep": [1, None]}}
    if shape.type_name == "list":
        return [with_unknown(shape.member, item) for item in value]
    return value


@pytest.mark.parametrize("operation", GOOD)
def test_members_that_the_model_does_not_have_are_ignored_everywhere(daemon, model, operation):
    answer = call(daemon, operation, with_unknown(model.operation_model(operation).input_shape, GOOD[operation]))
    assert answer.status == 200, answer
