"""Who is let in: real clients with right and wrong credentials, at the right and the wrong time."""

import datetime
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from email.utils import parsedate_to_datetime
from pathlib import Path

import botocore.auth
import pytest

import wire
from waiting import wait_until
from wire import refused

ONE, TWO = "111111111111", "222222222222"
CONFIG = f"""
[[accounts]]
id = "{ONE}"
access_keys = [{{ id = "AKIAONE", secret = "the secret of one" }}]

[[accounts]]
id = "{TWO}"

[[accounts.access_keys]]
id = "AKIATWO"
secret_environment = "SECRET_OF_TWO"

[[accounts.access_keys]]
id = "ASIATWO"
secret = "the temporary secret"
session_token = "a/session+token=="

[[accounts.access_keys]]
id = "ASIAOVER"
secret = "the old secret"
session_token = "an old token"
expires = "2026-01-01T00:00:00Z"
"""
ENV = {"SECRET_OF_TWO": "the secret of two"}
ONE_KEY = {"key": "AKIAONE", "secret": "the secret of one"}
TWO_KEY = {"key": "AKIATWO", "secret": "the secret of two"}
TEMPORARY = {"key": "ASIATWO", "secret": "the temporary secret", "token": "a/session+token=="}

UNKNOWN = ("UnrecognizedClientException", "The security token included in the request is invalid.")
WRONG = (
    "InvalidSignatureException",
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and "
    "signing method. Consult the service documentation for details.",
)
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def guarded(start_daemon):
    """A daemon that knows two accounts."""
    return start_daemon(ENV, CONFIG)


@pytest.fixture
def clock_of_clients(monkeypatch):
    """A function that moves the clock of boto3, not that of the daemon."""

    def move(**by):
        def now(*_, **__):
            return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None) + datetime.timedelta(**by)

        monkeypatch.setattr(botocore.auth, "get_current_datetime", now)

    return move


def put_rule(client):
    return client.put_rule(Name="r", EventPattern='{"source": ["s"]}')["RuleArn"]


def test_accounts_and_regions_have_their_own_resources(guarded, client_of):
    places = [(ONE_KEY, ONE, "eu-west-1"), (ONE_KEY, ONE, "us-east-1"), (TWO_KEY, TWO, "eu-west-1")]
    for key, account, region in places:
        client = client_of(guarded, **key, region=region)
        assert client.list_rules()["Rules"] == []
        assert put_rule(client) == f"arn:aws:events:{region}:{account}:rule/r"
        assert client.describe_rule(Name="r")["CreatedBy"] == account
    client_of(guarded, **ONE_KEY, region="eu-west-1").delete_rule(Name="r")
    assert [len(client_of(guarded, **key, region=region).list_rules()["Rules"]) for key, _, region in places] == [0, 1, 1]


def test_the_event_says_whose_it_is(guarded, client_of, sink):
    client = client_of(guarded, **TWO_KEY, region="ap-south-1")
    put_rule(client)
    client.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": sink.url}])
    client_of(guarded, **ONE_KEY, region="ap-south-1").put_events(Entries=[{"Source": "s", "DetailType": "1", "Detail": "{}"}])
    client.put_events(Entries=[{"Source": "s", "DetailType": "2", "Detail": "{}"}])
    event = sink.wait_for(1)[0].json()
    assert (event["account"], event["region"], event["detail-type"]) == (TWO, "ap-south-1", "2")


def test_wrong_credentials(guarded, client_of):
    with refused(*UNKNOWN):
        client_of(guarded, key="AKIANOBODY", secret="x").list_rules()
    with refused(*WRONG):
        client_of(guarded, key="AKIAONE", secret="the secret of two").list_rules()
    with refused(*UNKNOWN):
        client_of(guarded, key=ONE, secret="x").list_rules()
    assert wire.call(guarded, "ListRules").error == (
        400, "MissingAuthenticationTokenException", "Missing Authentication Token")  # fmt: skip
    answer = wire.post_events(guarded, {"Source": "s", "DetailType": "d", "Detail": {}})
    assert answer.error[:2] == (400, "MissingAuthenticationTokenException")


def test_who_is_not_known_is_not_listened_to(guarded):
    host, port = guarded.api_address.split(":")
    for path in ["/", "/events", "/cloudevents", "/nothing"]:
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 16000000\r\n\r\n"
            connection.sendall(head.encode())
            assert connection.recv(4096).startswith(b"HTTP/1.1 400"), "the answer does not wait for the body"


