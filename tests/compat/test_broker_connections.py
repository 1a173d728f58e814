"""How brokers are spoken to: TLS, passwords, certificates. The servers are real."""

import json
import struct
from types import SimpleNamespace

import pytest

from authority import Authority
from broker_clients import NatsSubject, RabbitQueue
from brokers import Kafka, Mosquitto, Nats, RabbitMq, Redis
from relay import Relay
from waiting import wait_until
from wire import code_of_letter, outcomes


def first_outcome(router):
    """Puts an event, and gives how the first attempt at it ended."""
    (event,) = router.put({})
    return wait_until(lambda: outcomes(router.daemon, event))[0]


def connection(covers, **members):
    """A `[[connections]]` of a configuration file."""
    members = {"name": "broker", "covers": covers} | members
    return "[[connections]]\n" + "".join(f"{name} = {json.dumps(str(value))}\n" for name, value in members.items())


# TLS

PLACES = {
    "amqps": (RabbitMq, "%2F//orders?mandatory=false"),
    "mqtts": (Mosquitto, "orders"),
    "nats+tls": (Nats, "orders"),
    "rediss": (Redis, "orders"),
}


@pytest.mark.parametrize("scheme", PLACES)
def test_tls_with_an_authority_that_is_trusted_and_with_none(own_broker, route, tmp_path, scheme):
    authority = Authority(tmp_path)
    kind, place = PLACES[scheme]
    options = {"authority": authority.file} if kind in (RabbitMq, Redis) else {}
    broker = own_broker(kind, tls=authority.issue("server"), **options)
    arn = f"{scheme}://{broker.server}/{place}"
    trusting = route(arn, config=connection(f"{scheme}://{broker.server}", ca_file=authority.file))
    assert first_outcome(trusting) == ("DELIVERED", "")
    code, message = first_outcome(route(arn))
    assert code == "CONNECTION_FAILED" and "certificate" in message


def test_kafka_over_tls(own_broker, route, tmp_path):
    """What stands before the broker speaks TLS for it; the broker names that as its own address."""
    authority = Authority(tmp_path)
    # The broker has to say where it is before it knows.
    relay = Relay(0, certificate=authority.issue("server"))
    try:
        broker = own_broker(Kafka, advertised=relay.server)
        relay.port = broker.port
        arn = f"kafka+tls://{relay.server}/orders"
        trusting = route(arn, config=connection(f"kafka+tls://{relay.server}", ca_file=authority.file))
        assert first_outcome(trusting) == ("DELIVERED", "")
        code, message = first_outcome(route(arn))
        assert code == "CONNECTION_FAILED" and "certificate" in message
    finally:
        relay.close()


def test_nats_over_tls(own_broker, route, tmp_path):
    authority = Authority(tmp_path)
    broker = own_broker(Nats, tls=authority.issue("server"))
    trusted = {"SSL_CERT_FILE": str(authority.file)}
    client = NatsSubject(SimpleNamespace(server=broker.server, tls=authority.file), "tls", "tls")
    for scheme in ["tls", "nats+tls"]:
        router = route(f"{scheme}://{broker.server}/tls", env=trusted)
        (event,) = router.put({})
        wait_until(lambda: outcomes(router.daemon, event))
        assert outcomes(router.daemon, event) == [("DELIVERED", "")]
    assert len(client.read(2)) == 2
    stranger = route(f"tls://{broker.server}/tls")
    (event,) = stranger.put({})
    code, message = wait_until(lambda: outcomes(stranger.daemon, event))[0]
    assert code == "CONNECTION_FAILED" and "certificate" in message


# Passwords

SECRETS = {
    "nats": (Nats, {"user": "u", "password": "open-sesame"}),
    "mqtt": (Mosquitto, {"user": "u", "password": "open-sesame"}),
    "redis": (Redis, {"password": "open-sesame"}),
}


def test_a_token_of_nats(own_broker, route):
    broker = own_broker(Nats, token="open-sesame")
    arn = f"nats://{broker.server}/orders"
    right, wrong = (
        route(arn, config=connection(f"nats://{broker.server}", password=token)) for token in ["open-sesame", "open-barley"]
    )
    assert first_outcome(right) == ("DELIVERED", "")
    code, message = first_outcome(wrong)
    assert code == "TARGET_FAILED" and "Authorization Violation" in message


def receive(socket, count):
    """Exactly so many bytes."""
    received = b""
    while len(received) < count:
        part = socket.recv(count - len(received))
        if not part:
            raise OSError("the other side is gone")
        received += part
    return received


def plain_gate(seen):
    """What a broker does that asks for SASL PLAIN, before it lets anybody in: it takes `u` and `open-sesame`."""

    def ask(client, _):
        for key, correct in [(17, b"\0\x05PLAIN"), (36, b"\0\0\0\x0e\0u\0open-sesame")]:
            frame = receive(client, struct.unpack(">i", receive(client, 4))[0])
            api, _version, number, name = struct.unpack(">hhih", frame[:10])
            content = frame[10 + name :]
            seen.append((api, content))
            wrong = (api, content) != (key, correct)
            accepted = struct.pack(">hi", 0, 1) + correct if key == 17 else struct.pack(">hhi", 0, -1, 0)
            denied = struct.pack(">hh6si", 58, 6, b"denied", 0)
            answer = struct.pack(">i", number) + (denied if wrong else accepted)
            client.sendall(struct.pack(">i", len(answer)) + answer)
            if wrong:
                raise OSError("not let in")

    return ask


