"""Managed rules: files that declare rules, applied at start and at SIGHUP, and what clients may do with such rules."""

import json
import signal
import subprocess

import pytest

from waiting import wait_until
from wire import answered, dead_letters, refused

ACCOUNT = "000000000000"
PATTERN = '{"source":["shop"]}'
MANAGED_BY = "eventyard.rules_dir"
MANAGED = "orders is a managed rule. Set 'force' parameter to true to override."
URL = "http://127.0.0.1:9/hook"

YAML = """
# Comments are fine here.
Rules:
  - Name: orders
    Description: Orders of the shop
    EventPattern:
      source: [shop]
    Tags:
      - {Key: team, Value: shop}
    Targets:
      - Id: sink
        Arn: SINK
        RetryPolicy: {MaximumRetryAttempts: 3}
"""


def arn(name):
    return f"arn:aws:events:us-east-1:{ACCOUNT}:rule/{name}"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "rules"
    folder.mkdir()
    return folder


@pytest.fixture
def daemon(start_daemon, folder):
    (folder / "orders.yaml").write_text(YAML.replace("SINK", URL))
    return start_daemon({"EVENTYARD_MANAGED_RULES__RULES_DIR": str(folder)})


@pytest.fixture
def reload(daemon):
    """A function that says SIGHUP and waits until the daemon has told what came of it; gives what it told. `faults` is
    how many faults it has to tell."""

    def reload(faults=0):
        begin = len(daemon.log())
        daemon.process.send_signal(signal.SIGHUP)
        end = "managed rules not applied" if faults else "managed rules applied"
        wait_until(lambda: daemon.log()[begin:].count(end) >= max(faults, 1))
        return daemon.log()[begin:]

    return reload


def rules_of(client):
    return {rule["Name"]: rule for rule in client.list_rules()["Rules"]}


def declare(folder, *rules, name="orders.yaml"):
    # JSON is YAML, too.
    (folder / name).write_text(json.dumps({"Rules": list(rules)}))


def test_a_declared_rule_is_there_with_its_targets_and_delivers(start_daemon, client_of, folder, sink):
    (folder / "orders.yaml").write_text(YAML.replace("SINK", f"{sink.url}/hook"))
    daemon = start_daemon({"EVENTYARD_MANAGED_RULES__RULES_DIR": str(folder)})
    client = client_of(daemon)
    rule = {
        "Name": "orders",
        "Arn": arn("orders"),
        "EventPattern": PATTERN,
        "State": "ENABLED",
        "Description": "Orders of the shop",
        "ManagedBy": MANAGED_BY,
        "EventBusName": "default",
    }
    assert answered(client.describe_rule(Name="orders")) == rule | {"CreatedBy": ACCOUNT}
    assert answered(client.list_rules()) == {"Rules": [rule]}
    assert client.list_tags_for_resource(ResourceARN=arn("orders"))["Tags"] == [{"Key": "team", "Value": "shop"}]
    target = {"Id": "sink", "Arn": f"{sink.url}/hook", "RetryPolicy": {"MaximumRetryAttempts": 3}}
    assert client.list_targets_by_rule(Rule="orders")["Targets"] == [target]
    client.put_events(Entries=[{"Source": "shop", "DetailType": "t", "Detail": "{}"}])
    sink.wait_for(1)
    assert "managed rules applied created=1 changed=0 unchanged=0 deleted=0" in daemon.log()


def test_applying_again_changes_nothing(daemon, client_of, reload):
    client = client_of(daemon)
    before = answered(client.describe_rule(Name="orders"))
    assert "created=0 changed=0 unchanged=1 deleted=0" in reload()
    daemon.restart()
    assert daemon.log().count("created=0 changed=0 unchanged=1 deleted=0") == 2
    assert answered(client.describe_rule(Name="orders")) == before


