"""A target: an HTTP server that records every request and answers what a test tells it to."""

import json
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Request:
    """A request as it arrived. The names of headers are in lower case; `at` is the second of a steady clock."""

    method: str
    path: str
    headers: dict
    body: bytes
    at: float

    def json(self):
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What the sink does with a request.

    `delay_seconds` is waited before the answer; with `hang` there is none until the sink is closed; with `drop` the
    connection is closed instead.
    """

    status: int = 200
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    delay_seconds: float = 0
    hang: bool = False
    drop: bool = False


class Sink:
    """Listens on a free port of 127.0.0.1 until `close`."""

    def __init__(self):
        self._changed = threading.Condition()
        self._requests = []
        self._queued = defaultdict(deque)
        self._always = {}
        self._closed = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.sink = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def requests(self):
        """All requests so far, in the order of their arrival."""
        with self._changed:
            return list(self._requests)

    def to(self, path):
        """The requests for one path, without its query."""
        return [request for request in self.requests if request.path.split("?")[0] == path]

    def answer(self, path, *answers):
        """The next requests for `path` get `answers`, one each; later ones get what `always` says, or 200."""
        with self._changed:
            self._queued[path].extend(answers)

    def always(self, path, answer):
        """Every request for `path` without a queued answer gets `answer`: an Answer, or a function of the Request."""
        with self._changed:
            self._always[path] = answer

    def wait_for(self, count, path=None, within_seconds=30):
        """Waits for `count` requests, for `path` if given, and gives them all, also those beyond `count`."""
        deadline = time.monotonic() + within_seconds
        with self._changed:
            while True:
                found = self.requests if path is None else self.to(path)
                if len(found) >= count:
                    return found
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"{len(found)} of {count} requests came within {within_seconds} s: {found}")
                self._changed.wait(left)

    def close(self):
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _take(self, request):
        path = request.path.split("?")[0]
        with self._changed:
            self._requests.append(request)
            queued = self._queued[path]
            answer = queued.popleft() if queued else self._always.get(path, Answer())
            self._changed.notify_all()
        return answer(request) if callable(answer) else answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def handle_error(self, request, client_address):
        """A client that goes away, as a killed daemon does, is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _handle(self):
        at = time.monotonic()
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        sink = self.server.sink
        answer = sink._take(Request(self.command, self.path, headers, body, at))
        sink._closed.wait(None if answer.hang else answer.delay_seconds)
        if answer.hang or answer.drop:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _handle

    def log_message(self, *_):
        """The requests are recorded; nobody reads a second log."""
