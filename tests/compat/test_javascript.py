"""The AWS SDK for JavaScript v3: one rule from beginning to end, and wrong credentials. Every operation is in test_scenarios.py."""

import pytest

from test_authentication import CONFIG, ENV, ONE, ONE_KEY, TEMPORARY, TWO

@pytest.fixture
def scenario(node):
    """A function that runs a part of the scenario against a daemon and gives what it saw."""

    def run(part, daemon, target, key, secret, token="", region="eu-west-1"):
        return node("scenario.mjs", part, daemon.api_url, region, key, secret, token, target)

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