def test_a_hangup_applies_what_has_changed(daemon, client_of, folder, reload):
    client = client_of(daemon)
    client.put_rule(Name="mine", EventPattern=PATTERN)
    target = {"Id": "other", "Arn": f"{URL}/other"}
    declare(folder, {"Name": "orders", "EventPattern": PATTERN, "State": "DISABLED", "Targets": [target]})
    declare(folder, {"Name": "more", "EventPattern": PATTERN}, name="more.json")
    (folder / "README.md").write_text("not read")
    assert "created=1 changed=1 unchanged=0 deleted=0" in reload()
    rule = rules_of(client)["orders"]
    assert rule["State"] == "DISABLED"
    assert "Description" not in rule
    assert client.list_targets_by_rule(Rule="orders")["Targets"] == [target]
    assert client.list_tags_for_resource(ResourceARN=arn("orders"))["Tags"] == []
    (folder / "orders.yaml").unlink()
    assert "created=0 changed=0 unchanged=1 deleted=1" in reload()
    assert {name: rule.get("ManagedBy") for name, rule in rules_of(client).items()} == {"mine": None, "more": MANAGED_BY}


def test_a_fault_in_one_file_applies_none(daemon, client_of, folder, reload):
    client = client_of(daemon)
    before = rules_of(client)
    (folder / "orders.yaml").unlink()
    declare(folder, {"Name": "good", "EventPattern": PATTERN}, name="a.json")
    twice = [{"Id": "1", "Arn": URL}, {"Id": "1", "Arn": URL}]
    declare(
        folder,
        {"Name": "no pattern"},
        {"Name": "bad-pattern", "EventPattern": {"a": 1}},
        {"Name": "good", "EventPattern": PATTERN},
        {"Name": "no-bus", "EventPattern": PATTERN, "EventBusName": "none"},
        {"Name": "twice", "EventPattern": PATTERN, "Targets": twice},
        {"Name": "unknown", "EventPattern": PATTERN, "Targets": [{"Id": "1", "Arn": URL, "Retry": 1}]},
        {"Name": "queue", "EventPattern": PATTERN, "Targets": [{"Id": "1", "Arn": "sqs"}]},
        {"EventPattern": PATTERN},
        name="b.json",
    )
    (folder / "c.yaml").write_text("Rules:\n  - Name: [\n")
    told = reload(faults=9)
    for fault in [
        "b.json: rule no pattern: 1 validation error detected: Value 'no pattern' at 'name'",
        "b.json: rule bad-pattern: Event pattern is not valid.",
        "b.json: rule good: a.json: rule good declares it, too",
        "b.json: rule no-bus: Event bus none does not exist.",
        "b.json: rule twice: targets.2.member: a target before it has the same Id.",
        "b.json: rule unknown: targets.1.member: it has members that are not known",
        "b.json: rule queue: Parameter sqs is not valid.",
        "b.json: rule number 8: 1 validation error detected: Value null at 'name'",
        "c.yaml: ",
    ]:
        # The log writes texts in quotes, and the quotes in them with a backslash.
        assert fault in told.replace("\\", ""), told
    assert rules_of(client) == before


ACCOUNTS = """
[[accounts]]
id = "000000000000"
access_keys = [{ id = "AKIDONE", secret = "one-one-one-one-one" }]
"""
# What only stands in the configuration, with a target that it forbids.
FORBIDDEN = {
    "egress": ({}, "http://169.254.169.254/", "the address 169.254.169.254 is"),
    "file": ({}, "file:///tmp/orders", "local_targets"),
    "aws": (
        {"EVENTYARD_AWS_SERVICES__ACCOUNTS": "111122223333"},
        f"arn:aws:sqs:us-east-1:{ACCOUNT}:q",
        "may not use the AWS key of this daemon",
    ),
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_target_that_the_configuration_forbids_is_seen_before_anything_changes(start_daemon, client_of, folder, name):
    settings, forbidden, reason = FORBIDDEN[name]
    (folder / "orders.yaml").write_text(YAML.replace("SINK", URL))
    daemon = start_daemon({"EVENTYARD_MANAGED_RULES__RULES_DIR": str(folder)} | settings)
    client = client_of(daemon)
    before = rules_of(client), client.list_targets_by_rule(Rule="orders")["Targets"]
    target = {"Id": "other", "Arn": forbidden}
    declare(folder, {"Name": "orders", "EventPattern": '{"a":[1]}', "Targets": [target]})
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "managed rules not applied" in daemon.log())
    assert f"orders.yaml: rule orders: Parameter {forbidden} is not valid." in daemon.log()
    assert reason in daemon.log()
    assert (rules_of(client), client.list_targets_by_rule(Rule="orders")["Targets"]) == before