def test_session_tokens(guarded, client_of):
    assert put_rule(client_of(guarded, **TEMPORARY)).split(":")[4] == TWO
    with refused(*UNKNOWN):
        client_of(guarded, **TEMPORARY | {"token": "another"}).list_rules()
    with refused(*UNKNOWN):
        client_of(guarded, **TEMPORARY | {"token": None}).list_rules()
    with refused(*UNKNOWN):
        client_of(guarded, **ONE_KEY, token="a/session+token==").list_rules()
    with refused("ExpiredTokenException", "The security token included in the request is expired"):
        client_of(guarded, key="ASIAOVER", secret="the old secret", token="an old token").list_rules()


def test_wrong_clocks(guarded, client_of, clock_of_clients):
    client = client_of(guarded, **ONE_KEY)
    clock_of_clients(minutes=4)
    client.list_rules()
    clock_of_clients(minutes=-4)
    client.list_rules()
    clock_of_clients(minutes=-6)
    assert wire.refusal("InvalidSignatureException", client.list_rules).startswith("Signature expired: ")
    clock_of_clients(minutes=6)
    assert wire.refusal("InvalidSignatureException", client.list_rules).startswith("Signature not yet current: ")
    date = wire.call(guarded, "ListRules").headers["date"]
    away = datetime.datetime.now(datetime.timezone.utc) - parsedate_to_datetime(date)
    assert abs(away) < datetime.timedelta(minutes=1), "SDKs set their clock by this header"


def test_another_service(guarded, client_of):
    client = client_of(guarded, **ONE_KEY)
    client._request_signer._signing_name = "sqs"
    with refused("InvalidSignatureException", "Credential should be scoped to correct service: 'events'. "):
        client.list_rules()


