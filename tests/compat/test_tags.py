"""Tags: TagResource, UntagResource, ListTagsForResource, and the Tags of PutRule."""

import pytest

from wire import answered, call, length_at_least, length_at_most, refusal, refused, sweep, violation

ACCOUNT = "000000000000"
PREFIX = f"arn:aws:events:us-east-1:{ACCOUNT}:"
RULE_ARN = f"{PREFIX}rule/orders"
BUS_ARN = f"{PREFIX}event-bus/default"
PATTERN = '{"source": ["com.example.shop"]}'
NO_RULE = "Rule orders does not exist on EventBus default."
WRONG_ARN = "Parameter ResourceARN is not valid. Reason: Provided Arn is not in correct format."
# What each operation takes beside the ARN.
OPERATIONS = {
    "tag_resource": {"Tags": [{"Key": "team", "Value": "shop"}]},
    "untag_resource": {"TagKeys": ["team"]},
    "list_tags_for_resource": {},
}
EACH_OPERATION = pytest.mark.parametrize("operation", OPERATIONS)


def tags(**pairs):
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


@pytest.fixture
def daemon(shared_daemon):
    yield shared_daemon
    sweep(shared_daemon)
    listed = call(shared_daemon, "ListTagsForResource", {"ResourceARN": BUS_ARN}).json()["Tags"]
    keys = [tag["Key"] for tag in listed]
    assert call(shared_daemon, "UntagResource", {"ResourceARN": BUS_ARN, "TagKeys": keys}).status == 200


@pytest.fixture
def tags_of(client):
    return lambda arn=RULE_ARN: answered(client.list_tags_for_resource(ResourceARN=arn))["Tags"]


@pytest.fixture
def rule(client):
    client.put_rule(Name="orders", EventPattern=PATTERN)


@pytest.mark.parametrize("arn", [RULE_ARN, BUS_ARN])
def test_tags_are_added_replaced_and_removed(client, rule, tags_of, arn):
    assert tags_of(arn) == []
    assert answered(client.tag_resource(ResourceARN=arn, Tags=tags(team="shop", stage=""))) == {}
    assert tags_of(arn) == tags(stage="", team="shop")
    assert answered(client.tag_resource(ResourceARN=arn, Tags=tags(team="billing", Team="ä"))) == {}
    assert tags_of(arn) == tags(Team="ä", stage="", team="billing")
    assert answered(client.untag_resource(ResourceARN=arn, TagKeys=["team", "never-there"])) == {}
    assert tags_of(arn) == tags(Team="ä", stage="")


def test_no_tags_and_no_keys_change_nothing(client, rule, tags_of):
    client.tag_resource(ResourceARN=RULE_ARN, Tags=[])
    client.untag_resource(ResourceARN=RULE_ARN, TagKeys=[])
    assert tags_of() == []


def test_a_rule_is_created_with_tags_and_replaced_without_them(client, tags_of):
    client.put_rule(Name="orders", EventPattern=PATTERN, Tags=tags(team="shop"))
    assert tags_of() == tags(team="shop")
    client.put_rule(Name="orders", EventPattern=PATTERN, Tags=tags(team="billing", other="1"))
    client.put_rule(Name="orders", EventPattern=PATTERN, Description="without tags")
    client.disable_rule(Name="orders")
    assert tags_of() == tags(team="shop")
    assert "Tags" not in client.describe_rule(Name="orders")


def test_a_rule_takes_its_tags_with_it(client, tags_of):
    client.put_rule(Name="orders", EventPattern=PATTERN, Tags=tags(team="shop"))
    client.delete_rule(Name="orders")
    with refused("ResourceNotFoundException", NO_RULE):
        tags_of()
    client.put_rule(Name="orders", EventPattern=PATTERN)
    assert tags_of() == []


def test_tags_are_kept_by_the_store(start_daemon, client_of):
    daemon = start_daemon()
    client = client_of(daemon)
    client.put_rule(Name="orders", EventPattern=PATTERN, Tags=tags(team="shop"))
    client.tag_resource(ResourceARN=RULE_ARN, Tags=tags(stage="\U0001f600 \"'\\"))
    client.tag_resource(ResourceARN=BUS_ARN, Tags=tags(bus="1"))
    daemon.kill9()
    daemon.start()
    kept = client.list_tags_for_resource(ResourceARN=RULE_ARN)["Tags"]
    assert kept == tags(stage="\U0001f600 \"'\\", team="shop")
    assert client.list_tags_for_resource(ResourceARN=BUS_ARN)["Tags"] == tags(bus="1")


# What is refused


