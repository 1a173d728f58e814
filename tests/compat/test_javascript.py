"""The AWS SDK for JavaScript v3: one rule from beginning to end, and wrong credentials.

npm installs the SDK, as package-lock.json has it, beside the scenario. Without node, or without a way to npm's registry,
these tests are skipped and say so.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from test_authentication import CONFIG, ENV, ONE, ONE_KEY, TEMPORARY, TWO

FOLDER = Path(__file__).parent / "javascript"


@pytest.fixture(scope="module")
def scenario():
    """A function that runs the scenario against a daemon and gives what it saw."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("SKIPPED: there is no node, or no npm, for the AWS SDK for JavaScript")
    lock, installed = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".installed"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            pytest.skip(f"SKIPPED: npm cannot install the AWS SDK for JavaScript: {done.stderr[-500:]}")
        installed.write_bytes(lock.read_bytes())

    def run(part, daemon, target, key, secret, token="", region="eu-west-1"):
        arguments = [part, daemon.api_url, region, key, secret, token, target]
        env = {"PATH": os.environ["PATH"]}
        done = subprocess.run(
            ["node", "scenario.mjs", *arguments], cwd=FOLDER, env=env, capture_output=True, text=True, timeout=120)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize("key, account", [(ONE_KEY, ONE), (TEMPORARY, TWO)], ids=["key", "session token"])
def test_a_rule_lives_and_delivers_and_goes(scenario, start_daemon, sink, key, account):
    daemon = start_daemon(ENV, CONFIG)
    seen = scenario("begin", daemon, sink.url, **key)
    event = sink.wait_for(1)[0].json()
    assert (event["account"], event["region"], event["time"]) == (account, "eu-west-1", "2026-05-01T10:00:01Z")
    assert seen == {
        "arn": f"arn:aws:events:eu-west-1:{account}:rule/js",
        "isSame": True,
        "failed": 0,
        "targets": [{"Id": "t", "Arn": sink.url, "RetryPolicy": {"MaximumRetryAttempts": 3}}],
        "eventId": event["id"],
    }
    gone = {"name": "ResourceNotFoundException", "message": "Rule js does not exist on EventBus default.", "status": 400}
    assert scenario("end", daemon, sink.url, **key) == {"names": ["js", "other"], "error": gone}


def test_wrong_credentials(scenario, start_daemon, sink):
    daemon = start_daemon(ENV, CONFIG)
    assert scenario("begin", daemon, sink.url, "AKIANOBODY", "x")["error"]["name"] == "UnrecognizedClientException"
    assert scenario("begin", daemon, sink.url, ONE_KEY["key"], "x")["error"]["name"] == "InvalidSignatureException"
