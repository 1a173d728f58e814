"""The Debian package, really made, installed, upgraded, removed and purged, in a root over that of the machine.

`tests/run --only package` runs it. What it does is printed as it goes.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
import zlib
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "tests/compat"))

from daemon import free_ports  # noqa: E402
from scratch_root import ENVIRONMENT, ScratchRoot, in_namespace  # noqa: E402
from waiting import wait_until  # noqa: E402

OLDER, NEWER = "0.1.0-1", "999.0.0-1"
UNITS = Path("/usr/lib/systemd/system")
ENABLED = Path("/etc/systemd/system")
CONFIGURATION = "/etc/eventyard/eventyard.toml"
SOCKETS = ["eventyard-api.socket", "eventyard-admin.socket"]


class Package:
    def __init__(self, folder, binary, cargo_deb):
        self.folder, self.binary, self.cargo_deb = folder, binary, cargo_deb
        self.root = ScratchRoot(folder)
        self.api, self.admin = (f"127.0.0.1:{port}" for port in free_ports(2))

    # What the steps are made of.

    def make(self, version):
        """Makes the package of the project under a version, from the binary that is there, and puts it into the root."""
        target = self.folder / "target/release"
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.binary, target / "eventyard")
        command = [self.cargo_deb, "--no-build", "--no-strip", "--fast", "--locked", "--deb-version", version,
                   "--output", self.root.inside(f"/tmp/eventyard_{version}.deb")]  # fmt: skip
        environment = os.environ | {"CARGO_TARGET_DIR": str(self.folder / "target")}
        subprocess.run([str(word) for word in command], cwd=PROJECT, env=environment, check=True)
        return f"/tmp/eventyard_{version}.deb"

    def exists(self, path):
        return os.path.lexists(self.root.inside(path))

    def is_enabled(self, unit, wanted_by="multi-user.target"):
        return self.exists(ENABLED / f"{wanted_by}.wants" / unit)

    def version(self):
        return self.root.run("dpkg-query", "--showformat", "${db:Status-Abbrev}${Version}", "--show", "eventyard")

    @contextmanager
    def running(self):
        """The daemon by the command of the unit that is installed."""
        unit = self.root.inside(UNITS / "eventyard.service").read_text()
        command = next(line for line in unit.splitlines() if line.startswith("ExecStart=")).removeprefix("ExecStart=")
        print(f"  # {command}", flush=True)
        with open(self.folder / "log", "ab") as log:
            daemon = subprocess.Popen(self.root.command(*shlex.split(command)), env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                                      stdout=log, stderr=log)  # fmt: skip
        try:
            wait_until(lambda: self.is_ready(daemon), 60)
            yield
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(60) == 0, (self.folder / "log").read_text()
        finally:
            daemon.kill()
            daemon.wait()

    def is_ready(self, daemon):
        assert daemon.poll() is None, (self.folder / "log").read_text()
        try:
            return urllib.request.urlopen(f"http://{self.admin}/health/ready", timeout=5).status == 200
        except (urllib.error.URLError, OSError):
            return False

    def call(self, operation, **members):
        headers = {"X-Amz-Target": f"AWSEvents.{operation}", "Content-Type": "application/x-amz-json-1.1"}
        request = urllib.request.Request(f"http://{self.api}/", json.dumps(members).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or "{}")

    def rules(self):
        return [rule["Name"] for rule in self.call("ListRules")["Rules"]]

    # The steps, in order.

    def build(self):
        """Make the package, and a newer one"""
        self.older, self.newer = self.make(OLDER), self.make(NEWER)
        print("  " + self.root.run("dpkg-deb", "--field", self.older, "Depends", "Installed-Size").replace("\n", "; "))

    def install(self):
        """Install it"""
        users = self.root.inside("/etc/passwd").read_text()
        self.root.run("dpkg", "--install", self.older)
        assert self.version() == f"ii {OLDER}", self.version()
        # Every file is there with the checksum that the package says.
        assert self.root.run("dpkg", "--verify", "eventyard") == ""
        assert "eventyard" in self.root.run("eventyard", "--version")
        self.root.run("eventyard", "config", "check", "--config", CONFIGURATION)
        assert self.is_enabled("eventyard.service"), "it does not start with the machine"
        for socket in SOCKETS:
            assert self.exists(UNITS / socket) and not self.is_enabled(socket, "sockets.target"), socket
        # Its user exists while it runs only, and its data is made by systemd at the first start.
        assert self.root.inside("/etc/passwd").read_text() == users
        assert not self.exists("/var/lib/eventyard") and not self.exists("/var/lib/private/eventyard")

    def list_dependencies(self):
        """Read in the program what it is made of"""
        with tempfile.NamedTemporaryFile() as section:
            subprocess.run(["objcopy", "--output-target", "binary", "--only-section", ".dep-v0", "--set-section-flags",
                            ".dep-v0=alloc", self.root.inside("/usr/bin/eventyard"), section.name], check=True)  # fmt: skip
            packed = Path(section.name).read_bytes()
        assert packed, "the program carries no list; `cargo auditable build` writes one"
        packages = json.loads(zlib.decompress(packed))["packages"]
        listed = {(package["name"], package["version"]) for package in packages}
        locked = tomllib.loads((PROJECT / "Cargo.lock").read_text())["package"]
        unknown = listed - {(package["name"], package["version"]) for package in locked}
        assert not unknown, f"not in Cargo.lock: {sorted(unknown)}"
        names = {name for name, _ in listed}
        assert {"eventyard", "eventyard-core", "fjall", "rustls", "sled", "tokio"} <= names, sorted(names)
        assert "proptest" not in names, "what only tests use is no part of it"
        print(f"  {len(listed)} packages")

    def use(self):
        """Configure it, run it, have systemd listen"""
        file = self.root.inside(CONFIGURATION)
        self.edited = file.read_text() + f'[api]\nlisten = "{self.api}"\n[admin]\nlisten = "{self.admin}"\n'
        file.write_text(self.edited)
        self.root.inside("/etc/eventyard/environment").write_text("SECRET=x\n")
        # As systemd makes StateDirectory= of a unit with DynamicUser=.
        self.root.run("mkdir", "--parents", "--mode", "700", "/var/lib/private/eventyard")
        self.root.run("ln", "--symbolic", "private/eventyard", "/var/lib/eventyard")
        with self.running():
            self.call("PutRule", Name="kept", EventPattern='{"source": ["shop"]}')
        self.root.run("systemctl", "enable", SOCKETS[0])

    def upgrade(self):
        """Upgrade it"""
        self.root.run("dpkg", "--install", self.newer)
        assert self.version() == f"ii {NEWER}", self.version()
        self.holds_what_was_made()
        assert self.is_enabled("eventyard.service")
        assert self.is_enabled(SOCKETS[0], "sockets.target") and not self.is_enabled(SOCKETS[1], "sockets.target")

    def holds_what_was_made(self):
        assert self.root.inside(CONFIGURATION).read_text() == self.edited, "the configuration is another one"
        with self.running():
            assert self.rules() == ["kept"]

    def remove(self):
        """Remove it, and install it again"""
        self.root.run("dpkg", "--remove", "eventyard")
        assert self.version() == f"rc {NEWER}", self.version()
        for gone in ["/usr/bin/eventyard", UNITS / "eventyard.service", "/usr/share/doc/eventyard"]:
            assert not self.exists(gone), gone
        for kept in [CONFIGURATION, "/etc/eventyard/environment", "/var/lib/private/eventyard/store"]:
            assert self.exists(kept), kept
        self.root.run("dpkg", "--install", self.newer)
        self.holds_what_was_made()
        assert self.is_enabled("eventyard.service")

    def purge(self):
        """Purge it"""
        self.root.run("rm", self.older, self.newer)
        self.root.run("dpkg", "--purge", "eventyard")
        left = self.root.named("eventyard")
        assert not left, "\n".join(["it leaves:", *left])

    STEPS = [build, install, list_dependencies, use, upgrade, remove, purge]


def main():
    skip = lambda why: print(f"SKIPPED: the Debian package was not made and installed: {why}")  # noqa: E731
    if os.geteuid() != 0:
        return skip("it takes root")
    missing = [tool for tool in ["dpkg", "dpkg-shlibdeps", "deb-systemd-helper", "objcopy", "unshare"] if not shutil.which(tool)]
    if missing:
        return skip(f"there is no {', no '.join(missing)}")
    if os.path.lexists("/usr/bin/eventyard"):
        return skip("eventyard is installed on this machine")
    folder = in_namespace()
    try:
        package = Package(folder, Path(os.environ["EVENTYARD_BINARY"]).resolve(), sys.argv[1])
    except OSError as error:
        return skip(f"no root can be laid over that of the machine: {error}")
    for step in Package.STEPS:
        print(f"\n== {step.__doc__}", flush=True)
        began = time.monotonic()
        step(package)
        print(f"  done in {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
