"""Fixtures of the black-box tests: the daemon, the clients that speak to it, and a target that records."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from botocore.config import Config

import javascript_sdk
import terraform_cli
from aws_services import DETAIL, QUICK, REGION, AwsServices
from daemon import Daemon
from sink import Sink

# Deliveries to brokers are tried again soon, however often they fail, and for longer than a broker takes to start again.
BROKER_RETRIES = {
    "EVENTYARD_DELIVERY__BACKOFF_BASE_MS": "200",
    "EVENTYARD_DELIVERY__BACKOFF_MAX_MS": "1500",
    "EVENTYARD_DELIVERY__CIRCUIT_BREAKER_FAILURES": "0",
}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"}

# Nothing of the user's own set-up may leak into a test, nor a test into the user's accounts.
for _name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
    del os.environ[_name]
os.environ.update(CREDENTIALS, AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
os.environ.update(AWS_EC2_METADATA_DISABLED="true", AWS_PAGER="", AWS_DEFAULT_REGION=REGION)


@pytest.fixture(scope="session")
def binary():
    """The program under test, which EVENTYARD_BINARY names."""
    path = os.environ.get("EVENTYARD_BINARY")
    if not path or not os.access(path, os.X_OK):
        pytest.exit("EVENTYARD_BINARY must name the eventyard binary; `tests/run --only compat` sees to that", 2)
    return str(Path(path).resolve())


@pytest.fixture
def start_daemon(binary, tmp_path):
    """A function that starts a daemon with options as the environment writes them; all end with the test."""
    started = []

    def start(env=None, config=None, **options):
        folder = tmp_path / f"daemon-{len(started)}"
        folder.mkdir()
        daemon = Daemon(binary, folder, env, config, **options)
        started.append(daemon)
        return daemon.start()

    yield start
    wrong = [report for report in [daemon.finish() for daemon in started] if report]
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def daemon(start_daemon):
    """A daemon on its defaults."""
    return start_daemon()


@pytest.fixture(scope="module")
def shared_daemon(binary, tmp_path_factory):
    """A daemon for all tests of a file that only look at answers; `sweep` makes it empty again between them."""
    daemon = Daemon(binary, tmp_path_factory.mktemp("shared-daemon"))
    yield daemon.start()
    wrong = daemon.finish()
    assert not wrong, wrong


@pytest.fixture(scope="session")
def boto3_session():
    """A session that has read the model of the service once."""
    return boto3.session.Session()


@pytest.fixture(scope="session")
def model(boto3_session):
    """Amazon's model of the service, as boto3 has it."""
    return boto3_session.client("events", region_name=REGION).meta.service_model


@pytest.fixture
def client_of(boto3_session):
    """A function that gives a boto3 client of the events service for a daemon. It never tries twice by itself, and
    sends what a test says, so that the daemon does the checking. Credentials and region are the usual ones unless given."""

    def client(daemon, key=None, secret=None, token=None, region=REGION, **options):
        config = Config(
            retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60, parameter_validation=False
        )
        credentials = {"aws_access_key_id": key, "aws_secret_access_key": secret, "aws_session_token": token}
        options = {"endpoint_url": daemon.api_url, "config": config, **credentials, **options}
        return boto3_session.client("events", region_name=region, **options)

    return client


@pytest.fixture
def client(client_of, daemon):
    """A boto3 client of the events service."""
    return client_of(daemon)