def test_the_quota_of_rules_is_seen_before_anything_changes(start_daemon, client_of, folder):
    rules = [{"Name": f"r{number}", "EventPattern": PATTERN} for number in range(4)]
    declare(folder, *rules[:3])
    settings = {"EVENTYARD_MANAGED_RULES__RULES_DIR": str(folder), "EVENTYARD_QUOTAS__RULES_PER_EVENT_BUS_MAX": "3"}
    daemon = start_daemon(settings)
    client = client_of(daemon)

    def reload(end, count):
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: daemon.log().count(end) >= count)

    declare(folder, *[rule | {"State": "DISABLED"} for rule in rules])
    reload("managed rules not applied", 1)
    assert "event-bus/default: more rules are declared than quotas.rules_per_event_bus_max leaves room for" in daemon.log()
    assert {rule["State"] for rule in rules_of(client).values()} == {"ENABLED"}
    # One that goes leaves its room to one that comes.
    declare(folder, *rules[1:])
    reload("managed rules applied", 2)
    assert sorted(rules_of(client)) == ["r1", "r2", "r3"]


def test_an_account_that_is_not_configured_is_a_fault(start_daemon, folder):
    daemon = start_daemon({"EVENTYARD_MANAGED_RULES__RULES_DIR": str(folder)}, ACCOUNTS)
    foreign = {"Account": "111122223333", "Rules": [{"Name": "r", "EventPattern": PATTERN}]}
    (folder / "foreign.json").write_text(json.dumps(foreign))
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "managed rules not applied" in daemon.log())
    assert "the account 111122223333 is not one of [[accounts]]" in daemon.log()


def test_a_fault_keeps_the_daemon_from_starting(binary, folder, tmp_path):
    declare(folder, {"Name": "a", "EventPattern": "{"})
    environment = {"EVENTYARD_MANAGED_RULES__RULES_DIR": str(folder)}
    command = [binary, "serve", "--data-dir", str(tmp_path / "data"), "--listen", "127.0.0.1:0"]
    command += ["--admin-listen", "127.0.0.1:0"]
    for wrong in [folder, tmp_path / "none"]:
        environment["EVENTYARD_MANAGED_RULES__RULES_DIR"] = str(wrong)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert "the rules in files were not applied" in done.stderr
    assert "cannot be read" in done.stderr


def test_a_rule_that_a_client_has_put_becomes_managed(daemon, client_of, folder, reload):
    client = client_of(daemon)
    client.put_rule(Name="mine", EventPattern='{"a":[1]}', Tags=[{"Key": "a", "Value": "b"}])
    client.put_targets(Rule="mine", Targets=[{"Id": str(number), "Arn": URL} for number in range(5)])
    targets = [{"Id": str(number), "Arn": f"{URL}/new"} for number in range(3, 8)]
    declare(folder, {"Name": "mine", "EventPattern": PATTERN, "Targets": targets}, name="mine.json")
    assert "created=0 changed=1 unchanged=1 deleted=0" in reload()
    rule = rules_of(client)["mine"]
    assert (rule["ManagedBy"], rule["EventPattern"]) == (MANAGED_BY, PATTERN)
    assert client.list_targets_by_rule(Rule="mine")["Targets"] == targets
    assert client.list_tags_for_resource(ResourceARN=arn("mine"))["Tags"] == []


