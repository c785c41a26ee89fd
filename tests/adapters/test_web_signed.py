"""Webhooks of a provider that signs: nothing else is stored."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from tests.adapters.resend_events import raw_of, signed
from tests.adapters.web_world import NOW, Web, asked, error_of, speak, timelines

from outreach.adapters.resend import ResendReader, signatures
from outreach.domain.errors import Misconfigured
from outreach.domain.event import EventType
from outreach.entrypoints.settings import Secret
from outreach.entrypoints.web.app import Limits, WebhookRoute
from outreach.entrypoints.web.webhooks import Webhooks

PATH: Final = "/webhooks/resend"
SECRET: Final = "whsec_" + base64.b64encode(b"a secret of 24 bytes ...").decode()
OLD: Final = "whsec_" + base64.b64encode(b"an older one, 24 bytes..").decode()
OTHER: Final = "whsec_" + base64.b64encode(b"of another account ....").decode()
RAW: Final = raw_of("email.delivered")
STAMP: Final = int(NOW.timestamp())
NONE: Final[Mapping[str, str]] = {}


def route(*secrets: str, account: str = "default") -> WebhookRoute:
    return WebhookRoute(
        "resend", account, ResendReader(), signed=signatures(secrets or (SECRET, OLD))
    )


def web(*routes: WebhookRoute, **facts: Any) -> Web:
    return Web(routes=routes or (route(),), **facts)


async def deliver(
    there: Web, headers: Mapping[str, str] = NONE, *, raw: bytes = RAW
) -> Any:
    given = {**signed(raw, SECRET, STAMP), **headers}
    return await asked(there.app, "POST", PATH, content=raw, headers=given)


async def test_what_the_provider_signed_is_stored() -> None:
    there = web()

    answer = await deliver(there)

    assert (answer.status_code, answer.json()) == (200, {"stored": 1})
    (arrival,) = await there.stored()
    assert (arrival.provider, arrival.account) == ("resend", "default")
    assert (arrival.type, arrival.raw) == (EventType.DELIVERED, RAW)
    assert there.webhooks("stored", "resend") == 1


async def test_a_repetition_is_stored_once_and_each_repetition_answered() -> None:
    there = web()
    later = {**signed(RAW, SECRET, STAMP + 60)}

    answers = [await deliver(there), await deliver(there, later)]

    assert [one.json() for one in answers] == [{"stored": 1}, {"stored": 0}]


async def test_an_older_secret_is_good_while_it_is_rotated() -> None:
    there = web()

    answer = await deliver(there, signed(RAW, OLD, STAMP))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"svix-signature": "v1,AAAA"},
        {"svix-signature": ""},
        {"svix-signature": "v1"},
        {"svix-id": "msg_2"},
        {"svix-timestamp": str(STAMP + 1)},
        {"svix-timestamp": "soon"},
        signed(RAW, OTHER, STAMP),
        signed(RAW, SECRET, STAMP - 301),
        signed(RAW, SECRET, STAMP + 301),
        signed(RAW, SECRET, STAMP, version="v2"),
        signed(RAW + b" ", SECRET, STAMP),
    ],
)
async def test_anything_else_is_401_and_stored_nowhere(
    headers: dict[str, str],
) -> None:
    there = web()

    answer = await deliver(there, headers)

    assert answer.status_code == 401
    assert "signature" in error_of(answer)["message"]
    assert await there.stored() == []
    assert there.webhooks("unauthorized", "resend") == 1


async def test_without_any_of_the_headers_it_is_401() -> None:
    there = web()

    for name in signed(RAW, SECRET, STAMP):
        rest = {n: v for n, v in signed(RAW, SECRET, STAMP).items() if n != name}
        answer = await asked(there.app, "POST", PATH, content=RAW, headers=rest)
        assert answer.status_code == 401, name


async def test_what_the_head_rules_out_is_not_read() -> None:
    there = web()

    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        raise AssertionError  # asked for more of it

    stale = signed(RAW, SECRET, STAMP - 3_600)
    async with speak(there.app) as client:
        answer = await client.post(PATH, content=body(), headers=stale)

    assert answer.status_code == 401


async def test_a_body_is_counted_before_its_signature_is_looked_at() -> None:
    there = web(limits=Limits(body_bytes=100))
    raw = b"x" * 101

    assert (await deliver(there, raw=raw)).status_code == 413
    assert there.webhooks("too_large", "resend") == 1


async def test_strangers_are_slowed_down_and_the_provider_is_not() -> None:
    there = web(limits=Limits(failures=2))
    wrong = {"svix-signature": "v1,AAAA"}

    answers = [(await deliver(there, wrong)).status_code for _ in range(4)]

    assert answers == [401, 401, 429, 429]
    assert (await deliver(there)).status_code == 200


async def test_each_account_is_known_by_its_own_secret() -> None:
    there = web(route(OTHER, account="other"), route(SECRET))

    await deliver(there)
    other = raw_of("email.opened")
    await deliver(there, signed(other, OTHER, STAMP), raw=other)

    found = {(one.account, one.type) for one in await there.stored()}
    assert found == {
        ("default", EventType.DELIVERED),
        ("other", EventType.OPENED),
    }


async def test_without_a_secret_there_is_no_route() -> None:
    there = web(timelines())

    assert (await deliver(there)).status_code == 404


def test_a_provider_that_signs_has_no_secret_in_a_header() -> None:
    both = evolve(route(), header_secrets=(Secret("x"),))

    with pytest.raises(Misconfigured, match="signs"):
        Webhooks(evolve(web().parts, routes=(both,))).routes()


async def test_five_minutes_are_machine_time() -> None:
    there = web()
    edge = int((NOW - timedelta(minutes=5)).timestamp())

    assert (await deliver(there, signed(RAW, SECRET, edge))).status_code == 200
    assert (await deliver(there, signed(RAW, SECRET, edge - 1))).status_code == 401
