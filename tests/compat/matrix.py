"""What every operation answers to boto3, the aws CLI, the AWS SDK for JavaScript and Terraform's aws provider: the matrix of
docs/COMPATIBILITY.md.

`tests/compat/run` makes it by hand, test_matrix.py in every run of the tests. There is nothing in it but what a client saw.
"""

import contextlib
import io
import json
import os
import re
import sys
import tempfile
from pathlib import Path

# First: it takes the user's own set-up of AWS away, and the aws CLI adds its own where it is imported.
import conftest

import boto3
from awscli.clidriver import create_clidriver
from botocore.config import Config
from botocore.exceptions import ClientError

import javascript_sdk
import terraform_cli
from daemon import Daemon
from good_requests import GOOD, MADE, example
from wire import call, request

DOCUMENT = Path(__file__).parents[2] / "docs" / "COMPATIBILITY.md"
BEGIN, END = "<!-- made by tests/compat/run --write -->", "<!-- end -->"
CLIENTS = ["boto3", "aws CLI", "JavaScript", "Terraform"]
YES, NO = "yes", "no"
# Terraform has no resource that calls it.
NOT_CALLED = "-"
NOT_THERE = "UnsupportedOperationException"


class Matrix:
    """The results of one run: of each client, what it saw of each operation. Anything but the three above is a failure."""

    def __init__(self, binary, folder):
        self.folder = Path(folder)
        self.model = boto3.session.Session().client("events", region_name=conftest.REGION).meta.service_model
        self.daemon = Daemon(binary, folder)
        self.daemon.ephemeral = True
        self.daemon.start()
        # The clients that there are no results of, and why.
        self.missing = {}
        self.results = {}

    def run(self):
        try:
            self.results["boto3"] = self.each_operation(self.boto3())
            self.results["aws CLI"] = self.each_operation(self.aws_cli)
            self.javascript()
            self.terraform()
        finally:
            wrong = self.daemon.finish()
        assert wrong is None, wrong
        return self

    def reset(self):
        assert request(self.daemon.admin_address, "POST", "/reset").status == 200

    def each_operation(self, ask):
        """Asks for all operations of the model. `ask` takes pairs of an operation and its request, and gives of each the code of
        the error, or None."""
        self.reset()
        for operation, body in MADE:
            assert call(self.daemon, operation, body).status == 200, operation
        requests = [(operation, self.request_of(operation)) for operation in self.model.operation_names]
        results = {None: YES, NOT_THERE: NO}
        return {
            operation: results.get(code, f"FAILED: {code}")
            for (operation, _), code in zip(requests, ask(requests), strict=True)
        }

    def request_of(self, operation):
        shape = self.model.operation_model(operation).input_shape
        return GOOD.get(operation) or (example(shape) if shape else {})

    def boto3(self):
        config = Config(retries={"total_max_attempts": 1})
        client = boto3.session.Session().client(
            "events", region_name=conftest.REGION, endpoint_url=self.daemon.api_url, config=config
        )
        methods = {operation: name for name, operation in client.meta.method_to_api_mapping.items()}

        def answer_to(operation, body):
            try:
                getattr(client, methods[operation])(**body)
            except ClientError as error:
                return error.response["Error"]["Code"]
            return None

        return lambda requests: [answer_to(*request) for request in requests]

    def aws_cli(self, requests):
        return [self.aws_cli_answer_to(*request) for request in requests]

    def aws_cli_answer_to(self, operation, body):
        """As `aws events …`, whose program does no more than this."""
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", operation).lower()
        arguments = ["--endpoint-url", self.daemon.api_url, "events", name, "--cli-input-json", json.dumps(body)]
        printed, complaint = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complaint):
            code = create_clidriver().main(arguments)
        if code == 0:
            return None
        found = re.search(r"An error occurred \((\w+)\)", complaint.getvalue())
        return found[1] if found else complaint.getvalue().strip()

    def javascript(self):
        missing = javascript_sdk.find()
        if missing:
            self.missing["JavaScript"] = missing
            return
        file = self.folder / "operations.json"

        def ask(requests):
            steps = [{"operation": operation, "request": body} for operation, body in requests]
            file.write_text(json.dumps(steps))
            seen = javascript_sdk.steps(javascript_sdk.EVENTBRIDGE, file, self.daemon.api_url, conftest.REGION)
            return [None if "answer" in step else step.get("error", {}).get("code", "not asked") for step in seen]

        self.results["JavaScript"] = self.each_operation(ask)

    def terraform(self):
        plugins, missing = terraform_cli.find()
        if missing:
            self.missing["Terraform"] = missing
            return
        self.reset()
        before = self.answered()
        folder = self.folder / "terraform"
        folder.mkdir()
        wrong = terraform_cli.make_and_change(plugins, folder, self.daemon)
        assert wrong is None, wrong
        results = dict.fromkeys(self.model.operation_names, NOT_CALLED)
        for (operation, code), count in self.answered().items():
            if count > before.get((operation, code), 0):
                is_good = code == "" and not results[operation].startswith("FAILED")
                results[operation] = YES if is_good else f"FAILED: {code}"
        self.results["Terraform"] = {
            operation: NO if self.results["boto3"][operation] == NO and result == NOT_CALLED else result
            for operation, result in results.items()
        }

    def answered(self):
        """How often each operation has been answered with each code, as the daemon counts it."""
        metrics = request(self.daemon.admin_address, "GET", "/metrics").body.decode()
        counts = re.findall(r'^eventyard_api_requests_total\{code="(\w*)",operation="(\w+)"\} (\d+)$', metrics, re.M)
        return {(operation, code): int(count) for code, operation, count in counts}

    def failures(self):
        """Each result that is neither of the three, in a line."""
        expected = {YES, NO, NOT_CALLED}
        return [
            f"{client}: {operation}: {result}"
            for client, results in self.results.items()
            for operation, result in results.items()
            if result not in expected
        ]

    def table(self):
        """The results as they stand in the document. A client that is missing has what the document says of it."""
        documented = documented_results()
        lines = [f"| operation | {' | '.join(CLIENTS)} |", f"|---|{'---|' * len(CLIENTS)}"]
        for operation in self.model.operation_names:
            cells = [self.results.get(client, documented.get(client, {})).get(operation, "?") for client in CLIENTS]
            lines.append(f"| {operation} | {' | '.join(cells)} |")
        return "\n".join(lines)


def documented_table():
    return DOCUMENT.read_text().split(BEGIN)[1].split(END)[0].strip()


def documented_results():
    """Of each client what the document says of each operation."""
    rows = [re.split(r" *\| *", line.strip("| ")) for line in documented_table().splitlines()[2:]]
    return {client: {row[0]: row[number] for row in rows if len(row) > number} for number, client in enumerate(CLIENTS, 1)}


def write(table):
    before, rest = DOCUMENT.read_text().split(BEGIN)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.split(END)[1]}")


def main(arguments):
    with tempfile.TemporaryDirectory() as folder:
        matrix = Matrix(os.environ["EVENTYARD_BINARY"], folder).run()
    table = matrix.table()
    print(table)
    for client, reason in matrix.missing.items():
        print(f"{client} was SKIPPED: {reason}. Its column is that of the document.", file=sys.stderr)
    failures = matrix.failures()
    for failure in failures:
        print(failure, file=sys.stderr)
    if "--write" in arguments and not failures:
        write(table)
    if "--check" in arguments and table != documented_table():
        print(f"{DOCUMENT} says something else; tests/compat/run --write mends that", file=sys.stderr)
        return 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
