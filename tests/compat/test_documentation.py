"""The commands in the documentation, run page by page as a reader would: on a daemon, in one shell, one after the other."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import REGION
from daemon import Daemon
from pages import PROJECT, blocks, commands, script
from sink import Answer
from waiting import wait_until

# Pages with commands, how many are run, and how many are marked as not run.
PAGES = {
    "README.md": (10, 4),
    "docs/OPERATIONS.md": (15, 8),
    "docs/MIGRATING.md": (3, 1),
    "docs/DELIVERY.md": (3, 0),
    "docs/COMPATIBILITY.md": (2, 0),
    "SECURITY.md": (0, 2),
    "docs/TESTING.md": (0, 7),
}
# Where every page says that the daemon and a target are.
API, ADMIN, SINK = "127.0.0.1:4010", "127.0.0.1:4011", "127.0.0.1:8000"
# Commands that ask the admin listener, which is elsewhere in a test.
ASKS_ADMIN = "dead-letters|backup|export|events show|events unmatched|rules pause|rules resume"

pytestmark = pytest.mark.skipif(shutil.which("jq") is None, reason="SKIPPED: jq, which the pages use, is not installed")


@pytest.fixture
def reader(start_daemon, binary, sink, client_of, tmp_path):
    """A function that does what a page says, and gives how it ended and what was shown."""
    folder = tmp_path / "reader"
    (folder / "target/release").mkdir(parents=True)
    # What pages take for there: a data directory of a daemon that does not run, a rule, an event, a dead letter.
    stopped = Daemon(binary, tmp_path).start()
    assert stopped.stop() == 0
    shutil.copytree(stopped.data_dir, folder / "eventyard-data")
    daemon = start_daemon()
    assert daemon.stop() == 0
    daemon.ephemeral = True
    daemon.start()
    client = client_of(daemon)
    sink.always("/refused", Answer(404))
    client.put_rule(Name="orders", EventPattern='{"source": ["shop"]}')
    targets = [{"Id": "billing", "Arn": f"{sink.url}/billing"}, {"Id": "refused", "Arn": f"{sink.url}/refused"}]
    client.put_targets(Rule="orders", Targets=targets)
    client.put_events(Entries=[{"Source": "shop", "DetailType": "OrderPlaced", "Detail": "{}"}])
    wait_until(lambda: '"ERROR_CODE"' in _get(daemon, "/dead-letters"))

    for program in [folder / "eventyard", folder / "target/release/eventyard"]:
        program.write_text(
            f'#!/usr/bin/env bash\nif [[ "$*" =~ ^({ASKS_ADMIN}) && ! "$*" =~ --(admin|data-dir|backup)\\  ]]; then\n'
            f'  exec {binary} "$@" --admin {daemon.admin_address}\nfi\nexec {binary} "$@"\n'
        )
        program.chmod(0o755)
    (folder / "rules.json").write_text(_said([binary, "rules", "export", "--event-buses", "--endpoint", daemon.api_url]))
    path = f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    places = {"AWS_ENDPOINT_URL_EVENTBRIDGE": daemon.api_url, "AWS_DEFAULT_REGION": REGION, "PATH": path}
    places |= {"AWS_CONFIG_FILE": str(folder / "aws-config"), "EVENTYARD_BINARY": binary}

    def read(page):
        text = (PROJECT / page).read_text()
        for there, here in [(API, daemon.api_address), (ADMIN, daemon.admin_address), (SINK, sink.url.removeprefix("http://"))]:
            text = text.replace(there, here)
        command = ["bash", "-xc", script(text, folder)]
        return subprocess.run(command, env=os.environ | places, cwd=folder, capture_output=True, text=True, timeout=300)

    return read


def _said(command):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def _get(daemon, path):
    with daemon._direct.open(daemon.admin_url + path, timeout=30) as answer:
        return answer.read().decode()


@pytest.mark.parametrize("page", [page for page, (run, _) in PAGES.items() if run])
def test_the_commands_of_a_page_work(reader, page):
    done = reader(page)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-6000:]}"
    # A request that is refused is no failure of curl.
    for refused in ["ValidationException", '"FailedEntryCount":1', "does not exist"]:
        assert refused not in done.stdout, done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_what_is_not_run_says_why(page):
    found = commands((PROJECT / page).read_text())
    run, not_run = PAGES[page]
    marked = [block for block in found if block.why_not]
    assert (len(found) - len(marked), len(marked)) == (run, not_run), [block.line for block in marked]


def test_no_page_with_commands_is_forgotten():
    for page in [*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md")]:
        name = str(page.relative_to(PROJECT))
        # These two run the program on what they show, in tests/it/documentation.rs.
        if name not in PAGES and name not in ("docs/SCHEDULES.md", "docs/INPUT.md"):
            left = [block.line for block in commands(page.read_text()) if not block.why_not]
            assert not left, f"{name} has commands that nobody runs, in the lines {left}"


def test_blocks_are_found():
    text = "a\n<!-- not run: why -->\n```sh\none\n```\n  ```json x.json\n  {}\n  ```\n```sh\ntwo\n```\n"
    found = [(block.kind, block.name, block.text, block.why_not, block.line) for block in blocks(text)]
    assert found == [("sh", None, "one\n", "why", 3), ("json", "x.json", "{}\n", None, 6), ("sh", None, "two\n", None, 9)]


def anchors(text):
    """The anchors that a page has, as GitHub makes them of headings."""
    found, outside = set(), re.sub(r"^[ ]*```.*?^[ ]*```$", "", text, flags=re.M | re.S)
    for heading in re.findall(r"^#+ (.*)$", outside, re.M):
        plain = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number, candidate = 0, anchor
        while candidate in found:
            number += 1
            candidate = f"{anchor}-{number}"
        found.add(candidate)
    return found


def test_every_link_leads_somewhere():
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    wrong, count = [], 0
    for page in [PROJECT / line for line in listed.splitlines()]:
        outside = re.sub(r"^[ ]*```.*?^[ ]*```$", "", page.read_text(), flags=re.M | re.S)
        for link in re.findall(r"\]\((?!https?://|mailto:)([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", outside)):
            count += 1
            path, _, anchor = link.partition("#")
            file = (page.parent / path).resolve() if path else page
            if not file.exists():
                wrong.append(f"{page.relative_to(PROJECT)}: {link} is not there")
            elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()):
                wrong.append(f"{page.relative_to(PROJECT)}: {link} names a heading that is not there")
    assert not wrong, "\n".join(wrong)
    assert count > 100


def test_an_anchor_is_what_github_makes_of_a_heading():
    text = "# Is it well?\n## `POST /events`\n## A [link](x.md)\n## A link\n```sh\n# none\n```\n"
    assert anchors(text) == {"is-it-well", "post-events", "a-link", "a-link-1"}


def test_paths_of_the_architecture_are_there():
    """Paths in backquotes, with `core/` for the pure package and braces for several."""
    text = (PROJECT / "docs/ARCHITECTURE.md").read_text().split("## Where to find things")[1]
    wrong, count = [], 0
    for path in re.findall(r"`((?:src|core|deploy|migrations)/[^`]+)`", text):
        before, _, rest = path.partition("{")
        inside, _, after = rest.partition("}")
        for part in inside.split(",") if rest else [""]:
            count += 1
            name = (before + part + after).replace("core/", "crates/eventyard-core/src/", path.startswith("core/"))
            if not list(PROJECT.glob(name)) and not (PROJECT / name).exists():
                wrong.append(name)
    assert not wrong, wrong
    assert count > 100
