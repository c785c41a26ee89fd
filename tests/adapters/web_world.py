"""The web app over stores in memory, with hands on everything around it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final
from uuid import UUID

import httpx
from attrs import define, evolve, field
from starlette.applications import Starlette
from starlette.types import ASGIApp

from outreach.adapters.memory import MemoryClock, MemoryInbox, MemoryStore
from outreach.adapters.memory.bell import MemoryBell
from outreach.adapters.timelinesai import TimelinesReader
from outreach.domain.event import Arrival
from outreach.domain.ids import EventId, Incarnation
from outreach.entrypoints.metrics import Metrics
from outreach.entrypoints.settings import Secret
from outreach.entrypoints.web.app import (
    Limits,
    Probe,
    WebhookRoute,
    WebParts,
    create_app,
)

__all__ = [
    "PATH",
    "TOKEN",
    "WHO",
    "BrokenInbox",
    "Web",
    "asked",
    "error_of",
    "reply",
    "speak",
]

TOKEN: Final = "kO2r0tU9-canary-token-7xQpLw41zVn8"
OLD_TOKEN: Final = "an-older-token-that-is-still-good"
PATH: Final = f"/webhooks/timelinesai/{TOKEN}"
NOW: Final = datetime(2026, 11, 20, 9, tzinfo=UTC)
WHO: Final = Incarnation("test")


def reply(uid: str = "c7ec509d-0171", text: str = "Da", **more: object) -> bytes:
    """A prospect's message, as the vendor sends it."""
    return json.dumps(
        {
            "event_type": "message:received:new",
            "chat": {"chat_id": 123456, "is_group": False, "phone": "+40731000001"},
            "whatsapp_account": {"phone": "+40720000001"},
            "message": {
                "text": text,
                "direction": "received",
                "timestamp": "2026-11-20 10:00:00 +0200",
                "message_uid": uid,
                "sender": {"phone": "+40731000001"},
                "recipient": {"phone": "+40720000001"},
            },
            **more,
        }
    ).encode()


def timelines(**changes: Any) -> WebhookRoute:
    route = WebhookRoute(
        provider="timelinesai",
        account="default",
        reader=TimelinesReader(),
        tokens=(Secret(TOKEN), Secret(OLD_TOKEN)),
    )
    return evolve(route, **changes)


@define
class BrokenInbox:
    """Fails as it is told, and passes on the rest.

    Attributes:
        fail: raises, or does not, for an arrival.
    """

    inner: MemoryInbox
    fail: Callable[[Arrival], None] = lambda _: None

    async def put(self, arrival: Arrival) -> bool:
        self.fail(arrival)
        return await self.inner.put(arrival)

    async def take(self, who: Incarnation, limit: int) -> Sequence[Any]:
        return await self.inner.take(who, limit)

    async def wait(
        self, event: EventId, until: datetime, *, aside: bool = False
    ) -> None:
        await self.inner.wait(event, until, aside=aside)

    async def park(self, event: EventId, why: str, until: datetime | None) -> None:
        await self.inner.park(event, why, until)

    async def again(
        self, since: datetime, limit: int, *, provider: str | None = None
    ) -> int:
        return await self.inner.again(since, limit, provider=provider)

    async def close(self, event: EventId, why: str) -> None:
        await self.inner.close(event, why)


@define(eq=False)
class Web:
    """One app and what it was made of."""

    routes: Sequence[WebhookRoute] = field(factory=lambda: (timelines(),))
    probes: Mapping[str, Probe] = field(factory=dict)
    limits: Limits = field(factory=lambda: Limits(failures=10_000))
    seconds: float = 0.0
    bell: MemoryBell = field(factory=MemoryBell)
    metrics: Metrics = field(factory=Metrics)
    inbox: BrokenInbox = field(init=False)
    app: Starlette = field(init=False)

    def __attrs_post_init__(self) -> None:
        ids = count(1)
        clock = MemoryClock(NOW, NOW)
        store = MemoryStore(clock, lambda: UUID(int=next(ids)))
        self.inbox = BrokenInbox(MemoryInbox(store))
        self.app = create_app(self.parts)

    @property
    def parts(self) -> WebParts:
        return WebParts(
            inbox=self.inbox,
            bell=self.bell,
            routes=self.routes,
            probes=self.probes,
            metrics=self.metrics,
            limits=self.limits,
            now=lambda: NOW,
            monotonic=lambda: self.seconds,
        )

    async def stored(self) -> list[Arrival]:
        """What waits for a worker. It can be asked once."""
        taken = await self.inbox.take(WHO, 100_000)
        return [arrived.arrival for arrived in taken]

    async def rung(self) -> bool:
        """Whether the bell rings, now or soon."""
        return await self.bell.wait(timedelta(seconds=0.2))

    @asynccontextmanager
    async def client(self, app: ASGIApp | None = None) -> AsyncIterator[Any]:
        async with speak(app or self.app) as client:
            yield client

    def counted(self, sample: str) -> float:
        """The value of one series, such as ``outreach_x_total{a="b"}``."""
        for line in self.metrics.exposition().decode().splitlines():
            name, _, value = line.rpartition(" ")
            if name == sample:
                return float(value)
        raise KeyError(sample)

    def webhooks(self, outcome: str, provider: str = "timelinesai") -> float:
        labels = f'outcome="{outcome}",provider="{provider}"'
        return self.counted(f"outreach_webhooks_total{{{labels}}}")


@asynccontextmanager
async def speak(app: ASGIApp, address: str = "10.0.0.1") -> AsyncIterator[Any]:
    """A client of *app*, without a socket."""
    transport = httpx.ASGITransport(app, client=(address, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://web") as client:
        yield client


async def asked(app: ASGIApp, method: str, path: str, **more: Any) -> httpx.Response:
    """One request."""
    async with speak(app) as client:
        answer: httpx.Response = await client.request(method, path, **more)
        return answer


def error_of(answer: httpx.Response) -> dict[str, Any]:
    """The error in an answer, which must have the one shape."""
    body = answer.json()
    assert set(body) == {"error", "requestId", "timestamp"}
    assert body["requestId"] == answer.headers["x-request-id"]
    assert datetime.fromisoformat(body["timestamp"]).tzinfo is not None
    error: dict[str, Any] = body["error"]
    assert set(error) == {"code", "message", "details"}
    return error
