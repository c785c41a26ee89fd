"""What is kept of a delivery that says too little, or that is of many events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import pytest
from attrs import evolve, frozen
from tests.adapters.sendgrid_events import event, raw_of
from tests.adapters.web_world import NOW, TOKEN, Web, asked

from outreach.adapters.sendgrid import SendGridReader
from outreach.adapters.wamm import WammReader
from outreach.domain.event import SystemEvent
from outreach.entrypoints.settings import Secret
from outreach.entrypoints.web.app import WebhookRoute

OURS: Final = "+40720000001"
SAID: Final = {"data": {"source_number": "40731000001", "message_text": "Da"}}


def route(reader: Any, *, by_number: bool = False) -> WebhookRoute:
    return WebhookRoute(
        "wamm", "default", reader, tokens=(Secret(TOKEN),), by_number=by_number
    )


@frozen
class Splitting:
    """Reads as SendGrid's does, and takes apart as it is told."""

    parts: Sequence[bytes] | None

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        return SendGridReader().read(raw)

    def split(self, raw: bytes) -> Sequence[bytes]:
        if self.parts is None:
            raise AssertionError(raw)
        return self.parts


async def test_each_event_of_a_delivery_is_kept_by_itself() -> None:
    there = Web(routes=[route(SendGridReader())])
    many = [event("open"), event("click"), event("open")]

    answer = await asked(
        there.app, "POST", f"/webhooks/wamm/{TOKEN}", content=raw_of(*many)
    )

    assert answer.json() == {"stored": 2}
    kept = [json.loads(one.raw) for one in await there.stored()]
    assert kept == [[many[0]], [many[1]]]


@pytest.mark.parametrize("parts", [None, ()])
async def test_a_reader_that_cannot_take_it_apart_loses_nothing(
    parts: Sequence[bytes] | None,
) -> None:
    there = Web(routes=[route(Splitting(parts))])
    raw = raw_of(event("open"), event("click"))

    answer = await asked(there.app, "POST", f"/webhooks/wamm/{TOKEN}", content=raw)

    assert answer.json() == {"stored": 2}
    assert [one.raw for one in await there.stored()] == [raw, raw]


async def test_our_number_in_the_path_and_the_minute_are_kept_with_a_body() -> None:
    there = Web(routes=[route(WammReader(), by_number=True)])
    path = f"/webhooks/wamm/{TOKEN}"

    answers = [
        await asked(there.app, "POST", where, json=SAID)
        for where in (
            f"{path}/{OURS}",
            f"{path}/{OURS}",
            path,
            f"{path}/",
            f"{path}/+4",
        )
    ]
    stored = await there.stored()

    assert [one.status_code for one in answers] == [200, 200, 401, 200, 200]
    assert [one.json().get("stored") for one in answers[:2]] == [1, 0]
    (first, *_) = [WammReader().read(one.raw)[0] for one in stored]
    assert first.sender == OURS
    assert first.occurred_at == NOW.replace(second=0)
    assert first.key == stored[0].key


async def test_a_path_without_a_number_is_as_before() -> None:
    there = Web(routes=[evolve(route(WammReader()), tokens=(Secret("a/b"),))])

    answer = await asked(there.app, "POST", "/webhooks/wamm/a/b", json=SAID)

    assert answer.json() == {"stored": 1}
