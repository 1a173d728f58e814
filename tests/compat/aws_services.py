"""AWS services on this machine: moto_server in a process of its own, and what tests of targets on it share."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import parse_qs

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from daemon import free_ports
from sink import Answer
from waiting import wait_until
from wire import dead_letters

READY_WITHIN_SECONDS = 60
# Whose resources moto gives to everybody.
ACCOUNT = "123456789012"
REGION = "us-east-1"
DETAIL = {"order": "7", "note": "ä & b"}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/router"
QUICK = {
    "EVENTYARD_DELIVERY__BACKOFF_BASE_MS": "10",
    "EVENTYARD_DELIVERY__BACKOFF_MAX_MS": "50",
    # What is sent is looked at without STS in between; test_aws_credentials.py has it.
    "EVENTYARD_AWS_SERVICES__ASSUME_ROLES": "false",
}
THROTTLED = Answer(400, b'{"__type":"ThrottlingException","message":"slower"}')
DENIED = Answer(403, b'{"__type":"AccessDeniedException","message":"no"}')
EXPIRED = Answer(403, b'{"__type":"ExpiredTokenException","message":"old"}')


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


def arn(service, resource):
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def only_letter(daemon):
    letters = wait_until(lambda: dead_letters(daemon)["dead_letters"])
    assert len(letters) == 1
    return letters[0]


def read(request):
    """What the service reads of a request."""
    content_type = request.headers.get("content-type", "")
    if "form" in content_type:
        body = parse_qs(request.body.decode(), strict_parsing=True)
    else:
        body = request.json()
    headers = {name: request.headers.get(name) for name in ["x-amz-target", "x-amz-invocation-type"]}
    return request.method, request.path, content_type, headers, body


def assert_signed(request, service, credentials):
    """The signature is the one that botocore makes of this request."""
    authorization = dict(part.split("=", 1) for part in request.headers["authorization"].split(" ", 1)[1].split(", "))
    names = authorization["SignedHeaders"].split(";")
    assert {"host", "x-amz-date"} <= set(names)
    headers = {name: request.headers[name] for name in names}
    url = f"http://{request.headers['host']}{request.path}"
    again = AWSRequest(request.method, url, headers=headers, data=request.body)
    again.context["timestamp"] = request.headers["x-amz-date"]
    auth = SigV4Auth(credentials, service, REGION)
    signature = auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again)
    assert signature == authorization["Signature"]