@EACH_OPERATION
@pytest.mark.parametrize(
    "arn, message",
    [
        (RULE_ARN, NO_RULE),
        (f"{PREFIX}event-bus/other", "Event bus other does not exist."),
        (f"{PREFIX}rule/other/orders", "Event bus other does not exist."),
    ],
)
def test_a_resource_that_is_not_there(client, operation, arn, message):
    with refused("ResourceNotFoundException", message):
        getattr(client, operation)(ResourceARN=arn, **OPERATIONS[operation])


@EACH_OPERATION
@pytest.mark.parametrize(
    "arn",
    ["orders", f"{PREFIX}archive/a", f"{PREFIX}rule/", f"{PREFIX}rule/a b", "arn:aws:sqs:us-east-1:000000000000:q"],
)
def test_what_is_no_rule_and_no_bus(client, operation, arn):
    with refused("ValidationException", WRONG_ARN):
        getattr(client, operation)(ResourceARN=arn, **OPERATIONS[operation])


@EACH_OPERATION
def test_an_arn_outside_the_model(client, operation):
    for arn, rule in [("", length_at_least(1)), ("a" * 1601, length_at_most(1600))]:
        with refused("ValidationException", violation((arn, "resourceARN", rule))):
            getattr(client, operation)(ResourceARN=arn, **OPERATIONS[operation])


def null(path):
    return f"Value null at '{path}' failed to satisfy constraint: Member must not be null"


def test_members_that_are_missing(daemon):
    for operation, members in [
        ("TagResource", ["resourceARN", "tags"]),
        ("UntagResource", ["resourceARN", "tagKeys"]),
        ("ListTagsForResource", ["resourceARN"]),
    ]:
        count = f"{len(members)} validation error{'s' if len(members) > 1 else ''} detected: "
        message = count + "; ".join(null(member) for member in members)
        assert call(daemon, operation).error == (400, "ValidationException", message)
    answer = call(daemon, "TagResource", {"ResourceARN": RULE_ARN, "Tags": [{}]})
    message = "2 validation errors detected: " + null("tags.1.member.key") + "; " + null("tags.1.member.value")
    assert answer.error == (400, "ValidationException", message)


def test_tags_outside_the_model(client, rule, tags_of):
    wrong = [{"Key": "", "Value": ""}, {"Key": "k" * 129, "Value": "v" * 257}]
    message = violation(
        ("", "tags.1.member.key", length_at_least(1)),
        ("k" * 129, "tags.2.member.key", length_at_most(128)),
        ("v" * 257, "tags.2.member.value", length_at_most(256)),
    )
    with refused("ValidationException", message):
        client.tag_resource(ResourceARN=RULE_ARN, Tags=wrong)
    with refused("ValidationException", message):
        client.put_rule(Name="other", EventPattern=PATTERN, Tags=wrong)
    with refused("ValidationException", violation(("", "tagKeys.2.member", length_at_least(1)))):
        client.untag_resource(ResourceARN=RULE_ARN, TagKeys=["a", ""])
    longest = {"k" * 128: "v" * 256}
    client.tag_resource(ResourceARN=RULE_ARN, Tags=tags(**longest))
    assert tags_of() == tags(**longest)


@pytest.mark.parametrize(
    "wrong, reason",
    [
        (tags(**{"aws:team": "shop"}), "The key 'aws:team' begins with 'aws:', which is reserved."),
        (tags(**{"AWS:team": "shop"}), "The key 'AWS:team' begins with 'aws:', which is reserved."),
        (tags(team="a") + tags(team="b"), "The key 'team' is there twice."),
        (tags(**{str(number): "" for number in range(51)}), "A resource can have at most 50 tags."),
    ],
)
def test_tags_that_no_resource_can_have(client, rule, tags_of, wrong, reason):
    message = f"Parameter Tags is not valid. Reason: {reason}"
    with refused("ValidationException", message):
        client.tag_resource(ResourceARN=RULE_ARN, Tags=wrong)
    with refused("ValidationException", message):
        client.put_rule(Name="other", EventPattern=PATTERN, Tags=wrong)
    assert tags_of() == []
    assert [rule["Name"] for rule in client.list_rules()["Rules"]] == ["orders"]


def test_fifty_tags_are_the_most_that_a_resource_has(client, rule, tags_of):
    fifty = tags(**{f"{number:02}": "" for number in range(50)})
    client.tag_resource(ResourceARN=RULE_ARN, Tags=fifty[:30])
    client.tag_resource(ResourceARN=RULE_ARN, Tags=fifty[20:])
    assert "50" in refusal("ValidationException", client.tag_resource, ResourceARN=RULE_ARN, Tags=tags(one="more"))
    assert tags_of() == fifty
