"""AWS services on this machine: moto_server in a process of its own."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from daemon import free_ports

READY_WITHIN_SECONDS = 60
# Whose resources moto gives to everybody.
ACCOUNT = "123456789012"


class AwsServices:
    """moto_server on a free port of 127.0.0.1 until `close`. Lambda functions are not run, only called."""

    def __init__(self, folder):
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self._log_path = Path(folder) / "moto.log"
        # Beside the interpreter without resolving it: the environment's own program, not the system's.
        command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
        with open(self._log_path, "wb") as log:
            self._process = subprocess.Popen(
                command, env=dict(os.environ), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise

    def _wait_until_ready(self):
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        config = urllib.request.Request(
            f"{self.url}/moto-api/config", json.dumps({"lambda": {"use_docker": False}}).encode()
        )
        while time.monotonic() < deadline:
            assert self._process.poll() is None, f"moto_server ended:\n{self._log_path.read_text()}"
            try:
                with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(config, timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise AssertionError(f"moto_server was not ready within {READY_WITHIN_SECONDS} s")

    def close(self):
        self._process.kill()
        self._process.wait()
