"""Targets: PutTargets, ListTargetsByRule, RemoveTargets. What a target is sent stands in test_delivery.py."""

import json

import pytest

from wire import answered, call, length_at_least, length_at_most, matching, refusal, refused, sweep, violation

PATTERN = '{"source": ["com.example.shop"]}'
NAME_PATTERN = r"[\.\-_A-Za-z0-9]+"
URL = "http://127.0.0.1:9/hook"
NONE_FAILED = {"FailedEntryCount": 0, "FailedEntries": []}
TOO_MANY = "The requested resource exceeds the maximum number allowed."


@pytest.fixture
def daemon(shared_daemon):
    yield shared_daemon
    sweep(shared_daemon)


@pytest.fixture
def put(client):
    """A function that puts targets to the rule `orders`, which is there. The first has the id 1 and an Arn."""
    client.put_rule(Name="orders", EventPattern=PATTERN)

    def put(*targets):
        targets = [{"Id": str(number), "Arn": URL} | target for number, target in enumerate(targets, 1)]
        return client.put_targets(Rule="orders", Targets=targets)

    return put


@pytest.fixture
def targets(client):
    """A function that gives the targets of the rule `orders`."""
    return lambda: client.list_targets_by_rule(Rule="orders")["Targets"]


# What is answered


def test_success_has_an_empty_list_of_failures(client, put):
    assert answered(put({})) == NONE_FAILED
    assert answered(client.remove_targets(Rule="orders", Ids=["1"])) == NONE_FAILED


