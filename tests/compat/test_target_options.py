"""Options of targets by tags of their rule: pausing, order, concurrency; and the events about targets."""

import json
import subprocess
import threading
import time

import pytest

from sink import Answer
from waiting import wait_until
from wire import dead_letters, outcomes, refused, request

PATTERN = '{"source":["com.example.shop"]}'
RULE_ARN = "arn:aws:events:us-east-1:000000000000:rule/orders"
QUICK = {
    "EVENTYARD_DELIVERY__BACKOFF_BASE_MS": "10",
    "EVENTYARD_DELIVERY__BACKOFF_MAX_MS": "50",
    "EVENTYARD_DELIVERY__CIRCUIT_BREAKER_FAILURES": "3",
    "EVENTYARD_DELIVERY__CIRCUIT_BREAKER_OPEN_BASE_MS": "20",
    "EVENTYARD_DELIVERY__CIRCUIT_BREAKER_OPEN_MAX_MS": "50",
    "EVENTYARD_DELIVERY__RESPONSE_TIMEOUT_MS": "600000",
}


def tags(pairs):
    return [{"Key": f"eventyard:{key}", "Value": value} for key, value in pairs.items()]


@pytest.fixture
def daemon(start_daemon):
    return start_daemon(QUICK)


@pytest.fixture
def rule(client, sink):
    """A function that makes the rule `orders` with these tags and a target at the sink."""

    def rule(pairs):
        client.put_rule(Name="orders", EventPattern=PATTERN, Tags=tags(pairs))
        client.put_targets(Rule="orders", Targets=[{"Id": "t-1", "Arn": f"{sink.url}/hook"}])

    return rule


@pytest.fixture
def put(client):
    def put(**detail):
        entry = {"Source": "com.example.shop", "DetailType": "Placed", "Detail": json.dumps(detail)}
        return client.put_events(Entries=[entry])["Entries"][0]["EventId"]

    return put


def numbers(sink):
    return [each.json()["detail"]["n"] for each in sink.requests]


def eventyard(daemon, *arguments):
    command = [daemon.binary, *arguments, "--admin", daemon.admin_address]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def metric(daemon, name):
    lines = request(daemon.admin_address, "GET", "/metrics").body.decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def test_a_paused_target_keeps_its_backlog_over_a_restart(daemon, client, rule, put, sink):
    rule({"paused/t-1": "true"})
    for n in range(3):
        put(n=n)
    wait_until(lambda: metric(daemon, "eventyard_targets_paused") == 1)
    daemon.kill9()
    daemon.start()
    wait_until(lambda: metric(daemon, "eventyard_targets_paused") == 1)
    assert sink.requests == []
    client.untag_resource(ResourceARN=RULE_ARN, TagKeys=["eventyard:paused/t-1"])
    wait_until(lambda: sorted(numbers(sink)) == [0, 1, 2])
    wait_until(lambda: metric(daemon, "eventyard_targets_paused") == 0)


def table(state):
    """What the command line prints of the one target."""
    return f"RULE{'':{len(RULE_ARN) - 4}}  TARGET  STATE\n{RULE_ARN}  t-1     {state}\n"


def test_the_command_line_sets_the_tag(daemon, client, rule, put, sink):
    rule({})
    done = eventyard(daemon, "rules", "pause", "orders", "--target", "t-1")
    assert (done.stdout, done.stderr) == (table("paused"), "")
    assert client.list_tags_for_resource(ResourceARN=RULE_ARN)["Tags"] == tags({"paused/t-1": "true"})
    put(n=1)
    done = eventyard(daemon, "rules", "resume", RULE_ARN)
    assert (done.stdout, done.stderr) == (table("running"), "")
    assert client.list_tags_for_resource(ResourceARN=RULE_ARN)["Tags"] == []
    wait_until(lambda: numbers(sink) == [1])
    done = eventyard(daemon, "rules", "pause", "orders", "--target", "t-2")
    assert (done.returncode, done.stderr) == (4, f"eventyard: {RULE_ARN} has no target t-2.\n")


def test_a_removed_target_that_was_paused_ends_what_it_was_owed(daemon, client, rule, put):
    rule({"paused": "true"})
    put(n=1)
    client.remove_targets(Rule="orders", Ids=["t-1"])
    letters = wait_until(lambda: dead_letters(daemon)["dead_letters"])
    assert [letter["ERROR_CODE"] for letter in letters] == ["TARGET_REMOVED"]


