"""The command line against a daemon: what it lists, in both forms, and how it ends."""

import json
import os
import subprocess

import pytest

RULE = "arn:aws:events:us-east-1:000000000000:rule/orders"
NOBODY = "127.0.0.1:9"


@pytest.fixture
def run(binary, tmp_path):
    """A function that runs the program in a folder of its own and gives how it ended."""

    def run(*arguments, stdin="", env=None):
        return subprocess.run([binary, *arguments], env=os.environ | (env or {}), input=stdin, cwd=tmp_path,
                              capture_output=True, text=True, timeout=60)  # fmt: skip

    return run


@pytest.fixture
def ask(run, daemon):
    """A function that runs the program, has it succeed, and gives what it prints."""

    def ask(*arguments, **options):
        where = ["--endpoint", daemon.api_url]
        if arguments[:2] in [("rules", "pause"), ("rules", "resume"), ("events", "show")] or "dead" in arguments[0]:
            where = ["--admin", daemon.admin_address]
        done = run(*arguments, *where, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return ask


@pytest.fixture
def orders(client, sink):
    """A rule with a target, and a schedule on an event bus of its own."""
    client.put_rule(Name="orders", EventPattern='{"source":["shop"]}', Tags=[{"Key": "team", "Value": "a"}])
    client.put_targets(Rule="orders", Targets=[{"Id": "sink", "Arn": f"{sink.url}/orders"}])
    client.create_event_bus(Name="other")
    client.put_rule(Name="empty", EventBusName="other", EventPattern='{"source":["x"]}', State="DISABLED")


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


def cells(text):
    """The rows of a table below its headings; no cell of these tests has two spaces in it."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.splitlines()[1:]]


def test_rules_are_listed_and_shown(ask, orders, sink):
    listed = cells(ask("rules", "list"))
    assert ["orders", "default", "ENABLED", '{"source":["shop"]}'] in listed
    assert ["empty", "other", "DISABLED", '{"source":["x"]}'] in listed
    assert [rule["Name"] for rule in objects(ask("rules", "list", "--output", "json", "--event-bus", "other"))] == ["empty"]
    shown = json.loads(ask("rules", "show", "orders", "--output", "json"))
    assert shown["Targets"] == [{"Id": "sink", "Arn": f"{sink.url}/orders"}]
    assert shown["Tags"] == [{"Key": "team", "Value": "a"}]
    told = ask("rules", "show", "empty", "--event-bus", "other")
    assert "State: DISABLED\n" in told


def test_targets_are_listed(ask, orders, sink):
    assert cells(ask("targets", "list")) == [["orders", "default", "sink", f"{sink.url}/orders"]]
    target = {"Id": "sink", "Arn": f"{sink.url}/orders"}
    listed = objects(ask("targets", "list", "--rule", "orders", "--output", "json"))
    assert listed == [{"Rule": "orders", "EventBusName": "default", "Target": target}]
    assert objects(ask("targets", "list", "--event-bus", "other", "--output", "json")) == []


def test_events_are_put_as_people_write_them(ask, run, daemon, orders, sink):
    entries = [{"Source": "shop", "DetailType": "t", "Detail": {"n": n}, "Time": "2026-01-02T03:04:05Z"} for n in range(12)]
    put = objects(ask("events", "put", "-", "--output", "json", stdin=json.dumps(entries)))
    arrived = [request.json() for request in sink.wait_for(12)]
    assert sorted(event["id"] for event in arrived) == sorted(event["EventId"] for event in put)
    assert {event["time"] for event in arrived} == {"2026-01-02T03:04:05Z"}
    [[event]] = cells(ask("events", "put", "-", stdin=json.dumps(entries[0])))
    told = json.loads(ask("events", "show", event, "--output", "json"))
    assert told["id"] == event and ask("events", "show", event).startswith(f"event {event} received ")

    mixed = json.dumps([entries[0], entries[0] | {"Detail": "no JSON"}])
    done = run("events", "put", "-", "--endpoint", daemon.api_url, stdin=mixed)
    assert done.returncode == 4 and "1 of 2 events were refused" in done.stderr
    assert "MalformedDetail: Detail is malformed." in done.stdout


def test_pausing_answers_in_both_forms(ask, orders):
    paused = json.loads(ask("rules", "pause", "orders", "--output", "json"))
    assert paused == {"rule_arn": RULE, "targets": [{"id": "sink", "paused": True}]}
    assert cells(ask("rules", "resume", "orders")) == [[RULE, "sink", "running"]]


def test_importing_answers_in_both_forms(run, start_daemon, sink):
    there = start_daemon()
    # The second cannot be put, whatever the daemon.
    rules = [{"Name": "orders", "EventPattern": {"source": ["shop"]}, "EventBusName": "other",
              "Targets": [{"Id": "sink", "Arn": f"{sink.url}/orders"}]},
             {"Name": "wrong", "ScheduleExpression": "rate(1 hour)", "EventBusName": "other"}]  # fmt: skip
    given = json.dumps({"Rules": rules})
    importing = ["rules", "import", "/dev/stdin", "--create-event-buses", "--endpoint", there.api_url, "--output", "json"]
    planned = run(*importing, "--dry-run", stdin=given)
    orders = {"rule": "orders", "event_bus": "other", "targets": 1}
    wrong = {"rule": "wrong", "event_bus": "other", "targets": 0}
    would = {"outcome": "would be put"}
    assert (planned.returncode, objects(planned.stdout)) == (0, [orders | would, wrong | would])
    done = run(*importing, stdin=given)
    made, first, second = objects(done.stdout)
    assert made == {"event_bus": "other", "outcome": "made"} and first == orders | {"outcome": "put"}
    reasons = second.pop("reasons")
    assert second == wrong | {"outcome": "failed"} and "ValidationException" in reasons[0]
    assert done.returncode == 1 and done.stderr == "eventyard: 1 of 2 rules were not put as they are\n"


def test_the_configuration_is_shown_in_both_forms(run, tmp_path):
    (tmp_path / "c.toml").write_text(
        '[api]\nallowed_hosts = ["a"]\n[[accounts]]\nid = "111122223333"\n'
        '[[accounts.access_keys]]\nid = "KEY"\nsecret = "hunter2"\n'
        '[[connections]]\nname = "c"\ncovers = "https://example.com/"\nusername = "u"\npassword = "hunter2"\n')  # fmt: skip
    env = {"EVENTYARD_DELIVERY__BACKOFF_BASE_MS": "7"}
    done = run("config", "show", "--config", "c.toml", "--output", "json", env=env)
    assert done.returncode == 0 and "hunter2" not in done.stdout
    *options, account, connection = objects(done.stdout)
    shown = {option["key"]: (option["value"], option["origin"]) for option in options}
    assert shown["api.allowed_hosts"] == (["a"], "c.toml:2")
    assert shown["delivery.backoff_base_ms"] == (7, "environment variable EVENTYARD_DELIVERY__BACKOFF_BASE_MS")
    assert shown["api.listen"] == ("127.0.0.1:4010", "built-in defaults")
    assert account == {"key": "accounts", "value": {
        "id": "111122223333", "organization": None, "access_keys": ["KEY"], "event_tokens": 0}}  # fmt: skip
    assert connection["key"] == "connections" and connection["value"]["has"] == ["username", "password"]


def test_event_buses_go_along_with_their_rules(ask, run, start_daemon, client_of, orders, daemon, client, tmp_path):
    policy = {"Version": "2012-10-17", "Statement": [{
        "Sid": "s", "Effect": "Allow", "Principal": "*", "Action": "events:PutEvents",
        "Resource": "arn:aws:events:us-east-1:000000000000:event-bus/shop"}]}  # fmt: skip
    client.create_event_bus(Name="shop", Description="orders", Tags=[{"Key": "k", "Value": "v"}])
    client.put_permission(EventBusName="shop", Policy=json.dumps(policy))
    told = run("rules", "export", "--endpoint", daemon.api_url)
    assert "EventBuses" not in json.loads(told.stdout) and "--event-buses writes them" in told.stderr
    (tmp_path / "rules.json").write_text(ask("rules", "export", "--event-buses"))

    there = start_daemon()
    for _ in range(2):  # the second time, all of it is there already
        done = run("rules", "import", "rules.json", "--endpoint", there.api_url)
        assert done.returncode == 0, done.stderr
    found = client_of(there).describe_event_bus(Name="shop")
    arn = found["Arn"]
    assert (found["Description"], json.loads(found["Policy"])) == ("orders", policy)
    assert client_of(there).list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "k", "Value": "v"}]
    assert run("rules", "export", "--event-buses", "--endpoint", there.api_url).stdout == (tmp_path / "rules.json").read_text()


EXIT_CODES = {
    "done": (0, ["pattern", "test", "--pattern", "pattern.json", "--event", "event.json"]),
    "the answer is no": (1, ["pattern", "test", "--pattern", "other.json", "--event", "event.json"]),
    "a file that is none": (1, ["restore", "event.json", "--data-dir", "new"]),
    "an argument that is none": (2, ["rules", "lisst"]),
    "a form that is none": (2, ["rules", "list", "--output", "xml"]),
    "input that is wrong": (2, ["events", "put", "nothing.json"]),
    "configuration that is wrong": (2, ["config", "check", "--listen", "nowhere"]),
    "a token that cannot be read": (2, ["dead-letters", "list", "--token-file", "nothing"]),
    "a URL that is none": (2, ["rules", "list", "--endpoint", "nowhere"]),
    "nobody at the API": (3, ["targets", "list", "--endpoint", f"http://{NOBODY}"]),
    "nobody at the admin listener": (3, ["dead-letters", "list", "--admin", NOBODY]),
    "nobody to back up": (3, ["backup", "--to", "backup", "--admin", NOBODY]),
    "nobody to export": (3, ["export", "--admin", NOBODY]),
    "no such rule": (4, ["rules", "show", "nothing", "--endpoint", "API"]),
    "no such dead letter": (4, ["dead-letters", "show", "nothing", "--admin", "ADMIN"]),
    "no filter": (4, ["dead-letters", "purge", "--admin", "ADMIN"]),
}


@pytest.mark.parametrize("code, arguments", EXIT_CODES.values(), ids=EXIT_CODES)
def test_exit_codes(run, daemon, tmp_path, code, arguments):
    (tmp_path / "pattern.json").write_text('{"source": ["shop"]}')
    (tmp_path / "other.json").write_text('{"source": ["bar"]}')
    event = {"id": "1", "account": "1", "source": "shop", "time": "2026-01-02T03:04:05Z", "region": "r"}
    (tmp_path / "event.json").write_text(json.dumps(event | {"detail-type": "t", "resources": [], "detail": {}}))
    places = {"API": daemon.api_url, "ADMIN": daemon.admin_address}
    done = run(*[places.get(argument, argument) for argument in arguments])
    assert done.returncode == code, done.stdout + done.stderr
    assert code <= 1 or done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_name_every_noun(run, shell):
    script = run("completions", shell).stdout
    for noun in ["rules", "targets", "events", "dead-letters", "pattern", "schedule", "input", "config", "backup"]:
        assert noun in script, noun


def test_bash_completes(run, tmp_path):
    (tmp_path / "eventyard.bash").write_text(run("completions", "bash").stdout)
    script = ('. ./eventyard.bash; COMP_WORDS=(eventyard rules li); COMP_CWORD=2; _eventyard eventyard li rules; '
              'echo "${COMPREPLY[@]}"')  # fmt: skip
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["list"], done.stderr
