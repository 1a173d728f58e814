"""Rules: PutRule, DescribeRule, ListRules, DeleteRule, EnableRule, DisableRule, ListRuleNamesByTarget."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from wire import answered, call, length_at_least, length_at_most, matching, refusal, refused, sweep, violation

ACCOUNT = "000000000000"
BUS_ARN = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/router"
PATTERN = '{"source": ["com.example.shop"]}'
NAME_PATTERN = r"[\.\-_A-Za-z0-9]+"
BUS_PATTERN = r"(arn:aws[\w-]*:events:[a-z]+-[a-z]+-[\w-]+:[0-9]{12}:event-bus\/)?[/\.\-_A-Za-z0-9]+"
STATES = "[ENABLED, DISABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]"
URL = "http://127.0.0.1:9/hook"


@pytest.fixture
def daemon(shared_daemon):
    yield shared_daemon
    sweep(shared_daemon)


def arn(name):
    return f"arn:aws:events:us-east-1:{ACCOUNT}:rule/{name}"


def unknown_rule(name):
    return f"Rule {name} does not exist on EventBus default."


# What is answered


def test_put_rule_answers_the_arn_and_nothing_else(client):
    assert answered(client.put_rule(Name="orders", EventPattern=PATTERN)) == {"RuleArn": arn("orders")}


def test_a_rule_with_few_members_has_no_others(daemon):
    call(daemon, "PutRule", {"Name": "orders", "EventPattern": PATTERN})
    listed = {
        "Name": "orders",
        "Arn": arn("orders"),
        "EventPattern": PATTERN,
        "State": "ENABLED",
        "EventBusName": "default",
    }
    # Read from the wire, where boto3 cannot hide a null.
    assert call(daemon, "DescribeRule", {"Name": "orders"}).json() == listed | {"CreatedBy": ACCOUNT}
    assert call(daemon, "ListRules").json() == {"Rules": [listed]}


def test_a_rule_with_all_members_comes_back_as_it_was_put(client):
    whole = {
        "Name": "orders",
        "EventPattern": PATTERN,
        "State": "DISABLED",
        "Description": 'Orders of the shop: ä, 漢字, "quoted"',
        "RoleArn": ROLE_ARN,
        "EventBusName": "default",
    }
    client.put_rule(**whole)
    listed = whole | {"Arn": arn("orders")}
    assert answered(client.describe_rule(Name="orders")) == listed | {"CreatedBy": ACCOUNT}
    assert answered(client.list_rules()) == {"Rules": [listed]}


def test_the_pattern_comes_back_verbatim(client):
    pattern = '{\n  "detail" : {"a":[ 1.0,\t"\\u00e4", "ä" ]} }'
    client.put_rule(Name="orders", EventPattern=pattern)
    assert client.describe_rule(Name="orders")["EventPattern"] == pattern


@pytest.mark.parametrize("state", ["ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"])
def test_each_state_can_be_put(client, state):
    client.put_rule(Name="orders", EventPattern=PATTERN, State=state)
    assert client.describe_rule(Name="orders")["State"] == state


def test_operations_without_an_answer_answer_200_and_no_members(client, daemon):
    client.put_rule(Name="orders", EventPattern=PATTERN)
    for operation in ["DisableRule", "EnableRule", "DeleteRule"]:
        answer = call(daemon, operation, {"Name": "orders"})
        assert (answer.status, answer.body) == (200, b""), operation
        assert answer.headers["content-type"] == "application/x-amz-json-1.1", operation
        assert answer.headers["x-amzn-requestid"], operation


def test_a_rule_is_disabled_and_enabled(client):
    client.put_rule(Name="orders", EventPattern=PATTERN, Description="kept")
    for change, state in [(client.disable_rule, "DISABLED"), (client.enable_rule, "ENABLED")] * 2:
        assert answered(change(Name="orders")) == {}
        assert answered(change(Name="orders")) == {}
        rule = client.describe_rule(Name="orders")
        assert (rule["State"], rule["Description"], rule["EventPattern"]) == (state, "kept", PATTERN)


def test_put_rule_replaces_all_but_the_targets(client):
    client.put_rule(Name="orders", EventPattern=PATTERN, State="DISABLED", Description="first", RoleArn=ROLE_ARN)
    client.put_targets(Rule="orders", Targets=[{"Id": "1", "Arn": URL}])
    other = '{"source": ["com.example.billing"]}'
    assert answered(client.put_rule(Name="orders", EventPattern=other)) == {"RuleArn": arn("orders")}
    assert answered(client.describe_rule(Name="orders")) == {
        "Name": "orders",
        "Arn": arn("orders"),
        "EventPattern": other,
        "State": "ENABLED",
        "EventBusName": "default",
        "CreatedBy": ACCOUNT,
    }
    assert answered(client.list_targets_by_rule(Rule="orders")) == {"Targets": [{"Id": "1", "Arn": URL}]}


def test_a_refused_put_rule_changes_nothing(client):
    client.put_rule(Name="orders", EventPattern=PATTERN, Description="first")
    before = answered(client.describe_rule(Name="orders"))
    for wrong in [{"EventPattern": "{"}, {}, {"EventPattern": PATTERN, "State": "ON"}]:
        with pytest.raises(client.exceptions.ClientError):
            client.put_rule(Name="orders", **wrong)
    assert answered(client.describe_rule(Name="orders")) == before


def test_empty_texts_count_as_absent(daemon):
    """Clients that fill in every member send them."""
    put = call(daemon, "PutRule", {"Name": "orders", "EventPattern": PATTERN, "ScheduleExpression": ""})
    assert put.status == 200, put
    assert "ScheduleExpression" not in call(daemon, "DescribeRule", {"Name": "orders"}).json()
    for nothing in [{"EventPattern": ""}, {"EventPattern": "", "ScheduleExpression": ""}]:
        answer = call(daemon, "PutRule", {"Name": "orders", **nothing})
        message = "Parameter(s) EventPattern or ScheduleExpression must be specified."
        assert answer.error == (400, "ValidationException", message)


def test_a_rule_may_have_a_schedule_and_an_empty_pattern(client):
    client.put_rule(Name="nightly", ScheduleExpression="cron(0 2 ? * SAT *)", EventPattern="")
    rule = client.describe_rule(Name="nightly")
    assert rule["ScheduleExpression"] == "cron(0 2 ? * SAT *)"
    assert "EventPattern" not in rule


def test_a_bad_schedule_is_refused_in_amazons_words(client):
    with refused("ValidationException", "Parameter ScheduleExpression is not valid."):
        client.put_rule(Name="nightly", ScheduleExpression="rate(1 minutes)")


def test_rules_are_listed_in_the_order_of_their_names_and_by_prefix(client):
    for name in ["b.2", "a-1", "b_10", "B", "b"]:
        client.put_rule(Name=name, EventPattern=PATTERN)

    def names(**request):
        return [rule["Name"] for rule in client.list_rules(**request)["Rules"]]

    assert names() == ["B", "a-1", "b", "b.2", "b_10"]
    assert names(NamePrefix="b") == ["b", "b.2", "b_10"]
    # A prefix is text, not an expression.
    assert names(NamePrefix="b.") == ["b.2"]
    assert answered(client.list_rules(NamePrefix="c")) == {"Rules": []}


def test_rule_names_by_target_name_each_rule_once(client):
    for name in ["a", "b", "c"]:
        client.put_rule(Name=name, EventPattern=PATTERN)
    client.put_targets(Rule="a", Targets=[{"Id": "1", "Arn": URL}, {"Id": "2", "Arn": URL}])
    client.put_targets(Rule="c", Targets=[{"Id": "1", "Arn": URL}])
    client.put_targets(Rule="b", Targets=[{"Id": "1", "Arn": f"{URL}/other"}])
    assert answered(client.list_rule_names_by_target(TargetArn=URL)) == {"RuleNames": ["a", "c"]}
    assert answered(client.list_rule_names_by_target(TargetArn="http://127.0.0.1:9/none")) == {"RuleNames": []}
    client.remove_targets(Rule="a", Ids=["1", "2"])
    assert answered(client.list_rule_names_by_target(TargetArn=URL)) == {"RuleNames": ["c"]}


def test_a_rule_without_targets_is_deleted(client):
    client.put_rule(Name="orders", EventPattern=PATTERN)
    assert answered(client.delete_rule(Name="orders")) == {}
    with refused("ResourceNotFoundException", unknown_rule("orders")):
        client.describe_rule(Name="orders")
    assert client.list_rules()["Rules"] == []


def test_deleting_an_unknown_rule_succeeds(client):
    for _ in range(2):
        assert answered(client.delete_rule(Name="orders")) == {}


@pytest.mark.parametrize("force", [{}, {"Force": False}, {"Force": True}])
def test_a_rule_with_targets_is_not_deleted_even_by_force(client, force):
    client.put_rule(Name="orders", EventPattern=PATTERN)
    client.put_targets(Rule="orders", Targets=[{"Id": "1", "Arn": URL}])
    with refused("ValidationException", "Rule can't be deleted since it has targets."):
        client.delete_rule(Name="orders", **force)
    assert len(client.list_targets_by_rule(Rule="orders")["Targets"]) == 1
    client.remove_targets(Rule="orders", Ids=["1"])
    assert answered(client.delete_rule(Name="orders", **force)) == {}


# The event bus


REQUESTS = {
    "put_rule": {"Name": "orders", "EventPattern": PATTERN},
    "describe_rule": {"Name": "orders"},
    "enable_rule": {"Name": "orders"},
    "disable_rule": {"Name": "orders"},
    "list_rules": {},
    "list_rule_names_by_target": {"TargetArn": URL},
    "list_targets_by_rule": {"Rule": "orders"},
    "put_targets": {"Rule": "orders", "Targets": [{"Id": "1", "Arn": URL}]},
    "remove_targets": {"Rule": "orders", "Ids": ["1"]},
    "delete_rule": {"Name": "orders"},
}


@pytest.mark.parametrize("bus", ["default", BUS_ARN])
def test_the_default_bus_may_be_named(client, bus):
    for operation, request in REQUESTS.items():
        answered(getattr(client, operation)(**request, EventBusName=bus))
    client.put_rule(**REQUESTS["put_rule"], EventBusName=bus)
    assert client.describe_rule(Name="orders")["EventBusName"] == "default"


@pytest.mark.parametrize("name", ["orders-bus", BUS_ARN.replace("default", "orders-bus")], ids=["name", "ARN"])
def test_event_bus_name_is_honoured_by_every_operation_that_has_it(client, name):
    """Each works on the rule of the custom bus and leaves the one of the same name on the default bus as it is."""
    client.create_event_bus(Name="orders-bus")
    client.put_rule(**REQUESTS["put_rule"])
    client.put_targets(**REQUESTS["put_targets"])

    def default():
        listed = client.list_targets_by_rule(Rule="orders")["Targets"]
        names = client.list_rule_names_by_target(TargetArn=URL)["RuleNames"]
        return answered(client.describe_rule(Name="orders")), client.list_rules()["Rules"], listed, names

    def call_on(operation, **more):
        return answered(getattr(client, operation)(**REQUESTS[operation] | more, EventBusName=name))

    before = default()
    call_on("put_rule", Description="on the custom bus")
    assert call_on("describe_rule")["Description"] == "on the custom bus"
    assert [rule["EventBusName"] for rule in call_on("list_rules")["Rules"]] == ["orders-bus"]
    call_on("disable_rule")
    assert call_on("describe_rule")["State"] == "DISABLED"
    call_on("enable_rule")
    assert call_on("describe_rule")["State"] == "ENABLED"
    assert (call_on("list_targets_by_rule"), call_on("list_rule_names_by_target")) == ({"Targets": []}, {"RuleNames": []})
    call_on("put_targets", Targets=[{"Id": "1", "Arn": URL, "Input": "{}"}])
    assert call_on("list_targets_by_rule")["Targets"][0]["Input"] == "{}"
    assert call_on("list_rule_names_by_target")["RuleNames"] == ["orders"]
    assert default() == before
    call_on("remove_targets")
    assert call_on("list_targets_by_rule") == {"Targets": []}
    call_on("delete_rule")
    assert call_on("list_rules") == {"Rules": []}
    assert default() == before


@pytest.mark.parametrize("operation", ["DescribeRule", "EnableRule", "DisableRule"])
def test_force_is_a_member_of_delete_rule(client, daemon, operation):
    client.put_rule(Name="orders", EventPattern=PATTERN)
    assert call(daemon, operation, {"Name": "orders", "Force": "yes"}).status == 200
    assert call(daemon, "DeleteRule", {"Name": "orders", "Force": "yes"}).error[1] == "SerializationException"


@pytest.mark.parametrize("operation", REQUESTS)
def test_an_unknown_bus_is_named_by_its_name(client, operation):
    for bus in ["other", BUS_ARN.replace("default", "other")]:
        with refused("ResourceNotFoundException", "Event bus other does not exist."):
            getattr(client, operation)(**REQUESTS[operation], EventBusName=bus)


@pytest.mark.parametrize("operation", REQUESTS)
def test_a_bus_name_outside_the_model_is_refused(client, operation):
    message = violation(("no bus!", "eventBusName", matching(BUS_PATTERN)))
    with refused("ValidationException", message):
        getattr(client, operation)(**REQUESTS[operation], EventBusName="no bus!")


# What is refused


@pytest.mark.parametrize("operation", ["describe_rule", "enable_rule", "disable_rule"])
def test_an_unknown_rule(client, operation):
    with refused("ResourceNotFoundException", unknown_rule("orders")):
        getattr(client, operation)(Name="orders")


@pytest.mark.parametrize("operation", ["put_rule", "describe_rule", "enable_rule", "disable_rule", "delete_rule"])
@pytest.mark.parametrize(
    "name, rules",
    [
        ("rule/x", [matching(NAME_PATTERN)]),
        ("a b", [matching(NAME_PATTERN)]),
        ("ä", [matching(NAME_PATTERN)]),
        ("a" * 65, [length_at_most(64)]),
        ("!" * 65, [matching(NAME_PATTERN), length_at_most(64)]),
        ("", [matching(NAME_PATTERN), length_at_least(1)]),
    ],
)
def test_a_name_outside_the_model(client, operation, name, rules):
    request = REQUESTS[operation] | {"Name": name}
    with refused("ValidationException", violation(*[(name, "name", rule) for rule in rules])):
        getattr(client, operation)(**request)


def test_the_longest_name(client):
    name = "a" * 64
    assert answered(client.put_rule(Name=name, EventPattern=PATTERN)) == {"RuleArn": arn(name)}


def test_neither_pattern_nor_schedule(client):
    with refused("ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified."):
        client.put_rule(Name="orders")


@pytest.mark.parametrize(
    "member, value, place, rule",
    [
        ("State", "ON", "state", f"Member must satisfy enum value set: {STATES}"),
        ("State", "", "state", f"Member must satisfy enum value set: {STATES}"),
        ("Description", "d" * 513, "description", length_at_most(512)),
        ("RoleArn", "", "roleArn", length_at_least(1)),
        ("RoleArn", "r" * 1601, "roleArn", length_at_most(1600)),
        ("ScheduleExpression", "s" * 257, "scheduleExpression", length_at_most(256)),
        ("EventPattern", json.dumps({"source": ["s" * 4096]}), "eventPattern", length_at_most(4096)),
    ],
)
def test_a_member_outside_the_model(client, member, value, place, rule):
    request = {"Name": "orders", "EventPattern": PATTERN, member: value}
    with refused("ValidationException", violation((value, place, rule))):
        client.put_rule(**request)


def test_the_longest_members(client):
    pattern = json.dumps({"source": ["s" * 2032]})
    assert len(pattern) == 2048
    request = {"EventPattern": pattern, "Description": "ä" * 512, "RoleArn": "r" * 1600}
    client.put_rule(Name="orders", **request)
    rule = client.describe_rule(Name="orders")
    assert {member: rule[member] for member in request} == request


def test_a_pattern_is_as_long_as_its_quota(client, start_daemon, client_of):
    pattern = json.dumps({"source": ["ä" * 2033]}, ensure_ascii=False)
    assert len(pattern) == 2049
    with refused("LimitExceededException", "Parameter EventPattern for rule orders exceeds limit of 2048."):
        client.put_rule(Name="orders", EventPattern=pattern)
    client = client_of(start_daemon({"EVENTYARD_QUOTAS__EVENT_PATTERN_LENGTH_MAX": "2049"}))
    client.put_rule(Name="orders", EventPattern=pattern)
    assert client.describe_rule(Name="orders")["EventPattern"] == pattern


def test_an_event_bus_has_as_many_rules_as_its_quota(start_daemon, client_of):
    client = client_of(start_daemon({"EVENTYARD_QUOTAS__RULES_PER_EVENT_BUS_MAX": "2"}))
    for name in ["a", "b"]:
        client.put_rule(Name=name, EventPattern=PATTERN)
    with refused("LimitExceededException", "The requested resource exceeds the maximum number allowed."):
        client.put_rule(Name="c", EventPattern=PATTERN)
    client.put_rule(Name="b", EventPattern=PATTERN, Description="one that is there may be replaced")
    client.delete_rule(Name="a")
    client.put_rule(Name="c", EventPattern=PATTERN)
    assert [rule["Name"] for rule in client.list_rules()["Rules"]] == ["b", "c"]


def test_all_that_is_wrong_is_told_at_once(client):
    message = violation(
        ("a/b", "name", matching(NAME_PATTERN)),
        ("ON", "state", f"Member must satisfy enum value set: {STATES}"),
        ("d" * 513, "description", length_at_most(512)),
    )
    with refused("ValidationException", message):
        client.put_rule(Name="a/b", EventPattern="{", State="ON", Description="d" * 513)


@pytest.mark.parametrize("operation", ["PutRule", "DescribeRule", "EnableRule", "DisableRule", "DeleteRule"])
def test_a_name_that_is_missing(daemon, operation):
    message = "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null"
    for body in [{}, {"Name": None}]:
        assert call(daemon, operation, body).error == (400, "ValidationException", message)


def test_a_target_arn_that_is_missing_or_empty(client, daemon):
    message = (
        "1 validation error detected: Value null at 'targetArn' failed to satisfy constraint: Member must not be null"
    )
    assert call(daemon, "ListRuleNamesByTarget").error == (400, "ValidationException", message)
    with refused("ValidationException", violation(("", "targetArn", length_at_least(1)))):
        client.list_rule_names_by_target(TargetArn="")


def test_the_model_is_checked_before_anything_is_looked_up(client):
    with refused("ValidationException", violation(("a/b", "name", matching(NAME_PATTERN)))):
        client.describe_rule(Name="a/b", EventBusName="other")


# Several clients


def test_clients_at_the_same_time_do_not_disturb_each_other(client):
    """boto3 clients may be used by several threads."""

    def live(number):
        names = [f"worker-{number}-{turn}" for turn in range(4)]
        for name in names:
            assert client.put_rule(Name=name, EventPattern=PATTERN)["RuleArn"] == arn(name)
            client.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": URL}])
            listed = [rule["Name"] for rule in client.list_rules(NamePrefix=f"worker-{number}-")["Rules"]]
            assert listed == names[: names.index(name) + 1]
        for name in names[1:]:
            client.remove_targets(Rule=name, Ids=["1"])
            client.delete_rule(Name=name)
        return names[0]

    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(live, range(8)))
    assert [rule["Name"] for rule in client.list_rules()["Rules"]] == kept
    assert client.list_rule_names_by_target(TargetArn=URL)["RuleNames"] == kept


def test_clients_that_put_and_delete_one_rule_leave_it_whole_or_gone(client):
    def put(number):
        client.put_rule(Name="orders", EventPattern=PATTERN, Description=str(number))
        client.delete_rule(Name="orders")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(32)))
    assert client.list_rules()["Rules"] == []
    client.put_rule(Name="orders", EventPattern=PATTERN)
    assert "Description" not in client.describe_rule(Name="orders")


def test_readers_see_a_rule_whole_and_the_last_writer_wins(client):
    """Writers put pairs of values that belong together; whoever reads meanwhile sees a pair and never half of two."""
    rounds = 15

    def put(writer):
        for turn in range(rounds):
            mark = f"{writer}-{turn}"
            client.put_rule(Name="orders", EventPattern=json.dumps({"source": [mark]}), Description=mark)
            targets = [{"Id": id, "Arn": f"{URL}/{mark}", "Input": f'"{mark}"'} for id in "ab"]
            client.put_targets(Rule="orders", Targets=targets)

    def read(_):
        for _ in range(4 * rounds):
            rule = client.describe_rule(Name="orders")
            assert json.loads(rule["EventPattern"])["source"] == [rule["Description"]]
            (listed,) = client.list_rules()["Rules"]
            assert json.loads(listed["EventPattern"])["source"] == [listed["Description"]]
            targets = client.list_targets_by_rule(Rule="orders")["Targets"]
            assert len({(target["Arn"], target["Input"]) for target in targets}) <= 1, targets
            assert all(target["Arn"] == f"{URL}/{json.loads(target['Input'])}" for target in targets)

    client.put_rule(Name="orders", EventPattern='{"source":["first"]}', Description="first")
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda task: task[0](task[1]), [(put, 0), (read, 0), (put, 1), (read, 1), (put, 2), (read, 2)]))
    lasts = {f"{writer}-{rounds - 1}" for writer in range(3)}
    assert client.describe_rule(Name="orders")["Description"] in lasts
    assert {json.loads(target["Input"]) for target in client.list_targets_by_rule(Rule="orders")["Targets"]} <= lasts
