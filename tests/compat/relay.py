"""What stands between the daemon and a server: it passes on all bytes, and keeps answers back when a test says so."""

import contextlib
import socket
import ssl
import threading


class Relay:
    """Listens on a free port of 127.0.0.1 for a server on `port`, until `close`.

    While it is `mute`, what the server says reaches nobody: requests arrive, and their confirmations are lost.
    `begin` is a function of both sockets that is called with each new pair, before anything is passed on. With a `certificate`, the
    files of one and its key, clients speak TLS.
    """

    def __init__(self, port, begin=lambda client, server: None, certificate=None):
        self.mute = threading.Event()
        self.port, self._begin = port, begin
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = []
        self._context = None
        if certificate:
            self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._context.load_cert_chain(*certificate)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def server(self):
        return "127.0.0.1:%d" % self._listener.getsockname()[1]

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.port))
                self._sockets += [client, server]
                threading.Thread(target=self._serve, args=(client, server), daemon=True).start()

    def _serve(self, client, server):
        with contextlib.suppress(OSError):
            client = self._context.wrap_socket(client, server_side=True) if self._context else client
            self._begin(client, server)
            threading.Thread(target=self._pass_on, args=(client, server, threading.Event()), daemon=True).start()
            self._pass_on(server, client, self.mute)

    @staticmethod
    def _pass_on(source, target, mute):
        with contextlib.suppress(OSError):
            while received := source.recv(65_536):
                if not mute.is_set():
                    target.sendall(received)
            target.shutdown(socket.SHUT_WR)

    def close(self):
        for each in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
