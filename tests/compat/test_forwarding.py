"""Event buses as targets: from bus to bus, account to account, region to region; and what is not forwarded."""

import json

import pytest

from waiting import wait_until
from wire import dead_letters, refused, request

ACCOUNT, OTHER, THIRD = "000000000000", "222222222222", "333333333333"
PATTERN = '{"source": ["shop"]}'
QUICK = {"EVENTYARD_DELIVERY__BACKOFF_BASE_MS": "10"}


def arn(bus, account=ACCOUNT, region="us-east-1"):
    return f"arn:aws:events:{region}:{account}:event-bus/{bus}"


@pytest.fixture
def daemon(start_daemon):
    return start_daemon(QUICK)


@pytest.fixture
def rule(client):
    """A function that makes a rule on a bus, which sends what it matches to an ARN or a URL."""

    def rule(target, bus="default", of=client, **members):
        of.put_rule(Name="forward", EventPattern=PATTERN, EventBusName=bus)
        put = of.put_targets(Rule="forward", EventBusName=bus, Targets=[{"Id": "t", "Arn": target} | members])
        assert put["FailedEntryCount"] == 0

    return rule


@pytest.fixture
def put(client):
    def put(of=client, bus="default"):
        entry = {"Source": "shop", "DetailType": "t", "Detail": '{"n": 1}', "EventBusName": bus}
        (entry,) = of.put_events(Entries=[entry])["Entries"]
        return entry["EventId"]

    return put


def the_letter(daemon):
    (letter,) = wait_until(lambda: dead_letters(daemon)["dead_letters"])
    return letter


def test_an_event_goes_from_bus_to_bus_as_it_is(client, rule, put, sink):
    client.create_event_bus(Name="orders")
    rule(arn("orders"))
    rule(f"{sink.url}/hook", "orders")
    listed = client.list_targets_by_rule(Rule="forward")["Targets"]
    assert listed == [{"Id": "t", "Arn": arn("orders")}]
    assert client.list_rule_names_by_target(TargetArn=arn("orders"))["RuleNames"] == ["forward"]
    id = put()
    event = sink.wait_for(1)[0].json()
    assert (event["id"], event["account"], event["detail"]) == (id, ACCOUNT, {"n": 1})


def test_an_event_that_no_rule_of_the_other_bus_takes_is_delivered(client, daemon, rule, put, sink):
    client.create_event_bus(Name="orders")
    rule(arn("orders"))
    client.put_targets(Rule="forward", Targets=[{"Id": "hook", "Arn": f"{sink.url}/hook"}])
    put()
    sink.wait_for(1)
    assert dead_letters(daemon)["dead_letters"] == []


