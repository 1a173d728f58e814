"""Targets on the daemon's own machine: its output, and files below the folder that the configuration names."""

import json
import os
from urllib.parse import quote

import pytest

from waiting import wait_until
from wire import dead_letters, refusal

QUICK = {"EVENTYARD_DELIVERY__BACKOFF_BASE_MS": "50", "EVENTYARD_DELIVERY__BACKOFF_MAX_MS": "200"}


@pytest.fixture
def put_targets(start_daemon, client_of):
    """A function that starts a daemon with a rule, and gives it and what puts a target of the rule."""

    def start(env=None, config=None):
        daemon = start_daemon(QUICK | (env or {}), config)
        client = client_of(daemon)
        client.put_rule(Name="orders", EventPattern='{"source":["shop"]}')
        put = lambda arn, **target: client.put_targets(Rule="orders", Targets=[{"Id": "t-1", "Arn": arn} | target])
        return daemon, client, put

    return start


def put_events(client, *details):
    entries = [{"Source": "shop", "DetailType": "Order", "Detail": json.dumps(detail)} for detail in details]
    assert client.put_events(Entries=entries)["FailedEntryCount"] == 0


def test_the_output(put_targets):
    daemon, client, put = put_targets()
    put("stdout:", InputPath="$.detail")
    put_events(client, {"n": 1}, {"n": 2})
    lines = lambda: [line for line in daemon.log().splitlines() if line.startswith('{"n"')]
    wait_until(lambda: len(lines()) == 2)
    assert sorted(lines()) == ['{"n":1}', '{"n":2}']


ACCOUNT = """
[[accounts]]
id = "111122223333"
access_keys = [{ id = "AKIAIOSFODNN7EXAMPLE", secret = "example" }]
"""


def test_the_output_is_closed_where_it_could_be_flooded(put_targets, start_daemon, client_of):
    reason = "Parameter stdout: is not valid. Reason: local_targets.stdout does not let rules write to the output."
    _, _, put = put_targets({"EVENTYARD_LOCAL_TARGETS__STDOUT": "nobody"})
    assert refusal("ValidationException", put, "stdout:") == reason
    for who, allowed in [("local", False), ("everybody", True)]:
        client = client_of(start_daemon({"EVENTYARD_LOCAL_TARGETS__STDOUT": who}, config=ACCOUNT))
        client.put_rule(Name="orders", EventPattern='{"source":["shop"]}')
        targets = [{"Id": "t-1", "Arn": "stdout:"}]
        if allowed:
            assert client.put_targets(Rule="orders", Targets=targets)["FailedEntryCount"] == 0
        else:
            assert refusal("ValidationException", client.put_targets, Rule="orders", Targets=targets) == reason


def test_a_file_gets_a_line_for_each_event(put_targets, tmp_path):
    daemon, client, put = put_targets({"EVENTYARD_LOCAL_TARGETS__FOLDER": str(tmp_path)})
    path = tmp_path / "orders ä.jsonl"
    path.write_text("before\n")
    put(f"file://{quote(str(path))}", InputPath="$.detail.n")
    for start in range(0, 50, 10):
        put_events(client, *({"n": n} for n in range(start, start + 10)))
    wait_until(lambda: len(path.read_text().splitlines()) == 51)
    assert sorted(map(int, path.read_text().splitlines()[1:])) == list(range(50))
    daemon.restart()
    put_events(client, {"n": 50})
    wait_until(lambda: path.read_text().endswith("\n50\n"))


@pytest.mark.parametrize("arn, reason", [
    ("file:///elsewhere/orders", "files are written below {folder} only, as local_targets.folder says"),
    ("file://{folder}/../orders", "Provided URL has a path with '.' or '..'"),
    ("file://{folder}/%2e%2e/orders", "Provided URL has a path with '.' or '..'"),
    ("file://{folder}", "files are written below {folder} only, as local_targets.folder says"),
    ("file://host{folder}/orders", "Provided URL names another machine; the path of a file here begins behind three slashes"),
])
def test_files_stay_below_the_folder(put_targets, tmp_path, arn, reason):
    _, _, put = put_targets({"EVENTYARD_LOCAL_TARGETS__FOLDER": str(tmp_path)})
    arn, reason = arn.format(folder=tmp_path), reason.format(folder=tmp_path)
    assert refusal("ValidationException", put, arn) == f"Parameter {arn} is not valid. Reason: {reason}."


def test_without_a_folder_there_are_no_files(put_targets):
    _, _, put = put_targets()
    message = refusal("ValidationException", put, "file:///tmp/orders")
    assert message.endswith("Reason: local_targets.folder names no folder for files.")


@pytest.mark.parametrize("place, said", [
    ("out/orders", "a link leads out of local_targets.folder"),
    ("link", "what is there is not a file"),
    ("pipe", "what is there is not a file"),
])
def test_links_and_pipes_are_not_written_to(put_targets, tmp_path, place, said):
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (folder / "out").symlink_to(tmp_path / "elsewhere")
    (folder / "link").symlink_to(tmp_path / "target")
    os.mkfifo(folder / "pipe")
    daemon, client, put = put_targets({"EVENTYARD_LOCAL_TARGETS__FOLDER": str(folder)})
    put(f"file://{folder}/{place}")
    put_events(client, {})
    (letter,) = wait_until(lambda: dead_letters(daemon)["dead_letters"])
    assert letter["ERROR_CODE"] == "REFUSED_BY_TARGET" and said in letter["ERROR_MESSAGE"]
    assert not (tmp_path / "target").exists() and list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_that_is_not_there_yet_is_waited_for(put_targets, tmp_path):
    _, client, put = put_targets({"EVENTYARD_LOCAL_TARGETS__FOLDER": str(tmp_path)})
    path = tmp_path / "later" / "orders"
    put(f"file://{path}", InputPath="$.detail")
    put_events(client, {"n": 1})
    path.parent.mkdir()
    wait_until(lambda: path.exists() and path.read_text() == '{"n":1}\n')


def test_a_file_gets_dead_letters_with_their_reason(put_targets, tmp_path):
    daemon, client, put = put_targets({"EVENTYARD_LOCAL_TARGETS__FOLDER": str(tmp_path)})
    path = tmp_path / "dead.jsonl"
    # What is no folder holds no file.
    (tmp_path / "file").write_text("")
    put(f"file://{tmp_path}/file/orders", RetryPolicy={"MaximumRetryAttempts": 0}, DeadLetterConfig={"Arn": f"file://{path}"})
    put_events(client, {"n": 1})
    wait_until(lambda: path.exists() and path.read_text().endswith("\n"))
    (line,) = path.read_text().splitlines()
    (letter,) = dead_letters(daemon)["dead_letters"]
    copy = json.loads(line)
    assert copy["event"] == letter["event"]
    attributes = {"RULE_ARN", "TARGET_ARN", "ERROR_CODE", "ERROR_MESSAGE", "RETRY_ATTEMPTS"}
    assert {name: copy[name] for name in attributes} == {name: letter[name] for name in attributes}
