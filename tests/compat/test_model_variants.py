"""Variants of good requests, made from the model of the service: every member missing, too long, too short, outside its
range, expression or enumeration, or of the wrong type. Each is refused as the model says, and nothing has changed."""

import copy
import json
import re
from dataclasses import dataclass

import pytest

from daemon import Daemon
from good_requests import GOOD, MADE, ON, PREFIX, example
from test_bad_input import IMPLEMENTED
from wire import call, request

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
