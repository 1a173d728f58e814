"""A real Prometheus beside the daemon, with the rules and the dashboard of deploy/."""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import yaml

from daemon import free_ports

DEPLOY = Path(__file__).parents[2] / "deploy"
# Some queries of the dashboard show only what is not well.
OF_TROUBLE = "> 0"
SCRAPE_SECONDS = 1


def alerts():
    """The expression of each alert, by its name."""
    rules = yaml.safe_load((DEPLOY / "prometheus/eventyard.rules.yml").read_text())
    return {rule["alert"]: rule["expr"] for group in rules["groups"] for rule in group["rules"] if "alert" in rule}


def panels():
    """The expressions of the dashboard, with what Grafana puts in."""
    found, left = [], [json.loads((DEPLOY / "grafana/eventyard.json").read_text())]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if "expr" in value:
                found.append(value["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*"))
            left += value.values()
        elif isinstance(value, list):
            left += value
    return found


class Prometheus:
    """Scrapes the admin listener over TLS, once a second."""

    def __init__(self, folder, scraped, ca_file):
        (port,) = free_ports(1)
        self.address = f"127.0.0.1:{port}"
        job = {
            "job_name": "eventyard",
            "scheme": "https",
            "tls_config": {"ca_file": str(ca_file)},
            "static_configs": [{"targets": [scraped]}],
        }
        config = {
            "global": {"scrape_interval": f"{SCRAPE_SECONDS}s", "scrape_timeout": f"{SCRAPE_SECONDS}s"},
            "rule_files": [str(DEPLOY / "prometheus/eventyard.rules.yml")],
            "scrape_configs": [job],
        }
        folder.mkdir()
        (folder / "prometheus.yml").write_text(json.dumps(config))
        command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                   f"--web.listen-address={self.address}"]  # fmt: skip
        with open(folder / "log", "w") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @staticmethod
    def is_installed():
        return shutil.which("prometheus") is not None

    def count(self, query):
        """How many series a query gives; none while Prometheus starts."""
        url = f"http://{self.address}/api/v1/query?" + urllib.parse.urlencode({"query": query})
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return len(json.load(answer)["data"]["result"])
        except urllib.error.HTTPError as error:
            assert error.code == 503, f"{query}: {error.read().decode()}"
            return 0
        except OSError:
            return 0

    def wait_for(self, query, what, within_seconds=30):
        deadline = time.monotonic() + within_seconds
        while not self.count(query):
            assert time.monotonic() < deadline, f"{what}: no series within {within_seconds} s of {query}"
            time.sleep(0.1)

    def close(self):
        self.process.terminate()
        self.process.wait(30)
