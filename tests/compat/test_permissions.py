"""Permissions: PutPermission, RemovePermission, the policy in DescribeEventBus, and what another account may not do.

What a policy lets through is tried with several accounts in src/api/operation/isolation.rs.
"""

import json

import pytest

from wire import answered, call, length_at_least, length_at_most, matching, refusal, refused, sweep, violation

ACCOUNT = "000000000000"
OTHER = "222222222222"
PUT_EVENTS = "events:PutEvents"
NO_STATEMENT = "Statement with the provided id does not exist."
BUSES = pytest.mark.parametrize("bus", ["default", "orders"])


def arn(bus, account=ACCOUNT):
    return f"arn:aws:events:us-east-1:{account}:event-bus/{bus}"


@pytest.fixture
def daemon(shared_daemon):
    yield shared_daemon
    sweep(shared_daemon)
    assert call(shared_daemon, "RemovePermission", {"RemoveAllPermissions": True}).status == 200


@pytest.fixture
def orders(client):
    client.create_event_bus(Name="orders")


@pytest.fixture
def policy_of(client):
    return lambda bus="orders": client.describe_event_bus(Name=bus).get("Policy")


def permission(id, principal=OTHER, bus="orders"):
    return {"EventBusName": bus, "Action": PUT_EVENTS, "Principal": principal, "StatementId": id}


def statement(id, principal=OTHER, bus="orders", **more):
    principal = principal if principal == "*" else {"AWS": f"arn:aws:iam::{principal}:root"}
    common = {"Sid": id, "Effect": "Allow", "Principal": principal, "Action": PUT_EVENTS, "Resource": arn(bus)}
    return common | more


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, separators=(",", ":"))


@BUSES
def test_the_policy_is_written_as_amazon_writes_it(client, orders, policy_of, bus):
    assert policy_of(bus) is None
    assert answered(client.put_permission(**permission("b", bus=bus))) == {}
    assert policy_of(bus) == policy(statement("b", bus=bus))
    condition = {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-a1b2c3d4e5"}
    client.put_permission(**permission("a", "*", bus), Condition=condition)
    written = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
    both = [statement("b", bus=bus), statement("a", "*", bus, Condition=written)]
    assert policy_of(bus) == policy(*both)
    listed = client.list_event_buses(NamePrefix=bus)["EventBuses"]
    assert [entry["Policy"] for entry in listed] == [policy(*both)]


def test_the_default_bus_is_meant_when_none_is_named(client, policy_of):
    client.put_permission(Action=PUT_EVENTS, Principal=OTHER, StatementId="a")
    assert policy_of("default") == policy(statement("a", bus="default"))
    client.remove_permission(StatementId="a")
    assert policy_of("default") is None


def test_a_statement_is_replaced_by_one_of_its_id(client, orders, policy_of):
    for id, principal in [("a", OTHER), ("b", OTHER), ("a", "*")]:
        client.put_permission(**permission(id, principal))
    assert policy_of() == policy(statement("a", "*"), statement("b"))


@BUSES
def test_permissions_are_removed_one_by_one_or_all(client, orders, policy_of, bus):
    for id in "abc":
        client.put_permission(**permission(id, bus=bus))
    assert answered(client.remove_permission(EventBusName=bus, StatementId="b")) == {}
    assert policy_of(bus) == policy(statement("a", bus=bus), statement("c", bus=bus))
    with refused("ResourceNotFoundException", NO_STATEMENT):
        client.remove_permission(EventBusName=bus, StatementId="b")
    for _ in range(2):
        assert answered(client.remove_permission(EventBusName=bus, RemoveAllPermissions=True)) == {}
        assert policy_of(bus) is None
    with refused("ResourceNotFoundException", NO_STATEMENT):
        client.remove_permission(EventBusName=bus, StatementId="a")


def test_a_policy_replaces_the_one_before(client, orders, policy_of):
    client.put_permission(**permission("a"))
    document = {
        "Version": "2012-10-17",
        "Id": "of the shop",
        "Statement": [
            {
                "Sid": "rules",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": ["events:ListRules", "events:PutRule"],
                "Resource": [arn("orders"), f"arn:aws:events:us-east-1:{ACCOUNT}:rule/orders/*"],
            },
            {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": PUT_EVENTS, "Resource": arn("orders"),
             "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": ["o-a1b2c3d4e5"]}}},
        ],
    }  # fmt: skip
    client.put_permission(EventBusName="orders", Policy=json.dumps(document, indent=2))
    assert json.loads(policy_of()) == document
    client.put_permission(**permission("b"))
    assert json.loads(policy_of())["Statement"] == [*document["Statement"], statement("b")]


def test_permissions_are_kept_by_the_store_and_go_with_the_bus(start_daemon, client_of):
    daemon = start_daemon()
    client = client_of(daemon)
    client.create_event_bus(Name="orders")
    client.put_permission(**permission("a"))
    before = call(daemon, "DescribeEventBus", {"Name": "orders"}).body
    daemon.kill9()
    daemon.start()
    assert call(daemon, "DescribeEventBus", {"Name": "orders"}).body == before
    client.delete_event_bus(Name="orders")
    client.create_event_bus(Name="orders")
    assert "Policy" not in client.describe_event_bus(Name="orders")


# What is refused


@BUSES
def test_an_unknown_bus_or_statement(client, bus):
    with refused("ResourceNotFoundException", "Event bus none does not exist."):
        client.put_permission(**permission("a", bus="none"))
    with refused("ResourceNotFoundException", "Event bus none does not exist."):
        client.put_permission(EventBusName="none", Policy=policy(statement("a", bus="none")))
    for request in [{"StatementId": "a"}, {"RemoveAllPermissions": True}]:
        with refused("ResourceNotFoundException", "Event bus none does not exist."):
            client.remove_permission(EventBusName="none", **request)


