"""Pages: what Limit and NextToken do in the four lists, by hand and through the paginators of boto3."""

import pytest

from daemon import Daemon
from wire import answered, call, length_at_least, length_at_most, refused, sweep, violation

PATTERN = '{"source": ["com.example.shop"]}'
URL = "http://127.0.0.1:9/hook"
NAMES = [f"rule-{number}" for number in range(8)]
WRONG_TOKEN = "Parameter NextToken is not valid."

# Operation, its request, the member of its answer that holds the list, and the name of an entry.
LISTS = {
    "list_rules": ({"NamePrefix": "rule-"}, "Rules", lambda rule: rule["Name"]),
    "list_rule_names_by_target": ({"TargetArn": URL}, "RuleNames", lambda name: name),
    "list_targets_by_rule": ({"Rule": "rule-0"}, "Targets", lambda target: target["Id"]),
    "list_event_buses": ({"NamePrefix": "rule-"}, "EventBuses", lambda bus: bus["Name"]),
}
EACH_LIST = pytest.mark.parametrize("operation", LISTS)
# boto3 has none for the event buses.
EACH_PAGINATOR = pytest.mark.parametrize("operation", [name for name in LISTS if name != "list_event_buses"])


@pytest.fixture(scope="module")
def shared_daemon(binary, tmp_path_factory):
    """One that takes as many targets and event buses as a list needs to have pages."""
    quotas = {"EVENTYARD_QUOTAS__TARGETS_PER_RULE_MAX": "1000", "EVENTYARD_QUOTAS__EVENT_BUSES_PER_ACCOUNT_MAX": "0"}
    daemon = Daemon(binary, tmp_path_factory.mktemp("pages"), quotas)
    yield daemon.start()
    wrong = daemon.finish()
    assert not wrong, wrong


@pytest.fixture
def daemon(shared_daemon):
    yield shared_daemon
    sweep(shared_daemon)


@pytest.fixture
def eight(client):
    """Eight rules with the same target; the first has eight targets, whose ids are the names of the rules, and there are
    eight event buses of these names."""
    for name in NAMES:
        client.create_event_bus(Name=name)
        client.put_rule(Name=name, EventPattern=PATTERN)
        client.put_targets(Rule=name, Targets=[{"Id": NAMES[0], "Arn": URL}])
    client.put_targets(Rule=NAMES[0], Targets=[{"Id": name, "Arn": URL} for name in NAMES])


@pytest.fixture
def page(client):
    """A function that gets a page: the names of its entries, and the token for the next one or None."""

    def page(operation, **request):
        common, member, name = LISTS[operation]
        answer = answered(getattr(client, operation)(**common | request))
        assert set(answer) <= {member, "NextToken"}
        return [name(entry) for entry in answer[member]], answer.get("NextToken")

    return page


@EACH_LIST
def test_a_page_may_have_another_limit_than_the_one_before(eight, page, operation):
    first, token = page(operation, Limit=3)
    assert first == NAMES[:3]
    assert page(operation, Limit=5, NextToken=token) == (NAMES[3:], None)
    # A token can be used again, and without a Limit there is no end but that of the list.
    assert page(operation, NextToken=token) == (NAMES[3:], None)
    second, token = page(operation, Limit=4, NextToken=token)
    assert second == NAMES[3:7]
    assert page(operation, Limit=1, NextToken=token) == (NAMES[7:], None)


@EACH_LIST
def test_there_is_a_token_only_when_there_is_more(eight, page, operation):
    assert page(operation) == (NAMES, None)
    assert page(operation, Limit=8) == (NAMES, None)
    assert page(operation, Limit=100) == (NAMES, None)
    assert page(operation, Limit=7)[1] is not None


@EACH_PAGINATOR
@pytest.mark.parametrize("size, pages", [(1, 8), (3, 3), (4, 2), (8, 1), (100, 1)])
def test_the_paginators_of_boto3_find_everything_once(eight, client, operation, size, pages):
    common, member, name = LISTS[operation]
    assert client.can_paginate(operation)
    found = list(client.get_paginator(operation).paginate(**common, PaginationConfig={"PageSize": size}))
    assert len(found) == pages
    assert [name(entry) for page in found for entry in page[member]] == NAMES


@EACH_LIST
def test_a_page_has_at_most_100_entries(client, page, operation):
    names = [f"rule-{number:03}" for number in range(101)]
    if operation == "list_event_buses":
        for name in names:
            client.create_event_bus(Name=name)
    for name in names if operation != "list_targets_by_rule" else ["rule-0"]:
        client.put_rule(Name=name, EventPattern=PATTERN)
        client.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": URL}])
    if operation == "list_targets_by_rule":
        client.remove_targets(Rule="rule-0", Ids=["1"])
        for begin in (0, 100):
            targets = [{"Id": name, "Arn": URL} for name in names[begin : begin + 100]]
            client.put_targets(Rule="rule-0", Targets=targets)
    found, token = page(operation)
    assert found == names[:100]
    assert page(operation, NextToken=token) == (names[100:], None)


@EACH_LIST
def test_pages_go_on_where_they_were_when_the_list_changes(eight, client, page, operation):
    """The entry that a token was made behind may go; what is put behind it is found, what is put before it is not."""
    _, token = page(operation, Limit=3)
    if operation == "list_targets_by_rule":
        client.remove_targets(Rule="rule-0", Ids=["rule-2"])
        client.put_targets(Rule="rule-0", Targets=[{"Id": id, "Arn": URL} for id in ["rule-1a", "rule-6a"]])
    elif operation == "list_event_buses":
        client.delete_event_bus(Name="rule-2")
        for name in ["rule-1a", "rule-6a"]:
            client.create_event_bus(Name=name)
    else:
        client.remove_targets(Rule="rule-2", Ids=[NAMES[0]])
        client.delete_rule(Name="rule-2")
        for name in ["rule-1a", "rule-6a"]:
            client.put_rule(Name=name, EventPattern=PATTERN)
            client.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": URL}])
    assert page(operation, NextToken=token) == (["rule-3", "rule-4", "rule-5", "rule-6", "rule-6a", "rule-7"], None)


