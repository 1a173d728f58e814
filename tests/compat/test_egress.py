"""Where deliveries may go: addresses in URLs, and names that lead to addresses."""

import pytest

from waiting import wait_until
from wire import dead_letters, refusal


def put(client, url):
    """Puts a target to the rule `r`, which matches events of the source `s`."""
    client.put_rule(Name="r", EventPattern='{"source": ["s"]}')
    client.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": url}])


@pytest.mark.parametrize(
    "host",
    ["10.0.0.7", "0xa.7", "167772167", "012.0.0.7", "192.168.1.1", "[fd00::1]", "[::ffff:10.0.0.7]", "[64:ff9b::a00:7]"],
)
def test_a_private_address_is_refused_in_every_notation(client, host):
    message = refusal("ValidationException", put, client, f"https://{host}:8443/hook")
    assert message.startswith(f"Parameter https://{host}:8443/hook is not valid. Reason: the address ")
    assert message.endswith(" is private, and egress.allow does not list it.")
    assert client.list_targets_by_rule(Rule="r")["Targets"] == []


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "0xa9fea9fe", "[fe80::1]", "[fd00:ec2::254]"])
def test_the_metadata_of_a_cloud_is_refused_whatever_is_allowed(start_daemon, client_of, host):
    client = client_of(start_daemon({"EVENTYARD_EGRESS__ALLOW": "0.0.0.0/0,::/0"}))
    message = refusal("ValidationException", put, client, f"http://{host}/")
    assert message.endswith(", which nothing can allow.")
    put(client, "http://10.0.0.7/")


def test_a_name_that_leads_to_a_closed_address_ends_as_a_dead_letter(start_daemon, client_of, sink):
    daemon = start_daemon({"EVENTYARD_EGRESS__ALLOW": "10.0.0.0/8"})
    client = client_of(daemon)
    url = sink.url.replace("127.0.0.1", "localhost")
    assert url != sink.url
    put(client, url)
    client.put_events(Entries=[{"Source": "s", "DetailType": "d", "Detail": "{}"}])
    letter = wait_until(lambda: dead_letters(daemon)["dead_letters"])[0]
    assert (letter["ERROR_CODE"], letter["RETRY_ATTEMPTS"]) == ("ADDRESS_FORBIDDEN", 0), letter
    assert "is this machine itself, and egress.allow does not list it" in letter["ERROR_MESSAGE"]
    assert sink.requests == []
