"""Every vendor that answers 200 with something else: nothing is believed, nothing is
raised but what the ports name. The model's rubbish is in `test_openai_analyst`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from tests.adapters.test_instantly_campaigns import PLAN
from tests.adapters.test_resend_gateway import warm
from tests.contract import instantly_workspace, resend_account, timelines_workspace
from tests.contract.instantly_workspace import HELD

from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured, OutreachError, Unavailable
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.message import Parcel, UnknownOutcome
from outreach.domain.stop import StopKind
from outreach.ports.gateway import Again, CannotTell, Held
from outreach.testing.fault_server import Says
from outreach.testing.gateway import parcel
from outreach.testing.gateway_stops import mail, stop_of

AMPLE: Final = timedelta(seconds=10)
REF: Final = "56761188-7520-42d8-8898-ff6fc54ce618"
URL: Final = "https://outreach.example/webhooks/x"
RUBBISH: Final[dict[str, object]] = {
    "nothing": b"",
    "bytes": b"\x00\xff\xfeOK",
    "a page": b"<!DOCTYPE html><html><title>Just a moment...</title></html>",
    "null": b"null",
    "a number": b"7",
    "a word": b'"ok"',
    "a list": b"[]",
    "a list of nothing": b"[null, 7, [], {}]",
    "nothing in it": {},
    "cut off": b'{"id": "5676',
    "deep": b'{"id":' * 200 + b"1" + b"}" * 200,
    "a huge number": b'{"id": ' + b"9" * 5_000 + b"}",
    "no number": b'{"id": NaN, "status": Infinity}',
    "odd ids": {"id": 7, "data": {"message_uid": ["x"]}, "status": "ok"},
    "empty ids": {"id": "", "data": {"message_uid": ""}, "status": "ok"},
    "an error": {"statusCode": 500, "status": "error", "message": "oops"},
    "odd lists": {"items": [7, None, {}], "data": [7, None, {}], "status": {}},
    "odd parts": {"items": "x", "data": "x", "created_leads": "x", "object": 1},
}
AS = pytest.mark.parametrize("said", RUBBISH.values(), ids=RUBBISH)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def asked(question: Awaitable[object]) -> object:
    """The answer, or the error that the port allows."""
    try:
        return await question
    except (Unavailable, Misconfigured) as error:
        return error


async def _tells_nothing(
    gateway: Any,
    sent: Parcel,
    stops: tuple[StopKind, ...],
    look: Callable[[], Awaitable[object]] | None = None,
) -> None:
    """What every vendor's adapter can do, and what it must make of rubbish."""
    now = datetime.now(UTC)
    assert isinstance(await gateway.send(sent, AMPLE), UnknownOutcome)
    found = await (look() if look else gateway.look(sent, now))
    assert isinstance(found, CannotTell), found
    for kind in stops:
        told = await gateway.stop(stop_of(kind, sent))
        assert isinstance(told, Again), (kind, told)
    refused = await asked(gateway.register(URL))
    assert isinstance(refused, OutreachError)


@AS
async def test_instantly_says_200_and_rubbish(
    said: object, stack: AsyncExitStack
) -> None:
    bench = await stack.enter_async_context(instantly_workspace.opened())
    bench.server.react = lambda _: Says(200, said)
    gateway, now = bench.adapter, datetime.now(UTC)
    cold = evolve(mail("cold"), campaign=HELD)

    many = await gateway.send_many([cold, evolve(cold, to="b@firma.ro")], AMPLE)

    assert [type(one) for one in many] == [UnknownOutcome] * 2
    await _tells_nothing(gateway, cold, (StopKind.WITHDRAW, StopKind.PAUSE))
    again = await gateway.repeat(cold, now, AMPLE)
    assert isinstance(again, UnknownOutcome)
    for told in (
        await gateway.ensure(PLAN),
        await gateway.state(REF),
        await gateway.resume(REF),
    ):
        assert isinstance(told, Again | Held), told
    assert isinstance(await asked(gateway.lost(now)), Unavailable)
    counted = await asked(gateway.counts([REF]))
    # No campaign that was counted is an answer; anything else is none.
    assert counted == [] if said == b"[]" else isinstance(counted, Unavailable)


@AS
async def test_resend_says_200_and_rubbish(said: object, stack: AsyncExitStack) -> None:
    bench = await stack.enter_async_context(resend_account.opened(warms=False))
    bench.server.react = lambda _: Says(200, said)
    gateway = bench.gateway
    event = SystemEvent(
        key="received",
        provider="resend",
        type=EventType.REPLY,
        channel=Channel.EMAIL_WARM,
        ref=REF,
        incomplete=True,
    )

    await _tells_nothing(gateway, warm(), ())

    again = await gateway.repeat(warm(), datetime.now(UTC), AMPLE)
    assert isinstance(again, UnknownOutcome)
    for question in (
        gateway.statuses([REF]),
        gateway.domains(),
        gateway.fetch(event),
    ):
        assert isinstance(await asked(question), Unavailable)


@AS
async def test_timelinesai_says_200_and_rubbish(
    said: object, stack: AsyncExitStack
) -> None:
    bench = await stack.enter_async_context(timelines_workspace.opened())
    bench.server.react = lambda _: Says(200, said)
    gateway = bench.gateway

    await _tells_nothing(gateway, parcel(), ())

    for question in (gateway.statuses([REF]), gateway.senders()):
        assert isinstance(await asked(question), Unavailable)
