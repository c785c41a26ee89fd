"""What the adapter asks SendGrid, and what it makes of the answers."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from sendgrid.helpers import mail as vendor
from tests.adapters.sendgrid_events import KEY as VERIFIES
from tests.adapters.sendgrid_events import OTHER_KEY
from tests.contract.sendgrid_account import KEY, SendGridBench, error, opened
from tests.vendor_tree import vendor_tree

from outreach.adapters._http import HttpRequest
from outreach.adapters.sendgrid import SendGridGateway, wire
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.errors import ChannelSegregationError, Misconfigured, Unavailable
from outreach.domain.mail_mark import mail_mark, marked_attempts
from outreach.domain.message import (
    Accepted,
    NotAccepted,
    Parcel,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal
from outreach.domain.stop import StopKind
from outreach.ports.gateway import Again, Confirmed
from outreach.testing.fault_server import Asked, Says
from outreach.testing.gateway import Situation, parcel
from outreach.testing.gateway_stops import stop_of

AMPLE: Final = timedelta(seconds=10)
FROM: Final = "ion@warm.example"
TO: Final = "ana@firma.ro"
HOOK: Final = "https://outreach.example/webhooks/sendgrid"
LINK: Final = "https://outreach.example/u/t0ken"
TREE: Final = "sendgrid/oas_v3.json"
SEND: Final = "/v3/mail/send"
HOOKS: Final = "/v3/user/webhooks/event/settings"
THERE: Final = wire.Webhook("w", HOOK, whole=False)


@pytest.fixture
async def bench() -> AsyncIterator[SendGridBench]:
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


def sent(one: Parcel) -> HttpRequest:
    request = wire.send_request(one)
    assert isinstance(request, HttpRequest)
    return request


def written(one: Parcel) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(sent(one).body or b"")
    return body


def headers_of(one: Parcel) -> dict[str, str]:
    found: dict[str, str] = written(one)["personalizations"][0]["headers"]
    return found


def asked_of(bench: SendGridBench) -> list[str]:
    return [f"{one.method} {one.path}" for one in bench.server.asked]


# --- sending


def test_a_mail_says_who_writes_what_to_whom_and_for_which_attempt() -> None:
    one = warm("Bună ziua 👋")

    assert written(one) == {
        "personalizations": [
            {
                "to": [{"email": TO}],
                "headers": {"References": mail_mark(one.attempt, FROM)},
                "custom_args": {
                    "outreach_attempt": str(one.attempt),
                    "outreach_intent": str(one.intent),
                },
            }
        ],
        "from": {"email": FROM},
        "subject": "Re: Ofertă ✓",
        "content": [{"type": "text/plain", "value": "Bună ziua 👋"}],
        "mail_settings": {"footer": {"enable": False}},
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
            "ganalytics": {"enable": False},
        },
    }
    assert not sent(one).headers


def test_nothing_is_tried_out_scheduled_or_put_into_a_group_of_the_vendors() -> None:
    raw = (sent(warm(unsubscribe=LINK)).body or b"").decode()

    for name in ("sandbox_mode", "send_at", "batch_id", '"asm"', "bypass"):
        assert name not in raw


def test_an_answer_names_the_mail_it_answers() -> None:
    one = warm(thread="<x@firma.ro>")

    headers = headers_of(one)

    assert headers["In-Reply-To"] == "<x@firma.ro>"
    assert headers["References"] == f"<x@firma.ro> {mail_mark(one.attempt, FROM)}"
    assert marked_attempts(headers["References"].split()) == (one.attempt,)


@pytest.mark.parametrize("thread", ["1000001", "<a\r\nBcc: x@y.z>", "<a b@c>", "x@y"])
def test_a_thread_that_is_no_mail_id_is_not_written(thread: str) -> None:
    assert set(headers_of(warm(thread=thread))) == {"References"}


def test_a_link_to_unsubscribe_is_one_click() -> None:
    headers = headers_of(warm(unsubscribe=LINK))

    assert headers["List-Unsubscribe"] == f"<{LINK}>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"text": ""}, Refusal.REJECTED),
        ({"text": " \n"}, Refusal.REJECTED),
        ({"text": "a\x00b"}, Refusal.REJECTED),
        ({"text": "\ud800"}, Refusal.REJECTED),
        ({"subject": ""}, Refusal.REJECTED),
        ({"subject": "a\r\nBcc: x@y.z"}, Refusal.REJECTED),
        ({"subject": "a\u2028b"}, Refusal.REJECTED),
        ({"to": "+40731000001"}, Refusal.INVALID_RECIPIENT),
        ({"to": "a@b.ro, c@d.ro"}, Refusal.INVALID_RECIPIENT),
        ({"to": "a@b.ro\r\nBcc: x@y.z"}, Refusal.INVALID_RECIPIENT),
        ({"to": "Ana <a@b.ro>"}, Refusal.INVALID_RECIPIENT),
        ({"to": ""}, Refusal.INVALID_RECIPIENT),
    ],
)
async def test_what_the_vendor_would_not_take_never_leaves(
    bench: SendGridBench, changes: dict[str, Any], kind: Refusal
) -> None:
    answer = await bench.gateway.send(evolve(warm(), **changes), AMPLE)

    assert isinstance(answer, Refused)
    assert answer.kind is kind
    assert not bench.server.asked


async def test_cold_mail_never_leaves(bench: SendGridBench) -> None:
    with pytest.raises(ChannelSegregationError):
        await bench.gateway.send(
            warm(permit=Permit(Channel.EMAIL_COLD, State.COLD)), AMPLE
        )

    assert not bench.server.asked


async def test_an_accepted_mail_has_the_id_that_its_events_have(
    bench: SendGridBench,
) -> None:
    answer = await bench.gateway.send(warm(), AMPLE)

    assert answer == Accepted(bench.account.ref(0))


async def test_credits_that_are_used_up_take_nothing_and_say_so(
    bench: SendGridBench,
) -> None:
    bench.account.credits = 1
    await bench.gateway.send(warm("one"), AMPLE)
    second = await bench.gateway.send(warm("two"), AMPLE)

    assert isinstance(second, NotAccepted)
    assert (second.lane, second.signal) == (True, None)
    assert "plan" in second.detail
    assert bench.accepted == ["one"]


async def test_a_sender_that_is_not_verified_is_the_senders_fault(
    bench: SendGridBench,
) -> None:
    bench.account.domains[:] = [("warm.example", False)]

    answer = await bench.gateway.send(warm(), AMPLE)

    assert isinstance(answer, NotAccepted)
    assert answer.signal is SenderSignal.DISCONNECTED
    assert FROM not in repr(answer)


async def test_a_sandbox_that_answers_is_not_called_accepted(
    bench: SendGridBench,
) -> None:
    bench.server.react = lambda _: Says(200, b"")

    assert isinstance(await bench.gateway.send(warm(), AMPLE), UnknownOutcome)


# --- the vendor's own package writes the same request


def test_the_vendors_own_package_writes_the_same() -> None:
    one = warm(thread="<x@firma.ro>", unsubscribe=LINK)
    made = vendor.Mail(
        from_email=FROM,
        to_emails=TO,
        subject=one.subject,
        plain_text_content=one.text,
    )
    (envelope,) = made.personalizations
    for name, value in headers_of(one).items():
        envelope.add_header(vendor.Header(name, value))
    for name, known in (("attempt", one.attempt), ("intent", one.intent)):
        envelope.add_custom_arg(vendor.CustomArg(f"outreach_{name}", str(known)))
    made.mail_settings = vendor.MailSettings(
        footer_settings=vendor.FooterSettings(enable=False)
    )
    made.tracking_settings = vendor.TrackingSettings(
        click_tracking=vendor.ClickTracking(enable=False, enable_text=False),
        open_tracking=vendor.OpenTracking(enable=False),
        subscription_tracking=vendor.SubscriptionTracking(enable=False),
        ganalytics=vendor.Ganalytics(enable=False),
    )

    assert written(one) == made.get()


# --- the vendor's contract

_REQUESTS: Final = [
    ("POST", SEND, sent(warm())),
    ("POST", SEND, sent(warm(thread="<x@firma.ro>", unsubscribe=LINK))),
    ("POST", "/v3/asm/suppressions/global", wire.block_request(TO)),
    ("POST", HOOKS, wire.webhook_request(HOOK)),
    ("PATCH", f"{HOOKS}/{{id}}", wire.change_webhook_request(THERE)),
    ("PATCH", f"{HOOKS}/signed/{{id}}", wire.sign_request("w")),
]


@pytest.mark.parametrize(("method", "path", "request_"), _REQUESTS)
def test_every_body_is_the_contracts_with_no_field_beside(
    method: str, path: str, request_: HttpRequest
) -> None:
    spec = vendor_tree(TREE)

    spec.check_request(method, path, json.loads(request_.body or b""))
    assert (request_.method, request_.path) == (method, path.replace("{id}", "w"))


def test_every_path_and_query_is_the_contracts() -> None:
    spec = vendor_tree(TREE)
    asked = {
        "/v3/whitelabel/domains": wire.domains_request(50),
        f"{HOOKS}/all": wire.webhooks_request(),
    }

    for path, request in asked.items():
        there, _, query = request.path.partition("?")
        known = spec.document["paths"][path][request.method.lower()]
        names = {one["name"] for one in known["parameters"] if one["in"] == "query"}
        assert there == path
        assert {pair.partition("=")[0] for pair in query.split("&") if pair} <= names


def test_every_event_type_of_the_contract_is_subscribed_to() -> None:
    spec = vendor_tree(TREE)
    name = "urn:vendor:file:spec/components/schemas.json"
    schemas = spec.registry.contents(name)
    known = schemas["event-webhook-requestBody"]["properties"]
    types = {one for one in known if known[one]["type"] == "boolean"} - {"enabled"}

    body = json.loads(wire.webhook_request(HOOK).body or b"")

    assert types == set(body) - {"enabled", "url"}
    assert all(body[one] is True for one in types)


async def test_the_double_answers_by_the_contract(bench: SendGridBench) -> None:
    spec = vendor_tree(TREE)
    account = bench.account
    key = {"authorization": f"Bearer {KEY}"}

    def said(request: HttpRequest) -> tuple[int, object]:
        asked = Asked(request.method, request.path, key, request.body or b"", 1)
        answer = account.react(asked)
        assert isinstance(answer, Says)
        return answer.status, answer.body

    for path, request in (
        ("/v3/asm/suppressions/global", wire.block_request(TO)),
        ("/v3/whitelabel/domains", wire.domains_request()),
        (HOOKS, wire.webhook_request(HOOK)),
        (f"{HOOKS}/all", wire.webhooks_request()),
    ):
        spec.check_answer(request.method, path, *said(request))
    hook = account.webhooks[0]["id"]
    for path, request in (
        (f"{HOOKS}/{{id}}", wire.change_webhook_request(evolve(THERE, id=hook))),
        (f"{HOOKS}/signed/{{id}}", wire.sign_request(hook)),
    ):
        spec.check_answer(request.method, path, *said(request))
    wrong = json.loads(sent(warm()).body or b"") | {"subject": ""}
    bad = HttpRequest("POST", SEND, json.dumps(wrong).encode())
    spec.check_answer("POST", SEND, *said(bad))


# --- stops


async def test_what_was_accepted_has_left_and_nobody_is_asked(
    bench: SendGridBench,
) -> None:
    await bench.gateway.send(warm(), AMPLE)

    answers = [
        await bench.gateway.stop(stop_of(kind, warm(), bench.account.ref(0)))
        for kind in (StopKind.WITHDRAW, StopKind.PAUSE)
    ]

    assert all(isinstance(one, Confirmed) for one in answers), answers
    assert asked_of(bench) == [f"POST {SEND}"]


async def test_an_address_is_blocked_at_the_account(bench: SendGridBench) -> None:
    stop = stop_of(StopKind.BLOCK, warm())

    answers = [await bench.gateway.stop(stop) for _ in range(2)]

    assert all(isinstance(one, Confirmed) for one in answers), answers
    assert bench.account.blocked == [TO]


@pytest.mark.parametrize(
    "situation",
    [
        Situation.UNREACHABLE,
        Situation.KEY_REVOKED,
        Situation.LOST,
        Situation.SILENT,
        Situation.CUT_OFF,
    ],
)
async def test_a_block_without_an_answer_is_to_be_repeated(
    bench: SendGridBench, situation: Situation
) -> None:
    stop = stop_of(StopKind.BLOCK, warm())
    await bench.arrange(situation)

    lost = await bench.gateway.stop(stop)
    await bench.arrange(Situation.WELL)

    assert isinstance(lost, Again), lost
    assert isinstance(await bench.gateway.stop(stop), Confirmed)


@pytest.mark.parametrize(
    "body",
    [
        {"recipient_emails": ["eva@firma.ro"]},
        {"recipient_emails": []},
        {"recipient_emails": TO},
        {},
        b"",
        b"[]",
    ],
)
async def test_a_block_is_confirmed_only_by_the_address_itself(
    bench: SendGridBench, body: object
) -> None:
    bench.server.react = lambda _: Says(201, body)

    assert isinstance(await bench.gateway.stop(stop_of(StopKind.BLOCK, warm())), Again)


# --- domains


async def test_domains_are_read_to_their_end_however_few_come_at_once(
    bench: SendGridBench,
) -> None:
    names = [f"d{n}.example" for n in range(30)]
    bench.account.domains[:] = [(name, True) for name in names]
    bench.account.most_domains = 7

    found = await bench.gateway.domains()

    assert [one.name for one in found] == names


async def test_a_domain_with_one_valid_entry_is_ready(bench: SendGridBench) -> None:
    bench.account.domains += [("warm.example", False), ("late.example", False)]
    bench.account.domains.append(("late.example", True))

    found = {one.name: one.ready for one in await bench.gateway.domains()}

    assert found == {"warm.example": True, "late.example": True}


async def test_more_domains_than_are_read_prove_nothing(bench: SendGridBench) -> None:
    bench.account.domains[:] = [(f"d{n}.example", True) for n in range(30)]
    bench.account.most_domains = 1

    with pytest.raises(Unavailable, match="more domains"):
        await bench.gateway.domains()


# --- webhooks


async def test_a_webhook_that_lacks_types_or_is_off_is_put_right(
    bench: SendGridBench,
) -> None:
    await bench.gateway.register(HOOK)
    bench.account.webhooks[0] |= {"bounce": False, "enabled": False, "signed": False}

    await bench.gateway.register(HOOK)

    (hook,) = bench.account.webhooks
    assert hook["bounce"] is hook["enabled"] is hook["signed"] is True


async def test_a_webhook_whose_key_we_do_not_know_is_no_good(
    bench: SendGridBench,
) -> None:
    stranger = SendGridGateway(bench.reachable.client, keys=(OTHER_KEY,))

    for _ in range(2):
        with pytest.raises(Misconfigured, match="OUTREACH_SENDGRID_WEBHOOK_SECRET"):
            await stranger.register(HOOK)

    assert len(bench.account.webhooks) == 1


@pytest.mark.parametrize("url", ["http://x.example/w", HOOK])
async def test_a_webhook_that_the_vendor_refuses_is_named_as_the_fault(
    bench: SendGridBench, url: str
) -> None:
    bench.account.most_webhooks = 0

    with pytest.raises(Misconfigured, match="room for another webhook"):
        await bench.gateway.register(url)


async def test_a_key_that_may_only_send_is_named_as_the_fault(
    bench: SendGridBench,
) -> None:
    bench.server.react = lambda _: error(403, "access forbidden")

    with pytest.raises(Misconfigured, match="rights"):
        await bench.gateway.domains()


# --- secrets


async def test_nothing_it_logs_or_shows_holds_a_key_an_address_or_a_text(
    bench: SendGridBench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[object] = [bench.gateway]
    for situation in Situation:
        await bench.arrange(situation)
        within = timedelta(seconds=0.2) if situation is Situation.SILENT else AMPLE
        shown.append(await bench.gateway.send(warm(f"hush {situation}"), within))
    await bench.arrange(Situation.WELL)
    await bench.gateway.register(HOOK)
    shown += [await bench.gateway.stop(stop_of(kind, warm())) for kind in StopKind]

    text = caplog.text + repr(shown)
    for secret in (KEY, VERIFIES, TO, FROM, "hush"):
        assert secret not in text