@pytest.mark.parametrize(
    "target",
    [
        {},
        {"RoleArn": "arn:aws:iam::000000000000:role/router"},
        {"Input": '{ "a" : [1.0,  "\\u00e4", "ä"] }'},
        {"Input": '"text"'},
        {"InputPath": "$.detail.a[0]"},
        {"InputTransformer": {"InputPathsMap": {"b": "$.detail.b", "a": "$.time"}, "InputTemplate": '{"x": <a>}'}},
        {"InputTransformer": {"InputTemplate": '"constant"'}},
        {"InputTransformer": {"InputPathsMap": {}, "InputTemplate": '"constant"'}},
        {"HttpParameters": {"HeaderParameters": {"X-Shop": "$.source"}}},
        {
            "Arn": f"{URL}/*/b/*",
            "HttpParameters": {
                "PathParameterValues": ["one", "$.detail.two"],
                "HeaderParameters": {"X-Shop": "one two"},
                "QueryStringParameters": {"key": "$.id", "other": "ä"},
            },
        },
        {"HttpParameters": {}},
        {"HttpParameters": {"PathParameterValues": [], "HeaderParameters": {}, "QueryStringParameters": {}}},
        {"RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}},
        {"RetryPolicy": {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400}},
        {"RetryPolicy": {"MaximumRetryAttempts": 3}},
        {"RetryPolicy": {}},
    ],
    ids=json.dumps,
)
def test_a_target_comes_back_as_it_was_put(daemon, put, target):
    put(target)
    # Read from the wire, where boto3 cannot hide a null.
    answer = call(daemon, "ListTargetsByRule", {"Rule": "orders"}).json()
    assert answer == {"Targets": [{"Id": "1", "Arn": URL} | target]}


def test_a_rule_without_targets_has_an_empty_list(client):
    client.put_rule(Name="orders", EventPattern=PATTERN)
    assert answered(client.list_targets_by_rule(Rule="orders")) == {"Targets": []}


def test_putting_an_id_again_replaces_the_whole_target(put, targets):
    put({"Input": "{}", "RetryPolicy": {"MaximumRetryAttempts": 1}}, {})
    put({"InputPath": "$.detail"})
    assert targets() == [{"Id": "1", "Arn": URL, "InputPath": "$.detail"}, {"Id": "2", "Arn": URL}]


def test_the_last_of_two_targets_with_one_id_counts(put, targets):
    put({"Id": "1", "Input": "1"}, {"Id": "1", "Input": "2"})
    assert targets() == [{"Id": "1", "Arn": URL, "Input": "2"}]


def test_one_id_under_two_rules_names_two_targets(client, put, targets):
    put({"Input": "1"})
    client.put_rule(Name="other", EventPattern=PATTERN)
    client.put_targets(Rule="other", Targets=[{"Id": "1", "Arn": URL, "Input": "2"}])
    client.remove_targets(Rule="other", Ids=["1"])
    assert targets() == [{"Id": "1", "Arn": URL, "Input": "1"}]


def test_targets_are_listed_in_the_order_of_their_ids(put, targets):
    put({"Id": "b"}, {"Id": "a.1"}, {"Id": "C_3"}, {"Id": "a-1"}, {"Id": "a"})
    assert [target["Id"] for target in targets()] == ["C_3", "a", "a-1", "a.1", "b"]


# Removing


def test_removing_leaves_the_others(client, put, targets):
    put({}, {}, {})
    assert answered(client.remove_targets(Rule="orders", Ids=["1", "3", "1"])) == NONE_FAILED
    assert [target["Id"] for target in targets()] == ["2"]


@pytest.mark.parametrize("force", [{}, {"Force": True}])
def test_removing_an_unknown_id_is_no_failure(client, put, targets, force):
    put({})
    assert answered(client.remove_targets(Rule="orders", Ids=["2"], **force)) == NONE_FAILED
    assert answered(client.remove_targets(Rule="orders", Ids=["2", "1"], **force)) == NONE_FAILED
    assert targets() == []


# What is refused


@pytest.mark.parametrize(
    "operation, request_",
    [
        ("put_targets", {"Targets": [{"Id": "1", "Arn": URL}]}),
        ("remove_targets", {"Ids": ["1"]}),
        ("list_targets_by_rule", {}),
    ],
)
def test_an_unknown_rule(client, operation, request_):
    with refused("ResourceNotFoundException", "Rule orders does not exist on EventBus default."):
        getattr(client, operation)(Rule="orders", **request_)


@pytest.mark.parametrize(
    "operation, request_",
    [
        ("put_targets", {"Targets": [{"Id": "1", "Arn": URL}]}),
        ("remove_targets", {"Ids": ["1"]}),
        ("list_targets_by_rule", {}),
    ],
)
@pytest.mark.parametrize(
    "name, rules",
    [
        ("rule/x", [matching(NAME_PATTERN)]),
        ("a" * 65, [length_at_most(64)]),
        ("!" * 65, [matching(NAME_PATTERN), length_at_most(64)]),
    ],
)
def test_a_rule_name_outside_the_model(client, operation, request_, name, rules):
    with refused("ValidationException", violation(*[(name, "rule", rule) for rule in rules])):
        getattr(client, operation)(Rule=name, **request_)


@pytest.mark.parametrize(
    "id, rules",
    [
        ("!@#$@!#$", [matching(NAME_PATTERN)]),
        ("a" * 65, [length_at_most(64)]),
        ("!" * 65, [matching(NAME_PATTERN), length_at_most(64)]),
        ("", [matching(NAME_PATTERN), length_at_least(1)]),
    ],
)
def test_an_id_outside_the_model(client, put, targets, id, rules):
    with refused("ValidationException", violation(*[(id, "targets.1.member.id", rule) for rule in rules])):
        put({"Id": id})
    with refused("ValidationException", violation(*[(id, "ids.2.member", rule) for rule in rules])):
        client.remove_targets(Rule="orders", Ids=["1", id])
    assert targets() == []


def test_the_longest_id(put, targets):
    put({"Id": "a" * 64})
    assert targets()[0]["Id"] == "a" * 64


def test_the_place_of_a_target_is_counted_from_1(put):
    message = violation(
        ("a b", "targets.2.member.id", matching(NAME_PATTERN)),
        ("$" * 257, "targets.3.member.inputPath", length_at_most(256)),
    )
    with refused("ValidationException", message):
        put({}, {"Id": "a b"}, {"InputPath": "$" * 257})


@pytest.mark.parametrize(
    "target, place, value, rule",
    [
        ({"Arn": ""}, "arn", "", length_at_least(1)),
        ({"Arn": "http://" + "a" * 1600}, "arn", "http://" + "a" * 1600, length_at_most(1600)),
        ({"RoleArn": ""}, "roleArn", "", length_at_least(1)),
        ({"Input": '"' + "a" * 8191 + '"'}, "input", '"' + "a" * 8191 + '"', length_at_most(8192)),
        ({"InputTransformer": {"InputTemplate": ""}}, "inputTransformer.inputTemplate", "", length_at_least(1)),
        (
            {"InputTransformer": {"InputTemplate": '"' + "a" * 8191 + '"'}},
            "inputTransformer.inputTemplate",
            '"' + "a" * 8191 + '"',
            length_at_most(8192),
        ),
        (
            {"RetryPolicy": {"MaximumRetryAttempts": 186}},
            "retryPolicy.maximumRetryAttempts",
            186,
            "Member must have value less than or equal to 185",
        ),
        (
            {"RetryPolicy": {"MaximumRetryAttempts": -1}},
            "retryPolicy.maximumRetryAttempts",
            -1,
            "Member must have value greater than or equal to 0",
        ),
        (
            {"RetryPolicy": {"MaximumEventAgeInSeconds": 59}},
            "retryPolicy.maximumEventAgeInSeconds",
            59,
            "Member must have value greater than or equal to 60",
        ),
        (
            {"RetryPolicy": {"MaximumEventAgeInSeconds": 86401}},
            "retryPolicy.maximumEventAgeInSeconds",
            86401,
            "Member must have value less than or equal to 86400",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_member_outside_the_model(put, targets, target, place, value, rule):
    with refused("ValidationException", violation((value, f"targets.1.member.{place}", rule))):
        put(target)
    assert targets() == []


def test_a_template_has_at_most_100_paths(put, targets):
    def transformer(count):
        return {
            "InputPathsMap": {f"k{number}": "$.id" for number in range(count)},
            "InputTemplate": '"<k0>"',
        }

    put({"InputTransformer": transformer(100)})
    assert len(targets()[0]["InputTransformer"]["InputPathsMap"]) == 100
    message = refusal("ValidationException", put, {"InputTransformer": transformer(101)})
    assert message.startswith("1 validation error detected: Value '{k0=$.id, ")
    place = "targets.1.member.inputTransformer.inputPathsMap"
    assert message.endswith(f"' at '{place}' failed to satisfy constraint: {length_at_most(100)}")


@pytest.mark.parametrize("count", [6, 7])
def test_a_rule_has_at_most_five_targets_in_one_call(put, targets, count):
    with refused("LimitExceededException", TOO_MANY):
        put(*[{}] * count)
    assert targets() == []


def test_a_rule_has_at_most_five_targets_in_sum(put, targets):
    put(*[{}] * 5)
    with refused("LimitExceededException", TOO_MANY):
        put({"Id": "6"})
    # All or none: 5 is there and may be replaced, 6 is one too many.
    with refused("LimitExceededException", TOO_MANY):
        put({"Id": "5", "Input": "1"}, {"Id": "6"})
    assert targets() == [{"Id": str(number), "Arn": URL} for number in range(1, 6)]
    put({"Id": "5", "Input": "1"})
    assert targets()[4] == {"Id": "5", "Arn": URL, "Input": "1"}


def test_a_target_that_is_removed_makes_room(client, put, targets):
    put(*[{}] * 5)
    client.remove_targets(Rule="orders", Ids=["3"])
    put({"Id": "6"})
    assert [target["Id"] for target in targets()] == ["1", "2", "4", "5", "6"]


TEMPLATE = {"InputTemplate": '"text"'}


@pytest.mark.parametrize(
    "inputs",
    [
        {"Input": "{}", "InputPath": "$.detail"},
        {"Input": "{}", "InputTransformer": TEMPLATE},
        {"InputPath": "$.detail", "InputTransformer": TEMPLATE},
        {"Input": "{}", "InputPath": "$.detail", "InputTransformer": TEMPLATE},
    ],
    ids=lambda inputs: "+".join(inputs),
)
def test_one_input_at_most(put, targets, inputs):
    with refused(
        "ValidationException", "Only one of Input, InputPath, or InputTransformer must be provided for target t-1."
    ):
        put({"Id": "t-1"} | inputs)
    assert targets() == []


@pytest.mark.parametrize("template", ['{"a": <missing>}', '"<missing>"', '{"a": "<missing>"}'])
def test_an_unknown_placeholder(put, targets, template):
    with refused("ValidationException", "InputTemplate for target t-1 contains invalid placeholder missing."):
        put({"Id": "t-1", "InputTransformer": {"InputPathsMap": {"known": "$.id"}, "InputTemplate": template}})
    assert targets() == []


def test_the_whole_event_only_fits_into_a_json_template(put):
    template = '"<aws.events.event.json>"'
    message = "InputTemplate for target t-1 contains placeholder aws.events.event.json valid only for JSON template."
    with refused("ValidationException", message):
        put({"Id": "t-1", "InputTransformer": {"InputTemplate": template}})


@pytest.mark.parametrize("path", ["detail", "", "$[", "$.detail['a']", '$.detail["a"]', "$..a", "$.a[?(@.b)]"])
def test_a_path_that_is_none(put, targets, path):
    with refused("ValidationException", "InputPath for target t-1 is invalid."):
        put({"Id": "t-1", "InputPath": path})
    with refused("ValidationException", "InputPath for target t-1 is invalid."):
        put({"Id": "t-1", "InputTransformer": {"InputPathsMap": {"a": path}, "InputTemplate": '"<a>"'}})
    assert targets() == []


@pytest.mark.parametrize("text", ["text", "{", '{"a": 1,}', "", "{} {}", "'a'"])
def test_an_input_that_is_not_json(put, targets, text):
    message = refusal("ValidationException", put, {"Id": "t-1", "Input": text})
    assert message.startswith("JSON syntax error in input for target t-1: ")
    assert targets() == []


@pytest.mark.parametrize("arn", ["hook", "arn:", "ftp://127.0.0.1/hook", "127.0.0.1:9/hook", "http:/127.0.0.1"])
def test_an_arn_that_is_none(put, targets, arn):
    with refused(
        "ValidationException", f"Parameter {arn} is not valid. Reason: Provided Arn is not in correct format."
    ):
        put({"Arn": arn})
    assert targets() == []


@pytest.mark.parametrize("url", ["http://", "http://user:secret@127.0.0.1/", "http://127.0.0.1:0/", "http://a b/"])
def test_a_url_that_nothing_can_be_posted_to(put, targets, url):
    message = refusal("ValidationException", put, {"Arn": url})
    assert message.startswith(f"Parameter {url} is not valid. Reason: ")
    assert targets() == []


@pytest.mark.parametrize("service", ["appsync", "redshift", "sagemaker", "events"])
def test_an_arn_that_cannot_be_delivered_to_is_refused(put, targets, service):
    arn = f"arn:aws:{service}:us-east-1:000000000000:thing"
    message = refusal("ValidationException", put, {"Arn": arn})
    assert message.startswith(f"Parameter {arn} is not valid. Reason: ")
    assert f"'{service}'" in message
    assert targets() == []


@pytest.mark.parametrize(
    "block",
    [
        {"AppSyncParameters": {"GraphQLOperation": "mutation"}},
        {"BatchParameters": {"JobDefinition": "a", "JobName": "b"}},
        {"EcsParameters": {"TaskDefinitionArn": "a"}},
        {"KinesisParameters": {"PartitionKeyPath": "$.id"}},
        {"RedshiftDataParameters": {"Database": "a"}},
        {"RunCommandParameters": {"RunCommandTargets": [{"Key": "a", "Values": ["b"]}]}},
        {"SageMakerPipelineParameters": {"PipelineParameterList": []}},
        {"SqsParameters": {"MessageGroupId": "a"}},
    ],
    ids=lambda block: next(iter(block)),
)
def test_a_block_that_is_not_honoured_is_refused(put, targets, block):
    message = refusal("ValidationException", put, {"Id": "t-1"} | block)
    assert next(iter(block)) in message and "t-1" in message
    assert targets() == []


@pytest.mark.parametrize(
    "target",
    [
        {"Arn": f"{URL}/*"},
        {"HttpParameters": {"PathParameterValues": ["one"]}},
        {"Arn": f"{URL}/*", "HttpParameters": {"PathParameterValues": ["one", "two"]}},
        {"HttpParameters": {"HeaderParameters": {"X-Shop": "$.detail["}}},
        {"HttpParameters": {"QueryStringParameters": {"key": "$.detail["}}},
        {"HttpParameters": {"HeaderParameters": {"Host": "elsewhere"}}},
        {"HttpParameters": {"HeaderParameters": {"content-length": "1"}}},
        {"HttpParameters": {"HeaderParameters": {"X Shop": "one"}}},
        {"HttpParameters": {"HeaderParameters": {"X-Shop": "one\r\ntwo: three"}}},
        {"HttpParameters": {"HeaderParameters": {"X-Shop": "a" * 513}}},
        {"HttpParameters": {"QueryStringParameters": {"a\x00": "b"}}},
    ],
    ids=lambda target: json.dumps(target)[:60],
)
def test_http_parameters_that_cannot_be_used(put, targets, target):
    message = refusal("ValidationException", put, target)
    assert "HttpParameters" in message or "httpParameters" in message
    assert targets() == []


def test_one_wrong_target_keeps_all_others_out(put, targets):
    with refused("ValidationException", "InputPath for target 3 is invalid."):
        put({}, {}, {"InputPath": "detail"})
    assert targets() == []


def test_lists_have_1_to_100_items(client, put, targets):
    put({})
    with refused("ValidationException", violation(("[]", "targets", length_at_least(1)))):
        client.put_targets(Rule="orders", Targets=[])
    with refused("ValidationException", violation(("[]", "ids", length_at_least(1)))):
        client.remove_targets(Rule="orders", Ids=[])
    for operation, member, items in [
        ("put_targets", "Targets", [{"Id": "1", "Arn": URL}] * 101),
        ("remove_targets", "Ids", ["1"] * 101),
    ]:
        message = refusal("ValidationException", getattr(client, operation), Rule="orders", **{member: items})
        assert message.endswith(f"at '{member.lower()}' failed to satisfy constraint: {length_at_most(100)}")
    assert len(targets()) == 1


def test_members_that_are_missing(daemon):
    missing = "Value null at '{}' failed to satisfy constraint: Member must not be null".format
    for operation, member in [("PutTargets", "targets"), ("RemoveTargets", "ids")]:
        message = f"2 validation errors detected: {missing('rule')}; {missing(member)}"
        assert call(daemon, operation).error == (400, "ValidationException", message)
    message = f"1 validation error detected: {missing('rule')}"
    assert call(daemon, "ListTargetsByRule").error == (400, "ValidationException", message)
    places = ["targets.1.member.id", "targets.1.member.arn", "targets.1.member.inputTransformer.inputTemplate"]
    message = f"3 validation errors detected: {'; '.join(missing(place) for place in places)}"
    answer = call(daemon, "PutTargets", {"Rule": "orders", "Targets": [{"InputTransformer": {}}]})
    assert answer.error == (400, "ValidationException", message)
