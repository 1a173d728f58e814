"""Reads what brokers were sent, with the clients that their users have."""

import asyncio
import ssl
import threading
import time
from dataclasses import dataclass
from urllib.parse import quote

from brokers import Nats

WITHIN_SECONDS = 30


@dataclass(frozen=True)
class Message:
    """A message as it arrived; `event` is the event's id where the protocol has a place for an id."""

    body: bytes
    event: str
    headers: dict


def encoded(template):
    """A name for a URL: percent-encoded but for its places."""
    return quote(template, safe="{}$.")


def parameters(given):
    text = "&".join(f"{name.replace('_', '.', 1)}={value}" for name, value in given.items())
    return f"?{text}" if text else ""


class NatsSubject:
    """A subject of NATS, or of a stream of JetStream where what is sent has to be kept."""

    server = Nats
    has_headers = True

    def __init__(self, broker, template, name, keeps=False, is_there=False, opens=True):
        self.broker, self.template, self.name, self.keeps = broker, template, name, keeps
        self.messages = []
        if keeps and not is_there:
            asyncio.run(self._make_stream())
        if opens and not keeps:
            listening = threading.Event()
            threading.Thread(target=lambda: asyncio.run(self._listen(listening)), daemon=True).start()
            assert listening.wait(WITHIN_SECONDS)

    def arn(self, **given):
        given |= {"jetstream": "true"} if self.keeps else {}
        return f"nats://{self.broker.server}/{encoded(self.template)}{parameters(given)}"

    async def _connect(self):
        import nats

        context = getattr(self.broker, "tls", None) and ssl.create_default_context(cafile=self.broker.tls)
        options = {"tls": context} if context else {}
        return await nats.connect(f"{'tls' if context else 'nats'}://{self.broker.server}", **options)

    async def _make_stream(self):
        client = await self._connect()
        await client.jetstream().add_stream(name=self.name, subjects=[self.name])
        await client.close()

    async def _listen(self, listening):
        client = await self._connect()
        subscription = await client.subscribe(self.name)
        await client.flush()
        listening.set()
        async for message in subscription.messages:
            self.messages.append(self._message(message))

    async def _stored(self):
        client = await self._connect()
        stream = client.jetstream()
        state = (await stream.stream_info(self.name)).state
        stored = [await stream.get_msg(self.name, seq=n) for n in range(max(1, state.first_seq), state.last_seq + 1)]
        await client.close()
        return [self._message(message) for message in stored]

    @staticmethod
    def _message(message):
        return Message(message.data, message.headers["Nats-Msg-Id"], dict(message.headers))

    def read(self, count):
        deadline = time.monotonic() + WITHIN_SECONDS
        while True:
            messages = asyncio.run(self._stored()) if self.keeps else list(self.messages)
            if len(messages) >= count:
                return messages
            assert time.monotonic() < deadline, f"{len(messages)} of {count} messages came"
            time.sleep(0.05)


CLIENTS = [NatsSubject]