def test_another_account_and_region_with_its_permission(daemon, client, client_of, rule, put, sink):
    other = client_of(daemon, key=OTHER, secret="any", region="eu-west-1")
    rule(arn("default", OTHER, "eu-west-1"))
    rule(f"{sink.url}/hook", of=other)
    put()
    letter = the_letter(daemon)
    assert (letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == ("NO_PERMISSIONS", 0)
    assert f"{ACCOUNT} may not put events on the event bus {arn('default', OTHER, 'eu-west-1')}" in letter["ERROR_MESSAGE"]
    assert sink.requests == []

    other.put_permission(Action="events:PutEvents", Principal=ACCOUNT, StatementId="s")
    id = put()
    event = sink.wait_for(1)[0].json()
    assert (event["id"], event["account"], event["region"]) == (id, ACCOUNT, "us-east-1")


def test_the_policy_is_asked_for_the_last_bus_not_the_first_sender(daemon, client, client_of, rule, put, sink):
    """A sends to B, and B to C: C has to let B put events, and does not know A."""
    second, third = (client_of(daemon, key=account, secret="any") for account in [OTHER, THIRD])
    second.put_permission(Action="events:PutEvents", Principal=ACCOUNT, StatementId="s")
    third.put_permission(Action="events:PutEvents", Principal=OTHER, StatementId="s")
    rule(arn("default", OTHER))
    rule(arn("default", THIRD), of=second)
    rule(f"{sink.url}/hook", of=third)
    put()
    assert sink.wait_for(1)[0].json()["account"] == ACCOUNT


def test_a_policy_asks_for_the_event(daemon, client, client_of, rule, put, sink):
    """Of the source that is let in, put by an account and not by a rule."""
    other = client_of(daemon, key=OTHER, secret="any")
    condition = {"StringEquals": {"events:source": "shop", "events:eventBusInvocation": "false"}}
    statement = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "events:PutEvents", "Sid": "s"}
    statement |= {"Resource": arn("default", OTHER), "Condition": condition}
    other.put_permission(Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    entry = {"Source": "shop", "DetailType": "t", "Detail": "{}", "EventBusName": arn("default", OTHER)}
    answers = client.put_events(Entries=[entry, entry | {"Source": "other"}])["Entries"]
    assert [answer.get("ErrorCode") for answer in answers] == [None, "AccessDeniedException"]
    rule(arn("default", OTHER))
    put()
    assert the_letter(daemon)["ERROR_CODE"] == "NO_PERMISSIONS"


def test_a_loop_is_one_dead_letter_that_says_its_way(daemon, client, rule, put):
    client.create_event_bus(Name="there")
    rule(arn("there"))
    rule(arn("default"), "there")
    id = put()
    letter = the_letter(daemon)
    assert (letter["ERROR_CODE"], letter["event"]["id"]) == ("FORWARDING_LOOP", id)
    assert f"{arn('default')} -> {arn('there')}" in letter["ERROR_MESSAGE"]
    # Nothing is owed that could bring a second one.
    wait_until(lambda: "\neventyard_deliveries_pending 0\n" in request(daemon.admin_address, "GET", "/metrics").body.decode())
    assert dead_letters(daemon)["dead_letters"] == [letter]


def test_a_bus_that_forwards_to_itself(daemon, rule, put):
    rule(arn("default"))
    put()
    assert the_letter(daemon)["ERROR_CODE"] == "FORWARDING_LOOP"


def test_the_way_is_remembered_over_a_crash_and_a_redrive(daemon, client, rule, put, sink):
    """The second bus owes the event to a bus that is missing first, then is the first one again."""
    client.create_event_bus(Name="there")
    rule(arn("there"))
    rule(arn("missing"), "there")
    put()
    letter = the_letter(daemon)
    assert letter["ERROR_CODE"] == "NO_RESOURCE"
    rule(arn("default"), "there")
    daemon.kill9()
    daemon.start()
    answer = request(daemon.admin_address, "POST", "/dead-letters/redrive?all=true", b"")
    assert answer.status == 200, answer
    again = wait_until(
        lambda: [one for one in dead_letters(daemon)["dead_letters"] if one["ERROR_CODE"] == "FORWARDING_LOOP"]
    )
    assert f"{arn('default')} -> {arn('there')}" in again[0]["ERROR_MESSAGE"]


@pytest.mark.parametrize(
    "member",
    [
        {"Input": "{}"},
        {"InputPath": "$.detail"},
        {"InputTransformer": {"InputTemplate": '"a"'}},
        {"HttpParameters": {"HeaderParameters": {"X-A": "a"}}},
    ],
    ids=lambda member: next(iter(member)),
)
def test_nothing_changes_an_event_on_its_way(client, rule, member):
    name = next(iter(member))
    message = f"Parameter {name} is not valid for target t. Reason: an event bus gets events as they are."
    with refused("ValidationException", message):
        rule(arn("orders"), **member)
    assert client.list_targets_by_rule(Rule="forward")["Targets"] == []


def test_a_region_that_is_not_served(start_daemon, client_of, sink):
    daemon = start_daemon({"EVENTYARD_AWS__REGIONS": "us-east-1"})
    client = client_of(daemon)
    elsewhere = arn("default", region="eu-west-1")
    with refused("AccessDeniedException", "The region eu-west-1 is not one of aws.regions."):
        client.put_rule(Name="r", EventPattern=PATTERN, EventBusName=elsewhere)
    with refused("AccessDeniedException", "The region eu-west-1 is not one of aws.regions."):
        client.list_tags_for_resource(ResourceARN=elsewhere)
    entry = {"Source": "shop", "DetailType": "t", "Detail": "{}", "EventBusName": elsewhere}
    assert client.put_events(Entries=[entry])["Entries"][0]["ErrorCode"] == "AccessDeniedException"
    client.put_rule(Name="r", EventPattern=PATTERN)
    client.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": elsewhere}])
    client.put_events(Entries=[entry | {"EventBusName": "default"}])
    assert the_letter(daemon)["ERROR_CODE"] == "NO_PERMISSIONS"


# Event buses of another daemon


@pytest.fixture
def between(start_daemon, client_of, sink):
    """Two daemons, of which the first knows where the second is, and what its rule forwards there."""

    def between(bus, **more):
        there = start_daemon()
        env = {"EVENTYARD_AWS_SERVICES__ENDPOINT_URLS": f"eventbridge={there.api_url}", "EVENTYARD_AWS__REGIONS": "us-east-1"}
        here = start_daemon(QUICK | env)
        far = client_of(there, region="eu-west-1")
        far.put_rule(Name="arrived", EventPattern=PATTERN)
        far.put_targets(Rule="arrived", Targets=[{"Id": "t", "Arn": f"{sink.url}/there"}])
        near = client_of(here)
        near.put_rule(Name="forward", EventPattern=PATTERN)
        near.put_targets(Rule="forward", Targets=[{"Id": "t", "Arn": bus} | more])
        entry = {"Source": "shop", "DetailType": "t", "Detail": '{"n": 1.50}', "Resources": ["r"], "Time": 1_700_000_000}
        (entry,) = near.put_events(Entries=[entry])["Entries"]
        return here, entry["EventId"]

    return between


def test_an_event_goes_to_a_bus_of_another_daemon(between, sink):
    _, id = between(arn("default", region="eu-west-1"))
    (request,) = sink.wait_for(1, "/there")
    event = request.json()
    assert event["id"] != id
    assert (event["source"], event["detail-type"], event["resources"]) == ("shop", "t", ["r"])
    assert (event["region"], event["time"]) == ("eu-west-1", "2023-11-14T22:13:20Z")
    assert b'"n":1.50' in request.body


def test_what_another_daemon_does_not_take_is_a_dead_letter(between):
    here, _ = between(arn("nowhere", account=OTHER, region="eu-west-1"))
    letter = the_letter(here)
    assert (letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == ("REFUSED_BY_TARGET", 0), letter


def test_a_bus_that_is_here_is_meant_before_one_elsewhere(between, sink):
    here, id = between(arn("default"))
    assert the_letter(here)["ERROR_CODE"] == "FORWARDING_LOOP"
    assert sink.requests == []


def test_two_daemons_that_forward_to_each_other_do_it_once(client_of, daemon_pair):
    here, there = daemon_pair
    id = put_on(client_of(here))
    # It comes back to the first daemon, whose rule would send it on to where it was.
    letter = the_letter(there)
    assert letter["ERROR_CODE"] == "FORWARDING_LOOP", letter
    home, away = arn("default"), arn("default", region="eu-west-1")
    assert f"the event came back to {home}, so its rules forward it in a loop: {home} -> {away}" in letter["ERROR_MESSAGE"]
    assert letter["event"]["id"] != id
    for one in [here, there]:
        wait_until(lambda: "\neventyard_deliveries_pending 0\n" in request(one.admin_address, "GET", "/metrics").body.decode())
    assert dead_letters(here)["dead_letters"] == []
    assert dead_letters(there)["dead_letters"] == [letter]


def put_on(client):
    (entry,) = client.put_events(Entries=[{"Source": "shop", "DetailType": "t", "Detail": "{}"}])["Entries"]
    return entry["EventId"]


@pytest.fixture
def daemon_pair(start_daemon, client_of):
    """Two daemons of a region each, whose rules send the same events to the other one's default bus."""
    regions = ["us-east-1", "eu-west-1"]
    pair = [start_daemon(QUICK | {"EVENTYARD_AWS__REGIONS": region, "EVENTYARD_AWS__REGION": region}) for region in regions]
    for one, other, region, target in [(0, 1, *regions), (1, 0, *reversed(regions))]:
        daemon = pair[one]
        daemon.env["EVENTYARD_AWS_SERVICES__ENDPOINT_URLS"] = f"eventbridge={pair[other].api_url}"
        daemon.restart()
        client = client_of(daemon, region=region)
        client.put_rule(Name="forward", EventPattern=PATTERN)
        client.put_targets(Rule="forward", Targets=[{"Id": "t", "Arn": arn("default", region=target)}])
    return pair


def test_a_daemon_that_is_its_own_elsewhere(start_daemon, client_of):
    """Where PutEvents is sent to the daemon itself, for a region that it does not serve, it is refused once."""
    daemon = start_daemon(QUICK | {"EVENTYARD_AWS__REGIONS": "us-east-1"})
    daemon.env["EVENTYARD_AWS_SERVICES__ENDPOINT_URLS"] = f"eventbridge={daemon.api_url}"
    daemon.restart()
    client = client_of(daemon)
    client.put_rule(Name="forward", EventPattern=PATTERN)
    client.put_targets(Rule="forward", Targets=[{"Id": "t", "Arn": arn("default", region="eu-west-1")}])
    put_on(client)
    letter = the_letter(daemon)
    assert (letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == ("REFUSED_BY_TARGET", 0), letter


@pytest.mark.parametrize("way", ["", "default", ",".join([arn("a")] * 11)], ids=["empty", "no ARN", "too long"])
def test_a_way_that_is_none_is_refused(daemon, way):
    body = json.dumps({"Entries": [{"Source": "s", "DetailType": "t", "Detail": "{}"}]})
    headers = {"X-Amz-Target": "AWSEvents.PutEvents", "eventyard-forwarded-from": way}
    answer = request(daemon.api_address, "POST", "/", body.encode(), headers)
    assert answer.error == (400, "ValidationException", "The header eventyard-forwarded-from is not valid.")
