"""Event buses: CreateEventBus, DescribeEventBus, ListEventBuses, UpdateEventBus, DeleteEventBus, and rules on them."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from waiting import wait_until
from wire import answered, call, length_at_least, length_at_most, matching, post_events, refused, sweep, violation

ACCOUNT = "000000000000"
NAME_PATTERN = r"[/\.\-_A-Za-z0-9]+"
PATTERN = '{"source": ["com.example.shop"]}'
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"
TIMES = {"CreationTime", "LastModifiedTime"}
NO_KMS = "Parameter KmsKeyIdentifier is not valid. Reason: eventyard does not encrypt events with KMS keys."


@pytest.fixture
def daemon(shared_daemon):
    yield shared_daemon
    sweep(shared_daemon)
    assert call(shared_daemon, "UpdateEventBus", {"Description": "", "DeadLetterConfig": {}}).status == 200


def arn(name):
    return f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/{name}"


def without_times(bus):
    assert set(bus) >= TIMES
    return {member: value for member, value in bus.items() if member not in TIMES}


def unknown_bus(name):
    return f"Event bus {name} does not exist."


# What is answered


def test_a_bus_is_created_described_listed_and_deleted(client):
    before = time.time() - 1
    assert answered(client.create_event_bus(Name="orders")) == {"EventBusArn": arn("orders")}
    bus = answered(client.describe_event_bus(Name="orders"))
    assert without_times(bus) == {"Name": "orders", "Arn": arn("orders")}
    assert before <= bus["CreationTime"].timestamp() <= time.time() + 1
    assert bus["CreationTime"] == bus["LastModifiedTime"]
    assert answered(client.describe_event_bus(Name=arn("orders"))) == bus
    assert client.list_event_buses(NamePrefix="ord")["EventBuses"] == [bus]
    assert answered(client.delete_event_bus(Name="orders")) == {}
    with refused("ResourceNotFoundException", unknown_bus("orders")):
        client.describe_event_bus(Name="orders")


@pytest.mark.parametrize("request_", [{}, {"Name": "default"}, {"Name": arn("default")}])
def test_the_default_bus_is_always_there(client, request_):
    assert without_times(answered(client.describe_event_bus(**request_))) == {"Name": "default", "Arn": arn("default")}


def test_all_members_come_back_as_they_were_put(client):
    members = {
        "Description": "Orders of the shop: ä, 漢字",
        "DeadLetterConfig": {"Arn": QUEUE},
        "LogConfig": {"IncludeDetail": "FULL", "Level": "TRACE"},
    }
    created = answered(client.create_event_bus(Name="orders", **members, Tags=[{"Key": "team", "Value": "shop"}]))
    assert created == members | {"EventBusArn": arn("orders")}
    names = {"Name": "orders", "Arn": arn("orders")}
    assert without_times(answered(client.describe_event_bus(Name="orders"))) == names | members
    listed = client.list_event_buses(NamePrefix="orders")["EventBuses"]
    assert [without_times(bus) for bus in listed] == [names | {"Description": members["Description"]}]
    tags = client.list_tags_for_resource(ResourceARN=arn("orders"))["Tags"]
    assert tags == [{"Key": "team", "Value": "shop"}]


def test_members_without_an_effect_are_told_in_the_log(client, daemon):
    client.create_event_bus(
        Name="told", DeadLetterConfig={"Arn": "arn:aws:sqs:us-east-1:000000000000:q"}, LogConfig={"Level": "INFO"})  # fmt: skip
    client.put_rule(Name="told", EventPattern=PATTERN, EventBusName="told", RoleArn="arn:aws:iam::000000000000:role/r")
    bus = "arn:aws:events:us-east-1:000000000000:event-bus/told"
    rule = "arn:aws:events:us-east-1:000000000000:rule/told/told"

    def told(member, resource):
        return [line for line in daemon.log().splitlines() if f'member="{member}" resource="{resource}"' in line]

    for member, resource in [("DeadLetterConfig", bus), ("LogConfig", bus), ("RoleArn", rule)]:
        assert len(wait_until(lambda: told(member, resource))) == 1, member
    client.put_rule(Name="plain", EventPattern=PATTERN, EventBusName="told")
    assert "rule/told/plain" not in daemon.log()


def test_an_update_changes_what_it_names(client):
    client.create_event_bus(Name="orders", Description="first", LogConfig={"Level": "OFF"})
    created = answered(client.describe_event_bus(Name="orders"))
    whole = {"Name": "orders", "Arn": arn("orders"), "Description": "first", "LogConfig": {"Level": "OFF"}}
    queue = {"DeadLetterConfig": {"Arn": QUEUE}}
    assert answered(client.update_event_bus(Name="orders", **queue)) == whole | queue
    bus = answered(client.describe_event_bus(Name="orders"))
    assert without_times(bus) == whole | queue
    assert bus["CreationTime"] == created["CreationTime"]
    assert bus["LastModifiedTime"] >= created["LastModifiedTime"]
    # An empty text, or an empty block, takes away what was there.
    nothing = {"Description": "", "DeadLetterConfig": {}, "KmsKeyIdentifier": ""}
    del whole["Description"]
    assert answered(client.update_event_bus(Name="orders", **nothing)) == whole


def test_the_default_bus_can_be_described_anew(client):
    assert client.update_event_bus(Description="of all")["Description"] == "of all"
    assert client.describe_event_bus()["Description"] == "of all"
    assert [bus["Name"] for bus in client.list_event_buses()["EventBuses"]] == ["default"]


def test_buses_are_listed_in_the_order_of_their_names_and_by_prefix(client):
    for name in ["b", "a", "z", "d"]:
        client.create_event_bus(Name=name)

    def names(**request):
        return [bus["Name"] for bus in client.list_event_buses(**request)["EventBuses"]]

    assert names() == ["a", "b", "d", "default", "z"]
    assert names(NamePrefix="d") == ["d", "default"]
    assert names(NamePrefix="c") == []
    first = client.list_event_buses(Limit=2)
    assert [bus["Name"] for bus in first["EventBuses"]] == ["a", "b"]
    assert names(NextToken=first["NextToken"]) == ["d", "default", "z"]
    with refused("ValidationException", "Parameter NextToken is not valid."):
        client.list_event_buses(NamePrefix="d", NextToken=first["NextToken"])


def test_deleting_an_unknown_bus_succeeds(client):
    assert answered(client.delete_event_bus(Name="orders")) == {}


def test_a_bus_of_the_same_name_begins_anew(client):
    client.create_event_bus(Name="orders", Description="first", Tags=[{"Key": "team", "Value": "shop"}])
    client.delete_event_bus(Name="orders")
    client.create_event_bus(Name="orders")
    assert "Description" not in client.describe_event_bus(Name="orders")
    assert client.list_tags_for_resource(ResourceARN=arn("orders"))["Tags"] == []


# Rules and events


def test_rules_of_different_buses_do_not_meet(client):
    client.create_event_bus(Name="orders")
    on = {"EventBusName": "orders"}
    put = client.put_rule(Name="r", EventPattern=PATTERN, **on)
    rule_arn = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/orders/r"
    assert put["RuleArn"] == rule_arn
    client.put_rule(Name="r", EventPattern='{"source": ["other"]}')
    rule = client.describe_rule(Name="r", EventBusName=arn("orders"))
    assert (rule["Arn"], rule["EventBusName"], rule["EventPattern"]) == (rule_arn, "orders", PATTERN)
    assert client.describe_rule(Name="r")["EventPattern"] == '{"source": ["other"]}'
    client.tag_resource(ResourceARN=rule_arn, Tags=[{"Key": "team", "Value": "shop"}])
    other = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/r"
    assert client.list_tags_for_resource(ResourceARN=other)["Tags"] == []
    client.delete_rule(Name="r")
    assert [rule["Name"] for rule in client.list_rules(**on)["Rules"]] == ["r"]
    with refused("ResourceNotFoundException", "Rule other does not exist on EventBus orders."):
        client.describe_rule(Name="other", **on)


def test_a_bus_with_rules_is_not_deleted(client):
    client.create_event_bus(Name="orders")
    client.put_rule(Name="r", EventPattern=PATTERN, EventBusName="orders")
    with refused("ValidationException", "EventBus can't be deleted since it has rules."):
        client.delete_event_bus(Name="orders")
    client.delete_rule(Name="r", EventBusName="orders")
    assert answered(client.delete_event_bus(Name="orders")) == {}


def test_events_reach_the_rules_of_their_bus_alone(client, sink):
    client.create_event_bus(Name="orders")
    for bus in ["default", "orders"]:
        client.put_rule(Name="r", EventPattern=PATTERN, EventBusName=bus)
        client.put_targets(Rule="r", EventBusName=bus, Targets=[{"Id": "1", "Arn": f"{sink.url}/{bus}"}])
    entry = {"Source": "com.example.shop", "DetailType": "t"}
    entries = [
        entry | {"Detail": '{"n":1}', "EventBusName": "orders"},
        entry | {"Detail": '{"n":2}', "EventBusName": arn("orders")},
        entry | {"Detail": '{"n":3}'},
        # An event for a bus that is not there is accepted and goes nowhere.
        entry | {"Detail": '{"n":4}', "EventBusName": "other"},
        entry | {"Detail": "[]", "EventBusName": "other"},
    ]
    put = client.put_events(Entries=entries)
    assert put["FailedEntryCount"] == 1
    assert [("EventId" in answer) for answer in put["Entries"]] == [True] * 4 + [False]
    requests = sink.wait_for(3)
    assert sorted((request.path, request.json()["detail"]["n"]) for request in requests) == [
        ("/default", 3),
        ("/orders", 1),
        ("/orders", 2),
    ]


def test_posted_events_name_their_bus(client, daemon, sink):
    client.create_event_bus(Name="orders")
    client.put_rule(Name="r", EventPattern=PATTERN, EventBusName="orders")
    client.put_targets(Rule="r", EventBusName="orders", Targets=[{"Id": "1", "Arn": f"{sink.url}/hook"}])
    event = {"Source": "com.example.shop", "DetailType": "t", "Detail": {"n": 1}, "EventBusName": "orders"}
    assert post_events(daemon, event).status == 200
    assert [request.json()["detail"] for request in sink.wait_for(1)] == [{"n": 1}]


def test_buses_are_kept_by_the_store(start_daemon, client_of, sink):
    daemon = start_daemon()
    client = client_of(daemon)
    client.create_event_bus(Name="orders", Description="d", LogConfig={}, Tags=[{"Key": "a", "Value": "b"}])
    client.create_event_bus(Name="gone")
    client.delete_event_bus(Name="gone")
    client.update_event_bus(Description="of all", DeadLetterConfig={"Arn": QUEUE})
    client.put_rule(Name="r", EventPattern=PATTERN, EventBusName="orders")
    client.put_targets(Rule="r", EventBusName="orders", Targets=[{"Id": "1", "Arn": f"{sink.url}/hook"}])

    def everything():
        requests = [("ListEventBuses", {}), ("DescribeEventBus", {}), ("DescribeEventBus", {"Name": "orders"})]
        requests += [("DescribeRule", {"Name": "r", "EventBusName": "orders"})]
        requests += [("ListTagsForResource", {"ResourceARN": arn("orders")})]
        return [call(daemon, *request).body for request in requests]

    before = everything()
    daemon.kill9()
    daemon.start()
    assert everything() == before
    client.put_events(
        Entries=[{"Source": "com.example.shop", "DetailType": "t", "Detail": "{}", "EventBusName": "orders"}]
    )
    sink.wait_for(1)


def test_of_many_who_create_a_bus_one_succeeds(client):
    def create(number):
        try:
            client.create_event_bus(Name="orders", Description=str(number))
            return number
        except client.exceptions.ResourceAlreadyExistsException:
            return None

    for _ in range(4):
        with ThreadPoolExecutor(8) as pool:
            winners = [number for number in pool.map(create, range(16)) if number is not None]
        assert [client.describe_event_bus(Name="orders")["Description"]] == [str(number) for number in winners]
        client.delete_event_bus(Name="orders")


def test_a_bus_is_not_deleted_under_a_rule_that_is_being_put(client):
    """Whoever comes first: a rule is never left on a bus that is gone."""

    def put(number):
        try:
            client.put_rule(Name=f"r{number}", EventPattern=PATTERN, EventBusName="orders")
        except client.exceptions.ResourceNotFoundException as error:
            assert unknown_bus("orders") in str(error)

    def delete(_):
        try:
            client.delete_event_bus(Name="orders")
        except client.exceptions.ClientError as error:
            assert "EventBus can't be deleted since it has rules." in str(error)

    for turn in range(8):
        client.create_event_bus(Name="orders")
        with ThreadPoolExecutor(4) as pool:
            done = [pool.submit(*each) for each in [(put, turn), (delete, turn), (put, -turn), (delete, turn)]]
        for each in done:
            each.result()
        names = [bus["Name"] for bus in client.list_event_buses()["EventBuses"]]
        if "orders" in names:
            for rule in client.list_rules(EventBusName="orders")["Rules"]:
                client.delete_rule(Name=rule["Name"], EventBusName="orders")
            client.delete_event_bus(Name="orders")
        client.create_event_bus(Name="orders")
        assert client.list_rules(EventBusName="orders")["Rules"] == []
        client.delete_event_bus(Name="orders")


# What is refused


@pytest.mark.parametrize("name", ["orders", "default"])
def test_a_name_that_is_taken(client, name):
    if name != "default":
        client.create_event_bus(Name=name)
    with refused("ResourceAlreadyExistsException", f"Event bus {name} already exists."):
        client.create_event_bus(Name=name, Description="second")
    assert "Description" not in client.describe_event_bus(Name=name)


def test_the_default_bus_is_not_deleted(client):
    with refused("ValidationException", "Cannot delete event bus default."):
        client.delete_event_bus(Name="default")


def test_an_unknown_bus_is_not_updated(client):
    with refused("ResourceNotFoundException", unknown_bus("orders")):
        client.update_event_bus(Name="orders", Description="d")


def test_buses_of_partners_are_refused(client):
    with refused("ValidationException", "Event bus name must not contain '/'."):
        client.create_event_bus(Name="a/b")
    source = "aws.partner/example.com/1"
    with refused("ResourceNotFoundException", f"Event source {source} does not exist."):
        client.create_event_bus(Name=source, EventSourceName=source)
    pattern = r"aws\.partner(/[\.\-_A-Za-z0-9]+){2,}"
    with refused("ValidationException", violation(("example.com", "eventSourceName", matching(pattern)))):
        client.create_event_bus(Name="a", EventSourceName="example.com")


def test_encryption_is_refused_and_not_pretended(client):
    with refused("ValidationException", NO_KMS):
        client.create_event_bus(Name="orders", KmsKeyIdentifier="alias/key")
    client.create_event_bus(Name="orders", KmsKeyIdentifier="")
    with refused("ValidationException", NO_KMS):
        client.update_event_bus(Name="orders", KmsKeyIdentifier="alias/key")


@pytest.mark.parametrize("operation", ["create_event_bus", "delete_event_bus", "update_event_bus"])
@pytest.mark.parametrize(
    "name, rules",
    [
        ("a b", [matching(NAME_PATTERN)]),
        (arn("orders"), [matching(NAME_PATTERN)]),
        ("a" * 257, [length_at_most(256)]),
        ("", [matching(NAME_PATTERN), length_at_least(1)]),
    ],
)
def test_a_name_outside_the_model(client, operation, name, rules):
    with refused("ValidationException", violation(*[(name, "name", rule) for rule in rules])):
        getattr(client, operation)(Name=name)


@pytest.mark.parametrize("operation", ["create_event_bus", "update_event_bus"])
def test_members_outside_the_model(client, operation):
    wrong = {
        "Description": "d" * 513,
        "KmsKeyIdentifier": "key!",
        "DeadLetterConfig": {"Arn": ""},
        "LogConfig": {"IncludeDetail": "SOME", "Level": "off"},
    }
    message = violation(
        ("d" * 513, "description", length_at_most(512)),
        ("key!", "kmsKeyIdentifier", matching(r"^[a-zA-Z0-9_\-/:]*$")),
        ("", "deadLetterConfig.arn", length_at_least(1)),
        ("SOME", "logConfig.includeDetail", "Member must satisfy enum value set: [NONE, FULL]"),
        ("off", "logConfig.level", "Member must satisfy enum value set: [OFF, ERROR, INFO, TRACE]"),
    )
    with refused("ValidationException", message):
        getattr(client, operation)(Name="orders", **wrong)


def test_an_account_has_as_many_buses_as_its_quota(start_daemon, client_of):
    client = client_of(start_daemon({"EVENTYARD_QUOTAS__EVENT_BUSES_PER_ACCOUNT_MAX": "2"}))
    for name in ["a", "b"]:
        client.create_event_bus(Name=name)
    with refused("LimitExceededException", "The requested resource exceeds the maximum number allowed."):
        client.create_event_bus(Name="c")
    # The default bus does not count, and a name that is taken is said first.
    client.update_event_bus(Description="of all")
    with refused("ResourceAlreadyExistsException", "Event bus b already exists."):
        client.create_event_bus(Name="b")
    client.delete_event_bus(Name="a")
    client.create_event_bus(Name="c")
    assert [bus["Name"] for bus in client.list_event_buses()["EventBuses"]] == ["b", "c", "default"]


@pytest.mark.parametrize("operation", ["CreateEventBus", "DeleteEventBus"])
def test_a_name_that_is_missing(daemon, operation):
    message = "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null"
    assert call(daemon, operation).error == (400, "ValidationException", message)