def fetch(url, operation, method="POST", body=b"", **headers):
    """What whoever got a presigned URL does with it."""
    headers = {"Content-Type": wire.AWS_JSON, "X-Amz-Target": f"AWSEvents.{operation}"} | headers
    request = urllib.request.Request(url, body if method == "POST" else None, headers, method=method)
    try:
        with _DIRECT.open(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize("credentials", [ONE_KEY, TEMPORARY], ids=["key", "session token"])
def test_presigned_urls(guarded, client_of, clock_of_clients, credentials):
    client = client_of(guarded, **credentials)
    client.put_rule(Name="a-b", EventPattern='{"source": ["s"]}')
    client.put_rule(Name="other", EventPattern='{"source": ["s"]}')
    url = client.generate_presigned_url("list_rules", Params={"NamePrefix": "a-", "Limit": 5})
    status, body = fetch(url, "ListRules")
    assert status == 200 and '"a-b"' in body and "other" not in body, body
    assert fetch(url, "DeleteRule")[0] == 400, "another operation"
    assert "InvalidSignature" in fetch(url.replace("Limit=5", "Limit=6"), "ListRules")[1]
    assert "InvalidSignature" in fetch(url, "ListRules", body=b'{"Limit": 1}')[1]
    assert "InvalidSignature" in fetch(url, "ListRules", method="GET")[1]

    get = client.generate_presigned_url("describe_rule", Params={"Name": "other"}, HttpMethod="GET")
    assert '"other"' in fetch(get, "DescribeRule", method="GET")[1]
    delete = client.generate_presigned_url("delete_rule", Params={"Name": "other", "Force": True})
    assert fetch(delete, "DeleteRule") == (200, "")
    assert "Targets cannot be given in a URL" in fetch(
        client.generate_presigned_url("put_targets", Params={"Rule": "a-b", "Targets": [{"Id": "1", "Arn": "x"}]}),
        "PutTargets")[1]  # fmt: skip

    clock_of_clients(seconds=-61)
    late = client.generate_presigned_url("list_rules", Params={}, ExpiresIn=60)
    assert "Signature expired: " in fetch(late, "ListRules")[1]
    assert fetch(client.generate_presigned_url("list_rules", Params={}, ExpiresIn=120), "ListRules")[0] == 200


def test_times_that_were_changed_after_signing(guarded, client_of, clock_of_clients):
    """Within the five minutes, too: the time is signed with all else."""
    client = client_of(guarded, **ONE_KEY)
    url = client.generate_presigned_url("list_rules", Params={}, ExpiresIn=60)
    assert fetch(url, "ListRules")[0] == 200
    assert "InvalidSignature" in fetch(url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"), "ListRules")[1]
    signed = re.search(r"X-Amz-Date=(\d{8}T\d{4})(\d\d)Z", url)
    moved = url.replace(signed[0], f"X-Amz-Date={signed[1]}{(int(signed[2]) + 1) % 60:02}Z")
    assert "InvalidSignature" in fetch(moved, "ListRules")[1]

    def move(request, **_):
        date = request.headers["X-Amz-Date"]
        date = date.decode() if isinstance(date, bytes) else date
        del request.headers["X-Amz-Date"]
        request.headers["X-Amz-Date"] = f"{date[:-3]}{(int(date[-3:-1]) + 1) % 60:02}Z"

    client.list_rules()
    client.meta.events.register("before-send", move)
    with refused(*WRONG):
        client.list_rules()


def test_only_the_regions_that_are_served(start_daemon, client_of):
    daemon = start_daemon(ENV | {"EVENTYARD_AWS__REGIONS": "us-east-1,eu-west-1"}, CONFIG)
    client_of(daemon, **ONE_KEY, region="eu-west-1").list_rules()
    with refused("InvalidSignatureException", "Credential should be scoped to a valid region, not 'eu-west-2'. "):
        client_of(daemon, **ONE_KEY, region="eu-west-2").list_rules()


def test_failures_are_counted(guarded, client_of):
    with refused(*WRONG):
        client_of(guarded, key="AKIAONE", secret="x").list_rules()
    metrics = wire.request(guarded.admin_address, "GET", "/metrics").body.decode()
    assert 'eventyard_authentication_failures_total{reason="wrong_signature"} 1' in metrics
    assert "eventyard_dangerous_allow_anonymous 0" in metrics


def test_the_aws_cli(guarded):
    def aws(key, secret):
        env = os.environ | {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
        command = [Path(sys.executable).with_name("aws"), "--endpoint-url", guarded.api_url, "events", "list-rules"]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)

    assert aws(**{"key": "AKIAONE", "secret": "the secret of one"}).returncode == 0
    assert "(InvalidSignatureException)" in aws("AKIAONE", "wrong").stderr


def test_without_accounts_everybody_is_let_in_on_loopback(daemon, client_of):
    assert put_rule(client_of(daemon, key="x", secret="x", region="eu-north-1")).startswith(
        "arn:aws:events:eu-north-1:000000000000:")  # fmt: skip
    assert put_rule(client_of(daemon, key="333333333333", secret="x")).split(":")[4] == "333333333333"
    assert wire.call(daemon, "ListRules").json() == {"Rules": []}
    assert "every access key is accepted" in daemon.log()
    url = client_of(daemon, key="333333333333", secret="x").generate_presigned_url("list_rules", Params={"Limit": 5})
    assert '"r"' in fetch(url, "ListRules")[1]


def test_web_pages_of_other_names_are_kept_out(start_daemon):
    daemon = start_daemon({"EVENTYARD_API__ALLOWED_HOSTS": "events.test"})
    listing = {"X-Amz-Target": "AWSEvents.ListRules"}

    def status(address, path, host, headers=None, method="POST"):
        return wire.request(address, method, path, b"", {"Host": host} | (headers or {})).status

    for host in ["localhost", "127.0.0.1:1", "[::1]", "events.test:4010"]:
        assert status(daemon.api_address, "/", host, listing) == 200, host
    for host in ["attacker.example", "events.test.attacker.example"]:
        answer = wire.request(daemon.api_address, "POST", "/", b"{}", {"Host": host} | listing)
        assert answer.error[:2] == (400, "AccessDeniedException") and "api.allowed_hosts" in answer.error[2]
        assert status(daemon.api_address, "/events", host) == 400
        assert status(daemon.admin_address, "/dead-letters", host, method="GET") == 403
        assert status(daemon.admin_address, "/health/ready", host, method="GET") == 403


def test_other_machines_are_let_in_when_that_is_said(start_daemon, binary):
    command = [binary, "serve", "--listen", "0.0.0.0:0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "configure [[accounts]]" in done.stderr, done
    daemon = start_daemon({"EVENTYARD_API__DANGEROUS_ALLOW_ANONYMOUS": "true"}, listen="0.0.0.0")
    assert wire.request(daemon.api_address, "POST", "/", b"{}", {"Host": "some.name", "X-Amz-Target": "AWSEvents.ListRules"}).status == 200
    assert "whoever can connect can do everything" in daemon.log()
    metrics = wire.request(daemon.admin_address, "GET", "/metrics").body.decode()
    assert "eventyard_dangerous_allow_anonymous 1" in metrics
    ready = wire.request(daemon.admin_address, "GET", "/health/ready")
    assert ready.status == 200 and b"api.dangerous_allow_anonymous" in ready.body


TOKEN, TOKEN_HASH = "letmein", "1c8bfe8f801d79745c4631d09fff36c82aa37fc4cce4fc946683d7b336b63032"


def test_bearer_tokens_put_events(start_daemon, client_of, sink):
    daemon = start_daemon(ENV, CONFIG.replace(f'id = "{TWO}"', f'id = "{TWO}"\nevent_token_hashes = ["{TOKEN_HASH}"]'))
    client = client_of(daemon, **TWO_KEY)
    put_rule(client)
    client.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": sink.url}])

    def post(authorization):
        return wire.request(
            daemon.api_address, "POST", "/events", b'{"Source": "s", "DetailType": "d", "Detail": {}}',
            {"Authorization": authorization})  # fmt: skip

    assert post(f"Bearer {TOKEN}").json()["FailedEntryCount"] == 0
    assert sink.wait_for(1)[0].json()["account"] == TWO
    structured = {"Content-Type": "application/cloudevents+json", "Authorization": f"Bearer {TOKEN}"}
    cloud_event = b'{"specversion": "1.0", "id": "1", "source": "s", "type": "t"}'
    assert wire.request(daemon.api_address, "POST", "/cloudevents", cloud_event, structured).status == 200
    assert sink.wait_for(2)[1].json()["account"] == TWO
    answer = post("Bearer wrong")
    assert answer.error == (401, "UnauthorizedException", "The bearer token is not known.")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in daemon.log() and "wrong" not in daemon.log()
    listing = {"Authorization": f"Bearer {TOKEN}", "X-Amz-Target": "AWSEvents.ListRules"}
    assert wire.request(daemon.api_address, "POST", "/", b"{}", listing).error[1] == "MissingAuthenticationTokenException"


def test_bearer_tokens_at_the_admin_listener(start_daemon):
    daemon = start_daemon({"EVENTYARD_ADMIN__TOKEN_HASHES": TOKEN_HASH})

    def status(path, **headers):
        return wire.request(daemon.admin_address, "GET", path, b"", headers).status

    right = {"Authorization": f"Bearer {TOKEN}"}
    assert [status(path) for path in ["/health/live", "/health/ready", "/metrics", "/dead-letters", "/x"]] == [200, 200, 200, 401, 401]
    assert [status(path, **right) for path in ["/dead-letters", "/x"]] == [200, 404]
    assert status("/dead-letters", Authorization="Bearer wrong") == 401
    daemon.env["EVENTYARD_ADMIN__METRICS_NEED_TOKEN"] = "true"
    daemon.restart()
    assert [status("/metrics"), status("/metrics", **right), status("/health/ready")] == [401, 200, 200]


def test_each_account_has_its_own_rate(start_daemon, client_of):
    daemon = start_daemon(ENV | {"EVENTYARD_API__REQUESTS_PER_SECOND_MAX": "5"}, CONFIG)
    one, two = client_of(daemon, **ONE_KEY), client_of(daemon, **TWO_KEY)
    with refused("ThrottlingException", "Rate exceeded"):
        for _ in range(1000):
            one.list_rules()
    two.list_rules()

    def is_let_in():
        try:
            return one.list_rules()
        except one.exceptions.ClientError:
            return None

    wait_until(is_let_in)


def test_with_credentials_other_machines_can_be_let_in(start_daemon):
    config = CONFIG.replace(f'id = "{ONE}"', f'id = "{ONE}"\nevent_token_hashes = ["{TOKEN_HASH}"]')
    daemon = start_daemon(ENV | {"EVENTYARD_ADMIN__TOKEN_HASHES": TOKEN_HASH}, config, listen="0.0.0.0")
    assert wire.call(daemon, "ListRules").error[1] == "MissingAuthenticationTokenException"
    ready = wire.request(daemon.admin_address, "GET", "/health/ready", b"", {"Host": "some.name"})
    assert (ready.status, ready.body) == (200, b"ready\n")
    assert "whoever can connect can do everything" not in daemon.log()
    for listener in ["api", "admin"]:
        assert f"{listener}.listen is 0.0.0.0" in daemon.log(), "tokens can be read off the wire without TLS"
