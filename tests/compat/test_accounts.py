"""Several accounts at one daemon, each with its key: what they share, and what they cannot touch."""

import hashlib
import json

import pytest

import wire
from test_authentication import fetch
from test_model_variants import GOOD
from wire import refused

A, B, C = "111111111111", "222222222222", "333333333333"
ORGANIZATION = "o-a1b2c3d4e5"
CONFIG = "".join(
    f'[[accounts]]\nid = "{account}"\n{organization}access_keys = [{{ id = "KEY{account}", secret = "secret of {account}" }}]\n'
    for account, organization in [(A, ""), (B, f'organization = "{ORGANIZATION}"\n'), (C, "")]
)
EVENT = {"Source": "shop", "DetailType": "t", "Detail": "{}"}


@pytest.fixture
def daemon(start_daemon):
    return start_daemon(config=CONFIG)


@pytest.fixture
def client_as(client_of, daemon):
    return lambda account: client_of(daemon, key=f"KEY{account}", secret=f"secret of {account}")


def test_an_organization_is_what_the_configuration_says(client_as, sink):
    a = client_as(A)
    bus = a.create_event_bus(Name="shared")["EventBusArn"]
    a.put_rule(Name="r", EventPattern=json.dumps({"source": ["shop"]}), EventBusName="shared")
    a.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": sink.url}], EventBusName="shared")
    entry = EVENT | {"EventBusName": bus}

    def put(account):
        return client_as(account).put_events(Entries=[entry])["Entries"][0].get("ErrorCode")

    assert [put(A), put(B), put(C)] == [None, "AccessDeniedException", "AccessDeniedException"]
    condition = {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": ORGANIZATION}
    a.put_permission(
        EventBusName="shared", Action="events:PutEvents", Principal="*", StatementId="org", Condition=condition)  # fmt: skip
    assert [put(A), put(B), put(C)] == [None, None, "AccessDeniedException"]
    assert sorted(delivered.json()["account"] for delivered in sink.wait_for(3)) == [A, A, B]


def test_the_rules_of_another_account_are_closed(client_as):
    a, b = client_as(A), client_as(B)
    a.put_rule(Name="r", EventPattern=json.dumps({"source": ["shop"]}))
    bus = f"arn:aws:events:us-east-1:{A}:event-bus/default"
    for call in [
        lambda: b.describe_rule(Name="r", EventBusName=bus),
        lambda: b.list_rules(EventBusName=bus),
        lambda: b.put_rule(Name="r", EventPattern='{"source": ["x"]}', EventBusName=bus),
        lambda: b.delete_rule(Name="r", EventBusName=bus),
        lambda: b.list_tags_for_resource(ResourceARN=f"arn:aws:events:us-east-1:{A}:rule/r"),
    ]:
        wire.refusal("AccessDeniedException", call)
    with refused("ResourceNotFoundException", "Rule r does not exist on EventBus default."):
        b.describe_rule(Name="r")
    assert a.describe_rule(Name="r")["EventPattern"] == json.dumps({"source": ["shop"]})


@pytest.mark.parametrize("operation", GOOD)
def test_every_type_of_member_in_a_presigned_url(daemon, client_as, operation):
    """What the URL can say is read as the model has it; structures are refused. Nothing is taken for something else."""
    client = client_as(A)
    method = next(name for name, found in client.meta.method_to_api_mapping.items() if found == operation)
    members = client.meta.service_model.operation_model(operation).input_shape.members
    for name, value in GOOD[operation].items():
        url = client.generate_presigned_url(method, Params={name: value})
        status, body = fetch(url, operation)
        shape = members[name]
        is_structure = shape.type_name == "structure" or (shape.type_name == "list" and shape.member.type_name != "string")
        unreadable = f"The request cannot be read: {name} cannot be given in a URL as it is."
        if is_structure:
            assert (status, json.loads(body)["message"]) == (400, unreadable)
        else:
            assert "SerializationException" not in body, f"{name}: {body}"


def test_the_key_of_the_daemon_for_aws_is_for_named_accounts(start_daemon, client_of, sink):
    """Whoever may put targets would otherwise reach whatever that key opens."""
    daemon = start_daemon(config=CONFIG + f'[aws_services]\naccounts = ["{A}"]\nendpoint_url = "{sink.url}"\n')
    queue = f"arn:aws:sqs:us-east-1:{A}:orders"
    reason = f"the account {B} may not use the AWS key of this daemon; aws_services.accounts names those that may."
    for account, targets in [
        (B, [{"Id": "t", "Arn": queue}]),
        (B, [{"Id": "t", "Arn": sink.url, "DeadLetterConfig": {"Arn": queue}}]),
        (A, [{"Id": "t", "Arn": queue}]),
    ]:
        client = client_of(daemon, key=f"KEY{account}", secret=f"secret of {account}")
        client.put_rule(Name="r", EventPattern=json.dumps({"source": ["shop"]}))
        if account == A:
            client.put_targets(Rule="r", Targets=targets)
        else:
            with refused("ValidationException", f"Parameter {targets[0]['Arn']} is not valid. Reason: {reason}"):
                client.put_targets(Rule="r", Targets=targets)
            assert client.list_targets_by_rule(Rule="r")["Targets"] == []


def test_of_several_accounts_none_has_the_key_for_aws_by_itself(client_as):
    a = client_as(A)
    a.put_rule(Name="r", EventPattern=json.dumps({"source": ["shop"]}))
    wire.refusal(
        "ValidationException",
        a.put_targets,
        Rule="r",
        Targets=[{"Id": "t", "Arn": f"arn:aws:sqs:us-east-1:{A}:orders"}],
    )


def test_an_account_uses_its_own_roles(start_daemon, client_of, sink):
    """Else it could do what the roles of others may, for the daemon can assume them all."""
    daemon = start_daemon(config=CONFIG + f'[aws_services]\naccounts = ["{A}"]\nendpoint_url = "{sink.url}"\n')
    client = client_of(daemon, key=f"KEY{A}", secret=f"secret of {A}")
    client.put_rule(Name="r", EventPattern=json.dumps({"source": ["shop"]}))
    arn = f"arn:aws:sqs:us-east-1:{A}:orders"
    target = lambda account: {"Id": "t", "Arn": arn, "RoleArn": f"arn:aws:iam::{account}:role/r"}
    client.put_targets(Rule="r", Targets=[target(A)])
    reason = f"the account {A} may use no role of another account."
    with refused("ValidationException", f"Parameter {arn} is not valid. Reason: {reason}"):
        client.put_targets(Rule="r", Targets=[target(B)])


def test_the_quota_of_one_account_leaves_another_alone(start_daemon, client_of):
    quotas = {"EVENTYARD_QUOTAS__RULES_PER_EVENT_BUS_MAX": "1", "EVENTYARD_QUOTAS__EVENT_BUSES_PER_ACCOUNT_MAX": "1"}
    daemon = start_daemon(quotas, CONFIG)
    for account in [A, B]:
        client = client_of(daemon, key=f"KEY{account}", secret=f"secret of {account}")
        client.put_rule(Name="one", EventPattern='{"source": ["s"]}')
        client.create_event_bus(Name="one")
        for call in [
            lambda: client.put_rule(Name="two", EventPattern='{"source": ["s"]}'),
            lambda: client.create_event_bus(Name="two"),
        ]:
            wire.refusal("LimitExceededException", call)


def test_who_made_a_rule_on_the_bus_of_another_account(daemon, client_as):
    a, b = client_as(A), client_as(B)
    bus = a.create_event_bus(Name="shared")["EventBusArn"]
    own = {"StringEquals": {"events:creatorAccount": B}}
    resource = [bus, f"arn:aws:events:us-east-1:{A}:rule/shared/*"]
    statement = {"Effect": "Allow", "Principal": {"AWS": B}, "Action": "events:*", "Resource": resource, "Condition": own}
    a.put_permission(EventBusName="shared", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    a.put_rule(Name="theirs", EventPattern='{"source": ["s"]}', EventBusName="shared")
    b.put_rule(Name="mine", EventPattern='{"source": ["s"]}', EventBusName=bus)

    def creators(client, name):
        return [client.describe_rule(Name=rule, EventBusName=name)["CreatedBy"] for rule in ["mine", "theirs"]]

    assert creators(a, "shared") == [B, A]
    assert b.describe_rule(Name="mine", EventBusName=bus)["CreatedBy"] == B
    for call in [
        lambda: b.describe_rule(Name="theirs", EventBusName=bus),
        lambda: b.delete_rule(Name="theirs", EventBusName=bus),
        lambda: b.put_rule(Name="theirs", EventPattern='{"source": ["x"]}', EventBusName=bus),
    ]:
        wire.refusal("AccessDeniedException", call)
    # Whoever replaces it later, and whenever the daemon starts: it was made by the same account.
    a.put_rule(Name="mine", EventPattern='{"source": ["t"]}', EventBusName="shared")
    a.disable_rule(Name="mine", EventBusName="shared")
    daemon.restart()
    assert creators(a, "shared") == [B, A]
    b.delete_rule(Name="mine", EventBusName=bus)


@pytest.mark.parametrize("path", ["/events", "/cloudevents"])
def test_who_posts_events_names_the_bus_of_another_account(start_daemon, client_of, sink, path):
    token, hash = "a token", hashlib.sha256(b"a token").hexdigest()
    daemon = start_daemon(config=CONFIG.replace(f'id = "{B}"', f'id = "{B}"\nevent_token_hashes = ["{hash}"]'))
    a = client_of(daemon, key=f"KEY{A}", secret=f"secret of {A}")
    a.put_rule(Name="r", EventPattern='{"source": ["shop"]}')
    a.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": sink.url}])
    bus = f"arn:aws:events:us-east-1:{A}:event-bus/default"

    def post():
        if path == "/events":
            body, kind = EVENT | {"EventBusName": bus}, "application/json"
        else:
            body, kind = {"specversion": "1.0", "id": "1", "source": "shop", "type": "t"}, "application/cloudevents+json"
        query = f"?EventBusName={bus}" if path == "/cloudevents" else ""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
        return wire.request(daemon.api_address, "POST", path + query, json.dumps(body).encode(), headers)

    denied = post().body
    assert b"AccessDeniedException" in denied or b"Not authorized to put events on the event bus." in denied, denied
    a.put_permission(Action="events:PutEvents", Principal=B, StatementId="s")
    assert b"AccessDenied" not in post().body
    assert [delivered.json()["account"] for delivered in sink.wait_for(1)] == [B]
