"""What the adapter asks Resend, and what it makes of the answers."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
import resend
from attrs import define, evolve, field
from tests.contract.resend_account import KEY, SECRET, ResendBench, error, opened
from tests.vendor_specs import Spec, vendor_spec

from outreach.adapters._http import HttpReply, HttpRequest
from outreach.adapters.resend import ResendGateway, wire
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.errors import ChannelSegregationError, Misconfigured
from outreach.domain.mail_mark import mail_mark, marked_attempts
from outreach.domain.message import (
    Accepted,
    MessageStatus,
    NotAccepted,
    Parcel,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.stop import StopKind
from outreach.ports.gateway import Again, CannotTell, Confirmed, Found
from outreach.testing.fault_server import Asked, Says
from outreach.testing.gateway import Situation, parcel
from outreach.testing.gateway_stops import stop_of

AMPLE: Final = timedelta(seconds=10)
FROM: Final = "ion@warm.example"
TO: Final = "ana@firma.ro"
HOOK: Final = "https://outreach.example/webhooks/resend"
LINK: Final = "https://outreach.example/u/t0ken"


@pytest.fixture
async def bench() -> AsyncIterator[ResendBench]:
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


def asked_of(bench: ResendBench) -> list[str]:
    return [f"{one.method} {one.path}" for one in bench.server.asked]


# --- sending


def test_a_mail_says_who_writes_what_to_whom_and_for_which_attempt() -> None:
    one = warm("Bună ziua 👋")

    assert written(one) == {
        "from": FROM,
        "to": [TO],
        "subject": "Re: Ofertă ✓",
        "text": "Bună ziua 👋",
        "headers": {"References": mail_mark(one.attempt, FROM)},
        "tags": [
            {"name": "attempt", "value": str(one.attempt)},
            {"name": "intent", "value": str(one.intent)},
        ],
    }
    assert dict(sent(one).headers) == {"idempotency-key": str(one.attempt)}
    assert sent(one) == sent(one)


def test_an_answer_names_the_mail_it_answers() -> None:
    one = warm(thread="<x@firma.ro>")

    headers = written(one)["headers"]

    assert headers["In-Reply-To"] == "<x@firma.ro>"
    assert headers["References"] == f"<x@firma.ro> {mail_mark(one.attempt, FROM)}"
    assert marked_attempts(headers["References"].split()) == (one.attempt,)


@pytest.mark.parametrize("thread", ["1000001", "<a\r\nBcc: x@y.z>", "<a b@c>", "x@y"])
def test_a_thread_that_is_no_mail_id_is_not_written(thread: str) -> None:
    assert set(written(warm(thread=thread))["headers"]) == {"References"}


def test_a_link_to_unsubscribe_is_one_click() -> None:
    headers = written(warm(unsubscribe=LINK))["headers"]

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
    bench: ResendBench, changes: dict[str, Any], kind: Refusal
) -> None:
    answer = await bench.gateway.send(evolve(warm(), **changes), AMPLE)

    assert isinstance(answer, Refused)
    assert answer.kind is kind
    assert not bench.server.asked


async def test_cold_mail_never_leaves_by_a_repetition_either(
    bench: ResendBench,
) -> None:
    cold = warm(permit=Permit(Channel.EMAIL_COLD, State.COLD))
    for call in (
        bench.gateway.send(cold, AMPLE),
        bench.gateway.repeat(cold, datetime.now(UTC), AMPLE),
    ):
        with pytest.raises(ChannelSegregationError):
            await call

    assert not bench.server.asked


# --- the vendor's own package writes the same request


@define
class Captures(resend.AsyncHTTPClient):
    """What the package would have sent."""

    calls: list[tuple[str, str, Mapping[str, str], Any]] = field(factory=list)

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        json: Any = None,
        files: Any = None,
        data: Any = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        assert files is data is None
        self.calls.append((method, url, headers, json))
        return b'{"id": "x"}', 200, {"content-type": "application/json"}


async def test_the_vendors_own_package_writes_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Captures()
    monkeypatch.setattr(resend, "default_async_http_client", client)
    monkeypatch.setattr(resend, "api_key", KEY)
    one = warm(thread="<x@firma.ro>", unsubscribe=LINK)
    params: Any = written(one)

    await resend.Emails.send_async(params, {"idempotency_key": str(one.attempt)})

    ((method, url, headers, body),) = client.calls
    request = sent(one)
    assert (method.upper(), url) == ("POST", f"https://api.resend.com{request.path}")
    assert body == params
    lower = {name.lower(): value for name, value in headers.items()}
    assert lower["idempotency-key"] == request.headers["idempotency-key"]
    assert lower["authorization"] == f"Bearer {KEY}"


# --- the vendor's contract

_REQUESTS: Final = [
    ("POST", "/emails", sent(warm())),
    ("POST", "/emails", sent(warm(thread="<x@firma.ro>", unsubscribe=LINK))),
    ("POST", "/suppressions", wire.block_request(TO)),
    ("POST", "/webhooks", wire.webhook_request(HOOK)),
    ("PATCH", "/webhooks/{webhook_id}", wire.change_webhook_request("w")),
]


@pytest.mark.parametrize(("method", "path", "request_"), _REQUESTS)
def test_every_body_is_the_contracts_with_no_field_beside(
    method: str, path: str, request_: HttpRequest
) -> None:
    spec = vendor_spec("resend.yaml")

    spec.check_request(method, path, json.loads(request_.body or b""))
    assert request_.method == method
    assert len(request_.headers.get("idempotency-key", "")) <= 256


def test_every_path_and_query_is_the_contracts() -> None:
    spec = vendor_spec("resend.yaml")
    asked = {
        "/emails": wire.mails_request("x"),
        "/emails/{email_id}": wire.mail_request("x"),
        "/emails/receiving/{email_id}": wire.received_request("x"),
        "/emails/{email_id}/cancel": wire.cancel_request("x"),
        "/domains": wire.domains_request("x"),
        "/webhooks": wire.webhooks_request(),
        "/webhooks/{webhook_id}": wire.webhooks_request("x"),
    }

    for path, request in asked.items():
        there, _, query = request.path.partition("?")
        known = spec.document["paths"][path][request.method.lower()]
        names = {_named(spec, one) for one in known.get("parameters", ())}
        assert there == path.replace("{email_id}", "x").replace("{webhook_id}", "x")
        assert {pair.partition("=")[0] for pair in query.split("&") if pair} <= names


def _named(spec: Spec, parameter: dict[str, Any]) -> str:
    if "$ref" in parameter:
        name = parameter["$ref"].rpartition("/")[2]
        parameter = spec.document["components"]["parameters"][name]
    found: str = parameter["name"]
    return found


async def test_the_double_answers_by_the_contract(bench: ResendBench) -> None:
    spec = vendor_spec("resend.yaml")
    await bench.gateway.send(warm(), AMPLE)
    event = bench.account.receive("Da")
    await bench.gateway.register(HOOK)
    ref, hook = bench.account.mails[0]["id"], bench.account.webhooks[0]["id"]

    for path, place, status in (
        ("/emails", "/emails", 200),
        ("/emails/{email_id}", f"/emails/{ref}", 200),
        ("/emails/receiving/{email_id}", f"/emails/receiving/{event.ref}", 200),
        ("/domains", "/domains", 200),
        ("/webhooks", "/webhooks", 200),
        ("/webhooks/{webhook_id}", f"/webhooks/{hook}", 200),
    ):
        key = {"authorization": f"Bearer {KEY}"}
        said = bench.account.react(Asked("GET", place, key, b"", 1))
        assert isinstance(said, Says)
        assert said.status == status
        spec.check_answer("GET", path, status, said.body)


# --- keys


async def test_a_key_with_another_body_is_never_called_refused(
    bench: ResendBench,
) -> None:
    await bench.gateway.send(warm("first"), AMPLE)
    other = evolve(warm("second"), attempt=warm("first").attempt)

    answers = [
        await bench.gateway.send(other, AMPLE),
        await bench.gateway.repeat(other, datetime.now(UTC), AMPLE),
    ]

    assert all(isinstance(one, UnknownOutcome) for one in answers), answers
    assert bench.accepted == ["first"]


async def test_a_key_that_is_being_taken_leaves_it_open(bench: ResendBench) -> None:
    bench.account.in_progress.add(str(warm().attempt))

    assert isinstance(await bench.gateway.send(warm(), AMPLE), UnknownOutcome)


async def test_after_a_day_the_vendor_would_send_again_so_we_do_not_ask(
    bench: ResendBench,
) -> None:
    since = datetime.now(UTC)
    await bench.gateway.send(warm(), AMPLE)
    later = datetime.now(UTC) + timedelta(hours=24)
    bench.account.now = lambda: later

    late = await bench.gateway.repeat(warm(), since - timedelta(hours=23), AMPLE)

    assert isinstance(late, NotAccepted)
    assert not late.lane
    assert bench.arrivals == 1
    await bench.gateway.send(warm(), AMPLE)
    assert len(bench.accepted) == 2  # what the bound of 23 hours is for


async def test_a_quota_that_is_used_up_takes_nothing_and_says_so(
    bench: ResendBench,
) -> None:
    bench.account.quota = 1
    first = await bench.gateway.send(warm("one"), AMPLE)
    second = await bench.gateway.send(warm("two"), AMPLE)
    again = await bench.gateway.repeat(warm("one"), datetime.now(UTC), AMPLE)

    assert again == first
    assert isinstance(second, NotAccepted)
    assert second.lane
    assert "quota" in second.detail


async def test_a_domain_that_is_not_verified_is_the_senders_fault(
    bench: ResendBench,
) -> None:
    bench.account.domains[:] = [("warm.example", "failed")]

    answer = await bench.gateway.send(warm(), AMPLE)

    assert isinstance(answer, NotAccepted)
    assert answer.signal is not None
    assert FROM not in repr(answer)


# --- looking


async def test_a_mail_is_found_pages_later(bench: ResendBench) -> None:
    since = datetime.now(UTC)
    await bench.gateway.send(warm("ours"), AMPLE)
    for number in range(120):
        await bench.gateway.send(warm(str(number), to="b@firma.ro"), AMPLE)

    found = await bench.gateway.look(warm("ours"), since)

    assert found == Found(bench.account.mails[0]["id"], "<0@eu-west-1.ses.example>")
    assert asked_of(bench).count("GET /emails") == 2


async def test_a_list_without_an_order_proves_no_absence(bench: ResendBench) -> None:
    for number in range(3):
        await bench.gateway.send(warm(str(number)), AMPLE)
    bench.account.mails[0]["created_at"] = "2036-11-20 09:00:00.000000+00"

    assert isinstance(
        await bench.gateway.look(warm("x"), datetime.now(UTC)), CannotTell
    )


async def test_a_list_that_is_longer_than_is_read_proves_no_absence(
    bench: ResendBench,
) -> None:
    since = datetime.now(UTC)
    for number in range(501):
        await bench.gateway.send(warm(str(number), to="b@firma.ro"), AMPLE)

    assert isinstance(await bench.gateway.look(warm("x"), since), CannotTell)


async def test_a_mail_like_ours_without_its_text_proves_nothing(
    bench: ResendBench,
) -> None:
    since = datetime.now(UTC)
    await bench.gateway.send(warm("ours"), AMPLE)
    del bench.account.mails[0]["text"]

    assert isinstance(await bench.gateway.look(warm("ours"), since), CannotTell)


async def test_a_poll_tells_the_id_that_the_mail_really_got(
    bench: ResendBench,
) -> None:
    answer = await bench.gateway.send(warm(), AMPLE)
    assert isinstance(answer, Accepted)
    bench.account.mails[0]["last_event"] = "bounced"

    (status,) = await bench.gateway.statuses([answer.ref])

    assert status.status is MessageStatus.BOUNCED
    assert status.thread == "<0@eu-west-1.ses.example>"


def test_every_word_of_the_contract_for_a_mails_state_is_known() -> None:
    spec = vendor_spec("resend.yaml")
    words = spec.document["components"]["schemas"]["Email"]["properties"]["last_event"]

    for word in words["enum"]:
        raw = json.dumps({"id": "x", "last_event": word}).encode()
        mail = wire.read_mail(HttpReply(200, {}, raw))
        assert mail is not None
        assert mail.status is not MessageStatus.UNKNOWN, word


# --- stops


async def test_a_mail_that_left_has_nothing_to_withdraw(bench: ResendBench) -> None:
    await bench.gateway.send(warm(), AMPLE)
    ref = bench.account.mails[0]["id"]

    answer = await bench.gateway.stop(stop_of(StopKind.WITHDRAW, warm(), ref))

    assert answer == Confirmed("nothing to withdraw: sent")
    assert asked_of(bench)[1:] == [f"GET /emails/{ref}"]


async def test_a_mail_that_a_person_scheduled_is_cancelled(bench: ResendBench) -> None:
    await bench.gateway.send(warm(), AMPLE)
    bench.account.mails[0]["last_event"] = "scheduled"
    stop = stop_of(StopKind.WITHDRAW, warm(), bench.account.mails[0]["id"])

    answers = [await bench.gateway.stop(stop) for _ in range(2)]

    assert answers[0] == Confirmed("cancelled")
    assert isinstance(answers[1], Confirmed)
    assert bench.account.mails[0]["last_event"] == "canceled"


async def test_a_mail_that_is_about_to_leave_is_asked_about_again(
    bench: ResendBench,
) -> None:
    await bench.gateway.send(warm(), AMPLE)
    bench.account.mails[0]["last_event"] = "queued"
    stop = stop_of(StopKind.WITHDRAW, warm(), bench.account.mails[0]["id"])

    assert isinstance(await bench.gateway.stop(stop), Again)


async def test_an_address_is_blocked_at_the_account(bench: ResendBench) -> None:
    stop = stop_of(StopKind.BLOCK, warm())

    answers = [await bench.gateway.stop(stop) for _ in range(2)]

    assert all(isinstance(one, Confirmed) for one in answers), answers
    assert bench.account.blocked == [TO]


# --- webhooks


async def test_a_webhook_that_lacks_types_or_is_off_is_put_right(
    bench: ResendBench,
) -> None:
    await bench.gateway.register(HOOK)
    bench.account.webhooks[0] |= {"events": ["email.sent"], "status": "disabled"}

    await bench.gateway.register(HOOK)

    (hook,) = bench.account.webhooks
    assert hook["events"] == list(wire.EVENT_TYPES)
    assert hook["status"] == "enabled"


async def test_a_webhook_whose_secret_we_do_not_know_is_no_good(
    bench: ResendBench,
) -> None:
    stranger = ResendGateway(bench.reachable.client, secrets=("whsec_other",))

    for _ in range(2):
        with pytest.raises(Misconfigured, match="OUTREACH_RESEND_WEBHOOK_SECRET") as e:
            await stranger.register(HOOK)
        assert SECRET not in str(e.value)

    assert len(bench.account.webhooks) == 1


async def test_a_key_that_may_only_send_is_named_as_the_fault(
    bench: ResendBench,
) -> None:
    event = bench.account.receive("Da")
    says = error(401, "restricted_api_key", "This API key may only send emails")
    bench.server.react = lambda _: says

    with pytest.raises(Misconfigured, match="full access"):
        await bench.gateway.fetch(event)


# --- secrets


async def test_nothing_it_logs_or_shows_holds_a_key_an_address_or_a_text(
    bench: ResendBench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    since = datetime.now(UTC)
    shown: list[object] = [bench.gateway]
    for situation in Situation:
        await bench.arrange(situation)
        within = timedelta(seconds=0.2) if situation is Situation.SILENT else AMPLE
        shown.append(await bench.gateway.send(warm(f"hush {situation}"), within))
    await bench.arrange(Situation.WELL)
    shown.append(await bench.gateway.look(warm("hush WELL"), since))
    await bench.gateway.register(HOOK)
    shown += [await bench.gateway.stop(stop_of(kind, warm())) for kind in StopKind]

    text = caplog.text + repr(shown)
    for secret in (KEY, SECRET, TO, FROM, "hush"):
        assert secret not in text
