"""Sockets that a service manager listens on and hands over: they outlive the daemon, and nobody is refused while it restarts."""

import fcntl
import http.client
import os
import shutil
import socket
import subprocess

import pytest

from daemon import Daemon, free_ports
from waiting import wait_until
from wire import request

# Puts the files it is told of where the protocol wants them, and says whom they are for, which only the process itself knows.
HAND_OVER = """#!/usr/bin/env bash
place=3
for file in $TO_HAND_OVER; do
    eval "exec $place<&$file"
    place=$((place + 1))
done
LISTEN_PID=${LISTEN_PID_INSTEAD:-$$} exec "{binary}" "$@"
"""


@pytest.fixture
def activated(binary, tmp_path):
    """A function that makes a daemon that is handed a listening socket under each of `names`, at `addresses` or where the
    daemon is told to listen."""
    if shutil.which("bash") is None:
        pytest.skip("SKIPPED: there is no bash to hand over sockets")
    made = []

    def make(names=("api", "admin"), addresses=None, env=None):
        script = tmp_path / "hand-over"
        script.write_text(HAND_OVER.replace("{binary}", binary))
        script.chmod(0o755)
        daemon = Daemon(str(script), tmp_path)
        places = {"api": daemon.api_address, "admin": daemon.admin_address} | (addresses or {})
        sockets = [listen_at(places[name]) for name in names]
        made.append((daemon, sockets))
        # Above all places they are put at, so that none takes the place of another.
        daemon.inherited = [fcntl.fcntl(each, fcntl.F_DUPFD, 100) for each in sockets]
        daemon.env = {"TO_HAND_OVER": " ".join(map(str, daemon.inherited)), "LISTEN_FDS": str(len(names)),
                      "LISTEN_FDNAMES": ":".join(names)} | (env or {})  # fmt: skip
        return daemon

    yield make
    for daemon, sockets in made:
        wrong = daemon.finish()
        for each in sockets:
            each.close()
        for file in daemon.inherited:
            os.close(file)
        assert not wrong, wrong


def listen_at(address):
    host, port = address.rsplit(":", 1)
    return socket.create_server((host, int(port)))


def send(address):
    """Connects and sends an event; whoever listens may answer later."""
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("POST", "/events", b'{"Source": "s", "DetailType": "t", "Detail": {}}')
    return connection


def answered(connection):
    answer = connection.getresponse()
    answer.read()
    return answer.status


@pytest.mark.parametrize("end", [Daemon.stop, Daemon.kill9])
def test_who_connects_while_the_daemon_is_away_waits_and_is_answered(activated, end):
    daemon = activated().start()
    assert answered(send(daemon.api_address)) == 200
    end(daemon)
    waiting = [send(daemon.api_address) for _ in range(20)]
    daemon.start()
    assert [answered(connection) for connection in waiting] == [200] * 20


def connected(address):
    try:
        return send(address)
    except ConnectionRefusedError:
        return None


def test_what_systemd_hands_over_is_taken(binary):
    program = shutil.which("systemd-socket-activate")
    if program is None:
        pytest.skip("SKIPPED: there is no systemd-socket-activate")
    api, admin = (f"127.0.0.1:{port}" for port in free_ports(2))
    # It starts the daemon, in its own place, at the first connection.
    command = [program, "--listen", api, "--listen", admin, "--fdname", "api:admin",
               binary, "serve", "--ephemeral", "--listen", api, "--admin-listen", admin]  # fmt: skip
    listening = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert answered(wait_until(lambda: connected(api))) == 200
        assert request(admin, "GET", "/health/ready").status == 200
        listening.terminate()
        assert listening.wait(60) == 0
    finally:
        listening.kill()
        listening.wait()


def test_without_a_socket_nobody_waits(start_daemon):
    daemon = start_daemon()
    daemon.stop()
    with pytest.raises(ConnectionRefusedError):
        send(daemon.api_address)


@pytest.mark.parametrize("names", [["api"], ["admin"], ["admin", "api"]])
def test_a_name_says_which_listener_a_socket_is_for(activated, names):
    daemon = activated(names).start()
    assert answered(send(daemon.api_address)) == 200
    assert daemon.stop() == 0


@pytest.mark.parametrize("names, env, said", [
    (["api"], {"LISTEN_FDNAMES": "eventyard.socket"}, "FileDescriptorName= of its unit has to be api or admin"),
    (["api", "admin"], {"LISTEN_FDNAMES": "api"}, "LISTEN_FDNAMES names 1 sockets, and there are 2"),
    (["api"], {"TO_HAND_OVER": ""}, "the socket api: "),
])  # fmt: skip
def test_what_cannot_be_taken_over_is_said(activated, names, env, said):
    with pytest.raises(AssertionError, match="ended with 1 before it was ready") as failed:
        activated(names, env=env).start()
    assert said in str(failed.value)


def test_a_socket_that_listens_elsewhere_is_refused(activated):
    """Whether strangers are let in depends on the option, not on what somebody else listens on."""
    daemon = activated(["api"], {"api": "0.0.0.0:0"})
    with pytest.raises(AssertionError, match="ended with 1 before it was ready") as failed:
        daemon.start()
    assert f"but api.listen is {daemon.api_address}" in str(failed.value)


def test_a_socket_that_does_not_listen_is_refused(activated):
    daemon = activated(["api"])
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.set_inheritable(True)
        daemon.inherited.append(fcntl.fcntl(silent, fcntl.F_DUPFD, 100))
    daemon.env["TO_HAND_OVER"] = str(daemon.inherited[-1])
    with pytest.raises(AssertionError, match="ended with 1 before it was ready") as failed:
        daemon.start()
    assert "the socket api does not listen" in str(failed.value)


def test_sockets_for_another_process_are_left_alone(activated):
    """The daemon opens its own listeners, on other addresses, since the ones handed over are taken."""
    daemon = activated(["api"], {"api": "127.0.0.1:0"}, env={"LISTEN_PID_INSTEAD": "1"}).start()
    assert answered(send(daemon.api_address)) == 200