class AwsCliError(Exception):
    """The aws CLI ended with an error; `code` is its exit code and the text what it said."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


@pytest.fixture
def aws_at():
    """A function that gives `aws` for the API at a URL."""

    def at(url):
        command = [str(Path(sys.executable).with_name("aws")), "--endpoint-url", url, "--output", "json", "events"]

        def run(*arguments):
            done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120)
            if done.returncode != 0:
                raise AwsCliError(done.returncode, done.stderr.strip())
            return json.loads(done.stdout) if done.stdout.strip() else None

        return run

    return at


@pytest.fixture
def aws(daemon, aws_at):
    """A function that runs `aws events …` and gives the JSON it prints, or None when it prints nothing."""
    return aws_at(daemon.api_url)


@pytest.fixture(scope="session")
def node():
    """A function that runs a script of `javascript/` and gives the JSON it prints. Where there is no SDK for JavaScript, the
    tests that need this are skipped and say so."""
    if missing := javascript_sdk.find():
        pytest.skip(f"SKIPPED: {missing}")
    return javascript_sdk.run


@pytest.fixture
def terraform_folder(tmp_path):
    """The folder with Terraform's providers, and an empty one for a configuration and its state. Where there is no Terraform,
    the tests that need this are skipped and say so."""
    plugins, missing = terraform_cli.find()
    if missing:
        pytest.skip(f"SKIPPED: {missing}")
    folder = tmp_path / "terraform"
    folder.mkdir()
    return plugins, folder


@pytest.fixture
def unreachable():
    """The address of a socket that lets nobody in: the one connection that may wait to be accepted is there already."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        host, port = listener.getsockname()
        with socket.create_connection((host, port)):
            yield f"{host}:{port}"


@pytest.fixture
def sink():
    """A target that records requests and answers 200 until it is told otherwise."""
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture(scope="session")
def moto(tmp_path_factory):
    services = AwsServices(tmp_path_factory.mktemp("moto"))
    yield services
    services.close()


@pytest.fixture
def aws_client(boto3_session):
    """A function that gives a boto3 client of a service at a URL. It never tries twice."""

    def client(service, url):
        config = Config(retries={"total_max_attempts": 1})
        return boto3_session.client(service, region_name=REGION, endpoint_url=url, config=config)

    return client


@pytest.fixture
def router(start_daemon, client_of):
    """A function that starts a daemon whose services are at `url`, with one rule that has one target, and puts an event."""

    def route(url, target, env=None):
        daemon = start_daemon(QUICK | (env or {"EVENTYARD_AWS_SERVICES__ENDPOINT_URL": url}))
        client = client_of(daemon)
        client.put_rule(Name="orders", EventPattern='{"source":["com.example.shop"]}')
        client.put_targets(Rule="orders", Targets=[{"Id": "t-1"} | target])
        entry = {"Source": "com.example.shop", "DetailType": "Order Placed", "Detail": json.dumps(DETAIL)}
        id = client.put_events(Entries=[entry])["Entries"][0]["EventId"]
        return SimpleNamespace(daemon=daemon, client=client, event=id)

    return route


@pytest.fixture(scope="module")
def broker_of(tmp_path_factory):
    """A function that gives the running server of a kind, the same one for all tests of a file."""
    running = {}

    def start(client):
        if client not in running:
            running[client] = client.server(tmp_path_factory.mktemp(client.__name__))
        return running[client]

    yield start
    for broker in running.values():
        broker.stop()


@pytest.fixture
def own_broker(tmp_path):
    """A function that starts a server for one test alone."""
    running = []

    def start(kind, **options):
        running.append(kind(tmp_path / f"broker-{len(running)}", **options))
        return running[-1]

    yield start
    for broker in running:
        broker.stop()


@pytest.fixture
def route(start_daemon, client_of):
    """A function that starts a daemon with one rule and its targets, and gives a way to put events. The first target has the
    Arn; `others` are further Arns."""

    def start(arn, target=None, env=None, config=None, others=()):
        daemon = start_daemon(BROKER_RETRIES | (env or {}), config)
        client = client_of(daemon)
        client.put_rule(Name="orders", EventPattern='{"source":["shop"]}')
        targets = [{"Id": f"t-{n}", "Arn": arn} | (target or {}) for n, arn in enumerate([arn, *others], 1)]
        client.put_targets(Rule="orders", Targets=targets)

        def put(*details):
            entries = [{"Source": "shop", "DetailType": "Order", "Detail": json.dumps(detail)} for detail in details]
            answer = client.put_events(Entries=entries)
            assert answer["FailedEntryCount"] == 0
            return [entry["EventId"] for entry in answer["Entries"]]

        return SimpleNamespace(daemon=daemon, client=client, put=put)

    return start