def test_a_file_may_name_account_region_and_bus(daemon, client_of, folder, reload):
    client = client_of(daemon)
    client.create_event_bus(Name="shop")
    declare(folder, {"Name": "r", "EventBusName": "shop", "EventPattern": PATTERN}, name="shop.json")
    elsewhere = {"Account": "111122223333", "Region": "eu-west-1", "Rules": [{"Name": "r", "EventPattern": PATTERN}]}
    (folder / "elsewhere.json").write_text(json.dumps(elsewhere))
    assert "created=2" in reload()
    assert client.describe_rule(Name="r", EventBusName="shop")["ManagedBy"] == MANAGED_BY
    assert f"rule_arn=\"{arn('r').replace(ACCOUNT, '111122223333').replace('us-east-1', 'eu-west-1')}" in daemon.log()
    assert "r" not in rules_of(client)
    (folder / "elsewhere.json").write_text(json.dumps(elsewhere | {"Account": "1"}))
    assert "elsewhere.json: Account '1' is not 12 digits" in reload(faults=1)


def test_what_a_removed_rule_is_owed_becomes_dead_letters(daemon, client_of, folder, reload):
    client = client_of(daemon)
    client.put_events(Entries=[{"Source": "shop", "DetailType": "t", "Detail": "{}"}])
    (folder / "orders.yaml").unlink()
    reload()
    wait_until(lambda: dead_letters(daemon)["dead_letters"])
    assert dead_letters(daemon)["dead_letters"][0]["ERROR_CODE"] == "TARGET_REMOVED"


# What clients may do


CHANGES = {
    "put_rule": {"Name": "orders", "EventPattern": '{"a":[1]}'},
    "enable_rule": {"Name": "orders"},
    "disable_rule": {"Name": "orders"},
    "put_targets": {"Rule": "orders", "Targets": [{"Id": "mine", "Arn": URL}]},
    "remove_targets": {"Rule": "orders", "Ids": ["sink"]},
    "delete_rule": {"Name": "orders"},
    "tag_resource": {"ResourceARN": arn("orders"), "Tags": [{"Key": "a", "Value": "b"}]},
    "untag_resource": {"ResourceARN": arn("orders"), "TagKeys": ["team"]},
}


def test_clients_do_not_change_a_managed_rule(daemon, client_of):
    client = client_of(daemon)

    def everything():
        tags = answered(client.list_tags_for_resource(ResourceARN=arn("orders")))
        return rules_of(client), answered(client.list_targets_by_rule(Rule="orders")), tags

    before = everything()
    for operation, request in CHANGES.items():
        forced = [{}, {"Force": False}] if operation in ("remove_targets", "delete_rule") else [{}]
        for force in forced:
            with refused("ManagedRuleException", MANAGED):
                getattr(client, operation)(**request, **force)
    assert everything() == before


def test_by_force_they_do_and_the_next_hangup_brings_it_back(daemon, client_of, reload):
    client = client_of(daemon)
    with refused("ValidationException", "Rule can't be deleted since it has targets."):
        client.delete_rule(Name="orders", Force=True)
    client.remove_targets(Rule="orders", Ids=["sink"], Force=True)
    assert client.list_targets_by_rule(Rule="orders")["Targets"] == []
    client.delete_rule(Name="orders", Force=True)
    assert rules_of(client) == {}
    assert "created=1" in reload()
    assert len(client.list_targets_by_rule(Rule="orders")["Targets"]) == 1


def test_without_files_a_managed_rule_stays_until_it_is_forced_away(daemon, client_of):
    client = client_of(daemon)
    del daemon.env["EVENTYARD_MANAGED_RULES__RULES_DIR"]
    daemon.restart()
    daemon.process.send_signal(signal.SIGHUP)
    with refused("ManagedRuleException", MANAGED):
        client.disable_rule(Name="orders")
    client.remove_targets(Rule="orders", Ids=["sink"], Force=True)
    client.delete_rule(Name="orders", Force=True)
    client.put_rule(Name="orders", EventPattern=PATTERN)
    assert "ManagedBy" not in rules_of(client)["orders"]
