"""A server that speaks HTTP/2 and nothing else."""

import contextlib
import socket
import ssl
import threading

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError


class Http2Server:
    """Records requests, as headers and body, and answers 200, until `close`.

    With a `certificate`, the files of one and its key, it speaks TLS, and offers HTTP/2 there (ALPN); without one the client has to
    know.
    """

    def __init__(self, certificate=None):
        self.requests = []
        self._context = None
        if certificate:
            self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._context.load_cert_chain(*certificate)
            self._context.set_alpn_protocols(["h2"])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(stream,), daemon=True).start()

    def _serve(self, stream):
        with contextlib.suppress(OSError):
            self._speak(self._context.wrap_socket(stream, server_side=True) if self._context else stream)

    def _speak(self, stream):
        if self._context and stream.selected_alpn_protocol() != "h2":
            stream.close()
            return
        connection = H2Connection(config=H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        under_way = {}
        with stream:
            stream.sendall(connection.data_to_send())
            while data := stream.recv(65536):
                try:
                    events = connection.receive_data(data)
                except ProtocolError:
                    return
                for event in events:
                    self._take(connection, under_way, event)
                stream.sendall(connection.data_to_send())

    def _take(self, connection, under_way, event):
        if isinstance(event, RequestReceived):
            under_way[event.stream_id] = (dict(event.headers), b"")
        elif isinstance(event, DataReceived):
            headers, body = under_way[event.stream_id]
            under_way[event.stream_id] = (headers, body + event.data)
            connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            self.requests.append(under_way.pop(event.stream_id))
            connection.send_headers(event.stream_id, [(":status", "200")], end_stream=True)