def test_a_disabled_rule_takes_nothing_and_delivers_what_it_owes(daemon, client, rule, put, sink):
    rule({"paused": "true"})
    put(n=1)
    client.disable_rule(Name="orders")
    put(n=2)
    client.untag_resource(ResourceARN=RULE_ARN, TagKeys=["eventyard:paused"])
    wait_until(lambda: numbers(sink) == [1])
    client.enable_rule(Name="orders")
    put(n=3)
    wait_until(lambda: numbers(sink) == [1, 3])


def test_a_group_keeps_its_order_and_blocks_only_itself(daemon, client, rule, put, sink):
    rule({"group-path": "detail.key", "circuit-breaker-failures": "0"})
    is_failing = True
    sink.always("/hook", lambda each: Answer(500) if is_failing and b'"key":"a"' in each.body else Answer(200))
    for n in range(6):
        put(n=n, key="ab"[n % 2])
    delivered = lambda: [n for n in numbers(sink) if n % 2]
    wait_until(lambda: delivered() == [1, 3, 5])
    # Nothing of the group that fails but its head was tried.
    assert {n for n in numbers(sink) if n % 2 == 0} == {0}
    is_failing = False
    wait_until(lambda: 4 in numbers(sink))
    others = [n for n in numbers(sink) if n % 2 == 0]
    assert [n for n in others if n] == [2, 4]


def test_a_wrong_option_is_refused_and_changes_nothing(daemon, client, rule):
    rule({"concurrency": "2"})
    message = "Parameter Tags is not valid. Reason: eventyard:concurrency/t-1 must be 1 to 10000."
    with refused("ValidationException", message):
        client.tag_resource(ResourceARN=RULE_ARN, Tags=tags({"concurrency/t-1": "many"}))
    assert client.list_tags_for_resource(ResourceARN=RULE_ARN)["Tags"] == tags({"concurrency": "2"})


def test_rules_hear_of_circuit_breakers_of_others_and_of_pauses(daemon, client, rule, put, sink):
    rule({})
    client.put_rule(Name="watch", EventPattern='{"source":["eventyard"]}')
    client.put_targets(Rule="watch", Targets=[{"Id": "w", "Arn": f"{sink.url}/watch"}])
    is_failing = True
    sink.always("/hook", lambda each: Answer(500 if is_failing else 200))
    put(n=1)
    seen = lambda: [each.json() for each in sink.to("/watch")]
    wait_until(lambda: metric(daemon, "eventyard_circuit_breakers_open") == 1)
    wait_until(lambda: len(seen()) == 1)
    is_failing = False
    wait_until(lambda: len(seen()) == 2)
    client.tag_resource(ResourceARN=RULE_ARN, Tags=tags({"paused": "true"}))
    wait_until(lambda: len(seen()) == 3)
    kinds = [event["detail-type"] for event in seen()]
    assert kinds == ["Circuit Breaker Opened", "Circuit Breaker Closed", "Target Paused"]
    opened = seen()[0]
    assert opened["source"] == "eventyard" and opened["resources"] == [RULE_ARN]
    detail = opened["detail"]
    assert 10 <= detail.pop("open-ms") <= 20
    assert detail == {"rule": "orders", "event-bus": "default", "target-id": "t-1", "target-arn": f"{sink.url}/hook"}


def test_unmatched_events_are_told_of_with_the_reason(daemon, client, rule, put):
    rule({})
    client.put_events(Entries=[{"Source": "com.example.other", "DetailType": "Placed", "Detail": '{"n":7}'}])
    answer = request(daemon.admin_address, "GET", "/events/unmatched?event_bus=default&limit=1").json()
    assert [count["count"] for count in answer["counts"]] == [1]
    (event,) = answer["events"]
    assert event["event"]["detail"] == {"n": 7}
    assert [(rule["Name"], rule["Matches"]) for rule in event["rules"]] == [("orders", False)]
    told = eventyard(daemon, "events", "unmatched").stdout
    assert f"event {event['event']['id']} received " in told and "orders (ENABLED): " in told
    client.put_events(Entries=[{"Source": "x", "DetailType": "x", "Detail": "{}", "EventBusName": "nowhere"}])
    assert "there is no such event bus" in eventyard(daemon, "events", "unmatched").stdout


