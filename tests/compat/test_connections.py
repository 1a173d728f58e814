"""Connections: what HTTP targets get beside what they ask for themselves."""

import base64
import gzip
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook, WebhookVerificationError

from authority import Authority
from daemon import free_ports
from http2 import Http2Server
from relay import Relay
from sink import Answer, Sink
from waiting import wait_until
from wire import code_of_letter, dead_letters

SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four bytes").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"the one that was there before").decode()
PRIVATE_KEY = Ed25519PrivateKey.generate()
QUICK = {"EVENTYARD_DELIVERY__BACKOFF_BASE_MS": "10", "EVENTYARD_DELIVERY__BACKOFF_MAX_MS": "50"}


def connection(covers, **entries):
    """A connection in the configuration file; values are written as JSON, which TOML reads too."""
    entries = {"name": "c", "covers": covers} | entries
    return "[[connections]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in entries.items())


def put(client, url, detail=None, **target):
    """Puts an event for one target at `url`."""
    client.put_rule(Name="r", EventPattern='{"source": ["shop"]}')
    client.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": url} | target])
    detail = {"total": 20} if detail is None else detail
    client.put_events(Entries=[{"Source": "shop", "DetailType": "Order placed", "Detail": json.dumps(detail)}])


@pytest.fixture
def deliver(start_daemon, client_of, sink):
    """A function that delivers one event under a connection, and gives the request that came."""

    def deliver(detail=None, target=None, **entries):
        client = client_of(start_daemon(QUICK, connection(sink.url, **entries)))
        put(client, sink.url + "/hook", detail, **(target or {}))
        return sink.wait_for(1, "/hook")[0]

    return deliver


def test_a_plain_connection_changes_nothing(deliver):
    request = deliver()
    assert (request.method, request.headers["content-type"]) == ("POST", "application/json")
    assert "authorization" not in request.headers and "webhook-id" not in request.headers


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_the_method_and_headers(deliver, method):
    headers = ["X-Tenant: 7", "X-Trace: a: b"]
    target = {"HttpParameters": {"HeaderParameters": {"X-Tenant": "8", "X-Own": "mine"}}}
    request = deliver(method=method, headers=headers, target=target)
    assert request.method == method and request.json()["detail"] == {"total": 20}
    assert (request.headers["x-tenant"], request.headers["x-trace"]) == ("7", "a: b")
    assert request.headers["x-own"] == "mine"


def test_headers_come_from_a_file_too(deliver, tmp_path):
    (tmp_path / "headers").write_text("X-Tenant: 7\nX-Trace: a: b\n")
    request = deliver(headers=["X-Here: 1"], headers_file=str(tmp_path / "headers"))
    assert [request.headers[name] for name in ["x-here", "x-tenant", "x-trace"]] == ["1", "7", "a: b"]


def test_basic_credentials_and_an_api_key(deliver):
    request = deliver(username="eventyard", password="grün", api_key_header="X-Api-Key", api_key="key-7")
    assert request.headers["authorization"] == "Basic " + base64.b64encode("eventyard:grün".encode()).decode()
    assert request.headers["x-api-key"] == "key-7"


def test_a_body_is_compressed(deliver):
    request = deliver(gzip=True, signing_secrets=SECRET)
    assert request.headers["content-encoding"] == "gzip"
    body = gzip.decompress(request.body)
    assert json.loads(body)["detail"] == {"total": 20}
    Webhook(SECRET).verify(body, request.headers)


def test_a_connection_is_for_its_targets_only(start_daemon, client_of, sink):
    client = client_of(start_daemon(config=connection(sink.url + "/orders", headers=["X-Secret: 7"])))
    put(client, sink.url + "/orders2")
    put(client, sink.url + "/orders/../other")
    put(client, sink.url + "/orders/7")
    seen = {request.path: "x-secret" in request.headers for request in sink.wait_for(3)}
    assert seen == {"/orders2": False, "/other": False, "/orders/7": True}


