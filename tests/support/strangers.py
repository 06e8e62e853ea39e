"""Strangers at the receiver's door: they hold connections, dawdle, forge and do not listen, and come again when thrown out."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import threading

from bill_events import ORGANIZATION, compact, headers, payload
from waiting import PATIENCE


class Strangers:
    """A crowd that rings while the ``with`` block lasts, each of its members with one connection at a time.

    Attributes:
        connected: How often each kind got a connection.
        answers: How often each status was answered to forgers.

    Args:
        port: Whom they trouble, on this machine.
        count: How many, shared by the kinds.
        kinds: Names of methods below.
        sources: How many loopback addresses they come from.
        subscription: Which subscription forged requests name.
        pause: Seconds until each of them does the next thing.
    """

    KINDS = ("silent", "half_a_head", "half_a_body", "forging", "deaf")

    def __init__(self, port, count, kinds=KINDS, *, sources=1, subscription="", pause=0.2):
        self._port = port
        self._pause = pause
        self._who = [(kinds[number % len(kinds)], number % sources) for number in range(count)]
        body = compact(payload(organization=ORGANIZATION, subscription=subscription) | {"padding": ["x"] * 200})
        body = body.replace(b",", b", ")  # not minified: so it is worth a second look
        given = headers("a wrong key", body)
        self._head = "".join(
            ["POST /webhooks/bill HTTP/1.1\r\nHost: r\r\n", *(f"{name}: {value}\r\n" for name, value in given.items())]
        ).encode()
        self._forged = self._head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
        self.connected = collections.Counter()
        self.answers = collections.Counter()
        self._all_there = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._crowd()), daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._all_there.wait(PATIENCE)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _crowd(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        members = [asyncio.create_task(self._member(*who)) for who in self._who]
        await self._stop.wait()
        for each in members:
            each.cancel()
        await asyncio.gather(*members, return_exceptions=True)

    async def _member(self, kind, source):
        local = (f"127.0.{1 + source // 250}.{1 + source % 250}", 0)
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port, local_addr=local)
                self.connected[kind] += 1
                if self.connected.total() >= len(self._who):
                    self._all_there.set()
                try:
                    await getattr(self, f"_{kind}")(reader, writer)
                finally:
                    writer.transport.abort()
            await asyncio.sleep(self._pause)

    async def _silent(self, reader, _writer):
        await reader.read()

    async def _half_a_head(self, reader, writer):
        writer.write(self._head)
        await self._drip(reader, writer)

    async def _half_a_body(self, reader, writer):
        writer.write(self._head + b"Content-Length: 100000\r\n\r\n{")
        await self._drip(reader, writer)

    async def _drip(self, reader, writer):
        ended = asyncio.ensure_future(reader.read())
        try:
            while not ended.done():
                writer.write(b"a")
                await asyncio.wait([ended], timeout=self._pause)
        finally:
            ended.cancel()

    async def _forging(self, reader, writer):
        while True:
            writer.write(self._forged)
            head = await reader.readuntil(b"\r\n\r\n")
            self.answers[int(head[9:12])] += 1
            await asyncio.sleep(self._pause)

    async def _deaf(self, reader, writer):
        reader._transport.pause_reading()
        for _ in range(20):
            writer.write(self._forged * 5)
            await writer.drain()
            await asyncio.sleep(self._pause)
