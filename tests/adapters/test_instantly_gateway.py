"""What the adapter hands to Instantly, looks up, takes back and registers."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid5

import pytest
from attrs import evolve
from tests.contract.instantly_workspace import (
    HELD,
    KEY,
    NAMESPACE,
    PREFIX,
    SECRET,
    InstantlyBench,
    error,
    opened,
)

from outreach.adapters.instantly import BASE_URL, InstantlyGateway, open_client
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.errors import ChannelSegregationError, Misconfigured, Unavailable
from outreach.domain.ids import AccountId, AttemptId, StopId, TenantId
from outreach.domain.message import (
    Accepted,
    NotAccepted,
    Parcel,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.stop import Stop, StopKind
from outreach.ports.gateway import Absent, Again, CannotTell, Confirmed, Found
from outreach.testing.fault_server import Asked, FaultServer, Hangs, Reaction, Says
from outreach.testing.gateway import Situation, parcel
from outreach.testing.gateway_stops import CAMPAIGN

AMPLE: Final = timedelta(seconds=10)
SINCE: Final = datetime(2026, 12, 1, 8, tzinfo=UTC)
URL: Final = "https://outreach.example/webhooks/instantly"
THEIR_MAIL: Final = "019ffad2-9c4e-7be6-8364-ed444afb02d5"
THREAD: Final = f"{THEIR_MAIL}|ion@agro.example"
OTHER: Final = str(uuid5(NAMESPACE, "another campaign"))


@pytest.fixture
async def bench() -> AsyncIterator[InstantlyBench]:
    async with opened() as bench:
        yield bench


def mail(text: str = "Bună ziua!", to: str = "ana@firma.ro", **facts: Any) -> Parcel:
    cold = evolve(
        parcel(repr((to, text))),
        permit=Permit(Channel.EMAIL_COLD, State.COLD),
        to=to,
        text=text,
        subject="O întrebare",
        campaign=HELD,
    )
    return evolve(cold, **facts)


def warm(text: str = "Da, sigur.", **facts: Any) -> Parcel:
    permit = Permit(Channel.EMAIL_WARM, State.WARM_REPLY)
    return mail(text, **{"permit": permit, "thread": THREAD, **facts})


def bodies(bench: InstantlyBench, path: str) -> list[Any]:
    asked = bench.server.asked
    return [one.json() for one in asked if one.path == PREFIX + path]


# --- cold mail


async def test_a_cold_mail_is_a_lead_that_bears_our_texts_and_our_id(
    bench: InstantlyBench,
) -> None:
    sent = mail("Bună ziua, {{firstName}} <b> & co!\nIon")

    answer = await bench.adapter.send(sent, AMPLE)

    (body,) = bodies(bench, "/leads/add")
    assert body == {
        "campaign_id": HELD,
        "leads": [
            {
                "email": "ana@firma.ro",
                "custom_variables": {
                    "outreach_attempt": str(sent.attempt),
                    "outreach_intent": str(sent.intent),
                    "outreach_subject": "O întrebare",
                    "outreach_body": "Bună ziua, &#123;&#123;firstName&#125;&#125; "
                    "&lt;b&gt; &amp; co!<br/>Ion",
                },
            }
        ],
        "verify_leads_on_import": False,
        "skip_if_in_workspace": False,
        "skip_if_in_campaign": False,
        "skip_if_in_list": False,
    }
    assert answer == Accepted(bench.workspace.leads[0]["id"])
    assert len(bench.server.asked) == 1


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (mail(subject="O {{firstName}}"), Refusal.REJECTED),
        (mail(subject="O {a|b}"), Refusal.REJECTED),
        (mail(subject=""), Refusal.REJECTED),
        (mail(subject="a\nBcc: b@b.ro"), Refusal.REJECTED),
        (mail(text=" \n"), Refusal.REJECTED),
        (mail(text="a\x00b"), Refusal.REJECTED),
        (mail(text="\ud800"), Refusal.REJECTED),
        (mail(to="ana"), Refusal.INVALID_RECIPIENT),
        (mail(to="+40731000001"), Refusal.INVALID_RECIPIENT),
    ],
)
async def test_what_the_vendor_would_not_send_as_it_stands_never_leaves(
    bench: InstantlyBench, wrong: Parcel, expected: Refusal
) -> None:
    answer = await bench.adapter.send(wrong, AMPLE)

    assert isinstance(answer, Refused), answer
    assert answer.kind is expected
    assert not bench.server.asked


async def test_a_cold_mail_without_a_campaign_never_leaves(
    bench: InstantlyBench,
) -> None:
    answer = await bench.adapter.send(mail(campaign=""), AMPLE)

    assert isinstance(answer, NotAccepted)
    assert not answer.lane
    assert not bench.server.asked


async def test_each_of_many_has_the_answer_that_is_its_own(
    bench: InstantlyBench,
) -> None:
    there = bench.workspace
    there.invalid.add("bad@firma.ro")
    told = [
        mail("one", "one@firma.ro"),
        mail("two", "bad@firma.ro"),
        mail("three", "no address"),
        mail("four", "ONE@firma.ro"),
        mail("five", "five@firma.ro", campaign=OTHER),
        mail("six", "six@firma.ro"),
    ]

    one, two, three, four, five, six = await bench.adapter.send_many(told, AMPLE)

    assert isinstance(one, Accepted)
    assert two == Refused(Refusal.INVALID_RECIPIENT, "address not valid")
    assert isinstance(three, Refused)
    assert three.kind is Refusal.INVALID_RECIPIENT
    assert isinstance(four, Refused)
    assert isinstance(five, NotAccepted)
    assert five.lane
    assert five.retry_after == timedelta(seconds=1)
    assert isinstance(six, Accepted)
    assert [lead["email"] for lead in there.leads] == ["one@firma.ro", "six@firma.ro"]
    assert len(bench.server.asked) == 1


async def test_a_thousand_leave_in_one_call_and_the_rest_waits(
    bench: InstantlyBench,
) -> None:
    many = [mail(f"text {n}", f"a{n}@firma.ro") for n in range(1_003)]

    answers = await bench.adapter.send_many(many, AMPLE)

    assert all(isinstance(one, Accepted) for one in answers[:1_000])
    assert all(isinstance(one, NotAccepted) and one.lane for one in answers[1_000:])
    assert len(bench.server.asked) == 1
    assert len({one.ref for one in answers if isinstance(one, Accepted)}) == 1_000


async def test_nothing_to_send_asks_nothing(bench: InstantlyBench) -> None:
    assert await bench.adapter.send_many([], AMPLE) == []
    assert not bench.server.asked


async def test_what_is_there_from_a_call_without_an_answer_is_accepted_under_its_id(
    bench: InstantlyBench,
) -> None:
    await bench.arrange(Situation.CUT_OFF)
    lost = await bench.adapter.send(mail(), AMPLE)
    await bench.arrange(Situation.WELL)

    found = await bench.adapter.send(mail(), AMPLE)

    assert isinstance(lost, UnknownOutcome)
    assert found == Accepted(bench.workspace.leads[0]["id"])
    assert len(bench.workspace.leads) == 1


async def test_what_an_earlier_attempt_brought_unseen_is_this_very_message(
    bench: InstantlyBench,
) -> None:
    """Refused, it would go to the next channel: twice the same step (INV-1)."""
    first = mail()
    await bench.adapter.send(first, AMPLE)
    again = evolve(first, attempt=AttemptId(uuid5(NAMESPACE, "second attempt")))

    told = await bench.adapter.send(again, AMPLE)
    found = await bench.adapter.look(again, SINCE)

    (lead,) = bench.workspace.leads
    assert told == Accepted(lead["id"])
    assert found == Found(lead["id"])


async def test_the_time_of_a_call_is_for_all_that_it_asks(
    bench: InstantlyBench,
) -> None:
    bench.workspace.put(HELD, "ana@firma.ro", {"outreach_intent": "another"})
    inner = bench.workspace.react
    patient = evolve(bench.adapter, ask_within=timedelta(seconds=30))

    def react(asked: Asked) -> Reaction:
        return Hangs() if asked.path.endswith("/list") else inner(asked)

    bench.server.react = react
    began = time.monotonic()

    told = await patient.send(mail(), timedelta(seconds=0.5))

    assert isinstance(told, UnknownOutcome)
    assert time.monotonic() - began < 5


async def test_who_is_in_the_campaign_for_another_message_is_refused(
    bench: InstantlyBench,
) -> None:
    bench.workspace.put(HELD, "ana@firma.ro", {"outreach_attempt": "another"})
    bench.workspace.put(HELD, "eva@firma.ro", {})

    answers = await bench.adapter.send_many(
        [mail("a"), mail("b", "eva@firma.ro"), mail("c", "new@firma.ro")], AMPLE
    )

    for refused in answers[:2]:
        assert isinstance(refused, Refused), answers
        assert refused.kind is Refusal.REJECTED
    assert isinstance(answers[2], Accepted)


async def test_whose_the_lead_is_that_cannot_be_asked_is_not_known(
    bench: InstantlyBench,
) -> None:
    bench.workspace.put(HELD, "ana@firma.ro", {"outreach_attempt": "another"})
    inner = bench.workspace.react

    def react(asked: Asked) -> Reaction:
        return error(500) if asked.path.endswith("/list") else inner(asked)

    bench.server.react = react

    answer = await bench.adapter.send(mail(), AMPLE)

    assert isinstance(answer, UnknownOutcome)


async def test_mixed_reasons_are_told_apart_as_far_as_the_vendor_lets_us(
    bench: InstantlyBench,
) -> None:
    there = bench.workspace
    there.invalid.add("bad@firma.ro")
    there.put(HELD, "ana@firma.ro", {"outreach_attempt": "another"})

    known, bad, good = await bench.adapter.send_many(
        [mail("a"), mail("b", "bad@firma.ro"), mail("c", "new@firma.ro")], AMPLE
    )

    assert known == Refused(Refusal.REJECTED, "in the campaign for another message")
    assert bad == Refused(Refusal.INVALID_RECIPIENT, "address not valid")
    assert isinstance(good, Accepted)


async def test_a_full_plan_holds_the_lane_for_all_that_found_no_room(
    bench: InstantlyBench,
) -> None:
    bench.workspace.room = 1

    first, second = await bench.adapter.send_many(
        [mail("a", "a@firma.ro"), mail("b", "b@firma.ro")], AMPLE
    )

    assert isinstance(first, Accepted)
    assert isinstance(second, NotAccepted)
    assert second.lane
    assert second.retry_after == timedelta(hours=1)


# --- replies


async def test_a_warm_mail_answers_theirs_from_the_mailbox_it_came_to(
    bench: InstantlyBench,
) -> None:
    answer = await bench.adapter.send(warm("Da.\nIon & co"), AMPLE)

    (body,) = bodies(bench, "/emails/reply")
    assert body == {
        "reply_to_uuid": THEIR_MAIL,
        "eaccount": "ion@agro.example",
        "subject": "Re: O întrebare",
        "body": {"html": "Da.<br/>Ion &amp; co"},
    }
    assert answer == Accepted(bench.workspace.emails[0]["id"], THREAD)
    assert not bodies(bench, "/leads/add")


async def test_a_subject_that_is_an_answer_already_stays_as_it_is(
    bench: InstantlyBench,
) -> None:
    for subject in ("RE: O întrebare", "Re: {x}", ""):
        await bench.adapter.send(warm(subject=subject), AMPLE)

    said = [body["subject"] for body in bodies(bench, "/emails/reply")]
    assert said == ["RE: O întrebare", "Re: {x}", "Re:"]


async def test_a_warm_mail_that_answers_none_is_not_for_this_account(
    bench: InstantlyBench,
) -> None:
    for call in (
        bench.adapter.send(warm(thread=""), AMPLE),
        bench.adapter.send_many([mail(), warm(thread="")], AMPLE),
        bench.adapter.send(parcel("whatsapp"), AMPLE),
    ):
        with pytest.raises(ChannelSegregationError) as told:
            await call
        assert "ana@firma.ro" not in str(told.value)
    assert not bench.server.asked


@pytest.mark.parametrize("thread", ["1000001", "a|b", f"{THEIR_MAIL}|", "|a@b.ro"])
async def test_a_thread_of_another_vendor_is_not_answered(
    bench: InstantlyBench, thread: str
) -> None:
    answer = await bench.adapter.send(warm(thread=thread), AMPLE)

    assert isinstance(answer, NotAccepted)
    assert not answer.lane
    assert not bench.server.asked


async def test_a_reply_that_comes_first_goes_alone_and_one_that_comes_later_waits(
    bench: InstantlyBench,
) -> None:
    first = await bench.adapter.send_many([warm(), mail()], AMPLE)
    second = await bench.adapter.send_many([mail(), warm()], AMPLE)

    for answers in (first, second):
        assert isinstance(answers[0], Accepted)
        assert isinstance(answers[1], NotAccepted)
        assert answers[1].lane
    assert len(bench.server.asked) == 2


async def test_a_reply_without_an_answer_is_found_by_its_text_and_never_absent(
    bench: InstantlyBench,
) -> None:
    await bench.arrange(Situation.CUT_OFF)
    lost = await bench.adapter.send(warm("Da,\nsigur."), AMPLE)
    await bench.arrange(Situation.WELL)

    found = await bench.adapter.look(warm("Da,\nsigur."), SINCE)
    missing = await bench.adapter.look(warm("Nu."), SINCE)

    assert isinstance(lost, UnknownOutcome)
    assert found == Found(bench.workspace.emails[0]["id"], THREAD)
    assert isinstance(missing, CannotTell)


@pytest.mark.parametrize(
    "shown",
    [
        {"text": "Da,\n\nsigur.\n\n-- \nIon"},
        {"html": "<p>Da,<br/>sigur.</p><blockquote>Bună ziua</blockquote>"},
        {"text": "Da,<br/>sigur.", "html": "Da,<br/>sigur."},
    ],
)
async def test_a_reply_is_found_however_the_inbox_shows_it(
    bench: InstantlyBench, shown: dict[str, str]
) -> None:
    await bench.adapter.send(warm("Da,\nsigur."), AMPLE)
    bench.workspace.emails[0]["body"] = shown

    found = await bench.adapter.look(warm("Da,\nsigur."), SINCE)

    assert found == Found(bench.workspace.emails[0]["id"], THREAD)
    (asked,) = [one for one in bench.server.asked if one.path.endswith("/emails")]
    assert asked.query["lead"] == "ana@firma.ro"
    assert asked.query["eaccount"] == "ion@agro.example"
    assert asked.query["email_type"] == "manual"
    assert datetime.fromisoformat(asked.query["min_timestamp_created"]) < SINCE


# --- looking up


async def test_hundreds_are_looked_up_by_the_hundred_in_order(
    bench: InstantlyBench,
) -> None:
    many = [mail(f"text {n}", f"a{n}@firma.ro") for n in range(250)]
    await bench.adapter.send_many(many[::2], AMPLE)
    asked = len(bench.server.asked)

    found = await bench.adapter.look_many(many, SINCE)

    assert [isinstance(one, Found) for one in found] == [True, False] * 125
    assert all(one == Absent() for one in found[1::2])
    ids = {lead["email"]: lead["id"] for lead in bench.workspace.leads}
    assert found[4] == Found(ids["a4@firma.ro"])
    # Three hundreds, and of each a page that says that there is no more.
    assert len(bench.server.asked) - asked <= 6
    contacts = [len(body["contacts"]) for body in bodies(bench, "/leads/list")]
    assert max(contacts) == 100


async def test_only_our_very_message_in_this_very_campaign_is_found(
    bench: InstantlyBench,
) -> None:
    ours = mail()
    variables = {"outreach_intent": str(ours.intent)}
    bench.workspace.put(HELD, "ana@firma.ro", {"outreach_intent": "another"})
    bench.workspace.put(OTHER, "ana@firma.ro", variables)

    assert await bench.adapter.look(ours, SINCE) == Absent()
    lead = bench.workspace.put(HELD, "ana@firma.ro", variables)
    assert await bench.adapter.look(ours, SINCE) == Found(lead["id"])
    assert isinstance(await bench.adapter.look(mail(campaign=""), SINCE), CannotTell)


async def test_a_campaign_that_cannot_be_asked_about_hides_no_other(
    bench: InstantlyBench,
) -> None:
    inner = bench.workspace.react
    await bench.adapter.send(mail("a", "a@firma.ro"), AMPLE)

    def react(asked: Asked) -> Reaction:
        gone = asked.body and asked.json().get("campaign") == OTHER
        return Says(200, {"items": "none"}) if gone else inner(asked)

    bench.server.react = react

    found = await bench.adapter.look_many(
        [mail("b", "b@firma.ro", campaign=OTHER), mail("a", "a@firma.ro")], SINCE
    )

    assert isinstance(found[0], CannotTell)
    assert isinstance(found[1], Found)


# --- taking back


def stop(kind: StopKind, sent: Parcel | None = None, **facts: Any) -> Stop:
    about = str(sent.attempt) if sent else str(CAMPAIGN)
    told = Stop(
        id=StopId(CAMPAIGN),
        tenant=TenantId(CAMPAIGN),
        account=AccountId(CAMPAIGN),
        kind=kind,
        about=about,
        cause="OPTED_OUT",
        at=SINCE,
        now=SINCE,
        to=sent.to if sent else "",
    )
    return evolve(told, **facts)


async def test_a_lead_is_withdrawn_by_its_id_in_one_request(
    bench: InstantlyBench,
) -> None:
    answer = await bench.adapter.send(mail(), AMPLE)
    assert isinstance(answer, Accepted)

    told = await bench.adapter.stop(stop(StopKind.WITHDRAW, mail(), ref=answer.ref))

    assert isinstance(told, Confirmed)
    assert not bench.workspace.leads
    last = bench.server.asked[-1]
    assert (last.method, last.path) == ("DELETE", f"{PREFIX}/leads/{answer.ref}")
    assert len(bench.server.asked) == 2


async def test_an_id_of_our_own_is_no_lead_so_that_it_is_looked_for(
    bench: InstantlyBench,
) -> None:
    """A webhook that overtakes the answer leaves the attempt's id as the message's."""
    sent = mail()
    await bench.adapter.send(sent, AMPLE)
    other = bench.workspace.put(OTHER, sent.to, {"outreach_attempt": "another"})

    told = await bench.adapter.stop(
        stop(StopKind.WITHDRAW, sent, ref=str(sent.attempt))
    )

    assert isinstance(told, Confirmed)
    assert bench.workspace.leads == [other]


async def test_a_block_that_is_there_is_confirmed_and_one_that_is_refused_is_not(
    bench: InstantlyBench,
) -> None:
    sent = mail()
    answers = [await bench.adapter.stop(stop(StopKind.BLOCK, sent)) for _ in range(2)]
    bench.workspace.block_list.clear()
    inner = bench.workspace.react

    def react(asked: Asked) -> Reaction:
        return error(400) if asked.method == "POST" else inner(asked)

    bench.server.react = react

    refused = await bench.adapter.stop(stop(StopKind.BLOCK, sent))

    assert all(isinstance(one, Confirmed) for one in answers)
    assert isinstance(refused, Again)


async def test_the_campaign_that_a_stop_names_is_paused_and_no_other(
    bench: InstantlyBench,
) -> None:
    other = bench.workspace.campaign(
        OTHER, name=f"outreach agri 2 Europe/Bucharest {CAMPAIGN}"
    )
    other["status"] = 1

    told = await bench.adapter.stop(stop(StopKind.PAUSE, ref=HELD))

    assert isinstance(told, Confirmed)
    assert [one["status"] for one in bench.workspace.campaigns] == [2, 1]


async def test_every_campaign_of_ours_is_paused_where_none_is_named(
    bench: InstantlyBench,
) -> None:
    there = bench.workspace
    for number in range(120):
        ref = str(uuid5(NAMESPACE, f"zone {number}"))
        there.campaign(ref, name=f"outreach agri {number} UTC {CAMPAIGN}")["status"] = 1
    theirs = there.campaign(OTHER, name=f"about {CAMPAIGN}")
    theirs["status"] = 1

    told = await bench.adapter.stop(stop(StopKind.PAUSE))

    assert isinstance(told, Confirmed)
    paused = [one["status"] for one in there.campaigns if one is not theirs]
    assert paused == [2] * 121
    assert theirs["status"] == 1


async def test_a_campaign_that_still_says_it_is_active_is_not_confirmed(
    bench: InstantlyBench,
) -> None:
    inner = bench.workspace.react

    def react(asked: Asked) -> Reaction:
        if asked.path.endswith("/pause"):
            return Says(200, bench.workspace.campaigns[0])
        return inner(asked)

    bench.server.react = react

    told = await bench.adapter.stop(stop(StopKind.PAUSE, ref=HELD))

    assert isinstance(told, Again)


async def test_a_campaign_that_is_gone_needs_no_pause(bench: InstantlyBench) -> None:
    told = await bench.adapter.stop(stop(StopKind.PAUSE, ref=OTHER))
    wrong = await bench.adapter.stop(stop(StopKind.PAUSE, ref="../webhooks"))

    assert isinstance(told, Confirmed)
    assert isinstance(wrong, Again)


# --- webhooks


async def test_everything_is_subscribed_to_once_with_our_secret_in_a_header(
    bench: InstantlyBench,
) -> None:
    await bench.adapter.register(URL)
    asked = len(bench.server.asked)
    await bench.adapter.register(URL)

    (hook,) = bench.workspace.webhooks
    assert hook["event_type"] == "all_events"
    assert hook["target_hook_url"] == URL
    assert hook["campaign"] is None
    assert hook["headers"] == {"X-Outreach-Webhook-Secret": SECRET}
    assert all(one.method == "GET" for one in bench.server.asked[asked:])


@pytest.mark.parametrize(
    "change",
    [
        {"headers": {"X-Outreach-Webhook-Secret": "old"}},
        {"headers": None},
        {"event_type": "reply_received"},
        {"campaign": HELD},
        {"target_hook_url": "https://old.example/webhooks/instantly"},
        {"status": -1, "timestamp_error": "2026-12-01T08:00:00Z"},
    ],
)
async def test_a_webhook_of_ours_that_differs_is_set_right_and_none_is_added(
    bench: InstantlyBench, change: dict[str, Any]
) -> None:
    await bench.adapter.register(URL)
    (before,) = json.loads(json.dumps(bench.workspace.webhooks))
    bench.workspace.webhooks[0].update(change)

    await bench.adapter.register(URL)

    assert bench.workspace.webhooks == [before]


async def test_webhooks_of_others_are_left_alone(bench: InstantlyBench) -> None:
    theirs = {
        "id": OTHER,
        "organization": OTHER,
        "target_hook_url": "https://crm.example/webhooks/instantly",
        "timestamp_created": "2026-01-01T00:00:00Z",
    }
    bench.workspace.webhooks.append(dict(theirs))

    await bench.adapter.register(URL)

    assert bench.workspace.webhooks[0] == theirs
    assert len(bench.workspace.webhooks) == 2


async def test_an_address_that_the_vendor_refuses_is_a_setting_to_mend(
    bench: InstantlyBench,
) -> None:
    inner = bench.workspace.react

    def react(asked: Asked) -> Reaction:
        return error(400) if asked.method == "POST" else inner(asked)

    bench.server.react = react

    with pytest.raises(Misconfigured, match="public URL") as told:
        await bench.adapter.register(URL)
    assert SECRET not in str(told.value)


async def test_a_webhook_that_the_vendor_did_not_take_is_noticed(
    bench: InstantlyBench,
) -> None:
    inner = bench.workspace.react

    def react(asked: Asked) -> Reaction:
        said = inner(asked)
        if asked.method == "POST" and isinstance(said, Says):
            body: Any = said.body
            return evolve(said, body={**body, "headers": None})
        return said

    bench.server.react = react

    with pytest.raises(Unavailable, match="webhook"):
        await bench.adapter.register(URL)


async def test_without_a_secret_nothing_is_registered(bench: InstantlyBench) -> None:
    with pytest.raises(Misconfigured, match="OUTREACH_INSTANTLY_WEBHOOK_SECRET"):
        await bench.adapter.told_apart_by("").register(URL)
    assert not bench.server.asked


# --- the line


async def test_nothing_it_logs_or_shows_holds_a_key_an_address_or_a_text(
    bench: InstantlyBench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[object] = [bench.adapter]
    for situation in Situation:
        await bench.arrange(situation)
        within = timedelta(seconds=0.2) if situation is Situation.SILENT else AMPLE
        shown.append(await bench.adapter.send(mail("hush"), within))
        shown.append(await bench.adapter.send(warm("hush"), within))
    for situation in (Situation.KEY_REVOKED, Situation.WELL):
        await bench.arrange(situation)
        shown.append(await bench.adapter.look(mail("hush"), SINCE))
        shown.append(await bench.adapter.stop(stop(StopKind.WITHDRAW, mail("hush"))))
        shown.append(await bench.adapter.stop(stop(StopKind.BLOCK, mail("hush"))))
    await bench.adapter.register(URL)

    text = caplog.text + repr(shown)
    for secret in (KEY, SECRET, "ana@", "firma.ro", "ion@", "hush", "întrebare"):
        assert secret not in text.replace(THREAD, "")


async def test_an_administrators_key_acts_for_the_workspace_that_is_set() -> None:
    async with FaultServer(lambda _: error(429)) as server:
        for workspace in ("", HELD):
            client = open_client(
                KEY, base_url=server.url, workspace=workspace, user_agent="outreach/1"
            )
            await InstantlyGateway(client).send(mail(), AMPLE)
            await client.aclose()

    named = [one.headers.get("x-as-workspace") for one in server.asked]
    assert named == [None, HELD]
    assert {one.headers["user-agent"] for one in server.asked} == {"outreach/1"}
    assert {one.headers["authorization"] for one in server.asked} == {f"Bearer {KEY}"}


def test_the_vendors_own_address_is_the_default() -> None:
    assert open_client("key", user_agent="tests").base_url == BASE_URL
    with pytest.raises(Misconfigured, match="x-as-workspace"):
        open_client("key", workspace="a\r\nb", user_agent="tests")
