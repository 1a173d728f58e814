"""No secret of the configuration is shown: not in logs, metrics, answers, dumps, listings, nor in the data on disk."""

import base64
import contextlib
import json
import os
import socket
import subprocess
import threading
import urllib.error
import urllib.request

from authority import Authority
from sink import Answer
from waiting import wait_until
from wire import dead_letters

# Each secret that a configuration can hold for clients and targets, in a form that is found nowhere else.
ACCESS_KEY = "access-key-secret-Vd7"
PASSWORD = "password-Xq2"
API_KEY = "api-key-Mz9"
CLIENT_SECRET = "client-secret-Kp4"
TOKEN = "access-token-Bw6"
STATIC_HEADER = "static-header-Rt3"
SIGNING = "whsec_" + base64.b64encode(b"signing-secret-of-24-bytes").decode()
PROXIED = "key-of-a-proxied-target-Hn8"
AWS_SECRET = "aws-secret-key-Lf5"
SECRETS = [
    ACCESS_KEY, PASSWORD, API_KEY, CLIENT_SECRET, TOKEN, STATIC_HEADER, SIGNING, SIGNING.removeprefix("whsec_"), PROXIED,
    AWS_SECRET, base64.b64encode(f"eventyard:{PASSWORD}".encode()).decode(),
    base64.b64encode(f"client:{CLIENT_SECRET}".encode()).decode(),
]  # fmt: skip
ACCOUNT = "111122223333"


def config(sink, folder):
    (folder / "api-key").write_text(API_KEY + "\n")
    return f"""
[log]
level = "trace"
[aws]
account_id = "{ACCOUNT}"
[[accounts]]
id = "{ACCOUNT}"
[[accounts.access_keys]]
id = "KEY"
secret = "{ACCESS_KEY}"
[[connections]]
name = "basic"
covers = "{sink.url}/basic"
username = "eventyard"
password_environment = "THE_PASSWORD"
api_key_header = "X-Api-Key"
api_key_file = "{folder / "api-key"}"
headers = ["X-Static: {STATIC_HEADER}"]
signing_secrets = "{SIGNING}"
[[connections]]
name = "oauth"
covers = "{sink.url}/oauth"
oauth_token_url = "{sink.url}/token"
oauth_client_id = "client"
oauth_client_secret = "{CLIENT_SECRET}"
[[connections]]
name = "proxied"
covers = "http://203.0.113.7"
proxy = "http://127.0.0.1:9"
api_key_header = "X-Api-Key"
api_key = "{PROXIED}"
"""


def echo(request):
    """A server that refuses, and repeats all that it was sent, in its answer and where it points to."""
    said = json.dumps(request.headers) + request.body.decode(errors="replace")
    return Answer(400, said.encode())


def point(request):
    return Answer(302, headers={"Location": f"http://elsewhere/?{request.headers.get('authorization')}"})


def fetch(url):
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def test_no_secret_is_shown_anywhere(start_daemon, client_of, sink, tmp_path, binary):
    env = {
        "THE_PASSWORD": PASSWORD,
        "EVENTYARD_EGRESS__ALLOW": "127.0.0.1,203.0.113.7",
        "AWS_ACCESS_KEY_ID": "AKID",
        "AWS_SECRET_ACCESS_KEY": AWS_SECRET,
        "AWS_ENDPOINT_URL": sink.url,
    }
    daemon = start_daemon(env, config(sink, tmp_path))
    client = client_of(daemon, "KEY", ACCESS_KEY)
    sink.always("/token", Answer(200, json.dumps({"access_token": TOKEN, "expires_in": 3600}).encode()))
    sink.always("/basic", echo)
    sink.always("/oauth", echo)
    sink.always("/oauth/redirect", point)
    sink.always("/basic/redirect", point)
    arns = [sink.url + path for path in ("/basic", "/basic/redirect", "/oauth", "/oauth/redirect")]
    arns += ["http://203.0.113.7/", f"arn:aws:sns:us-east-1:{ACCOUNT}:topic"]
    client.put_rule(Name="r", EventPattern='{"source": ["s"]}')
    once = {"RetryPolicy": {"MaximumRetryAttempts": 0}}
    for number, arn in enumerate(arns):
        client.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": arn} | once])
        (event,) = client.put_events(Entries=[{"Source": "s", "DetailType": "d", "Detail": "{}"}])["Entries"]
        if not arn.startswith("arn:"):
            wait_until(lambda: len(dead_letters(daemon)["dead_letters"]) == number + 1)
    sink.wait_for(1, "/basic"), sink.wait_for(1, "/oauth"), sink.wait_for(1, "/")
    assert sink.to("/basic")[0].headers["x-static"] == STATIC_HEADER
    assert TOKEN in sink.to("/oauth")[0].headers["authorization"]

    assert "***" in json.dumps(dead_letters(daemon)), "the answers that were repeated are in there"
    shown = all_that_is_shown(daemon, client, event["EventId"], binary, env, tmp_path)
    broken = tmp_path / "broken.toml"
    broken.write_text(daemon.config_path.read_text().replace("api_key_header = ", "api_key_haeder = ") + "covers = 7\n")
    shown["faults"] = run(binary, env, "config", "check", "--config", str(broken))
    assert ":topic" in shown["dump"] and "REFUSED_BY_TARGET" in shown["log"]
    assert places_of(SECRETS, shown) == []


BROKER_PASSWORD = "broker-password-Jw8"
SESSION_TOKEN = "session-token-Cn3"
ROLE_SECRET = "secret-of-the-role-Gy5"
ROLE_TOKEN = "token-of-the-role-Ps1"
CONTAINER_TOKEN = "container-token-Zk7"
HEADER_OF_A_FILE = "header-of-a-file-Uo2"
PRIVATE_SIGNING = "whsk_" + base64.b64encode(b"ed25519-seed-of-thirty-two-bytes").decode()
ROLE = f"arn:aws:iam::{ACCOUNT}:role/router"