def test_kafka_is_told_a_password_by_sasl_plain(own_broker, route, tmp_path):
    seen = []
    # The broker has to say where it is before it knows.
    relay = Relay(0, begin=plain_gate(seen))
    try:
        broker = own_broker(Kafka, advertised=relay.server)
        relay.port = broker.port
        arn = f"kafka://{relay.server}/orders"
        right, wrong = (
            route(arn, config=connection(f"kafka://{relay.server}", username="u", password=word))
            for word in ["open-sesame", "open-barley"]
        )
        assert first_outcome(right) == ("DELIVERED", "")
        assert seen[:2] == [(17, b"\0\x05PLAIN"), (36, b"\0\0\0\x0e\0u\0open-sesame")]
        code, message = first_outcome(wrong)
        assert code == "TARGET_FAILED" and "the broker does not let us in: denied" in message
    finally:
        relay.close()


def test_rabbitmq_that_is_told_a_wrong_password(broker_of, route):
    broker = broker_of(RabbitQueue)
    config = f"""
        [[connections]]
        name = "broker"
        covers = "amqp://{broker.server}/%2F"
        username = "guest"
        password = "open-barley"
        """
    router = route(f"amqp://{broker.server}/%2F//queue", config=config)
    (event,) = router.put({})
    code, message = wait_until(lambda: outcomes(router.daemon, event))[0]
    assert code == "TARGET_FAILED" and "403 ACCESS_REFUSED" in message
    assert "open-" not in router.daemon.log()


@pytest.mark.parametrize("scheme", SECRETS)
def test_a_password_comes_from_a_connection(own_broker, route, tmp_path, scheme):
    kind, options = SECRETS[scheme]
    broker = own_broker(kind, **options)
    arn = f"{scheme}://{broker.server}/" + "orders"
    outside = route(arn)
    (event,) = outside.put({})
    code, message = wait_until(lambda: outcomes(outside.daemon, event))[0]
    assert code == "TARGET_FAILED", message
    connection = f"""
        [[connections]]
        name = "broker"
        covers = "{scheme}://{broker.server}"
        """ + (f'username = "{options["user"]}"\n' if "user" in options else "")
    wrong = route(arn, config=f'{connection}\npassword = "open-barley"')
    (event,) = wrong.put({})
    code, message = wait_until(lambda: outcomes(wrong.daemon, event))[0]
    assert code == "TARGET_FAILED", message
    right = route(arn, config=f'{connection}\npassword = "open-sesame"')
    (event,) = right.put({})
    wait_until(lambda: outcomes(right.daemon, event))
    assert outcomes(right.daemon, event) == [("DELIVERED", "")]
    for router in [outside, wrong, right]:
        assert "open-" not in router.daemon.log()
        assert "open-" not in json.dumps(router.client.list_targets_by_rule(Rule="orders"))


# Certificates of the daemon


def test_rabbitmq_knows_the_daemon_by_its_certificate(own_broker, route, tmp_path):
    authority = Authority(tmp_path)
    broker = own_broker(RabbitMq, tls=authority.issue("server"), authority=authority.file)
    broker.control("add_user", "daemon", "unused")
    broker.control("set_permissions", "-p", "/", "daemon", ".*", ".*", ".*")
    arn = f"amqps://{broker.server}/%2F//orders?mandatory=false"
    for name, code in [("daemon", "DELIVERED"), ("stranger", "TARGET_FAILED")]:
        certificate, key = authority.issue(name, "clientAuth")
        files = {"ca_file": authority.file, "certificate_file": certificate, "key_file": key}
        router = route(arn, config=connection(f"amqps://{broker.server}", **files))
        assert first_outcome(router)[0] == code


def test_mosquitto_asks_for_a_certificate(own_broker, route, tmp_path):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("client", "clientAuth")
    broker = own_broker(Mosquitto, tls=authority.issue("server"), authority=authority.file)
    arn, covers = f"mqtts://{broker.server}/orders", f"mqtts://{broker.server}"
    known = connection(covers, ca_file=authority.file, certificate_file=certificate, key_file=key)
    assert first_outcome(route(arn, config=known)) == ("DELIVERED", "")
    code, message = first_outcome(route(arn, config=connection(covers, ca_file=authority.file)))
    assert code == "CONNECTION_FAILED", message


def test_certificates_come_from_a_connection(own_broker, route, tmp_path):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("client", "clientAuth")
    broker = own_broker(Redis, tls=authority.issue("server"), authority=authority.file, asks_clients=True)
    connection = f'[[connections]]\nname = "r"\ncovers = "rediss://{broker.server}"\nca_file = "{authority.file}"\n'
    stranger = route(f"rediss://{broker.server}/orders", config=connection)
    (event,) = stranger.put({})
    code, message = wait_until(lambda: outcomes(stranger.daemon, event))[0]
    assert code == "CONNECTION_FAILED", message
    known = route(
        f"rediss://{broker.server}/orders",
        config=f'{connection}certificate_file = "{certificate}"\nkey_file = "{key}"\n',
    )
    (event,) = known.put({})
    wait_until(lambda: outcomes(known.daemon, event))
    assert outcomes(known.daemon, event) == [("DELIVERED", "")]


# Addresses that a broker names


@pytest.mark.parametrize("address", ["169.254.169.254:9092", "10.0.0.1:9092"])
def test_a_broker_cannot_lead_to_a_closed_address(own_broker, route, address):
    broker = own_broker(Kafka, advertised=address)
    router = route(f"kafka://{broker.server}/orders")
    router.put({})
    code, message = code_of_letter(router.daemon)
    assert code == "ADDRESS_FORBIDDEN" and address.split(":")[0] in message
