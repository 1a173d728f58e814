"""Ephemeral daemons: `serve --ephemeral` leaves nothing behind, and POST /reset empties it."""

import os
import subprocess

import pytest

from daemon import Daemon
from sink import Answer
from wire import answered, call, dead_letters, refused, request

PATTERN = '{"source":["shop"]}'
EVENT = {"Source": "shop", "DetailType": "t", "Detail": "{}"}


@pytest.fixture
def temporary(tmp_path):
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def daemon(binary, tmp_path, temporary):
    daemon = Daemon(binary, tmp_path, {"TMPDIR": str(temporary), "EVENTYARD_STORAGE__DATA_DIR": str(tmp_path / "kept")})
    daemon.ephemeral = True
    yield daemon.start()
    wrong = daemon.finish()
    assert not wrong, wrong


def reset(daemon, headers=None):
    return request(daemon.admin_address, "POST", "/reset", headers=headers)


def fill(client, url):
    client.create_event_bus(Name="orders", Tags=[{"Key": "a", "Value": "b"}])
    client.update_event_bus(Description="of all")
    client.put_permission(Action="events:PutEvents", Principal="*", StatementId="all")
    for bus in ["default", "orders"]:
        client.put_rule(Name="r", EventPattern=PATTERN, EventBusName=bus, Tags=[{"Key": "a", "Value": "b"}])
        client.put_targets(Rule="r", EventBusName=bus, Targets=[{"Id": "1", "Arn": url}, {"Id": "2", "Arn": url}])


def test_its_data_is_gone_at_exit(daemon, client_of, temporary, tmp_path):
    client_of(daemon).put_rule(Name="r", EventPattern=PATTERN)
    assert len(list(temporary.iterdir())) == 1
    assert daemon.stop() == 0
    assert list(temporary.iterdir()) == []
    daemon.start()
    assert call(daemon, "ListRules").json() == {"Rules": []}
    # What the configuration says is not used, and so not made.
    assert not (tmp_path / "kept").exists()


def test_a_start_that_fails_leaves_nothing_either(binary, temporary, daemon):
    command = [binary, "serve", "--ephemeral", "--listen", daemon.api_address, "--admin-listen", "127.0.0.1:0"]
    before = sorted(temporary.iterdir())
    environment = os.environ | {"TMPDIR": str(temporary)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done
    assert sorted(temporary.iterdir()) == before


def test_a_data_directory_cannot_be_named_with_it(binary, tmp_path):
    command = [binary, "serve", "--ephemeral", "--data-dir", str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "--data-dir" in done.stderr


def test_a_reset_takes_everything_away(daemon, client_of, sink):
    client = client_of(daemon)
    default = answered(client.describe_event_bus())
    for turn in [1, 2, 3]:
        fill(client, f"{sink.url}/gone")
        sink.always("/gone", Answer(404))
        client.put_events(Entries=[EVENT, EVENT | {"EventBusName": "orders"}])
        sink.wait_for(4 * turn)
        answer = reset(daemon)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        assert answer.json() == {"deliveries_pending": 0}
        assert answered(client.list_rules()) == {"Rules": []}
        assert answered(client.describe_event_bus()) == default
        assert [bus["Name"] for bus in client.list_event_buses()["EventBuses"]] == ["default"]
        with refused("ResourceNotFoundException", "Event bus orders does not exist."):
            client.describe_rule(Name="r", EventBusName="orders")
        assert dead_letters(daemon) == {"dead_letters": []}
        assert "eventyard_rules 0" in request(daemon.admin_address, "GET", "/metrics").body.decode()


def test_what_is_tried_again_is_forgotten_at_a_reset(daemon, client_of, sink):
    client = client_of(daemon)
    client.put_rule(Name="r", EventPattern=PATTERN)
    client.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": f"{sink.url}/busy"}])
    sink.always("/busy", Answer(503))
    client.put_events(Entries=[EVENT] * 10)
    sink.wait_for(10)
    assert reset(daemon).json() == {"deliveries_pending": 0}
    assert dead_letters(daemon) == {"dead_letters": []}
    assert "eventyard_deliveries_pending 0" in request(daemon.admin_address, "GET", "/metrics").body.decode()


def test_it_works_after_a_reset(daemon, client_of, sink):
    client = client_of(daemon)
    fill(client, f"{sink.url}/first")
    assert reset(daemon).status == 200
    client.put_rule(Name="r", EventPattern=PATTERN)
    client.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": f"{sink.url}/second"}])
    client.put_events(Entries=[EVENT])
    assert [seen.path for seen in sink.wait_for(1)] == ["/second"]


def test_a_page_cannot_reset(daemon, client_of):
    client = client_of(daemon)
    client.put_rule(Name="r", EventPattern=PATTERN)
    assert reset(daemon, {"Origin": "https://example.com"}).status == 403
    assert request(daemon.admin_address, "GET", "/reset").status == 404
    assert request(daemon.api_address, "POST", "/reset").json()["__type"] == "UnknownOperationException"
    assert len(client.list_rules()["Rules"]) == 1


def test_a_daemon_that_keeps_its_data_is_not_reset(start_daemon, client_of):
    daemon = start_daemon()
    client = client_of(daemon)
    client.put_rule(Name="r", EventPattern=PATTERN)
    assert reset(daemon).status == 405
    assert len(client.list_rules()["Rules"]) == 1