def test_targets_that_hang_keep_nobody_from_being_delivered_to(start_daemon, client_of, sink):
    daemon = start_daemon(
        {
            "EVENTYARD_DELIVERY__CONCURRENCY_PER_TARGET": "4",
            "EVENTYARD_DELIVERY__CONCURRENCY_MAX": "8",
            "EVENTYARD_DELIVERY__RESPONSE_TIMEOUT_MS": "600000",
        }
    )
    client = client_of(daemon)
    hung = [f"hung-{n}" for n in range(4)]
    for path in hung:
        sink.always(f"/{path}", Answer(hang=True))
    client.put_rule(Name="hung", EventPattern=PATTERN, Tags=tags({"concurrency": "10000"}))
    client.put_targets(Rule="hung", Targets=[{"Id": path, "Arn": f"{sink.url}/{path}"} for path in hung])
    client.put_rule(Name="healthy", EventPattern=PATTERN)
    client.put_targets(Rule="healthy", Targets=[{"Id": "t-1", "Arn": f"{sink.url}/healthy"}])
    entry = {"Source": "com.example.shop", "DetailType": "Placed", "Detail": "{}"}
    for _ in range(5):
        client.put_events(Entries=[entry] * 10)
    for path in hung:
        sink.wait_for(1, f"/{path}")
    sink.wait_for(50, "/healthy")
    assert sum(len(sink.to(f"/{path}")) for path in hung) <= 8 + len(hung)


def test_the_concurrency_of_a_target_is_what_its_tag_says(rule, put, sink):
    rule({"concurrency/t-1": "1"})
    lock, most, now = threading.Lock(), 0, 0

    def slow(_):
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with lock:
            now -= 1
        return Answer(200)

    sink.always("/hook", slow)
    for n in range(20):
        put(n=n)
    sink.wait_for(20)
    assert most == 1


def test_an_attempt_takes_as_long_as_the_tag_of_its_target_allows(daemon, client, put, sink):
    sink.always("/hook", Answer(hang=True))
    client.put_rule(Name="orders", EventPattern=PATTERN, Tags=tags({"response-timeout-ms": "50"}))
    once = {"RetryPolicy": {"MaximumRetryAttempts": 0}}
    client.put_targets(Rule="orders", Targets=[{"Id": "t-1", "Arn": f"{sink.url}/hook"} | once])
    event = put(n=1)
    (letter,) = wait_until(lambda: dead_letters(daemon)["dead_letters"])
    assert letter["ERROR_CODE"] == "TIMED_OUT"
    (delivery,) = request(daemon.admin_address, "GET", f"/events/{event}").json()["deliveries"]
    assert delivery["attempts"][0]["duration_ms"] >= 50


@pytest.mark.parametrize("arn", ["http://{}/hook", "nats://{}/orders", "arn:aws:sqs:us-east-1:000000000000:orders"])
def test_a_connection_takes_as_long_as_the_tag_of_its_target_allows(start_daemon, client_of, sink, unreachable, arn):
    env = {"EVENTYARD_DELIVERY__CONNECT_TIMEOUT_MS": "600000"}
    daemon = start_daemon(QUICK | env | {"EVENTYARD_AWS_SERVICES__ENDPOINT_URL": f"http://{unreachable}"})
    client = client_of(daemon)
    sink.always("/slow", Answer(delay_seconds=1))
    hasty = {"connect-timeout-ms/hasty": "500", "connect-timeout-ms/slow": "500"}
    client.put_rule(Name="orders", EventPattern=PATTERN, Tags=tags(hasty))

    def put_to(**arns):
        targets = [{"Id": id, "Arn": to, "RetryPolicy": {"MaximumRetryAttempts": 0}} for id, to in arns.items()]
        client.put_targets(Rule="orders", Targets=targets)
        entry = {"Source": "com.example.shop", "DetailType": "Placed", "Detail": "{}"}
        return client.put_events(Entries=[entry])["Entries"][0]["EventId"]

    # Whoever waits longer for the same place was there before, and keeps nobody.
    put_to(patient=arn.format(unreachable))
    event = put_to(hasty=arn.format(unreachable), slow=f"{sink.url}/slow")
    wait_until(lambda: len(outcomes(daemon, event)) == 2)
    given_up = ("TIMED_OUT", "timed out waiting for a connection")
    assert sorted(outcomes(daemon, event)) == [("DELIVERED", ""), given_up]
