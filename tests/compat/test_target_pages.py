"""The examples in docs/targets: each page's script is run as it stands, and its last commands print what is shown."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aws_services import AwsServices
from brokers import Kafka, Mosquitto, Nats, RabbitMq, Redis
from conftest import REGION
from daemon import free_ports
from matrix import DOCUMENT
from waiting import wait_until

FOLDER = Path(__file__).parents[2] / "docs" / "targets"
README = FOLDER / "README.md"


def blocks(text, kind):
    """The texts of the code blocks of one kind."""
    parts = text.split("```")[1::2]
    return [part.removeprefix(f"{kind}\n") for part in parts if part.startswith(f"{kind}\n")]


def shown(block):
    """The commands of a console block, with the lines that go on with one, and what is printed behind them."""
    commands, output = [], []
    for line in block.splitlines(keepends=True):
        if line.startswith("$ "):
            commands.append(line.removeprefix("$ "))
        elif commands and commands[-1].endswith("\\\n"):
            commands[-1] += line
        else:
            output.append(line)
    return "".join(commands), "".join(output)


# The pages of AWS services, whose examples run on moto.
PAGES = [page for page in sorted(FOLDER.glob("*.md")) if page != README and "\n`arn:aws:" in page.read_text()]


# The pages of message brokers whose examples end with commands, and the server of each, on the port that the page names.
BROKERS = {
    "kafka": (Kafka, 9092),
    "mqtt": (Mosquitto, 1883),
    "nats": (Nats, 4222),
    "redis": (Redis, 6379),
    "rabbitmq": (RabbitMq, 5672),
}


@pytest.fixture
def shell(start_daemon, binary, tmp_path):
    """A function that runs a script as the page's reader would, and gives how it ended."""
    moto = AwsServices(tmp_path)
    # Where the pages have a server for what moto does not have.
    (stand_in,) = free_ports(1)
    stands_in = ",".join(f"{service}=http://127.0.0.1:{stand_in}" for service in ["codepipeline", "inspector"])
    env = {"AWS_ENDPOINT_URL": moto.url, "AWS_ENDPOINT_URL_EVENTBRIDGE": moto.url}
    env |= {"EVENTYARD_AWS_SERVICES__ENDPOINT_URLS": stands_in}
    daemon = start_daemon(env | {"EVENTYARD_LOCAL_TARGETS__FOLDER": str(tmp_path)})
    tools = f"{Path(binary).parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    places = {"AWS_ENDPOINT_URL": moto.url, "AWS_ENDPOINT_URL_EVENTBRIDGE": daemon.api_url}

    def run(script):
        env = os.environ | places | {"PATH": tools, "AWS_DEFAULT_REGION": REGION}
        script = script.replace("127.0.0.1:4011", daemon.admin_address)
        script = script.replace('("127.0.0.1", 4020)', f'("127.0.0.1", {stand_in})')
        command = ["bash", "-euc", script]
        return subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    yield run
    moto.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_example_of_a_page_does_what_it_shows(shell, page):
    does_what_it_shows(shell, page.read_text())


@pytest.mark.parametrize("name", BROKERS)
def test_the_example_of_a_broker_does_what_it_shows(shell, tmp_path, name):
    kind, port = BROKERS[name]
    for program in {"redis": ["redis-cli"], "mqtt": ["mosquitto_sub"]}.get(name, []):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    broker = kind(tmp_path / "broker")
    try:
        does_what_it_shows(shell, (FOLDER / f"{name}.md").read_text().replace(str(port), str(broker.port)))
    finally:
        broker.stop()


def test_the_example_of_files_does_what_it_shows(shell, tmp_path):
    does_what_it_shows(shell, (FOLDER / "local.md").read_text().replace("/tmp/events", str(tmp_path)))


def does_what_it_shows(shell, text):
    examples = list(zip(blocks(text, "sh"), blocks(text, "console"), strict=True))
    assert examples, "the page has no example"
    for setup, console in examples:
        done = shell(setup)
        assert done.returncode == 0, done.stderr
        commands, output = shown(console)
        assert commands and output, console
        last = {}

        def is_as_shown():
            last["run"] = shell(commands)
            return last["run"].returncode == 0 and last["run"].stdout.strip() == output.strip()

        try:
            wait_until(is_as_shown)
        except AssertionError:
            pytest.fail(f"$ {commands}{last['run'].stdout}{last['run'].stderr}\ninstead of\n{output}")


def test_every_page_is_in_the_table():
    linked = README.read_text()
    for page in FOLDER.glob("*.md"):
        assert page == README or f"({page.name})" in linked, page.name
    assert len(PAGES) >= 10


def test_every_kind_names_its_test():
    section = DOCUMENT.read_text().split("\n## Targets\n")[1].split("\n## ")[0]
    table = [line.split("|")[1:-1] for line in section.split("| test |")[1].split("\n\n")[0].splitlines()[2:]]
    assert len(table) > 15
    for kind, _, test in table:
        file, name = test.strip(" `").split("::")
        assert f"\ndef {name}(" in (Path(__file__).parent / file).read_text(), kind
    # brokers.md is what all brokers have in common.
    for page in set(FOLDER.glob("*.md")) - {README, FOLDER / "brokers.md"}:
        assert any(f"(targets/{page.name}" in row[1] for row in table), page.name


def test_the_settings_are_those_that_the_readme_names():
    (settings,) = blocks(README.read_text(), "sh")
    for name in ["AWS_DEFAULT_REGION=us-east-1", "AWS_ENDPOINT_URL=", "AWS_ENDPOINT_URL_EVENTBRIDGE="]:
        assert name in settings
