"""The daemon as its unit starts it: the command, the environment file and the readiness of `Type=notify`, in a scratch root."""

import os
import shlex
import signal
import socket
import subprocess

READY_WITHIN_SECONDS = 60
STOPPED_WITHIN_SECONDS = 40


class Service:
    """What is installed below `root`. `options` are variables of the environment, for one start."""

    def __init__(self, root, log):
        self.root, self.log = root, log
        self.process = None

    def path(self, absolute):
        """Where a path of the machine lies in the scratch root."""
        return self.root / absolute.lstrip("/")

    def command(self):
        """ExecStart of the unit, below the root."""
        unit = self.path("/etc/systemd/system/eventyard.service").read_text()
        line = next(line for line in unit.splitlines() if line.startswith("ExecStart="))
        words = shlex.split(line.removeprefix("ExecStart="))
        return [str(self.path(word)) if word.startswith("/") else word for word in words]

    def start(self, options=None, prepare=None):
        """Starts it, and comes back when it says that it is ready, as `systemctl start` does."""
        assert self.process is None, "it runs already"
        notify = self.path("/run/notify")
        notify.parent.mkdir(parents=True, exist_ok=True)
        notify.unlink(missing_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("EVENTYARD_", "AWS_"))}
        for line in self.path("/etc/eventyard/environment").read_text().splitlines():
            name, value = line.split("=", 1)
            environment[name] = value
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told, open(self.log, "ab") as log:
            told.bind(str(notify))
            told.settimeout(READY_WITHIN_SECONDS)
            environment |= {"NOTIFY_SOCKET": str(notify)} | (options or {})
            self.process = subprocess.Popen(self.command(), env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, preexec_fn=prepare)  # fmt: skip
            try:
                while b"READY=1" not in told.recv(4096):
                    pass
            except TimeoutError:
                self.kill()
                raise AssertionError(f"it did not say that it is ready:\n{self.log.read_text()[-4000:]}") from None

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """Stops it in order, which it has to answer with 0."""
        assert self.process is not None, "it does not run"
        self.signal(signal.SIGTERM)
        code = self.process.wait(STOPPED_WITHIN_SECONDS)
        self.process = None
        assert code == 0, f"SIGTERM ended it with {code}:\n{self.log.read_text()[-4000:]}"

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
