"""What SIGHUP takes from the configuration without a restart: keys, tokens, the level of the log."""

import hashlib
import signal
import urllib.error
import urllib.request

from botocore.exceptions import ClientError

from waiting import wait_until

ACCOUNT = "111122223333"


def config(secret, token, level="info", account=ACCOUNT):
    def hashed(text):
        return hashlib.sha256(text.encode()).hexdigest()

    return f"""
[[accounts]]
id = "{account}"
access_keys = [{{ id = "KEY", secret = "{secret}" }}]
event_token_hashes = ["{hashed("events " + token)}"]

[admin]
token_hashes = ["{hashed("admin " + token)}"]

[log]
level = "{level}"
"""


def status(url, token, data=None):
    request = urllib.request.Request(url, data=data, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_keys_tokens_and_the_log_level_change_without_a_restart(start_daemon, client_of):
    daemon = start_daemon(config=config("one", "one"))

    def reload(text, told):
        seen = daemon.log_path.read_text().count(told)
        daemon.config_path.write_text(text)
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: daemon.log_path.read_text().count(told) > seen)

    def let_in(name):
        client = client_of(daemon, key="KEY", secret=name)
        try:
            client.list_rules()
            signed = True
        except ClientError as error:
            assert error.response["Error"]["Code"] == "InvalidSignatureException"
            signed = False
        event = b'{"Source": "shop", "DetailType": "t", "Detail": {}}'
        posted = status(f"{daemon.api_url}/events", f"events {name}", event)
        asked = status(f"{daemon.admin_url}/dead-letters", f"admin {name}")
        return signed, posted, asked

    assert (let_in("one"), let_in("two")) == ((True, 200, 200), (False, 401, 401))
    reload(config("two", "two", level="debug"), "configuration read again")
    assert (let_in("one"), let_in("two")) == ((False, 401, 401), (True, 200, 200))
    wait_until(lambda: " DEBUG " in daemon.log_path.read_text())
    refused = "the configuration cannot be read again"
    reload(config("three", "three").replace("secret =", "secrets ="), refused)
    assert (let_in("two"), let_in("three")) == ((True, 200, 200), (False, 401, 401))
    # Another account would not be known everywhere; its keys are not taken.
    reload(config("three", "two", account="444455556666"), refused)
    assert let_in("two")[0] and not let_in("three")[0]
    # To ask nobody for tokens any more is no small change either.
    whole = config("two", "two")
    reload(whole[: whole.index("[admin]")], refused)
    assert let_in("two") == (True, 200, 200)
