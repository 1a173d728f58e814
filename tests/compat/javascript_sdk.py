"""The AWS SDK for JavaScript, which npm installs beside the scripts of `javascript/` as package-lock.json has it."""

import json
import os
import shutil
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent / "javascript"
EVENTBRIDGE = "@aws-sdk/client-eventbridge"
# The client of the time before the service had its present name. It knows the operations of that time.
CLOUDWATCH_EVENTS = "@aws-sdk/client-cloudwatch-events"


def find():
    """The reason why there is no SDK to test with, without node or a way to npm's registry; None when there is one."""
    if not (shutil.which("node") and shutil.which("npm")):
        return "there is no node, or no npm, for the AWS SDK for JavaScript"
    lock, installed = FOLDER / "package-lock.json", FOLDER / "node_modules" / ".installed"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            return f"npm cannot install the AWS SDK for JavaScript: {done.stderr[-500:]}"
        installed.write_bytes(lock.read_bytes())
    return None


def run(script, *arguments):
    """Runs a script of `javascript/` and gives the JSON it prints."""
    env = {"PATH": os.environ["PATH"]}
    command = ["node", script, *arguments]
    done = subprocess.run(command, cwd=FOLDER, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def steps(library, file, url, region):
    """What a client answers to each step of a scenario: its `answer`, or the `error`. Neither for an operation that the client
    does not know."""
    return run("steps.mjs", library, str(file), url, region)
