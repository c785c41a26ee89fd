"""Providers that try one's patience: one hangs, the clock of one is off, one repeats a
delivery for days.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from attrs import evolve, frozen
from structlog.testing import capture_logs
from tests.adapters import resend_events, sendgrid_events, ses_events
from tests.adapters.opened_providers import CASES, Case, opened
from tests.adapters.web_world import NOW, WHO, Web, asked
from tests.contract import sns_topic
from tests.contract.sns_topic import Topic

from outreach.adapters.baileys import BaileysReader
from outreach.adapters.baileys import signatures as of_waha
from outreach.adapters.resend import ResendReader
from outreach.adapters.resend import signatures as of_resend
from outreach.adapters.sendgrid import SendGridReader
from outreach.adapters.sendgrid import signatures as of_sendgrid
from outreach.adapters.ses import SesReader
from outreach.domain.message import Accepted, UnknownOutcome
from outreach.entrypoints.providers import PROVIDERS, as_set
from outreach.entrypoints.settings import load
from outreach.entrypoints.web.app import Limits, WebhookRoute, create_app
from outreach.testing.fault_server import Hangs
from outreach.testing.gateway_bench import Situation, parcel

TIMES: Final = 1_000
DAYS: Final = timedelta(days=3)
OFF: Final = timedelta(minutes=10)
PATIENCE_S: Final = 30
LONG_ENOUGH: Final = timedelta(seconds=1)
"""To connect, also on a machine that does much else."""
RESEND: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WAHA: Final = "a-secret-of-the-webhooks"

Signed = Callable[[datetime], tuple[bytes, Mapping[str, str]]]
"""One and the same delivery, as the vendor signs it at that moment."""


@frozen
class Signer:
    """A provider that signs, and its route."""

    route: WebhookRoute
    signed: Signed


def by_resend(at: datetime) -> tuple[bytes, Mapping[str, str]]:
    raw = resend_events.raw_of("email.delivered")
    return raw, resend_events.signed(raw, RESEND, int(at.timestamp()))


def by_sendgrid(at: datetime) -> tuple[bytes, Mapping[str, str]]:
    raw = sendgrid_events.raw_of(sendgrid_events.event("delivered"))
    return raw, sendgrid_events.signed(raw, int(at.timestamp()))


def by_sns(_: datetime) -> tuple[bytes, Mapping[str, str]]:
    one = Topic().notification(ses_events.event("Delivery"))
    return one.raw, one.headers


def by_waha(_: datetime) -> tuple[bytes, Mapping[str, str]]:
    about = {"id": "true_40731000001@c.us_AAA", "ack": 2, "fromMe": True}
    body = {"event": "message.ack", "session": "40720000001", "payload": about}
    raw = json.dumps(body).encode()
    made = hmac.new(WAHA.encode(), raw, hashlib.sha512).hexdigest()
    return raw, {"x-webhook-hmac": made, "x-webhook-hmac-algorithm": "sha512"}


@pytest.fixture
async def signers() -> AsyncIterator[Mapping[str, Signer]]:
    async with AsyncExitStack() as stack:
        topic = await stack.enter_async_context(sns_topic.opened())
        yield {
            name: Signer(WebhookRoute(name, "default", reader, signed=checks), signed)
            for name, reader, checks, signed in (
                ("resend", ResendReader(), of_resend([RESEND]), by_resend),
                (
                    "sendgrid",
                    SendGridReader(),
                    of_sendgrid([sendgrid_events.KEY]),
                    by_sendgrid,
                ),
                ("ses", SesReader(), topic.checks, by_sns),
                ("baileys", BaileysReader(), of_waha([WAHA]), by_waha),
            )
        }


SIGNING: Final = ("resend", "sendgrid", "ses", "baileys")


def test_every_provider_that_signs_is_tried() -> None:
    known = as_set(load({"OUTREACH_BAILEYS_DIALECT": "waha"}))

    assert {name for name in PROVIDERS if known[name].signs} == set(SIGNING)


# --- one hangs


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_provider_that_hangs_costs_its_time_and_nothing_else(
    case: Case,
) -> None:
    first, second = parcel("one"), parcel("two")

    async with asyncio.timeout(PATIENCE_S), case.bench() as bench, opened(case, bench):
        await bench.arrange(Situation.SILENT)
        hung = await asyncio.gather(
            *(bench.gateway.send(first, LONG_ENOUGH) for _ in range(3))
        )
        await bench.arrange(Situation.WELL)
        after = await bench.gateway.send(second, timedelta(seconds=5))

    # whoever looks before it writes knows that nothing has left
    looks_first = case.dialect in {"baileys-api", "waha"}
    assert looks_first or {type(one) for one in hung} == {UnknownOutcome}
    assert not any(isinstance(one, Accepted) for one in hung)
    assert isinstance(after, Accepted)


async def test_where_keys_are_published_a_host_that_hangs_has_the_delivery_come_again(
    signers: Mapping[str, Signer],
) -> None:
    async with sns_topic.opened() as topic:
        topic.server.react = lambda _: Hangs()
        route = evolve(signers["ses"].route, signed=topic.checks)
        web = Web(routes=[route], limits=Limits(learn_within=timedelta(seconds=0.1)))
        raw, headers = by_sns(NOW)

        answer = await asked(
            web.app, "POST", "/webhooks/ses", content=raw, headers=headers
        )

    assert answer.status_code == 503
    assert await web.stored() == []


# --- the clock of one is off


@pytest.mark.parametrize("name", ["resend", "sendgrid"])
@pytest.mark.parametrize("off", [OFF, -OFF])
async def test_a_clock_that_is_ten_minutes_off_is_refused_and_named(
    signers: Mapping[str, Signer], name: str, off: timedelta
) -> None:
    if name == "sendgrid" and off < timedelta():
        off -= timedelta(hours=25)  # it may have signed its first try, a day ago
    signer, web = signers[name], Web(routes=[signers[name].route])
    raw, headers = signer.signed(NOW + off)

    with capture_logs() as logs:
        answer = await asked(
            web.app, "POST", f"/webhooks/{name}", content=raw, headers=headers
        )

    assert answer.status_code == 401
    assert await web.stored() == []
    (line,) = [one for one in logs if one["event"] == "webhook.rejected"]
    assert (line["provider"], line["seconds_ahead"]) == (name, off.total_seconds())


async def test_a_wrong_secret_is_not_taken_for_a_clock(
    signers: Mapping[str, Signer],
) -> None:
    web = Web(routes=[signers["resend"].route])
    raw, headers = by_resend(NOW)
    wrong = {**headers, "svix-signature": "v1,AAAA"}

    with capture_logs() as logs:
        answer = await asked(
            web.app, "POST", "/webhooks/resend", content=raw, headers=wrong
        )

    assert answer.status_code == 401
    (line,) = [one for one in logs if one["event"] == "webhook.rejected"]
    assert "seconds_ahead" not in line


@pytest.mark.parametrize("stamp", ["", "soon", "9" * 12, "9" * 400, "-1"])
@pytest.mark.parametrize("name", ["resend", "sendgrid"])
async def test_no_time_that_a_stranger_names_does_any_harm(
    signers: Mapping[str, Signer], name: str, stamp: str
) -> None:
    web = Web(routes=[signers[name].route])
    raw, headers = signers[name].signed(NOW)
    (clock,) = [one for one in headers if one.endswith("timestamp")]

    answer = await asked(
        web.app,
        "POST",
        f"/webhooks/{name}",
        content=raw,
        headers={**headers, clock: stamp},
    )

    assert answer.status_code == 401


# --- one repeats itself


@pytest.mark.parametrize("name", SIGNING)
async def test_a_delivery_repeated_a_thousand_times_in_three_days_is_stored_once(
    signers: Mapping[str, Signer], name: str
) -> None:
    signer, path = signers[name], f"/webhooks/{name}"
    time: list[datetime] = [NOW]
    web = Web(routes=[signer.route])
    app = create_app(evolve(web.parts, now=lambda: time[0]))
    new: list[Any] = []

    for turn in range(TIMES):
        time[0] = NOW + DAYS * turn / TIMES
        raw, headers = signer.signed(time[0])
        answer = await asked(app, "POST", path, content=raw, headers=headers)
        new.append((answer.status_code, answer.json()))
        if turn == TIMES // 2:  # long applied, when it comes again
            (arrived,) = await web.inbox.take(WHO, TIMES)
            await web.inbox.close(arrived.id, "applied")

    assert new == [(200, {"stored": 1})] + [(200, {"stored": 0})] * (TIMES - 1)
    assert await web.stored() == []
    assert web.webhooks("stored", name) == 1
    assert web.webhooks("repeated", name) == TIMES - 1


async def test_one_that_repeats_its_first_signature_is_refused_once_that_is_old(
    signers: Mapping[str, Signer],
) -> None:
    """Svix signs each try anew: the same bytes a day later are somebody else's."""
    time: list[datetime] = [NOW]
    web = Web(routes=[signers["resend"].route])
    app = create_app(evolve(web.parts, now=lambda: time[0]))
    raw, headers = by_resend(NOW)
    answers = []

    for after in (timedelta(), timedelta(minutes=4), timedelta(days=1)):
        time[0] = NOW + after
        answer = await asked(
            app, "POST", "/webhooks/resend", content=raw, headers=headers
        )
        answers.append(answer.status_code)

    assert answers == [200, 200, 401]
    assert len(await web.stored()) == 1