def test_a_slow_target_may_be_given_less_time(start_daemon, client_of, sink):
    sink.always("/hook", Answer(hang=True))
    daemon = start_daemon(QUICK, connection(sink.url, response_timeout_ms=100))
    put(client_of(daemon), sink.url + "/hook", RetryPolicy={"MaximumRetryAttempts": 0})
    letter = wait_until(lambda: dead_letters(daemon)["dead_letters"])[0]
    assert letter["ERROR_CODE"] == "TIMED_OUT"


def test_a_target_that_lets_nobody_in_may_be_given_less_time(start_daemon, client_of, unreachable):
    url = f"http://{unreachable}"
    env = QUICK | {"EVENTYARD_DELIVERY__CONNECT_TIMEOUT_MS": "600000", "EVENTYARD_DELIVERY__RESPONSE_TIMEOUT_MS": "600000"}
    daemon = start_daemon(env, connection(url, connect_timeout_ms=100))
    put(client_of(daemon), f"{url}/hook", RetryPolicy={"MaximumRetryAttempts": 0})
    assert code_of_letter(daemon) == ("TIMED_OUT", "timed out waiting for a connection")


def test_a_proxy_is_where_the_operator_says(start_daemon, client_of, sink):
    """The sink is the proxy: it is asked for the URL as a whole. Only the target's address is guarded."""
    covers = "http://shop.example"
    daemon = start_daemon({"EVENTYARD_EGRESS__ALLOW": "192.0.2.1"}, connection(covers, proxy=sink.url))
    put(client_of(daemon), covers + "/hook")
    assert sink.wait_for(1)[0].path == "http://shop.example/hook"


# Signatures


@pytest.mark.parametrize("secrets", [SECRET, f"{SECRET}\n{OLD_SECRET}\n"])
def test_a_signature_is_verified_by_the_library_of_the_specification(deliver, tmp_path, secrets):
    (tmp_path / "secrets").write_text(secrets)
    request = deliver(signing_secrets_file=str(tmp_path / "secrets"))
    for secret in secrets.split():
        assert Webhook(secret).verify(request.body, request.headers)["detail"] == {"total": 20}
    assert len(request.headers["webhook-signature"].split(" ")) == len(secrets.split())
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + base64.b64encode(b"another secret altogether").decode()).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets.split()[0]).verify(request.body + b" ", request.headers)


def test_a_private_key_signs_what_its_public_key_verifies(deliver):
    key = "whsk_" + base64.b64encode(PRIVATE_KEY.private_bytes_raw()).decode()
    request = deliver(signing_secrets=f"{key} {SECRET}")
    by_key, _ = request.headers["webhook-signature"].split(" ")
    version, signature = by_key.split(",")
    assert version == "v1a"
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    PRIVATE_KEY.public_key().verify(base64.b64decode(signature), signed)
    Webhook(SECRET).verify(request.body, request.headers)


def test_each_attempt_is_signed_anew_and_the_id_stays(start_daemon, client_of, sink):
    sink.answer("/hook", Answer(503, headers={"Retry-After": "2"}), Answer(200))
    client = client_of(start_daemon(QUICK, connection(sink.url, signing_secrets=SECRET)))
    put(client, sink.url + "/hook")
    first, second = sink.wait_for(2, "/hook")
    for request in (first, second):
        Webhook(SECRET).verify(request.body, request.headers)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-id"].startswith("msg_" + first.headers["eventyard-event-id"])
    assert int(second.headers["webhook-timestamp"]) > int(first.headers["webhook-timestamp"])
    client.put_targets(Rule="r", Targets=[{"Id": "other", "Arn": sink.url + "/other"}])
    client.put_events(Entries=[{"Source": "shop", "DetailType": "d", "Detail": "{}"}])
    other, third = sink.wait_for(1, "/other")[0], sink.wait_for(3, "/hook")[2]
    assert other.headers["eventyard-event-id"] == third.headers["eventyard-event-id"]
    assert other.headers["webhook-id"] != third.headers["webhook-id"], "each target has messages of its own"


# OAuth


