"""The first day of an operator, from the documentation alone: install, configure, use, watch, break, restart, upgrade, back up,
restore elsewhere.

`tests/run --only first_day` runs it. What it does is printed as it goes; the last lines say what was done, and what was not and
why. Everything lies in a scratch root that is gone at the end.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "tests/compat"))

import boto3  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

from authority import Authority  # noqa: E402
from daemon import free_ports  # noqa: E402
from monitoring import OF_TROUBLE, SCRAPE_SECONDS, Prometheus, alerts, panels  # noqa: E402
from preloads import NotHere  # noqa: E402
from service import Service  # noqa: E402
from sink import Answer, Sink  # noqa: E402
from trouble import NOT_TRIED, TROUBLE  # noqa: E402
from waiting import wait_until  # noqa: E402

REGION, ACCOUNT, KEY, SECRET = "us-east-1", "111122223333", "AKIAIOSFODNN7EXAMPLE", "the secret of the first day"
ADMIN_TOKEN = "a token that is long enough for a first day"
LOAD = 2_000


def install_commands():
    """The commands of docs/OPERATIONS.md that install it without a package, but those that speak to systemd."""
    text = (PROJECT / "docs/OPERATIONS.md").read_text()
    block = next(block for block in re.findall(r"```sh\n(.*?)```", text, re.S) if block.startswith("install -m 755"))
    return [line.split("   #")[0] for line in block.splitlines() if not line.startswith("systemctl")]


class Day:
    def __init__(self, folder, binary):
        self.folder, self.binary = folder, binary
        self.root = folder / "root"
        self.service = Service(self.root, folder / "daemon.log")
        self.api_port, self.admin_port = free_ports(2)
        self.api = f"https://127.0.0.1:{self.api_port}"
        self.admin = f"https://127.0.0.1:{self.admin_port}"
        self.authority = Authority(folder)
        self.sink = Sink()
        self.alerts, self.prometheus = alerts(), None
        self.skipped, self.acknowledged = [], set()

    # What the steps are made of.

    def run(self, *command, code=0, **options):
        """Runs a command, which is shown as one would type it."""
        print("  $", " ".join(str(word) for word in command).replace(str(self.folder), "")[:150], flush=True)
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, **options)
        assert done.returncode == code, f"it ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def installed(self):
        return self.service.path("/usr/bin/eventyard")

    def eventyard(self, *arguments):
        """The program as it is installed; `--admin` stands for where and as whom."""
        where = ["--admin", self.admin, "--token-file", self.folder / "token", "--ca-file", self.authority.file]
        words = [word for argument in arguments for word in (where if argument == "--admin" else [argument])]
        return self.run(self.installed(), *words)

    def aws(self, *arguments, secret=SECRET, code=0):
        environment = os.environ | {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": secret, "AWS_PAGER": "",
                                    "AWS_DEFAULT_REGION": REGION, "AWS_CONFIG_FILE": os.devnull, "AWS_MAX_ATTEMPTS": "1"}  # fmt: skip
        program = Path(sys.executable).with_name("aws")
        command = [program, "--endpoint-url", self.api, "--ca-bundle", self.authority.file, "events", *arguments]
        print("  $ aws events", " ".join(str(argument) for argument in arguments)[:130], flush=True)
        done = subprocess.run([str(word) for word in command], env=environment, capture_output=True, text=True, timeout=120)
        assert (done.returncode != 0) == bool(code), done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else done.stderr

    def boto3(self, attempts=1):
        return boto3.client("events", endpoint_url=self.api, region_name=REGION, aws_access_key_id=KEY,
                            aws_secret_access_key=SECRET, verify=str(self.authority.file),
                            config=Config(retries={"total_max_attempts": attempts}))  # fmt: skip

    def put_events(self, count, source, padding=0):
        """Puts events ten at a time, and gives their ids."""
        client, ids = self.boto3(), []
        for begin in range(0, count, 10):
            detail = json.dumps({"n": begin, "padding": "x" * padding})
            entry = {"Source": source, "DetailType": "Order Placed", "Detail": detail}
            answer = client.put_events(Entries=[entry] * min(10, count - begin))
            ids += [entry["EventId"] for entry in answer["Entries"]]
        return ids

    def get(self, path, token=None):
        context = ssl.create_default_context(cafile=self.authority.file)
        request = urllib.request.Request(self.admin + path, headers={"Authorization": f"Bearer {token}"} if token else {})
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            return answer.read().decode()

    def ask_for_backup(self):
        """The answer of the admin listener, of which nothing has been read yet."""
        context = ssl.create_default_context(cafile=self.authority.file)
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        request = urllib.request.Request(f"{self.admin}/backup", method="POST", headers=headers)
        return urllib.request.urlopen(request, context=context, timeout=30)

    def metric(self, name):
        values = [float(line.split()[-1]) for line in self.get("/metrics").splitlines() if line.split(" ")[0] == name]
        return values[0] if values else None

    def wait_until_settled(self):
        wait_until(lambda: self.metric("eventyard_deliveries_pending") == 0, 90)

    def wait_for_scrapes(self, count):
        if self.prometheus:
            time.sleep(SCRAPE_SECONDS * count)

    def arrived(self, path="/load"):
        return {request.headers["eventyard-event-id"] for request in self.sink.to(path)}

    def rule_arn(self, name):
        return f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"

    def sink_hangs(self, path):
        self.sink.always(path, Answer(503, headers={"Retry-After": "1"}))

    def sink_fails(self, path):
        self.sink.always(path, Answer(503))

    def sink_works(self, path):
        self.sink.always(path, Answer(200))

    def refused(self, name):
        """The error code of a rule that cannot be made."""
        try:
            self.boto3().put_rule(Name=name, ScheduleExpression="rate(1 hour)")
        except ClientError as error:
            return error.response["Error"]["Code"]
        raise AssertionError("it was made")

    def knock(self):
        """A request that is signed by nobody."""
        context = ssl.create_default_context(cafile=self.authority.file)
        headers = {"X-Amz-Target": "AWSEvents.ListRules", "Content-Type": "application/x-amz-json-1.1"}
        try:
            urllib.request.urlopen(urllib.request.Request(self.api, b"{}", headers), context=context, timeout=30)
        except urllib.error.HTTPError as error:
            assert error.code in (400, 403), error.code

    # The steps, in order.

    def install(self):
        """Install it into a scratch root"""
        (self.folder / "target/release").mkdir(parents=True)
        shutil.copy(self.binary, self.folder / "target/release/eventyard")
        (self.folder / "deploy").symlink_to(PROJECT / "deploy")
        for place in ["usr/bin", "etc/systemd/system", "var/lib"]:
            (self.root / place).mkdir(parents=True)
        for command in install_commands():
            # The root of the machine becomes the scratch root.
            self.run("bash", "-euc", re.sub(r" /(usr|etc)/", rf" {self.root}/\1/", command), cwd=self.folder)
        print("  " + self.eventyard("--version").strip())
        if shutil.which("systemd-analyze") is None:
            self.skipped.append("the unit was not verified: there is no systemd-analyze")
            return
        unit = self.service.path("/etc/systemd/system/eventyard.service")
        # Its program is not that of the machine; a copy names the scratch root's.
        copy = self.folder / "eventyard.service"
        copy.write_text(unit.read_text().replace("/usr/bin/eventyard", str(self.installed())))
        self.run("systemd-analyze", "verify", "--man=no", copy)
        said = self.run("systemd-analyze", "security", "--offline=yes", "--no-pager", unit).strip().splitlines()[-1]
        print("  " + said)
        assert float(re.search(r": ([\d.]+)", said)[1]) <= 1.5, said
        if Path("/proc/1/comm").read_text().strip() != "systemd":
            self.skipped.append("it was not run by systemd, which is not process 1 here; its command and readiness were")

    def configure(self):
        """Configure accounts, an admin token and TLS"""
        certificate, key = self.authority.issue("server")
        (self.folder / "token").write_text(ADMIN_TOKEN)
        hashed = hashlib.sha256(ADMIN_TOKEN.encode()).hexdigest()
        tls = f'tls_certificate_file = "{certificate}"\ntls_key_file = "{key}"\n'
        self.service.path("/etc/eventyard/eventyard.toml").write_text(
            f'[api]\nlisten = "127.0.0.1:{self.api_port}"\n{tls}'
            f'[admin]\nlisten = "127.0.0.1:{self.admin_port}"\ntoken_hashes = ["{hashed}"]\n{tls}'
            '[egress]\nallow = ["127.0.0.1"]\n'
            '[delivery]\nbackoff_base_ms = 50\nbackoff_max_ms = 500\ncircuit_breaker_open_base_ms = 500\n'
            'circuit_breaker_open_max_ms = 1000\n'
            f'[[accounts]]\nid = "{ACCOUNT}"\n[[accounts.access_keys]]\nid = "{KEY}"\nsecret_environment = "FIRST_DAY_SECRET"\n'
        )
        environment = self.service.path("/etc/eventyard/environment")
        environment.write_text(f"FIRST_DAY_SECRET={SECRET}\n")
        environment.chmod(0o600)
        self.run(self.installed(), "config", "check", "--config", self.service.path("/etc/eventyard/eventyard.toml"),
                 env={"FIRST_DAY_SECRET": SECRET})  # fmt: skip
        self.service.start()
        print("  it says that it is ready;", self.get("/health/ready").strip())

    def use_it(self):
        """Make rules with the aws CLI, over TLS and signed"""
        self.aws("create-event-bus", "--name", "shop", "--description", "orders", "--tags", "Key=team,Value=a")
        for name in ["load", "gone"]:
            self.aws("put-rule", "--name", name, "--event-pattern", json.dumps({"source": [name]}))
            targets = [{"Id": "sink", "Arn": f"{self.sink.url}/{name}"}]
            self.aws("put-targets", "--rule", name, "--targets", json.dumps(targets))
        self.aws("put-rule", "--name", "tick", "--schedule-expression", "cron(* * * * ? *)", "--event-bus-name", "default")
        self.sink.always("/gone", Answer(404))
        entry = {"Source": "load", "DetailType": "t", "Detail": '{"n": 1}'}
        (put,) = self.aws("put-events", "--entries", json.dumps([entry]))["Entries"]
        wait_until(lambda: put["EventId"] in self.arrived())
        self.acknowledged.add(put["EventId"])
        self.wait_until_settled()
        told = self.eventyard("events", "show", put["EventId"], "--admin")
        assert "DELIVERED" in told, told
        wrong = self.aws("list-rules", secret="wrong", code=1)
        assert "SignatureDoesNotMatch" in wrong or "InvalidSignature" in wrong, wrong
        try:
            self.get("/dead-letters")
            raise AssertionError("the admin listener answers without a token")
        except urllib.error.HTTPError as error:
            assert error.code in (401, 403), error.code
        listed = self.run(self.installed(), "rules", "list", "--endpoint", self.api, "--ca-file", self.authority.file,
                          env={"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET})  # fmt: skip
        print("    " + listed.strip().replace("\n", "\n    "))

    def load(self):
        """Send load"""
        began = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            for ids in pool.map(lambda _: self.put_events(LOAD // 4, "load"), range(4)):
                self.acknowledged.update(ids)
        wait_until(lambda: self.acknowledged <= self.arrived(), 90)
        print(f"  {LOAD} events were put and arrived within {time.monotonic() - began:.1f} s")

    def watch(self):
        """Ask every query of the dashboard"""
        if not Prometheus.is_installed():
            self.skipped.append("no query was asked and no alert fired: there is no Prometheus")
            return
        self.prometheus = Prometheus(self.folder / "prometheus", f"127.0.0.1:{self.admin_port}", self.authority.file)
        self.prometheus.wait_for("count_over_time(eventyard_rules[1m]) >= 2", "two scrapes")
        self.put_events(20, "load")
        self.put_events(1, "gone")
        self.refused("no name")
        self.boto3().put_events(Entries=[{"Source": "load", "DetailType": "t", "Detail": "no JSON"}])
        self.knock()
        asked = [query for query in panels() if OF_TROUBLE not in query]
        silent = lambda: [query for query in asked if not self.prometheus.count(query)]  # noqa: E731
        try:
            wait_until(lambda: not silent(), 60)
        except AssertionError:
            raise AssertionError("panels without a series:\n" + "\n".join(silent())) from None
        print(f"  {len(asked)} queries of the dashboard have series")

    def break_it(self):
        """Break it, once for each alert"""
        if not self.prometheus:
            return
        unknown = set(self.alerts) ^ set(TROUBLE | NOT_TRIED)
        assert not unknown, f"alerts that nothing breaks, or that are gone: {sorted(unknown)}"
        silent = []
        for name, trouble in TROUBLE.items():
            began = time.monotonic()
            before = ", as it did before" if self.prometheus.count(self.alerts[name]) else ""
            try:
                trouble(self, lambda name=name: self.prometheus.wait_for(self.alerts[name], name, 45))
                print(f"  {name} fired within {time.monotonic() - began:.1f} s{before}", flush=True)
            except NotHere as missing:
                self.skipped.append(f"{name} was not made to fire: {missing}")
                print(f"  {name} was SKIPPED: {missing}", flush=True)
            except AssertionError as error:
                silent.append(f"{name}: {error}")
                print(f"  {name} did NOT fire: {error}", flush=True)
        assert not silent, "\n".join(silent)
        for name, why in NOT_TRIED.items():
            self.skipped.append(f"{name} was not made to fire: {why}")

    def restart_under_load(self):
        """Restart it under load"""
        acknowledged, ended = set(), threading.Event()

        def client():
            patient = self.boto3(attempts=10)
            while not ended.is_set():
                entry = {"Source": "load", "DetailType": "t", "Detail": "{}"}
                try:
                    answer = patient.put_events(Entries=[entry] * 5)
                except Exception as error:  # a client that gave up was not told that it was taken
                    print(f"  a client gave up: {error}")
                    continue
                acknowledged.update(entry["EventId"] for entry in answer["Entries"] if "EventId" in entry)

        clients = [threading.Thread(target=client) for _ in range(4)]
        for each in clients:
            each.start()
        for _ in range(2):
            seen = len(acknowledged)
            wait_until(lambda seen=seen: len(acknowledged) > seen + 50)
            self.service.stop()
            self.service.start()
        seen = len(acknowledged)
        wait_until(lambda: len(acknowledged) > seen + 50)
        ended.set()
        for each in clients:
            each.join()
        wait_until(lambda: acknowledged <= self.arrived(), 90)
        print(f"  {len(acknowledged)} events were acknowledged over two restarts, and all of them arrived")

    def upgrade(self):
        """Upgrade it: replace the program, start it; and from a store of each older schema"""
        self.service.stop()
        self.run("bash", "-euc", f"install -m 755 target/release/eventyard {self.installed()}", cwd=self.folder)
        self.service.start()
        assert 'eventyard_build_info{' in self.get("/metrics")
        for fixture in sorted((PROJECT / "migrations/fixtures").glob("*.jsonl")):
            old = self.folder / fixture.stem
            self.eventyard("store", "restore", "--data-dir", old, "--file", fixture)
            records = self.eventyard("store", "dump", "--data-dir", old, "--file", self.folder / f"{fixture.stem}.now")
            print("  " + records.strip())

    def back_up_and_restore(self):
        """Back it up, restore it elsewhere, compare"""
        self.sink_fails("/load")
        owed = set(self.put_events(30, "load"))
        self.eventyard("backup", "--to", self.folder / "backup", "--admin")
        self.service.stop()
        here = self.eventyard("export", "--backup", self.folder / "backup")
        elsewhere = self.root / "var/lib/elsewhere"
        print("  " + self.eventyard("restore", self.folder / "backup", "--data-dir", elsewhere).strip())
        there = self.eventyard("export", "--data-dir", elsewhere)
        assert sorted(here.splitlines()) == sorted(there.splitlines()), "what was restored is not what was backed up"
        assert '"kind":"delivery"' in here and '"kind":"dead_letter"' in here
        print(f"  both exports have the same {len(here.splitlines())} lines")
        shutil.rmtree(self.root / "var/lib/eventyard")
        elsewhere.rename(self.root / "var/lib/eventyard")
        self.sink_works("/load")
        self.service.start()
        wait_until(lambda: owed <= self.arrived(), 90)
        print(f"  the restored daemon delivered the {len(owed)} events that were owed")
        self.service.stop()
        self.eventyard("fsck", "--data-dir", self.root / "var/lib/eventyard")

    STEPS = [install, configure, use_it, load, watch, break_it, restart_under_load, upgrade, back_up_and_restore]

    def close(self):
        self.service.kill()
        if self.prometheus:
            self.prometheus.close()
        self.sink.close()


def main():
    binary = Path(os.environ["EVENTYARD_BINARY"]).resolve()
    print(f"{binary} on {platform.platform()}")
    began, lines = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="eventyard-first-day-") as folder:
        day = Day(Path(folder), binary)
        try:
            for step in Day.STEPS:
                print(f"\n== {step.__doc__}", flush=True)
                started = time.monotonic()
                step(day)
                lines.append(f"done in {time.monotonic() - started:5.1f} s: {step.__doc__}")
        finally:
            day.close()
    print("\n" + "\n".join(lines))
    for skipped in day.skipped:
        print(f"SKIPPED: {skipped}")
    print(f"the first day took {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
