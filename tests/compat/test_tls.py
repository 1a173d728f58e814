"""TLS on both listeners: certificates, their renewal, and those of clients. The openssl program makes them."""

import http.client
import json
import shutil
import signal
import socket
import ssl
import subprocess

import pytest
from botocore.exceptions import SSLError

from authority import Authority
from waiting import wait_until

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="SKIPPED: there is no openssl program to make certificates")


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def options(certificate, key, client_ca=None, listeners=("API", "ADMIN")):
    files = {"CERTIFICATE": certificate, "KEY": key} | ({"CLIENT_CA": client_ca} if client_ca else {})
    return {f"EVENTYARD_{listener}__TLS_{name}_FILE": str(path) for listener in listeners for name, path in files.items()}


def connect(address, authority, certificate=None):
    """A TLS connection to a listener."""
    context = ssl.create_default_context(cafile=authority.file)
    if certificate:
        context.load_cert_chain(*certificate)
    host, port = address.split(":")
    return context.wrap_socket(socket.create_connection((host, int(port)), timeout=30), server_hostname=host)


def status(address, authority, path="/health/live", certificate=None):
    """The status of a GET over TLS."""
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.sock = connect(address, authority, certificate)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_boto3_over_https(start_daemon, client_of, authority, tmp_path):
    daemon = start_daemon(options(*authority.issue("server"), listeners=["API"]))
    url = f"https://{daemon.api_address}"
    client = client_of(daemon, endpoint_url=url, verify=str(authority.file))
    client.put_rule(Name="r", EventPattern='{"source": ["s"]}')
    assert [rule["Name"] for rule in client.list_rules()["Rules"]] == ["r"]
    (tmp_path / "other").mkdir()
    with pytest.raises(SSLError):
        client_of(daemon, endpoint_url=url, verify=str(Authority(tmp_path / "other").file)).list_rules()
    assert 'scheme="https"' in daemon.log()
    with connect(daemon.api_address, authority) as connection:
        assert connection.version() in ("TLSv1.2", "TLSv1.3")
    # Who speaks no TLS is not answered, and hurts nobody.
    with socket.create_connection(tuple(daemon.api_address.split(":")), timeout=30) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert not plain.recv(100).startswith(b"HTTP")
    assert client.list_rules()["Rules"]


def serial(address, authority):
    with connect(address, authority) as connection:
        return connection.getpeercert()["serialNumber"]


def test_certificates_are_read_again_at_sighup(start_daemon, authority):
    daemon = start_daemon(options(*authority.issue("server"), listeners=["API"]))
    before = serial(daemon.api_address, authority)
    with connect(daemon.api_address, authority) as open_before:
        authority.issue("server")
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: serial(daemon.api_address, authority) != before)
        open_before.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert open_before.recv(100).startswith(b"HTTP/1.1 400"), "a connection outlives its certificate"

    now = serial(daemon.api_address, authority)
    (authority.folder / "server.key").write_text("no key")
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "the certificate cannot be read again" in daemon.log())
    assert serial(daemon.api_address, authority) == now
    metrics = http.client.HTTPConnection(daemon.admin_address, timeout=30)
    metrics.request("GET", "/metrics")
    assert b"eventyard_tls_reload_failures_total 1" in metrics.getresponse().read()
    metrics.close()
    assert daemon.stop() == 0


def test_certificates_of_clients(start_daemon, client_of, authority, tmp_path):
    env = options(*authority.issue("server"), client_ca=authority.file, listeners=["API"])
    daemon = start_daemon(env)
    (tmp_path / "other").mkdir()
    own, foreign = authority.issue("client", "clientAuth"), Authority(tmp_path / "other").issue("client", "clientAuth")
    assert status(daemon.api_address, authority, certificate=own) == 400
    for certificate in [None, foreign]:
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            status(daemon.api_address, authority, certificate=certificate)


def test_the_admin_listener(start_daemon, authority):
    daemon = start_daemon(options(*authority.issue("server")), admin_authority=authority.file)
    paths = ["/health/live", "/health/ready", "/metrics", "/dead-letters"]
    assert [status(daemon.admin_address, authority, path) for path in paths] == [200] * 4


def test_the_command_line_over_https(start_daemon, binary, authority):
    daemon = start_daemon(options(*authority.issue("server")), admin_authority=authority.file)

    def run(*arguments, trust=("--ca-file", str(authority.file))):
        return subprocess.run([binary, *arguments, *trust], capture_output=True, text=True, timeout=60)

    asked = run("dead-letters", "list", "--output", "json", "--admin", f"https://{daemon.admin_address}")
    assert asked.returncode == 0, asked.stderr
    exported = run("rules", "export", "--endpoint", f"https://{daemon.api_address}")
    assert (exported.returncode, json.loads(exported.stdout)) == (0, {"Rules": []}), exported.stderr
    for code, why, refused in [
        (3, "certificate", run("dead-letters", "list", "--admin", f"https://{daemon.admin_address}", trust=())),
        (3, "is it running", run("dead-letters", "list", "--admin", daemon.admin_address)),
        (2, "no certificate in it", run("rules", "export", trust=("--ca-file", str(authority.folder / "server.key")))),
    ]:
        assert refused.returncode == code and why in refused.stderr, refused.stderr


def test_files_that_cannot_be_used(binary, authority, tmp_path):
    certificate, key = authority.issue("server")
    (tmp_path / "empty").write_text("")
    other_key = authority.issue("other")[1]
    for files, said in [
        (options(tmp_path / "nothing", key), "cannot read the certificate from"),
        (options(tmp_path / "empty", key), "there is no certificate in it"),
        (options(certificate, tmp_path / "empty"), "cannot read the private key from"),
        (options(certificate, other_key), "cannot be used"),
        (options(certificate, key, client_ca=tmp_path / "empty"), "cannot read the authorities of clients from"),
    ]:
        done = subprocess.run(
            [binary, "serve", "--data-dir", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
            env=files, capture_output=True, text=True, timeout=60)  # fmt: skip
        assert done.returncode == 1 and said in done.stderr and "api.tls_" in done.stderr, done
    assert not (tmp_path / "data").exists()
