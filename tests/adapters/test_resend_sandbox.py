"""The adapter against the sandbox: two readings of one vendor's documents agree."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve
from tests.adapters.test_resend_gateway import warm

from outreach.adapters.resend import (
    ResendGateway,
    ResendReader,
    open_client,
    signatures,
    wire,
)
from outreach.domain.errors import Misconfigured
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.message import Accepted, UnknownOutcome
from outreach.entrypoints.sandbox import Sandbox
from outreach.ports.gateway import Absent, Found
from outreach.testing.fault_server import Asked, FaultServer, Says

AMPLE: Final = timedelta(seconds=10)
FAST: Final = 100_000.0


@contextlib.asynccontextmanager
async def sandboxed(
    folder: Path, *, speed: float = 1.0, **knobs: Any
) -> AsyncIterator[ResendGateway]:
    log = folder / "accepted.jsonl"
    knobs = {"resend_requests_per_s": 0, **knobs}
    with Sandbox.start(
        log, accounts=["+40720000001"], profile="calm", speed=speed, knobs=knobs
    ) as sandbox:
        client = open_client(
            sandbox.token, base_url=sandbox.resend_url, user_agent="outreach tests"
        )
        try:
            yield ResendGateway(client, ask_within=AMPLE)
        finally:
            await client.aclose()


async def test_what_is_sent_is_accepted_once_and_found(tmp_path: Path) -> None:
    async with sandboxed(tmp_path) as gateway:
        since = datetime.now(UTC)
        first = await gateway.send(warm("one"), AMPLE)
        again = await gateway.repeat(warm("one"), since, AMPLE)
        other = evolve(warm("two"), attempt=warm("one").attempt)
        conflict = await gateway.send(other, AMPLE)
        found = await gateway.look(warm("one"), since)
        absent = await gateway.look(warm("never sent"), since)
        assert isinstance(first, Accepted)
        (status,) = await gateway.statuses([first.ref])

    assert again == first
    assert isinstance(conflict, UnknownOutcome)
    assert isinstance(found, Found)
    assert found.ref == first.ref == status.ref
    assert absent == Absent()


async def test_its_webhooks_are_signed_read_and_completed(tmp_path: Path) -> None:
    hooks: list[Asked] = []

    def take(asked: Asked) -> Says:
        hooks.append(asked)
        return Says(200, {})

    lively = {"warm_mail_reply": 1.0, "mail_out_of_office": 0.0, "mail_bounced": 0.0}
    async with (
        FaultServer(take) as server,
        sandboxed(tmp_path, speed=FAST, **lively) as gateway,
    ):
        with pytest.raises(Misconfigured):  # its secret is not ours yet
            await gateway.register(server.url)
        (hook,) = wire.read_webhooks(await gateway._ask(wire.webhooks_request()))
        shown = await gateway._ask(wire.webhooks_request(hook.id))
        secret = wire.read_secret(shown)
        await evolve(gateway, secrets=(secret,)).register(server.url)
        sent = await gateway.send(warm("Bună ziua!"), AMPLE)
        assert isinstance(sent, Accepted)
        checks = signatures([secret])
        assert checks is not None

        events: dict[EventType, SystemEvent] = {}
        async with asyncio.timeout(30):
            while EventType.REPLY not in events:
                await asyncio.sleep(0.05)
                for asked in hooks:
                    now = datetime.now(UTC)
                    assert checks.is_theirs(asked.headers, asked.body, now)
                    (event,) = ResendReader().read(asked.body)
                    events[event.type] = event
        reply = await gateway.fetch(events[EventType.REPLY])
        (status,) = await gateway.statuses([sent.ref])

    assert events[EventType.SENT].ref == sent.ref
    assert reply.content
    assert reply.thread.startswith("<")
    assert status.thread in reply.references
