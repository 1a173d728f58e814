"""The tables of docs/COMPATIBILITY.md against the model of the service: each operation, each member of what is asked and what
is answered, and that it is refused, or told in the log, where they say so. What the model does not have is tried in test_model_variants.py, and
what is answered in test_documented_answers.py."""

import ast
import copy
import functools
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from good_requests import GOOD, MADE, example
from matrix import CLIENTS, DOCUMENT, documented_results
from test_bad_input import IMPLEMENTED
from waiting import wait_until
from wire import call

SHARED = "Members of several operations"
# What the first cell of a table says that it has, and what the second one may say of a member.
STATES = {"member": {"Yes", "Partial", "No", "Inert", "Refused"}, "answer": {"Yes", "No"}}
# Levels of members inside of others that have rows of their own; below them a row tells of all.
DEPTH_MAX = 2
# Of members whose expression no made-up text satisfies.
EXAMPLES = {"EventSourceName": "aws.partner/example.com/orders"}


@dataclass
class Row:
    """What a table says of one member of the operations of its section, of what is asked or what is answered."""

    section: str
    kind: str
    member: str
    state: str
    test: str


def rows():
    """All rows, one for each member that they name."""
    members = DOCUMENT.read_text().split("\n## Members\n")[1].split("\n## ")[0]
    for section in members.split("\n### ")[1:]:
        heading, kind = section.splitlines()[0], None
        for line in section.splitlines():
            cells = [cell.strip() for cell in line.split("|")[1:-1]]
            if not line.startswith("| "):
                continue
            if cells[0] in STATES:
                kind = cells[0]
                continue
            assert len(cells) == 4, f"{heading}: {line}"
            prefix = re.match(r"([\w\[\]]+\.)*", cells[0])[0]
            for name in cells[0].removeprefix(prefix).split(", "):
                yield Row(heading, kind, prefix + name, cells[1], cells[3].strip("`"))


ROWS = list(rows())
REFUSED, INERT = ([row for row in ROWS if row.state == state] for state in ["Refused", "Inert"])
# What has no members of its own: it is refused, or not answered.
WHOLE = {kind: {row.member for row in ROWS if row.kind == kind and row.state in {"Refused", "No"}} for kind in STATES}


@pytest.fixture
def daemon(start_daemon):
    daemon = start_daemon()
    for operation, body in MADE:
        assert call(daemon, operation, body).status == 200, operation
    return daemon


def operations_of(row):
    return IMPLEMENTED if row.section == SHARED else row.section.split(", ")


def members_of(model, operation, kind="member"):
    """The members that need a row, as the tables write them."""
    operation = model.operation_model(operation)
    shape = {"member": operation.input_shape, "answer": operation.output_shape}[kind]
    yield from inner_members(shape, WHOLE[kind]) if shape else []


def inner_members(shape, whole, path="", depth=0):
    for name, member in shape.members.items():
        yield path + name
        is_list = member.type_name == "list"
        inside = member.member if is_list else member
        if inside.type_name == "structure" and depth < DEPTH_MAX and path + name not in whole:
            yield from inner_members(inside, whole, f"{path}{name}{'[]' if is_list else ''}.", depth + 1)


def test_every_operation_of_the_model_has_a_row_and_a_section(model):
    assert len(model.operation_names) == 57
    for client in CLIENTS:
        assert list(documented_results()[client]) == list(model.operation_names)
    sections = {operation for row in ROWS if row.section != SHARED for operation in operations_of(row)}
    assert sections == set(IMPLEMENTED)


@pytest.mark.parametrize("kind", STATES)
@pytest.mark.parametrize("operation", IMPLEMENTED)
def test_every_member_has_a_row(model, operation, kind):
    documented = {row.member for row in rows_of(operation, kind)}
    assert set(members_of(model, operation, kind)) - documented == set()


def rows_of(operation, kind):
    return [row for row in ROWS if row.kind == kind and operation in operations_of(row)]


def test_the_rows_name_members_and_tests_that_there_are(model):
    for row in ROWS:
        there = {member for operation in operations_of(row) for member in members_of(model, operation, row.kind)}
        assert row.member in there, row
        assert row.state in STATES[row.kind], row
        # The test says the member's name, or uses something of its file that does; what there never is need not be named.
        assert row.state == "No" or row.member.rpartition(".")[2] in source_of(*row.test.split("::")), row


@functools.cache
def source_of(file, name):
    """The text of a test, and of all that it uses of its own file."""
    text = (Path(__file__).parent / file).read_text()
    parts = {}
    for node in ast.parse(text).body:
        names = [node.name] if hasattr(node, "name") else [target.id for target in names_in(getattr(node, "targets", []))]
        parts |= dict.fromkeys(names, node)
    assert isinstance(parts.get(name), ast.FunctionDef), f"{file} has no test {name}"
    seen, new = {name}, [name]
    while new:
        used = {use.id for use in names_in([parts[new.pop()]])} & parts.keys() - seen
        seen |= used
        new += used
    return "\n".join(ast.get_source_segment(text, part) + decorators(text, part) for part in map(parts.get, sorted(seen)))


def decorators(text, node):
    return "\n".join(ast.get_source_segment(text, decorator) for decorator in getattr(node, "decorator_list", []))


def names_in(nodes):
    """All names in pieces of a program, and as names the arguments, which may be fixtures."""
    for inner in (inner for node in nodes for inner in ast.walk(node)):
        if isinstance(inner, ast.Name):
            yield inner
        elif isinstance(inner, ast.arg):
            yield ast.Name(inner.arg)


def with_member(model, operation, member):
    """A good request that has the member, too."""
    shape, body = model.operation_model(operation).input_shape, copy.deepcopy(GOOD[operation])
    outer, _, inner = member.rpartition("[].")
    if outer:
        body[outer][0][inner] = example(shape.members[outer].member.members[inner])
    else:
        body[inner] = EXAMPLES.get(inner) or example(shape.members[inner])
    return body


def test_there_is_something_refused():
    assert {row.section for row in REFUSED} >= {"PutTargets", "PutEvents", "CreateEventBus, UpdateEventBus"}


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.member)
def test_what_is_documented_as_refused_is(daemon, model, row):
    tried = 0
    for operation in operations_of(row):
        if row.member not in members_of(model, operation):
            continue
        answer = call(daemon, operation, with_member(model, operation, row.member))
        status, code, message = answer.error
        assert (status, code) in [(400, "ValidationException"), (400, "ResourceNotFoundException")], answer
        # What the model forbids would begin with a small letter. The one that names something is refused by that name.
        assert row.member.rpartition("[].")[2] in message or "Event source aws.partner/" in message, answer
        tried += 1
    assert tried > 0


def test_there_is_something_inert():
    assert {row.section for row in INERT} >= {"PutRule", "PutEvents", "CreateEventBus, UpdateEventBus"}


@pytest.mark.parametrize("row", INERT, ids=lambda row: row.member)
def test_what_is_documented_as_inert_is_told_in_the_log(daemon, model, row):
    operations = [operation for operation in operations_of(row) if row.member in members_of(model, operation)]
    # What is in a block is told with it, and of an entry the member alone.
    line = f'member="{row.member.rpartition("[].")[2].partition(".")[0]}"'
    for times, operation in enumerate(operations, 1):
        assert value_of(GOOD[operation], row.member) is not None
        assert call(daemon, operation, GOOD[operation]).status == 200
        wait_until(lambda: daemon.log().count(line) == times)


def value_of(request, member):
    for name in member.split("."):
        request = request[name.removesuffix("[]")]
        request = request[0] if name.endswith("[]") else request
    return request