class Tokens:
    """A server of tokens at /token of a sink: each request gets another one."""

    def __init__(self, sink, expires_in=3600):
        self.count = 0
        self.expires_in = expires_in
        sink.always("/token", self.give)

    def give(self, request):
        assert request.headers["authorization"] == "Basic " + base64.b64encode(b"client%2F7:s%3Acret").decode()
        assert request.body == b"grant_type=client_credentials&scope=events+write&audience=https%3A%2F%2Fapi"
        self.count += 1
        body = {"access_token": f"token-{self.count}", "token_type": "Bearer", "expires_in": self.expires_in}
        return Answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})


def oauth(sink):
    return {
        "oauth_token_url": sink.url + "/token",
        "oauth_client_id": "client/7",
        "oauth_client_secret": "s:cret",
        "oauth_scope": "events write",
        "oauth_audience": "https://api",
    }


def bearers(requests):
    return [request.headers["authorization"] for request in requests]


def test_a_token_is_kept_and_replaced_when_it_is_refused(start_daemon, client_of, sink):
    tokens = Tokens(sink)
    client = client_of(start_daemon(QUICK, connection(sink.url + "/hook", **oauth(sink))))
    put(client, sink.url + "/hook")
    put(client, sink.url + "/hook")
    assert bearers(sink.wait_for(2, "/hook")) == ["Bearer token-1"] * 2
    sink.answer("/hook", Answer(401), Answer(200))
    put(client, sink.url + "/hook")
    requests = sink.wait_for(4, "/hook")
    assert bearers(requests)[2:] == ["Bearer token-1", "Bearer token-2"]
    assert [request.headers["eventyard-attempt"] for request in requests] == ["1"] * 4, "it is one attempt"
    assert tokens.count == 2


def test_a_token_is_replaced_before_it_ends(start_daemon, client_of, sink):
    tokens = Tokens(sink, expires_in=0)
    client = client_of(start_daemon(QUICK, connection(sink.url + "/hook", **oauth(sink))))
    put(client, sink.url + "/hook")
    put(client, sink.url + "/hook")
    assert sorted(bearers(sink.wait_for(2, "/hook"))) == ["Bearer token-1", "Bearer token-2"]
    assert tokens.count == 2


