"""No secret of the configuration is shown: not in logs, metrics, answers, dumps, listings, nor in the data on disk."""

import base64
import json
import os
import subprocess
import urllib.error
import urllib.request

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

    letters = dead_letters(daemon)
    assert "***" in json.dumps(letters), "the answers that were repeated are in there"
    shown = {
        "dead letters": json.dumps(letters),
        "events": fetch(f"{daemon.admin_url}/events/{event['EventId']}"),
        "metrics": fetch(f"{daemon.admin_url}/metrics"),
        "readiness": fetch(f"{daemon.admin_url}/health/ready"),
        "targets": json.dumps(client.list_targets_by_rule(Rule="r")),
        "rules": json.dumps(client.list_rules()),
    }
    assert "eventyard_" in shown["metrics"]
    for command in (["config", "show"], ["config", "check"]):
        shown[" ".join(command)] = run(binary, env, *command, "--config", str(daemon.config_path))
    broken = tmp_path / "broken.toml"
    broken.write_text(daemon.config_path.read_text().replace("api_key_header = ", "api_key_haeder = ") + "covers = 7\n")
    shown["faults"] = run(binary, env, "config", "check", "--config", str(broken))
    daemon.stop()
    dump = tmp_path / "dump"
    run(binary, env, "store", "dump", "--data-dir", str(daemon.data_dir), "--file", str(dump))
    shown["dump"] = dump.read_text()
    shown["log"] = daemon.log()
    assert ":topic" in shown["dump"] and "REFUSED_BY_TARGET" in shown["log"]
    for path in daemon.data_dir.rglob("*"):
        if path.is_file():
            shown[str(path)] = path.read_bytes().decode("latin-1")
    found = [(place, secret) for place, text in shown.items() for secret in SECRETS if secret in text]
    assert found == []


def run(binary, env, *arguments):
    done = subprocess.run([binary, *arguments], env=os.environ | env, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr
