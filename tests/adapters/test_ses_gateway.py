"""What the adapter asks SES, and what it makes of the answers."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from tests.aws_model import check_request
from tests.contract.ses_account import (
    KEY,
    REGION,
    SECRET,
    SET,
    SesBench,
    error,
    opened,
)

from outreach.adapters._http import HttpRequest
from outreach.adapters.ses import Credentials, SesGateway, base_url_of, open_account
from outreach.adapters.ses import wire as ses_wire
from outreach.domain.allowance import Period, Use
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.errors import ChannelSegregationError, Misconfigured, Unavailable
from outreach.domain.mail_mark import mail_mark, marked_attempts
from outreach.domain.message import Accepted, NotAccepted, Parcel, Refusal, Refused
from outreach.domain.stop import StopKind
from outreach.ports.gateway import Again, Confirmed, LooksUp, RepeatsSafely
from outreach.testing.fault_server import Asked, FaultServer, Says
from outreach.testing.gateway import Situation, parcel
from outreach.testing.gateway_stops import stop_of

AMPLE: Final = timedelta(seconds=10)
FROM: Final = "ion@warm.example"
TO: Final = "ana@firma.ro"
LINK: Final = "https://outreach.example/u/t0ken"


@pytest.fixture
async def bench() -> AsyncIterator[SesBench]:
    async with opened(warms=False) as bench:
        yield bench


def warm(text: str = "Bună ziua!", **changes: Any) -> Parcel:
    facts: dict[str, Any] = {
        "permit": Permit(Channel.EMAIL_WARM, State.WARM_REPLY),
        "sender_number": FROM,
        "to": TO,
        "subject": "Re: Ofertă ✓",
    }
    return evolve(parcel(text), **(facts | changes))


def written(one: Parcel, name: str = "") -> dict[str, Any]:
    request = ses_wire.send_request(one, name)
    assert isinstance(request, HttpRequest)
    body: dict[str, Any] = json.loads(request.body or b"")
    headers = {"content-type": "application/json"}
    asked = Asked(request.method, request.path, headers, request.body or b"", 1)
    assert check_request(asked) == "SendEmail"
    return body


def headers_of(one: Parcel) -> dict[str, str]:
    listed = written(one)["Content"]["Simple"]["Headers"]
    return {header["Name"]: header["Value"] for header in listed}


# --- sending


def test_a_mail_says_who_writes_what_to_whom_and_for_which_attempt() -> None:
    one = warm("Bună ziua 👋")

    assert written(one, SET) == {
        "FromEmailAddress": FROM,
        "Destination": {"ToAddresses": [TO]},
        "Content": {
            "Simple": {
                "Subject": {"Data": "Re: Ofertă ✓", "Charset": "UTF-8"},
                "Body": {"Text": {"Data": "Bună ziua 👋", "Charset": "UTF-8"}},
                "Headers": [
                    {"Name": "References", "Value": mail_mark(one.attempt, FROM)}
                ],
            }
        },
        "EmailTags": [
            {"Name": "attempt", "Value": str(one.attempt)},
            {"Name": "intent", "Value": str(one.intent)},
        ],
        "ConfigurationSetName": SET,
    }
    assert "ConfigurationSetName" not in written(one)


def test_an_answer_names_what_it_answers_and_our_mark() -> None:
    one = warm(thread="<x@firma.ro>", unsubscribe=LINK)

    headers = headers_of(one)

    assert headers["In-Reply-To"] == "<x@firma.ro>"
    assert headers["References"] == f"<x@firma.ro> {mail_mark(one.attempt, FROM)}"
    assert marked_attempts(headers["References"].split()) == (one.attempt,)
    assert headers["List-Unsubscribe"] == f"<{LINK}>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("thread", ["", "resend/ion", "<a b@x>", "<ă@x.ro>", "x@y.ro"])
def test_a_conversation_that_is_no_mail_id_is_not_named(thread: str) -> None:
    assert set(headers_of(warm(thread=thread))) == {"References"}


def test_a_domain_goes_out_in_ascii_and_a_local_part_as_it_is() -> None:
    body = written(warm(to="Ana.Pop@Cramă.ro", sender_number="Ion@WARM.example"))

    assert body["Destination"]["ToAddresses"] == ["Ana.Pop@xn--cram-3sa.ro"]
    assert body["FromEmailAddress"] == "Ion@WARM.example"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"text": "  "}, Refusal.REJECTED),
        ({"text": "a\x00b"}, Refusal.REJECTED),
        ({"subject": "\ud800"}, Refusal.REJECTED),
        ({"subject": ""}, Refusal.REJECTED),
        ({"subject": "a\r\nBcc: x@y.ro"}, Refusal.REJECTED),
        ({"sender_number": "ion"}, Refusal.REJECTED),
        ({"sender_number": "ion@a, eva@b"}, Refusal.REJECTED),
        ({"to": "ana"}, Refusal.INVALID_RECIPIENT),
        ({"to": "ana@firma.ro, eva@firma.ro"}, Refusal.INVALID_RECIPIENT),
        ({"to": "Ana <ana@firma.ro>"}, Refusal.INVALID_RECIPIENT),
        ({"to": "ană@firma.ro"}, Refusal.INVALID_RECIPIENT),
        ({"unsubscribe": f"{LINK}{'x' * 1_000}"}, Refusal.REJECTED),
        ({"unsubscribe": f"{LINK}\r\nBcc: x@y.ro"}, Refusal.REJECTED),
        ({"unsubscribe": f"{LINK}/ă"}, Refusal.REJECTED),
    ],
)
async def test_what_the_vendor_would_never_take_does_not_leave(
    bench: SesBench, changes: dict[str, str], kind: Refusal
) -> None:
    answer = await bench.plain.send(warm(**changes), AMPLE)

    assert isinstance(answer, Refused)
    assert answer.kind is kind
    assert bench.arrivals == 0


async def test_an_accepted_mail_is_known_by_the_id_that_it_leaves_with(
    bench: SesBench,
) -> None:
    answer = await bench.plain.send(warm(thread="<x@firma.ro>"), AMPLE)

    assert isinstance(answer, Accepted)
    assert answer.thread == f"<{answer.ref}@{REGION}.amazonses.com>"
    assert [mail["MessageId"] for mail in bench.account.mails] == [answer.ref]


async def test_the_first_region_has_a_name_of_its_own_in_mail_ids() -> None:
    async with FaultServer(lambda _: Says(200, {"MessageId": "m-1"})) as server:
        account = open_account(
            Credentials(KEY, SECRET, "us-east-1"),
            base_url=server.url,
            user_agent="outreach tests",
        )
        answer = await SesGateway(account).send(warm(), AMPLE)
        await account.client.aclose()

    assert answer == Accepted("m-1", "<m-1@email.amazonses.com>")


async def test_a_set_that_is_not_there_takes_the_sender_away(bench: SesBench) -> None:
    bench.account.sets.clear()

    answer = await bench.plain.send(warm(), AMPLE)

    assert isinstance(answer, NotAccepted)
    assert answer.detail == "404 no such configuration set"
    with pytest.raises(Misconfigured, match="OUTREACH_SES_CONFIGURATION_SET"):
        await bench.plain.domains()


async def test_another_secret_is_not_taken(bench: SesBench) -> None:
    account = open_account(
        Credentials(KEY, "another", REGION),
        base_url=bench.server.url,
        user_agent="outreach tests",
    )

    answer = await SesGateway(account).send(warm(), AMPLE)
    await account.client.aclose()

    assert isinstance(answer, NotAccepted)
    assert answer.detail == "403 key not accepted"


async def test_what_the_vendor_cannot_do_is_not_claimed(bench: SesBench) -> None:
    assert not isinstance(bench.plain, RepeatsSafely | LooksUp)


async def test_cold_mail_never_leaves(bench: SesBench) -> None:
    cold = warm(permit=Permit(Channel.EMAIL_COLD, State.COLD))

    with pytest.raises(ChannelSegregationError):
        await bench.plain.send(cold, AMPLE)

    assert bench.server.asked == []


# --- stopping


async def test_nobody_is_asked_about_what_has_left(bench: SesBench) -> None:
    for kind in (StopKind.WITHDRAW, StopKind.PAUSE):
        assert isinstance(await bench.plain.stop(stop_of(kind, warm())), Confirmed)

    assert bench.server.asked == []


@pytest.mark.parametrize(
    ("heeds", "set_heeds", "reason"),
    [
        (["BOUNCE", "COMPLAINT"], None, "COMPLAINT"),
        (["BOUNCE"], None, "BOUNCE"),
        (["COMPLAINT"], ["BOUNCE"], "BOUNCE"),
        ([], ["COMPLAINT"], "COMPLAINT"),
    ],
)
async def test_an_address_is_blocked_under_a_reason_that_is_heeded(
    bench: SesBench, heeds: list[str], set_heeds: list[str] | None, reason: str
) -> None:
    bench.account.heeds, bench.account.set_heeds = heeds, set_heeds

    answer = await bench.plain.stop(stop_of(StopKind.BLOCK, warm()))
    await bench.plain.send(warm(), AMPLE)

    assert answer == Confirmed("blocked")
    assert bench.account.blocked == {TO: reason}
    assert bench.account.left == []


@pytest.mark.parametrize(("heeds", "set_heeds"), [([], None), (["BOUNCE"], [])])
async def test_a_list_that_nobody_heeds_confirms_nothing(
    bench: SesBench, heeds: list[str], set_heeds: list[str] | None
) -> None:
    bench.account.heeds, bench.account.set_heeds = heeds, set_heeds

    answer = await bench.plain.stop(stop_of(StopKind.BLOCK, warm()))

    assert isinstance(answer, Again)
    assert "suppression" in answer.why
    assert bench.account.blocked == {}


# --- what the account says


async def test_domains_are_listed_to_the_end_and_lone_addresses_left_out(
    bench: SesBench,
) -> None:
    bench.account.page = 2
    bench.account.domains += [(f"d{n}.example", n % 2 == 0) for n in range(5)]

    found = await bench.plain.domains()

    names = {one.name: one.ready for one in found}
    assert len(names) == 6
    assert names["d0.example"]
    assert not names["d1.example"]
    assert "alone.example" not in names
    assert {one.says for one in found} == {"success", "pending"}


async def test_more_identities_than_are_read_are_not_taken_for_all(
    bench: SesBench,
) -> None:
    bench.account.page = 1
    bench.account.domains += [(f"d{n}.example", True) for n in range(5)]

    with pytest.raises(Unavailable, match="more identities"):
        await bench.plain.domains()


async def test_no_domain_is_ready_while_the_account_may_not_send(
    bench: SesBench,
) -> None:
    bench.account.sending = False

    (found,) = await bench.plain.domains()

    assert not found.ready
    assert found.says == "sending is off (SHUTDOWN)"


@pytest.mark.parametrize(
    ("used", "most", "expected"),
    [
        (120.0, 50_000.0, (Use(Period.DAY, 120, 50_000),)),
        (119.2, 199.9, (Use(Period.DAY, 120, 199),)),
        (120.0, -1.0, (Use(Period.DAY, 120, None),)),
        (0.0, 200.0, (Use(Period.DAY, 0, 200),)),
    ],
)
async def test_the_last_24_hours_are_told_as_the_day(
    bench: SesBench, used: float, most: float, expected: tuple[Use, ...]
) -> None:
    bench.account.quota |= {"SentLast24Hours": used, "Max24HourSend": most}

    assert tuple(await bench.plain.use()) == expected


@pytest.mark.parametrize(
    "quota",
    [
        {},
        {"SentLast24Hours": "many"},
        {"SentLast24Hours": True},
        {"SentLast24Hours": -1},
        {"SentLast24Hours": 1e300},
        [],
        None,
    ],
)
async def test_a_quota_that_says_nothing_bounds_nothing(quota: object) -> None:
    said = Says(200, {"SendingEnabled": True, "SendQuota": quota})
    async with FaultServer(lambda _: said) as server:
        account = open_account(
            Credentials(KEY, SECRET, REGION), base_url=server.url, user_agent="tests"
        )
        found = await SesGateway(account).use()
        await account.client.aclose()

    assert found == ()


async def test_who_cannot_be_asked_of_use(bench: SesBench) -> None:
    for situation in (Situation.UNREACHABLE, Situation.KEY_REVOKED):
        await bench.arrange(situation)

        with pytest.raises(Unavailable):
            await bench.plain.use()


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (error(403, "AccessDeniedException"), Misconfigured, "ACCESS_KEY_ID"),
        (error(400, "RequestExpired"), Misconfigured, "clock"),
        (
            error(403, "InvalidSignatureException", "Signature expired: x"),
            Misconfigured,
            "clock",
        ),
        (error(429, "TooManyRequestsException"), Unavailable, "429"),
        (error(500, "InternalFailure"), Unavailable, "500"),
        (Says(200, b"<html>"), Unavailable, "200"),
        (Says(403, b"<html>"), Unavailable, "403"),
        (Says(200, {"EmailIdentities": 5, "SendingEnabled": True}), Unavailable, "200"),
    ],
)
async def test_an_answer_that_cannot_be_used(
    said: Says, kind: type[Exception], words: str
) -> None:
    async with FaultServer(lambda _: said) as server:
        account = open_account(
            Credentials(KEY, SECRET, REGION), base_url=server.url, user_agent="tests"
        )
        with pytest.raises(kind, match=words) as caught:
            await SesGateway(account).domains()
        await account.client.aclose()

    assert KEY not in str(caught.value)


# --- credentials


def test_each_region_has_its_own_address() -> None:
    assert base_url_of("eu-west-1") == "https://email.eu-west-1.amazonaws.com"
    assert base_url_of("cn-north-1") == "https://email.cn-north-1.amazonaws.com.cn"


@pytest.mark.parametrize(
    ("credentials", "named"),
    [
        (Credentials(KEY, SECRET, ""), "OUTREACH_SES_REGION"),
        (Credentials("", SECRET, REGION), "OUTREACH_SES_ACCESS_KEY_ID"),
        (Credentials(KEY, " ", REGION), "OUTREACH_SES_SECRET_ACCESS_KEY"),
    ],
)
def test_half_of_the_credentials_stop_the_start(
    credentials: Credentials, named: str
) -> None:
    with pytest.raises(Misconfigured, match=named) as caught:
        open_account(credentials, user_agent="outreach tests")

    assert SECRET not in str(caught.value)


def test_without_botocore_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in sys.modules if one.split(".")[0] == "botocore"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "botocore", None)

    with pytest.raises(Misconfigured, match=r"outreach\[ses\]"):
        open_account(Credentials(KEY, SECRET, REGION), user_agent="outreach tests")


def test_botocore_is_not_loaded_by_the_engine() -> None:
    code = "import sys, outreach.entrypoints.engine; print('botocore' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )

    assert said.stdout.strip() == "False"


async def test_no_secret_and_no_address_is_shown_or_logged(
    bench: SesBench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = []
    for situation in Situation:
        await bench.arrange(situation)
        within = timedelta(seconds=0.4) if situation is Situation.SILENT else AMPLE
        shown.append(repr(await bench.plain.send(warm("hush"), within)))
    shown += [repr(bench.plain), repr(bench.plain.account)]

    logged = caplog.text + " ".join(shown)
    for secret in (SECRET, KEY, "canary-session-token", TO, "hush"):
        assert secret not in logged