@pytest.mark.parametrize(
    "answer, reason",
    [
        (Answer(401, b'{"error": "invalid_client", "error_description": "s:cret"}'), "HTTP 401, invalid_client"),
        (Answer(500, b"s:cret"), "HTTP 500"),
        (Answer(200, b'{"token": "s:cret"}'), "no access_token"),
        (Answer(200, b" " * 70_000), "too long"),
        (Answer(drop=True), "could not be reached"),
    ],
)
def test_without_a_token_nothing_is_sent(start_daemon, client_of, sink, answer, reason):
    sink.always("/token", answer)
    daemon = start_daemon(QUICK, connection(sink.url + "/hook", **oauth(sink)))
    put(client_of(daemon), sink.url + "/hook", RetryPolicy={"MaximumRetryAttempts": 1})
    letter = wait_until(lambda: dead_letters(daemon)["dead_letters"])[0]
    assert (letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == ("NO_CREDENTIALS", 1), letter
    assert reason in letter["ERROR_MESSAGE"] and "s:cret" not in json.dumps(letter), letter
    assert sink.to("/hook") == []


# CloudEvents


ATTRIBUTES = {
    "specversion": "1.0", "id": "A 234", "source": "/shop/7", "type": "com.example.placed", "subject": "größe 7%",
    "time": "2026-05-01T10:00:01.5+02:00", "datacontenttype": "application/json", "sampled": True, "sequence": 7,
}  # fmt: skip


def post_cloud_event(daemon, headers, body):
    with urlopen(Request(daemon.api_url + "/cloudevents", body, headers), timeout=30) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("data", [{"data": {"total": 20}}, {"data": "text"}, {"data_base64": "AP8="}, {}])
@pytest.mark.parametrize("mode", ["structured", "binary"])
def test_a_cloud_event_leaves_as_it_came(start_daemon, client_of, sink, mode, data):
    """What is delivered is put in again, and that is delivered once more: both are the event that came first."""
    whole = ATTRIBUTES | data
    if "data_base64" in data:
        whole["datacontenttype"] = "application/octet-stream"
    daemon = start_daemon(QUICK, connection(sink.url + "/ce", cloud_events=mode) + connection(sink.url + "/s", name="s", cloud_events="structured"))
    client = client_of(daemon)
    client.put_rule(Name="ce", EventPattern='{"source": ["/shop/7"]}')
    client.put_targets(Rule="ce", Targets=[{"Id": "ce", "Arn": sink.url + "/ce"}])
    post_cloud_event(daemon, {"Content-Type": "application/cloudevents+json"}, json.dumps(whole).encode())
    out = sink.wait_for(1, "/ce")[0]
    if mode == "structured":
        assert out.headers["content-type"] == "application/cloudevents+json"
        assert out.json() == whole
        return
    assert out.headers["ce-id"] == "A%20234" and out.headers["ce-subject"] == "gr%C3%B6%C3%9Fe%207%25"
    client.put_targets(Rule="ce", Targets=[{"Id": "ce", "Arn": sink.url + "/s"}])
    headers = {name: value for name, value in out.headers.items() if name.startswith("ce-") or name == "content-type"}
    post_cloud_event(daemon, headers, out.body)
    again = sink.wait_for(1, "/s")[0].json()
    # A header has no types: what was no string is one now.
    assert again == whole | {"sampled": "true", "sequence": "7"}


def test_any_other_event_becomes_a_cloud_event(deliver):
    event = deliver(cloud_events="structured").json()
    assert (event["specversion"], event["source"], event["type"]) == ("1.0", "shop", "Order placed")
    assert (event["data"], event["datacontenttype"], event["account"]) == ({"total": 20}, "application/json", "000000000000")


def test_the_data_is_what_the_input_makes_of_the_event(deliver):
    request = deliver(target={"InputPath": "$.detail.total"}, cloud_events="binary")
    assert (request.body, request.headers["ce-type"]) == (b"20", "Order%20placed")


# TLS and HTTP/2


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="SKIPPED: there is no openssl program to make certificates")


@pytest.fixture
def tls_sink(tmp_path):
    """A sink that speaks TLS and asks for a client's certificate, with the authority of both."""
    authority, sink = Authority(tmp_path), Sink()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("server"))
    context.load_verify_locations(authority.file)
    context.verify_mode = ssl.CERT_REQUIRED
    server = sink._server
    server.socket = context.wrap_socket(server.socket, server_side=True)
    yield sink, authority, sink.url.replace("http:", "https:")
    sink.close()


@needs_openssl
def test_a_certificate_is_shown_and_one_is_asked_for(start_daemon, client_of, tls_sink):
    sink, authority, url = tls_sink
    certificate, key = map(str, authority.issue("daemon", "clientAuth"))
    trusting = connection(url + "/whole", ca_file=str(authority.file), certificate_file=certificate, key_file=key)
    unknown = connection(url + "/unknown", name="unknown", ca_file=str(authority.file))
    daemon = start_daemon(QUICK, trusting + unknown)
    client = client_of(daemon)
    once = {"RetryPolicy": {"MaximumRetryAttempts": 0}}
    put(client, url + "/whole")
    assert sink.wait_for(1, "/whole")
    put(client, url + "/unknown", **once)
    wait_until(lambda: len(dead_letters(daemon)["dead_letters"]) == 1)
    put(client, url + "/bare", **once)
    letters = wait_until(lambda: (found := dead_letters(daemon)["dead_letters"])[1:] and found)
    assert {letter["ERROR_CODE"] for letter in letters} == {"CONNECTION_FAILED"}, letters
    assert {request.path for request in sink.requests} == {"/whole"}


@needs_openssl
def test_files_that_are_no_certificates_are_refused_at_start(start_daemon, tmp_path):
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n")
    with pytest.raises(AssertionError, match="cannot use the connection c: "):
        start_daemon(config=connection("https://h", ca_file=str(broken)))


