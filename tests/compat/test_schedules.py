"""Rules with a schedule: what is accepted, and what fires.

Schedules know minutes, and a test cannot wait for them; so what fires here is one-time. Everything else about firing is
tested on clocks that are moved, in Rust.
"""

import datetime
import json
import re

import pytest

from waiting import wait_until
from wire import refused

ARN = "arn:aws:events:us-east-1:000000000000:rule/once"


def tags(**pairs):
    return [{"Key": f"eventyard:{key.replace('_', '-')}", "Value": value} for key, value in pairs.items()]


def in_seconds(seconds):
    """An expression for a time that is so near, and that time as events spell it."""
    time = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(seconds=seconds)
    return f"at({time:%Y-%m-%dT%H:%M:%S})", f"{time:%Y-%m-%dT%H:%M:%SZ}"


def test_a_schedule_sends_amazons_event(client, sink):
    expression, due = in_seconds(3)
    client.put_rule(Name="once", ScheduleExpression=expression, Tags=tags(timezone="UTC"))
    client.put_targets(Rule="once", Targets=[{"Id": "t-1", "Arn": f"{sink.url}/hook"}])
    [request] = wait_until(lambda: sink.requests)
    event = json.loads(request.body)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", event["id"])
    assert request.body.decode() == (
        f'{{"version":"0","id":"{event["id"]}","detail-type":"Scheduled Event","source":"aws.events",'
        f'"account":"000000000000","time":"{due}","region":"us-east-1","resources":["{ARN}"],"detail":{{}}}}'
    )


def test_input_applies_to_a_scheduled_event_as_to_any(client, sink):
    expression, due = in_seconds(3)
    client.put_rule(Name="once", ScheduleExpression=expression, Tags=tags(timezone="UTC"))
    transformer = {"InputPathsMap": {"time": "$.time"}, "InputTemplate": '{"at": <time>, "rule": <aws.events.rule-name>}'}
    target = {"Id": "t-1", "Arn": f"{sink.url}/hook", "InputTransformer": transformer}
    client.put_targets(Rule="once", Targets=[target])
    [request] = wait_until(lambda: sink.requests)
    assert json.loads(request.body) == {"at": due, "rule": "once"}


def test_both_pattern_and_schedule_serve(client, sink):
    expression, _ = in_seconds(3)
    pattern = json.dumps({"source": ["com.example.shop"]})
    client.put_rule(Name="once", ScheduleExpression=expression, EventPattern=pattern, Tags=tags(timezone="UTC"))
    client.put_targets(Rule="once", Targets=[{"Id": "t-1", "Arn": f"{sink.url}/hook"}])
    client.put_events(Entries=[{"Source": "com.example.shop", "DetailType": "Order Placed", "Detail": "{}"}])
    wait_until(lambda: len(sink.requests) == 2)
    sources = [json.loads(request.body)["source"] for request in sink.requests]
    assert sources == ["com.example.shop", "aws.events"]


def test_events_never_match_a_rule_that_has_only_a_schedule(client, sink):
    client.put_rule(Name="daily", ScheduleExpression="rate(1 day)")
    client.put_targets(Rule="daily", Targets=[{"Id": "t-1", "Arn": f"{sink.url}/scheduled"}])
    client.put_rule(Name="any", EventPattern='{"source":["com.example.shop"]}')
    client.put_targets(Rule="any", Targets=[{"Id": "t-1", "Arn": f"{sink.url}/matched"}])
    client.put_events(Entries=[{"Source": "com.example.shop", "DetailType": "Order Placed", "Detail": "{}"}])
    [request] = wait_until(lambda: sink.requests)
    assert request.path == "/matched"


@pytest.mark.parametrize("expression", ["rate(1 minutes)", "rate(5 minute)", "every day", "cron(0 9 * * * *)", "at(2030-01-01T00:00:00)"])
def test_what_rules_do_not_take_is_refused_and_nothing_is_stored(client, expression):
    with refused("ValidationException", "Parameter ScheduleExpression is not valid."):
        client.put_rule(Name="nightly", ScheduleExpression=expression)
    assert client.list_rules()["Rules"] == []


def test_schedules_are_for_the_default_bus(client):
    client.create_event_bus(Name="orders")
    with refused("ValidationException", "ScheduleExpression is supported only on the default event bus."):
        client.put_rule(Name="nightly", ScheduleExpression="rate(1 day)", EventBusName="orders")


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        ({"timezone": "Berlin"}, "eventyard:timezone is not valid: Berlin is not a time zone of the IANA database, such as Europe/Berlin."),
        ({"catch_up": "some"}, "eventyard:catch-up must be skip, last or all."),
        ({"jitter_seconds": "1h"}, "eventyard:jitter-seconds must be 0 to 3600."),
    ],
)
def test_a_wrong_tag_is_refused_by_name(client, pairs, reason):
    message = f"Parameter Tags is not valid. Reason: {reason}"
    with refused("ValidationException", message):
        client.put_rule(Name="nightly", ScheduleExpression="rate(1 day)", Tags=tags(**pairs))
    arn = client.put_rule(Name="nightly", ScheduleExpression="rate(1 day)")["RuleArn"]
    with refused("ValidationException", message):
        client.tag_resource(ResourceARN=arn, Tags=tags(**pairs))
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == []


def test_an_option_that_is_not_known_is_refused(client):
    options = ["timezone", "catch-up", "jitter-seconds", "paused", "group-path", "concurrency", "attempts-per-second"]
    options += ["circuit-breaker-failures", "connect-timeout-ms", "response-timeout-ms"]
    known = ", ".join(f"eventyard:{option}" for option in options)
    reason = f"eventyard:time-zone is not known; the nearest name is eventyard:timezone, and there are {known}."
    with refused("ValidationException", f"Parameter Tags is not valid. Reason: {reason}"):
        client.put_rule(Name="nightly", ScheduleExpression="rate(1 day)", Tags=tags(time_zone="UTC"))


def test_a_tag_that_the_expression_needs_stays(client):
    arn = client.put_rule(Name="once", ScheduleExpression="at(2100-01-01T00:00:00)", Tags=tags(timezone="UTC"))["RuleArn"]
    with refused("ValidationException", "Parameter ScheduleExpression is not valid."):
        client.untag_resource(ResourceARN=arn, TagKeys=["eventyard:timezone"])
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == tags(timezone="UTC")
