"""What the adapter asks Wamm, and what nobody sees of it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

import pytest
from attrs import evolve
from tests.contract.wamm_account import INSTANCES, KEY, WammBench, opened

from outreach.adapters._http import HttpRequest
from outreach.adapters.wamm import wire
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.errors import ChannelSegregationError
from outreach.domain.message import (
    Accepted,
    NotAccepted,
    Parcel,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal
from outreach.testing.fault_server import Asked, HangsUp, Reaction, Says
from outreach.testing.gateway import OURS, THEIRS, Situation, parcel

AMPLE: Final = timedelta(seconds=10)
HUSH: Final = "hush & 100% = ține +1#?"
MESSAGE: Final = "Bună ziua 👋\n„Ofertă” & 100% = ține +1 #?"


@pytest.fixture
async def bench() -> AsyncIterator[WammBench]:
    async with opened() as bench:
        yield bench


def ours(text: str = "Bună ziua!", **changes: Any) -> Parcel:
    return evolve(parcel(text), **({"sender_ref": INSTANCES[OURS[0]]} | changes))


def always(says: Says) -> Callable[[Asked], Reaction]:
    return lambda _: says


async def test_a_message_says_to_whom_what_and_by_which_phone(
    bench: WammBench,
) -> None:
    answer = await bench.plain.send(ours(MESSAGE), AMPLE)

    assert answer == Accepted(str(ours(MESSAGE).attempt))
    (asked,) = bench.server.asked
    assert asked.method == "GET"
    assert bench.account.messages == [
        {
            "number": THEIRS.removeprefix("+"),
            "type": "text",
            "message": MESSAGE,
            "instance_id": INSTANCES[OURS[0]],
            "access_token": KEY,
        }
    ]


async def test_a_text_of_4000_letters_goes_as_it_is(bench: WammBench) -> None:
    text = "Яță" * 1_333

    await bench.plain.send(ours(text), AMPLE)

    assert bench.accepted == [text]


def test_nothing_is_given_to_be_sent_later() -> None:
    request = wire.send_request(ours("time=now+09:55"), KEY)

    assert isinstance(request, HttpRequest)
    assert "&time=" not in request.path


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"text": ""}, Refusal.REJECTED),
        ({"text": " \n"}, Refusal.REJECTED),
        ({"text": "a\x00b"}, Refusal.REJECTED),
        ({"text": "\ud800"}, Refusal.REJECTED),
        ({"to": ""}, Refusal.INVALID_RECIPIENT),
        ({"to": "40731000001"}, Refusal.INVALID_RECIPIENT),
        ({"to": "+40731000001&number=+407"}, Refusal.INVALID_RECIPIENT),
        ({"to": "ana@firma.ro"}, Refusal.INVALID_RECIPIENT),
    ],
)
async def test_what_the_vendor_would_not_take_never_leaves(
    bench: WammBench, changes: dict[str, Any], kind: Refusal
) -> None:
    answer = await bench.plain.send(evolve(ours(), **changes), AMPLE)

    assert isinstance(answer, Refused)
    assert answer.kind is kind
    assert not bench.server.asked


@pytest.mark.parametrize("ref", ["", "a b", "a&access_token=x", "x" * 65])
async def test_a_phone_without_an_instance_sends_nothing_and_says_why(
    bench: WammBench, ref: str
) -> None:
    answer = await bench.plain.send(ours(sender_ref=ref), AMPLE)

    assert isinstance(answer, NotAccepted)
    assert (answer.lane, answer.signal) == (True, SenderSignal.DISCONNECTED)
    assert "account_ref" in answer.detail
    assert not bench.server.asked


async def test_mail_never_leaves(bench: WammBench) -> None:
    mail = ours(permit=Permit(Channel.EMAIL_WARM, State.WARM_REPLY))

    with pytest.raises(ChannelSegregationError):
        await bench.plain.send(mail, AMPLE)

    assert not bench.server.asked


async def test_an_instance_that_the_vendor_does_not_know_takes_the_phone_offline(
    bench: WammBench,
) -> None:
    answer = await bench.plain.send(ours(sender_ref="609ACF283OTHER"), AMPLE)

    assert isinstance(answer, NotAccepted)
    assert answer.signal is SenderSignal.DISCONNECTED


async def test_a_connection_that_was_kept_and_breaks_is_not_tried_again(
    bench: WammBench,
) -> None:
    """A GET that a library would repeat by itself is a second message here."""
    await bench.plain.send(ours("one"), AMPLE)
    bench.server.react = lambda _: HangsUp()

    answer = await bench.plain.send(ours("two"), AMPLE)

    assert isinstance(answer, UnknownOutcome)
    assert len(bench.server.asked) == 2


async def test_a_redirect_is_not_followed(bench: WammBench) -> None:
    elsewhere = {"location": f"{bench.server.url}/api/elsewhere"}
    for status in (301, 302, 307, 308):
        says = Says(status, b"", headers=elsewhere)
        bench.server.react = always(says)

        await bench.plain.send(ours(), AMPLE)

    assert {one.path for one in bench.server.asked} == {"/api/send"}
    assert len(bench.server.asked) == 4


async def test_neither_token_nor_text_nor_number_is_shown_logged_or_raised_about(
    bench: WammBench,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[object] = [bench.plain, bench.plain.client, ours(HUSH)]
    shown.append(wire.send_request(ours(HUSH), KEY))
    for situation in Situation:
        await bench.arrange(situation)
        within = timedelta(seconds=0.2) if situation is Situation.SILENT else AMPLE
        shown.append(await bench.plain.send(ours(HUSH), within))
    echo = {"status": "error", "message": f"{HUSH} {THEIRS} {KEY}"}
    for status in (200, 400, 500):
        bench.server.react = always(Says(status, echo))
        shown.append(await bench.plain.send(ours(HUSH), AMPLE))
    target = bench.server.asked[0].target
    there = {"location": f"https://elsewhere.example{target}"}
    bench.server.react = always(Says(301, b"", headers=there))
    shown.append(await bench.plain.send(ours(HUSH), AMPLE))
    try:
        await bench.plain.send(
            ours(HUSH, permit=Permit(Channel.EMAIL_COLD, State.COLD)), AMPLE
        )
    except ChannelSegregationError as error:
        shown += [error, str(error)]

    assert "httpcore" in caplog.text
    assert KEY in there["location"]
    printed = capsys.readouterr()
    text = caplog.text + repr(shown) + printed.out + printed.err
    instance = INSTANCES[OURS[0]]
    digits = THEIRS.removeprefix("+")
    for secret in (KEY, instance, digits, HUSH, quote(HUSH, safe=""), "hush"):
        assert secret not in text