def test_http2_is_spoken_where_the_connection_says_so(start_daemon, client_of):
    server = Http2Server()
    try:
        put(client_of(start_daemon(QUICK, connection(server.url, http2=True))), server.url + "/hook")
        headers, body = wait_until(lambda: server.requests)[0]
    finally:
        server.close()
    assert (headers[":method"], headers[":path"]) == ("POST", "/hook")
    assert json.loads(body)["detail"] == {"total": 20}


@needs_openssl
@pytest.mark.parametrize("is_spoken", [True, False])
def test_http2_over_tls_is_what_both_sides_offer(start_daemon, client_of, tmp_path, is_spoken):
    authority = Authority(tmp_path)
    server = Http2Server(authority.issue("server"))
    try:
        config = connection(server.url, http2=is_spoken, ca_file=str(authority.file))
        daemon = start_daemon(QUICK, config)
        put(client_of(daemon), server.url + "/hook", RetryPolicy={"MaximumRetryAttempts": 0})
        if is_spoken:
            assert wait_until(lambda: server.requests)[0][0][":path"] == "/hook"
        else:
            # This one speaks nothing else, so the two do not come together.
            assert wait_until(lambda: dead_letters(daemon)["dead_letters"])[0]["ERROR_CODE"] == "CONNECTION_FAILED"
    finally:
        server.close()


@needs_openssl
def test_https_goes_through_a_proxy_as_it_is(start_daemon, client_of, tls_sink):
    """The proxy is asked for a tunnel, and sees nothing of what is said in it."""
    sink, authority, url = tls_sink
    certificate, key = map(str, authority.issue("daemon", "clientAuth"))
    heads = []

    def tunnel(client, _):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        heads.append(head.decode())
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")

    proxy = Relay(int(url.rpartition(":")[2]), begin=tunnel)
    try:
        files = {"ca_file": str(authority.file), "certificate_file": certificate, "key_file": key}
        config = connection(url, proxy=f"http://{proxy.server}", username="u", password="p", **files)
        put(client_of(start_daemon(QUICK, config)), url + "/hook")
        assert sink.wait_for(1)[0].headers["authorization"].startswith("Basic ")
    finally:
        proxy.close()
    assert heads[0].startswith(f"CONNECT {url.removeprefix('https://')} HTTP/1.1\r\n")
    assert "authorization" not in heads[0].lower()


# Reading again


def test_a_secret_changes_without_a_restart(start_daemon, client_of, sink, tmp_path):
    (tmp_path / "password").write_text("first\n")
    daemon = start_daemon(QUICK, connection(sink.url, username="u", password_file=str(tmp_path / "password")))
    client = client_of(daemon)
    put(client, sink.url + "/hook")
    sink.wait_for(1)
    (tmp_path / "password").write_text("")
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "the configuration cannot be read again; what was before goes on" in daemon.log())
    put(client, sink.url + "/hook")
    sink.wait_for(2)
    (tmp_path / "password").write_text("second\n")
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "configuration read again" in daemon.log())
    put(client, sink.url + "/hook")
    passwords = [base64.b64decode(value.split(" ")[1]).decode() for value in bearers(sink.wait_for(3))]
    assert passwords == ["u:first", "u:first", "u:second"]


# The page


def test_the_example_of_the_page_does_what_it_shows(start_daemon, tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "targets" / "http.md").read_text()
    page = page.replace("4020", str(free_ports(1)[0]))
    server, config, script, console = (page.split(f"```{kind}\n")[1].split("```")[0] for kind in ["python", "toml", "sh", "console"])
    daemon = start_daemon(config=config)
    (tmp_path / "server.py").write_text(server)
    tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = os.environ | {"PATH": tools, "AWS_ENDPOINT_URL_EVENTBRIDGE": daemon.api_url}
    with open(tmp_path / "server.log", "wb") as log:
        process = subprocess.Popen([sys.executable, "server.py"], cwd=tmp_path, stdout=log)
    try:
        done = subprocess.run(["bash", "-euc", script], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        command, output = console.removeprefix("$ ").split("\n", 1)
        shown = lambda: subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=30).stdout
        assert wait_until(lambda: shown().strip() or None) == output.strip()
    finally:
        process.kill()
        process.wait()
