"""Notifications as BILL sends them, made and signed here, and posted over a few connections that stay open."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import hashlib
import hmac
import json
import re
import urllib.parse
import uuid

ORGANIZATION = "00801ACMESERVICES001"
SUBSCRIPTION = "f6d06930-e3e2-4509-be37-4dbda29efc61"


def payload(
    *,
    kind="bill.updated",
    entity_id="00n01BILLAAAAAAA0001",
    updated="2026-12-02T10:00:00.310+00:00",
    event_id=None,
    organization=ORGANIZATION,
    subscription=SUBSCRIPTION,
):
    """Return a payload of the published shape (sheet bill 11)."""
    member = kind.partition(".")[0]
    return {
        "metadata": {
            "eventId": event_id or str(uuid.uuid4()),
            "subscriptionId": subscription,
            "organizationId": organization,
            "eventType": kind,
            "version": "1",
        },
        member: {"id": entity_id, "archived": False, "updatedTime": updated},
    }


def compact(value):
    """Return the minified JSON of a payload."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def signed(key, body):
    """Return the signature of a body, computed without the code under test (sheet bill 5.4)."""
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def headers(key, body):
    """Return what comes with a notification."""
    return {"Content-Type": "application/json", "x-bill-sha-signature": signed(key, body)}


def burst_of(count, key, *, seed, subscription=SUBSCRIPTION, duplicates=0.2):
    """Return (event ids, requests): ``count`` events, a share of them twice, in any order."""
    import random

    chance = random.Random(seed)
    start = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
    ids, bodies = [], []
    for number in range(count):
        moment = (start + dt.timedelta(seconds=number)).isoformat(timespec="milliseconds")
        ids.append(str(uuid.UUID(int=chance.getrandbits(128), version=4)))
        bodies.append(
            compact(
                payload(entity_id=f"00n01{number:015d}", updated=moment, event_id=ids[-1], subscription=subscription)
            )
        )
    bodies += chance.sample(bodies, int(count * duplicates))
    chance.shuffle(bodies)
    return ids, [(body, signed(key, body)) for body in bodies]


def post_all(url, requests, *, connections=32, answered=None, anew=False, source=None):
    """Post over so many connections at once; returns the statuses in the order of the requests, 0 without an answer.

    Args:
        url: Where to.
        requests: (body, signature) each.
        connections: How many connections.
        answered: Called with the number of answers after each of them.
        anew: Whether each request has a connection of its own, so many at once.
        source: The loopback address they come from.
    """
    how = {"connections": connections, "answered": answered, "anew": anew, "source": source}
    return asyncio.run(_post_all(urllib.parse.urlsplit(url), requests, **how))


async def _post_all(url, requests, *, connections, answered, anew, source):
    statuses = [0] * len(requests)
    waiting = iter(range(len(requests)))
    count = 0

    async def one_after_the_other():
        for number in waiting:
            await connection([number])

    async def connection(numbers):
        nonlocal count
        local = (source, 0) if source else None
        reader, writer = await asyncio.open_connection(url.hostname, url.port, local_addr=local)
        try:
            for number in numbers:
                body, signature = requests[number]
                writer.write(
                    f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
                    f"x-bill-sha-signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                await reader.readexactly(int(length[1]) if length else 0)
                statuses[number] = int(head[9:12])
                count += 1
                if answered is not None:
                    answered(count)
        except (OSError, asyncio.IncompleteReadError):
            return  # whoever is killed answers no more
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    await asyncio.gather(*(one_after_the_other() if anew else connection(waiting) for _ in range(connections)))
    return statuses