@EACH_LIST
def test_a_token_of_another_list_is_refused(eight, page, operation):
    for other in LISTS:
        _, token = page(other, Limit=3)
        if other != operation:
            with refused("ValidationException", WRONG_TOKEN):
                page(operation, NextToken=token)


def test_a_token_belongs_to_the_request_it_was_made_for(eight, page):
    _, token = page("list_rules", Limit=3)
    with refused("ValidationException", WRONG_TOKEN):
        page("list_rules", NamePrefix="rule", NextToken=token)
    _, token = page("list_targets_by_rule", Limit=3)
    with refused("ValidationException", WRONG_TOKEN):
        page("list_targets_by_rule", Rule="rule-1", NextToken=token)
    _, token = page("list_rule_names_by_target", Limit=3)
    with refused("ValidationException", WRONG_TOKEN):
        page("list_rule_names_by_target", TargetArn=f"{URL}/other", NextToken=token)
    _, token = page("list_event_buses", Limit=3)
    with refused("ValidationException", WRONG_TOKEN):
        page("list_event_buses", NamePrefix="rule", NextToken=token)


def test_a_token_belongs_to_its_event_bus(eight, client, page):
    """A list of the same names on another bus is another list."""
    for name in NAMES:
        client.put_rule(Name=name, EventPattern=PATTERN, EventBusName="rule-0")
    _, token = page("list_rules", Limit=3)
    with refused("ValidationException", WRONG_TOKEN):
        page("list_rules", EventBusName="rule-0", NextToken=token)
    first, token = page("list_rules", EventBusName="rule-0", Limit=3)
    assert (first, page("list_rules", EventBusName="rule-0", NextToken=token)[0]) == (NAMES[:3], NAMES[3:])


@EACH_LIST
def test_a_damaged_token_is_refused(eight, page, operation):
    _, token = page(operation, Limit=3)
    damaged = [token[1:], token[:-1], token + "0", token[::-1], "token", "\u00e4", "0", "=" * 2048]
    for place in range(0, len(token), 7):
        damaged.append(token[:place] + ("0" if token[place] != "0" else "1") + token[place + 1 :])
    for wrong in damaged:
        with refused("ValidationException", WRONG_TOKEN):
            page(operation, NextToken=wrong)


@EACH_LIST
def test_limits_and_tokens_outside_the_model(eight, page, operation):
    wrong_limits = {
        0: "Member must have value greater than or equal to 1",
        -1: "Member must have value greater than or equal to 1",
        101: "Member must have value less than or equal to 100",
        2**40: "Member must have value less than or equal to 100",
    }
    for limit, rule in wrong_limits.items():
        with refused("ValidationException", violation((limit, "limit", rule))):
            page(operation, Limit=limit)
    with refused("ValidationException", violation(("", "nextToken", length_at_least(1)))):
        page(operation, NextToken="")
    with refused("ValidationException", violation(("t" * 2049, "nextToken", length_at_most(2048)))):
        page(operation, NextToken="t" * 2049)


@EACH_LIST
def test_a_token_survives_a_restart(start_daemon, client_of, operation):
    daemon = start_daemon()
    client = client_of(daemon)
    request, member, name = LISTS[operation]
    for rule in NAMES[:5]:
        client.create_event_bus(Name=rule)
        client.put_rule(Name=rule, EventPattern=PATTERN)
        client.put_targets(Rule=rule, Targets=[{"Id": "rule-0", "Arn": URL}])
    client.put_targets(Rule="rule-0", Targets=[{"Id": id, "Arn": URL} for id in NAMES[:5]])

    def call_(**page):
        return answered(getattr(client, operation)(**request, **page))

    token = call_(Limit=3)["NextToken"]
    behind = call_(NextToken=token)
    assert [name(entry) for entry in behind[member]] == NAMES[3:5]
    daemon.restart()
    assert call_(NextToken=token) == behind
    daemon.kill9()
    daemon.start()
    assert call_(NextToken=token) == behind


def test_a_token_of_the_longest_names_is_no_longer_than_the_model_has_it(client, page):
    url = "http://127.0.0.1:9/" + "a" * (1600 - len("http://127.0.0.1:9/"))
    names = [digit + "r" * 63 for digit in "12"]
    for name in names:
        client.put_rule(Name=name, EventPattern=PATTERN)
        client.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": url}])
    first, token = page("list_rule_names_by_target", TargetArn=url, Limit=1)
    assert len(token) <= 2048
    assert first + page("list_rule_names_by_target", TargetArn=url, NextToken=token)[0] == names
    buses = ["rule-" + digit + "b" * 250 for digit in "12"]
    for name in buses:
        client.create_event_bus(Name=name)
    first, token = page("list_event_buses", NamePrefix=buses[0][:250], Limit=1)
    assert (first, token) == (buses[:1], None)
    first, token = page("list_event_buses", Limit=1)
    assert len(token) <= 2048
    assert first + page("list_event_buses", NextToken=token)[0] == buses


def test_null_is_no_limit_and_no_token(daemon, eight):
    answer = call(daemon, "ListRules", {"Limit": None, "NextToken": None, "NamePrefix": None, "EventBusName": None})
    assert len(answer.json()["Rules"]) == 8
    assert set(answer.json()) == {"Rules"}