def test_only_putting_events_is_permitted_by_itself(client, orders, policy_of):
    with refused("ValidationException", "Provided value in parameter 'action' is not supported."):
        client.put_permission(**permission("a") | {"Action": "events:PutRule"})
    assert policy_of() is None


@pytest.mark.parametrize(
    "condition, reason",
    [
        ({"Type": "StringLike", "Key": "aws:PrincipalOrgID", "Value": "o-*"}, "Type must be StringEquals"),
        ({"Type": "StringEquals", "Key": "aws:SourceIp", "Value": "o-x"}, "Key aws:PrincipalOrgID"),
        ({"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": ""}, "Value must be"),
    ],
)
def test_other_conditions(client, orders, policy_of, condition, reason):
    message = refusal("ValidationException", client.put_permission, **permission("a"), Condition=condition)
    assert reason in message
    assert policy_of() is None


def test_members_that_are_missing(daemon):
    for request, missing in [
        ({}, "Action, Principal, StatementId"),
        ({"Action": PUT_EVENTS, "Principal": "*"}, "StatementId"),
    ]:
        message = f"Parameter(s) {missing} must be specified."
        assert call(daemon, "PutPermission", request).error == (400, "ValidationException", message)
    message = "Parameter(s) StatementId or RemoveAllPermissions must be specified."
    for request in [{}, {"RemoveAllPermissions": False}]:
        assert call(daemon, "RemovePermission", request).error == (400, "ValidationException", message)
    answer = call(daemon, "PutPermission", {"Condition": {}})
    assert answer.error[2].startswith("3 validation errors detected: Value null at 'condition.type'")


def test_a_policy_comes_alone(client, orders):
    for member, value in permission("a").items():
        if member != "EventBusName":
            message = refusal(
                "ValidationException",
                client.put_permission,
                EventBusName="orders",
                Policy=policy(statement("a")),
                **{member: value},
            )
            assert message.startswith("Parameter Policy is not valid. Reason: Action, Principal")


@pytest.mark.parametrize(
    "document, reason",
    [
        ("", "EOF"),
        ("[]", "The policy is not an object."),
        ("{}", "Statement is missing."),
        (policy(statement("a") | {"Principal": {"AWS": f"arn:aws:iam::{OTHER}:role/r"}}), "no users and no roles"),
        (policy(statement("a", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})), "IpAddress is not supported"),
        (policy(statement("a", NotAction="events:PutRule")), "NotAction is not supported"),
        (policy(statement("a"), statement("a")), "Two statements have the Sid 'a'."),
        (policy(statement("a", bus="other")), f'The relative-id "event-bus/other" is invalid for ARN "{arn("orders")}"'),
    ],
)
def test_a_policy_that_is_not_understood(client, orders, policy_of, document, reason):
    client.put_permission(**permission("kept"))
    message = refusal("ValidationException", client.put_permission, EventBusName="orders", Policy=document)
    assert message.startswith("Parameter Policy is not valid. Reason: ")
    assert reason in message
    assert policy_of() == policy(statement("kept"))


def test_a_policy_has_at_most_ten_kilobytes(client, orders, policy_of):
    one = len(json.dumps(statement("0000"), separators=(",", ":"))) + 1
    most = (10 * 1024 - len(policy()) + 1) // one
    most_of_them = policy(*[statement(f"{number:04}") for number in range(most)])
    client.put_permission(EventBusName="orders", Policy=most_of_them)
    assert policy_of() == most_of_them
    assert "10240" in refusal("PolicyLengthExceededException", client.put_permission, **permission("more"))
    too_long = policy(*[statement(f"{number:04}") for number in range(most + 1)])
    refusal("PolicyLengthExceededException", client.put_permission, EventBusName="orders", Policy=too_long)
    refusal("PolicyLengthExceededException", client.put_permission, EventBusName="orders", Policy=" " * 1_000_000)
    assert policy_of() == most_of_them


def test_members_outside_the_model(client):
    wrong = {"EventBusName": arn("orders"), "Action": "sqs:x", "Principal": "12", "StatementId": "s" * 65}
    message = violation(
        (arn("orders"), "eventBusName", matching(r"[\.\-_A-Za-z0-9]+")),
        ("sqs:x", "action", matching("events:[a-zA-Z]+")),
        ("12", "principal", matching(r"(\d{12}|\*)")),
        ("s" * 65, "statementId", length_at_most(64)),
    )
    with refused("ValidationException", message):
        client.put_permission(**wrong)
    message = violation(
        ("", "statementId", matching("[a-zA-Z0-9-_]+")),
        ("", "statementId", length_at_least(1)),
        ("a/b", "eventBusName", matching(r"[\.\-_A-Za-z0-9]+")),
    )
    with refused("ValidationException", message):
        client.remove_permission(StatementId="", EventBusName="a/b")


# Other accounts


def test_the_bus_of_another_account_is_closed(client):
    bus = arn("default", OTHER)
    message = (
        f"User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: events:DescribeRule on resource: "
        f"arn:aws:events:us-east-1:{OTHER}:rule/r because no resource-based policy allows the events:DescribeRule action"
    )
    with refused("AccessDeniedException", message):
        client.describe_rule(Name="r", EventBusName=bus)
    event = {"Source": "shop", "DetailType": "t", "Detail": "{}"}
    put = client.put_events(Entries=[event | {"EventBusName": bus}, event])
    denied = {"ErrorCode": "AccessDeniedException", "ErrorMessage": "Not authorized to put events on the event bus."}
    assert (put["FailedEntryCount"], put["Entries"][0]) == (1, denied)
    assert "EventId" in put["Entries"][1]
