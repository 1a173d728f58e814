"""The daemon under test: the real binary in a process of its own, on free ports and an own data folder."""

import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

READY_WITHIN_SECONDS = 30
STOPPED_WITHIN_SECONDS = 40

def free_ports(count):
    """Ports that nobody listens on. They are found together, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class Daemon:
    """`eventyard serve`, which can be stopped, killed and started again on the same data and ports.

    `env` holds options as the environment writes them, such as {"EVENTYARD_DELIVERY__BACKOFF_BASE_MS": "10"}; it can
    be changed between two starts. An `ephemeral` one keeps nothing from one start to the next. `config` is the text of a
    configuration file, `listen` the address that both listeners are on, `admin_authority` the file of whoever vouches for
    the admin listener. `ready_status` is what it answers on its readiness, 503 for one that has to refuse. `inherited` are files that every process of it is given.
    """

    def __init__(self, binary, folder, env=None, config=None, listen="127.0.0.1", admin_authority=None, ready_status=200):
        self.binary = binary
        self.data_dir = Path(folder) / "data"
        self.log_path = Path(folder) / "daemon.log"
        self.env = dict(env or {})
        self.config_path = None
        if config is not None:
            self.config_path = Path(folder) / "eventyard.toml"
            self.config_path.write_text(config)
        api_port, admin_port = free_ports(2)
        self.api_address = f"127.0.0.1:{api_port}"
        self.admin_address = f"127.0.0.1:{admin_port}"
        self.listen = listen
        self.admin_authority = admin_authority
        self.ready_status = ready_status
        self.ephemeral = False
        self.inherited = []
        self.process = None
        # Never through a proxy, whatever the environment of the test says: everything here is on this machine.
        context = ssl.create_default_context(cafile=admin_authority)
        self._direct = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )

    @property
    def api_url(self):
        return f"http://{self.api_address}"

    @property
    def admin_url(self):
        return f"http{'s' if self.admin_authority else ''}://{self.admin_address}"

    @property
    def pid(self):
        return self.process.pid

    def start(self):
        """Starts the process and waits until it is ready."""
        assert self.process is None, "the daemon runs already"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("EVENTYARD_")}
        command = [self.binary, "serve"]
        command += ["--ephemeral"] if self.ephemeral else ["--data-dir", str(self.data_dir)]
        for flag, address in [("--listen", self.api_address), ("--admin-listen", self.admin_address)]:
            command += [flag, address.replace("127.0.0.1", self.listen)]
        if self.config_path is not None:
            command += ["--config", str(self.config_path)]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, env=inherited | self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                pass_fds=self.inherited)  # fmt: skip
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill9()
            raise
        return self

    def _wait_until_ready(self):
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the daemon ended with {self.process.returncode} before it was ready:\n{self.log()}")
            try:
                with self._direct.open(f"{self.admin_url}/health/ready", timeout=2) as answer:
                    status = answer.status
            except urllib.error.HTTPError as error:
                status = error.code
            except (urllib.error.URLError, OSError):
                status = None
            if status == self.ready_status:
                return
            time.sleep(0.02)
        raise AssertionError(f"the daemon was not ready within {READY_WITHIN_SECONDS} s:\n{self.log()}")

    def stop(self):
        """Asks the process to end, as a service manager does, and gives its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOPPED_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(f"SIGTERM did not end the daemon within {STOPPED_WITHIN_SECONDS} s:\n{self.log()}")
        self.process = None
        return code

    def kill9(self):
        """Ends the process at once, as a crash does."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def restart(self):
        """Stops the process in order, unless it is gone already, and starts it again."""
        if self.process is not None:
            code = self.stop()
            assert code == 0, f"SIGTERM ended the daemon with {code}:\n{self.log()}"
        return self.start()

    def log(self):
        """What the process has written so far, over all of its starts."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def finish(self):
        """Ends the process at the end of a test. Gives what went wrong unseen meanwhile, or None."""
        wrong = None
        if self.process is not None:
            if self.process.poll() is not None:
                wrong = f"the daemon ended by itself with {self.process.returncode}"
            self.kill9()
        if "panicked at" in self.log():
            wrong = "the daemon panicked"
        return wrong and f"{wrong}:\n{self.log()}"
