"""Webhooks come in: stored before they are answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount
from structlog.testing import capture_logs
from tests.adapters.web_world import (
    NOW,
    PATH,
    Web,
    asked,
    error_of,
    reply,
    speak,
    timelines,
)

from outreach.domain.address import phone_key
from outreach.domain.channel import Channel
from outreach.domain.errors import (
    AnswerLost,
    Refused,
    Unavailable,
)
from outreach.domain.event import Arrival, EventType, SystemEvent
from outreach.entrypoints.settings import Secret
from outreach.entrypoints.web.app import Limits, WebhookRoute, create_app


async def test_a_delivery_is_stored_before_it_is_answered() -> None:
    web = Web()

    answer = await asked(web.app, "POST", PATH, content=reply("uid-1"))

    assert (answer.status_code, answer.json()) == (200, {"stored": 1})
    assert await web.stored() == [
        Arrival(
            provider="timelinesai",
            account="default",
            raw=reply("uid-1"),
            key="message:received:new:uid-1",
            type=EventType.REPLY,
            address=phone_key("+40731000001"),
            received_at=NOW,
        )
    ]


async def test_a_stored_delivery_rings_and_a_known_one_does_not() -> None:
    web = Web()

    await asked(web.app, "POST", PATH, content=reply())
    first = await web.rung()
    await asked(web.app, "POST", PATH, content=reply())

    assert first
    assert not await web.rung()


async def test_a_bell_that_hangs_holds_up_no_answer() -> None:
    web = Web()
    began, released = asyncio.Event(), asyncio.Event()

    @frozen
    class Slow:
        async def ring(self, after: timedelta = timedelta()) -> None:
            del after
            began.set()
            await released.wait()

    app = create_app(evolve(web.parts, bell=Slow()))
    async with asyncio.timeout(5):
        answers = [await asked(app, "POST", PATH, content=reply(uid)) for uid in "abc"]
        await began.wait()

    assert [answer.json() for answer in answers] == [{"stored": 1}] * 3
    released.set()


async def test_a_bell_that_raises_loses_nothing() -> None:
    web = Web()

    @frozen
    class Broken:
        async def ring(self, after: timedelta = timedelta()) -> None:
            raise OSError(str(after))

    app = create_app(evolve(web.parts, bell=Broken()))
    answer = await asked(app, "POST", PATH, content=reply())
    await asyncio.sleep(0.01)

    assert answer.status_code == 200
    assert web.counted('outreach_bell_rings_total{outcome="failed"}') == 1


async def test_a_thousand_same_deliveries_are_one_event_and_all_are_answered() -> None:
    web = Web()

    async with speak(web.app) as client:
        answers = await asyncio.gather(
            *(client.post(PATH, content=reply()) for _ in range(1_000))
        )

    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json()["stored"] for answer in answers) == 1
    assert len(await web.stored()) == 1
    assert (web.webhooks("stored"), web.webhooks("repeated")) == (1, 999)


async def test_the_token_names_the_account() -> None:
    other = timelines(account="second", tokens=(Secret("of-the-second"),))
    web = Web(routes=[timelines(), other])

    await asked(web.app, "POST", "/webhooks/timelinesai/of-the-second", content=reply())

    assert [arrival.account for arrival in await web.stored()] == ["second"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"event_type":' * 50_000,
        b'{"a":' + b"9" * 900_000 + b"}",
        b'{"event_type": "chat:new"}',
        b'{"event_type": "no:such:thing"}',
        b'{"event_type": "message:received:new"}',
        b'{"messages": []}',
    ],
    ids=range(11),
)
async def test_what_cannot_be_read_is_kept_as_one_unknown_event(body: bytes) -> None:
    web = Web()

    answers = [await asked(web.app, "POST", PATH, content=body) for _ in range(2)]

    assert [answer.json() for answer in answers] == [{"stored": 1}, {"stored": 0}]
    (arrival,) = await web.stored()
    assert (arrival.type, arrival.raw) == (EventType.UNKNOWN, body)


@given(st.binary(max_size=2_000))
async def test_no_bytes_are_lost_and_none_do_harm(body: bytes) -> None:
    web = Web()

    answer = await asked(web.app, "POST", PATH, content=body)

    assert (answer.status_code, answer.json()) == (200, {"stored": 1})
    assert [arrival.raw for arrival in await web.stored()] == [body]


async def test_a_defect_of_a_reader_loses_no_delivery_and_shows_no_body() -> None:
    @frozen
    class Defective:
        def read(self, raw: bytes) -> Sequence[SystemEvent]:
            raise ValueError(raw)

    web = Web(routes=[timelines(reader=Defective())])

    with capture_logs() as logs:
        answer = await asked(web.app, "POST", PATH, content=b"+40731000001")

    assert answer.json() == {"stored": 1}
    assert [arrival.raw for arrival in await web.stored()] == [b"+40731000001"]
    (line,) = [line for line in logs if line["event"] == "reader.defect"]
    assert line["error"] == "ValueError"
    assert "+40731000001" not in json.dumps(logs)


async def test_each_event_of_a_delivery_is_stored_by_itself() -> None:
    old_bundle = {
        "chat_id": 1,
        "phone": "+40731000001",
        "messages": [
            {"direction": "received", "text": f"{n}", "message_uid": f"uid-{n}"}
            for n in range(5)
        ],
    }
    web = Web()

    answer = await asked(web.app, "POST", PATH, json=old_bundle)

    stored = await web.stored()
    assert answer.json() == {"stored": 5}
    assert len({arrival.key for arrival in stored}) == 5


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (Unavailable("down"), "5"),
        (AnswerLost("perhaps"), "5"),
        (Unavailable("down", retry_after=timedelta(seconds=2.5)), "3"),
    ],
)
async def test_an_inbox_that_is_down_has_the_provider_come_again(
    error: Exception, wait: str
) -> None:
    web = Web()

    def fail(_: Arrival) -> None:
        raise error

    web.inbox.fail = fail
    down = await asked(web.app, "POST", PATH, content=reply())
    web.inbox.fail = lambda _: None
    again = await asked(web.app, "POST", PATH, content=reply())

    assert (down.status_code, down.headers["retry-after"]) == (503, wait)
    assert error_of(down)["code"] == "SERVICE_UNAVAILABLE"
    assert again.json() == {"stored": 1}
    assert len(await web.stored()) == 1
    assert web.webhooks("unavailable") == 1


async def test_an_inbox_that_hangs_is_not_waited_for_without_end() -> None:
    web = Web(limits=Limits(store_within=timedelta(seconds=0.05)))

    @frozen
    class Hanging:
        async def put(self, arrival: Arrival) -> bool:
            await asyncio.Event().wait()
            return bool(arrival)

        def __getattr__(self, name: str) -> Any:
            return getattr(web.inbox, name)

    app = create_app(evolve(web.parts, inbox=Hanging()))
    async with asyncio.timeout(5):
        answer = await asked(app, "POST", PATH, content=reply())

    assert answer.status_code == 503


async def test_one_event_that_cannot_be_stored_does_not_keep_the_others_out() -> None:
    @frozen
    class Three:
        def read(self, raw: bytes) -> Sequence[SystemEvent]:
            return [
                SystemEvent(key, "timelinesai", EventType.READ, Channel.WHATSAPP)
                for key in (raw.decode() + "1", "bad", raw.decode() + "3")
            ]

    def fail(arrival: Arrival) -> None:
        if arrival.key == "bad":
            message = "a secret of the row: +40731000001"
            raise Refused(message)

    web = Web(routes=[timelines(reader=Three())])
    web.inbox.fail = fail
    with capture_logs() as logs:
        answer = await asked(web.app, "POST", PATH, content=b"k")

    assert answer.status_code == 500
    assert error_of(answer)["code"] == "INTERNAL_ERROR"
    assert [arrival.key for arrival in await web.stored()] == ["k1", "k3"]
    assert await web.rung()
    assert "+40731000001" not in answer.text + json.dumps(logs)
    assert web.webhooks("failed") == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_only_post_delivers(method: str) -> None:
    web = Web()

    answer = await asked(web.app, method, PATH)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", [PATH, f"{PATH}/", "/webhooks/", "/healthz/"])
async def test_nothing_is_ever_sent_somewhere_else(path: str) -> None:
    web = Web()

    answer = await asked(web.app, "POST", path, content=reply())

    assert answer.status_code in {200, 401, 404}
    assert "location" not in answer.headers


async def test_it_works_under_a_prefix_of_another_application() -> None:
    web = Web()
    host = Starlette(routes=[Mount("/x/y", web.app)])

    async with speak(host) as client:
        stored = await client.post(f"/x/y{PATH}", content=reply())
        forged = await client.post("/x/y/webhooks/timelinesai/no", content=reply())
        missing = await client.get("/x/y/nothing")
        alive = await client.get("/x/y/healthz")

    assert stored.json() == {"stored": 1}
    assert error_of(forged)["code"] == "UNAUTHORIZED"
    assert error_of(missing)["code"] == "NOT_FOUND"
    assert alive.json() == {"status": "alive"}


def test_paths_are_known_by_name() -> None:
    web = Web()

    path = web.app.url_path_for("timelinesai-token", token="t")

    assert path == "/webhooks/timelinesai/t"


async def test_a_request_keeps_the_id_it_was_given_if_it_is_one() -> None:
    web = Web()
    given = "6f0a1f5e-8f0c-4b7e-9c53-0a6b0f1d2c3e"

    async with speak(web.app) as client:
        named = await client.get("/none", headers={"X-Request-Id": given})
        nonsense = await client.get("/none", headers={"X-Request-Id": "+40731000001"})

    assert named.json()["requestId"] == given
    assert nonsense.json()["requestId"] == nonsense.headers["x-request-id"]
    assert "+40731000001" not in nonsense.text + str(nonsense.headers)


# --- a provider whose deliveries do not name our number


@frozen
class PathReader:
    """Keeps the number of the path and the time, and leaves out a token."""

    def kept(self, raw: bytes, phone_in_path: str, at: datetime) -> bytes:
        return raw.replace(b"t0ken", b"") + f"|{phone_in_path}|{at:%H:%M}".encode()

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        return [
            SystemEvent(
                key=raw.decode(),
                provider="baileys",
                type=EventType.REPLY,
                channel=Channel.WHATSAPP,
            )
        ]


async def by_number(path: str) -> tuple[int, list[Arrival]]:
    route = WebhookRoute(
        provider="baileys",
        account="default",
        reader=PathReader(),
        tokens=(Secret("a/secret"),),
        by_number=True,
    )
    there = Web(routes=(route,))
    answer = await asked(there.app, "POST", path, content=b"body t0ken")
    return answer.status_code, await there.stored()


async def test_the_path_goes_on_with_our_number_which_is_kept_with_the_body() -> None:
    status, (arrival,) = await by_number("/webhooks/baileys/a/secret/+40720000001")

    assert status == 200
    assert arrival.raw == f"body |+40720000001|{NOW:%H:%M}".encode()
    assert arrival.key == arrival.raw.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/baileys/a/secret",
        "/webhooks/baileys/a/another/+40720000001",
        "/webhooks/baileys/a/secret/+40720000001/more",
    ],
)
async def test_without_the_token_before_the_number_it_is_a_stranger(path: str) -> None:
    assert await by_number(path) == (401, [])
