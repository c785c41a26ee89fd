"""A sandbox without a process: its application, its clock sped up, its webhooks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import zoneinfo
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import attrs
import httpx

from outreach.entrypoints.sandbox.app import create_app
from outreach.entrypoints.sandbox.behaviour import PROFILES
from outreach.entrypoints.sandbox.journal import Journal, read_lines
from outreach.entrypoints.sandbox.vendor import Plan, Vendor

__all__ = ["ACCOUNTS", "HOOK", "Desk", "opened"]

ACCOUNTS: Final = ("+40720000001", "+40720000002")
HOOK: Final = "http://127.0.0.1:9/hook"
_AT_ONCE: Final = 1e9  # engine seconds per second: every delay is over at once


@attrs.define
class Desk:
    """What a test has at hand. `posted` holds the bodies of webhooks received,
    `requests` all that the sandbox asked of others.
    """

    vendor: Vendor
    client: httpx.AsyncClient
    journal: Journal
    posted: list[dict[str, Any]]
    requests: list[httpx.Request]
    app: Any

    async def send(
        self, phone: str, text: str = "Bună ziua", account: str = ACCOUNTS[0]
    ) -> httpx.Response:
        body = {"phone": phone, "whatsapp_account_phone": account, "text": text}
        return await self.client.post("/messages", json=body)

    async def sent_uid(self, phone: str, text: str = "Bună ziua") -> str:
        answer = await self.send(phone, text)
        uid: str = answer.json()["data"]["message_uid"]
        return uid

    async def want(self, *event_types: str) -> None:
        for event_type in event_types:
            body = {"event_type": event_type, "url": HOOK}
            answer = await self.client.post("/webhooks", json=body)
            assert answer.status_code == 200, answer.text

    def at(self, path: str, **headers: str) -> httpx.AsyncClient:
        """A client of another wire, whose base is `path` of the same server."""
        key = {"authorization": f"Bearer {self.vendor.token}"}
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url=f"http://sandbox.invalid{path}",
            headers={**key, **headers},
        )

    async def settled(self) -> None:
        """Wait until nothing is still to come."""
        async with asyncio.timeout(20):
            await self.vendor.agenda.settled()

    def accepted(self) -> list[dict[str, Any]]:
        return read_lines(self.journal.log)

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        lines = read_lines(self.journal.events_log)
        return [line for line in lines if line["kind"] in kinds]


@contextlib.asynccontextmanager
async def opened(
    folder: Path,
    *,
    profile: str = "calm",
    plan: Mapping[str, Any] = MappingProxyType({}),
    receive: Callable[[httpx.Request], httpx.Response] | None = None,
    **knobs: object,
) -> AsyncIterator[Desk]:
    """Open a workspace; `receive` answers its webhooks (200 unless given).

    `plan` is laid over seed 1, all at once, two accounts.
    """
    posted: list[dict[str, Any]] = []
    requests: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if request.content.startswith(b"{"):
            posted.append(json.loads(request.content))
        return receive(request) if receive else httpx.Response(200)

    def fail(error: BaseException) -> None:
        raise error

    usual = Plan(
        seed=1,
        speed=_AT_ONCE,
        behaviour=PROFILES[profile].changed(knobs),
        zone=zoneinfo.ZoneInfo("Europe/Bucharest"),
        accounts=ACCOUNTS,
    )
    journal = Journal(folder / "accepted.jsonl")
    async with httpx.AsyncClient(transport=httpx.MockTransport(take)) as poster:
        clients: asyncio.Queue[httpx.AsyncClient] = asyncio.Queue()
        for _ in range(4):
            clients.put_nowait(poster)
        root = "http://sandbox.invalid"
        vendor = Vendor(
            attrs.evolve(usual, **plan),
            journal=journal,
            clients=clients,
            base_url=root,
            fail=fail,
        )
        app = create_app(vendor)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url=f"{root}/integrations/api",
            headers={"authorization": f"Bearer {vendor.token}"},
        ) as client:
            yield Desk(vendor, client, journal, posted, requests, app)
        await vendor.agenda.close()
    journal.close()