def nats_that_repeats(listener):
    """Refuses everybody, and says in what words they introduced themselves."""
    with contextlib.suppress(OSError):
        while True:
            client, _ = listener.accept()
            with client:
                client.sendall(b'INFO {"headers": true, "max_payload": 1000}\r\n')
                said = client.recv(65_536).split(b"\r\n")[0].replace(b"'", b"")
                client.sendall(b"-ERR 'no, not " + said + b"'\r\n")


def aws_that_repeats(request):
    """Gives a role to whom has a key, and refuses everything else in the words that it was asked in."""
    if b"Action=AssumeRole" not in request.body:
        return echo(request)
    key = f"<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>{ROLE_SECRET}</SecretAccessKey>"
    key += f"<SessionToken>{ROLE_TOKEN}</SessionToken><Expiration>2199-01-01T00:00:00Z</Expiration>"
    return Answer(200, f"<AssumeRoleResponse>{key}</AssumeRoleResponse>".encode())


def test_no_secret_of_brokers_and_of_keys_is_shown_anywhere(start_daemon, client_of, sink, tmp_path, binary):
    certificate, key = Authority(tmp_path).issue("daemon", "clientAuth")
    listener = socket.create_server(("127.0.0.1", 0))
    nats = "nats://127.0.0.1:%d" % listener.getsockname()[1]
    threading.Thread(target=nats_that_repeats, args=(listener,), daemon=True).start()
    (tmp_path / "headers").write_text(f"X-Secret: {HEADER_OF_A_FILE}\n")
    config = f"""
[log]
level = "trace"
[[connections]]
name = "broker"
covers = "{nats}"
username = "u"
password = "{BROKER_PASSWORD}"
certificate_file = "{certificate}"
key_file = "{key}"
[[connections]]
name = "signed"
covers = "{sink.url}/signed"
signing_secrets = "{PRIVATE_SIGNING}"
headers_file = "{tmp_path / "headers"}"
"""
    sink.always("/", aws_that_repeats)
    sink.always("/signed", echo)
    sink.always("/v4/key", lambda request: Answer(403, request.headers["authorization"].encode()))
    named = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": AWS_SECRET, "AWS_SESSION_TOKEN": SESSION_TOKEN}
    container = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": sink.url + "/v4/key", "AWS_ACCESS_KEY_ID": ""}
    container |= {"AWS_CONTAINER_AUTHORIZATION_TOKEN": CONTAINER_TOKEN}
    queue = {"Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:queue"}
    targets = [queue, queue | {"RoleArn": ROLE}, {"Arn": nats + "/orders"}, {"Arn": sink.url + "/signed"}]
    secrets = [AWS_SECRET, BROKER_PASSWORD, SESSION_TOKEN, ROLE_SECRET, ROLE_TOKEN, CONTAINER_TOKEN, HEADER_OF_A_FILE]
    secrets += [PRIVATE_SIGNING, PRIVATE_SIGNING.removeprefix("whsk_"), key.read_text().splitlines()[1]]
    try:
        for env, wanted in [(named, targets), (container, [queue])]:
            env |= {"AWS_ENDPOINT_URL": sink.url}
            daemon = start_daemon(env, config)
            client = client_of(daemon)
            client.put_rule(Name="r", EventPattern='{"source": ["s"]}')
            once = {"RetryPolicy": {"MaximumRetryAttempts": 0}}
            client.put_targets(Rule="r", Targets=[{"Id": f"t-{n}"} | target | once for n, target in enumerate(wanted)])
            (event,) = client.put_events(Entries=[{"Source": "s", "DetailType": "d", "Detail": "{}"}])["Entries"]
            letters = wait_until(lambda: len(found := dead_letters(daemon)["dead_letters"]) == len(wanted) and found)
            repeated = [letter["ERROR_MESSAGE"] for letter in letters if "***" in letter["ERROR_MESSAGE"]]
            assert len(repeated) == (4 if env is named else 0), letters
            shown = all_that_is_shown(daemon, client, event["EventId"], binary, env, tmp_path)
            assert places_of(secrets, shown) == []
    finally:
        listener.close()


def all_that_is_shown(daemon, client, event, binary, env, folder):
    """Stops the daemon, and gives all texts that anybody may see, by their places."""
    shown = {
        "dead letters": json.dumps(dead_letters(daemon)),
        "events": fetch(f"{daemon.admin_url}/events/{event}"),
        "metrics": fetch(f"{daemon.admin_url}/metrics"),
        "readiness": fetch(f"{daemon.admin_url}/health/ready"),
        "targets": json.dumps(client.list_targets_by_rule(Rule="r")),
        "rules": json.dumps(client.list_rules()),
    }
    assert "eventyard_" in shown["metrics"]
    for command in (["config", "show"], ["config", "check"]):
        shown[" ".join(command)] = run(binary, env, *command, "--config", str(daemon.config_path))
    daemon.stop()
    dump = folder / "dump"
    dump.unlink(missing_ok=True)
    run(binary, env, "store", "dump", "--data-dir", str(daemon.data_dir), "--file", str(dump))
    shown["dump"] = dump.read_text()
    shown["log"] = daemon.log()
    for path in daemon.data_dir.rglob("*"):
        if path.is_file():
            shown[str(path)] = path.read_bytes().decode("latin-1")
    return shown


def places_of(secrets, shown):
    return [(place, secret) for place, text in shown.items() for secret in secrets if secret in text]


def run(binary, env, *arguments):
    done = subprocess.run([binary, *arguments], env=os.environ | env, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr
