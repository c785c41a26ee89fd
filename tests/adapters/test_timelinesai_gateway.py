"""What the adapter asks TimelinesAI, and what it makes of the answers."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import pytest
from attrs import evolve
from tests.contract.timelines_workspace import KEY, PREFIX, TimelinesBench, opened
from tests.vendor_specs import Spec, vendor_spec

from outreach.adapters._http import HttpReply, HttpRequest
from outreach.adapters.timelinesai import (
    TimelinesGateway,
    history,
    open_client,
    plan,
    wire,
)
from outreach.domain.allowance import Counted, Period, Use
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.message import (
    Accepted,
    MessageStatus,
    NotAccepted,
    Refusal,
    Refused,
)
from outreach.domain.sender import SenderState
from outreach.ports.gateway import Absent, AccountSender, CannotTell, Found
from outreach.testing.fault_server import Asked, Hangs, Reaction, Says
from outreach.testing.gateway import OURS, THEIRS, Situation, parcel

AMPLE: Final = timedelta(seconds=10)
HOOK: Final = "https://outreach.example/webhooks/timelinesai/t0ken"


@pytest.fixture
async def bench() -> AsyncIterator[TimelinesBench]:
    async with opened() as bench:
        yield bench


def ok(data: object) -> HttpReply:
    body = json.dumps({"status": "ok", "data": data}).encode()
    return HttpReply(200, {}, body)


# --- sending


async def test_a_first_touch_names_the_phone_that_shall_send(
    bench: TimelinesBench,
) -> None:
    await bench.gateway.send(parcel("Bună ziua 👋"), AMPLE)

    (asked,) = bench.server.asked
    assert (asked.method, asked.path) == ("POST", f"{PREFIX}/messages")
    assert asked.json() == {
        "phone": THEIRS,
        "whatsapp_account_phone": OURS[0],
        "text": "Bună ziua 👋",
    }
    assert "👋".encode() in asked.body


async def test_a_known_chat_is_written_to_as_such(bench: TimelinesBench) -> None:
    bench.workspace.chat(THEIRS, OURS[0])

    answer = await bench.gateway.send(parcel("again", thread="1000001"), AMPLE)

    (asked,) = bench.server.asked
    assert asked.path == f"{PREFIX}/chats/1000001/messages"
    assert asked.json() == {"text": "again"}
    assert isinstance(answer, Accepted)


async def test_a_thread_of_another_vendor_is_not_sent_to_by_other_means(
    bench: TimelinesBench,
) -> None:
    answer = await bench.gateway.send(parcel(thread="../messages"), AMPLE)

    assert isinstance(answer, NotAccepted)
    assert not answer.lane
    assert not bench.server.asked


@pytest.mark.parametrize("text", ["", "a\x00b", "\ud800"])
async def test_a_text_that_the_vendor_forbids_never_leaves(
    bench: TimelinesBench, text: str
) -> None:
    answer = await bench.gateway.send(evolve(parcel(), text=text), AMPLE)

    assert isinstance(answer, Refused)
    assert answer.kind is Refusal.REJECTED
    assert not bench.server.asked


async def test_a_cancelled_send_says_so_and_may_have_arrived(
    bench: TimelinesBench,
) -> None:
    await bench.arrange(Situation.SILENT)
    call = asyncio.create_task(bench.gateway.send(parcel("cancelled"), AMPLE))
    await bench.server.until_asked(1)

    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call
    assert bench.accepted == ["cancelled"]


async def test_nothing_it_logs_or_shows_holds_a_key_a_number_or_a_text(
    bench: TimelinesBench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    since = datetime.now(UTC)
    shown: list[object] = [bench.gateway]
    for situation in Situation:
        await bench.arrange(situation)
        within = timedelta(seconds=0.2) if situation is Situation.SILENT else AMPLE
        shown.append(await bench.gateway.send(parcel("hush"), within))
    await bench.arrange(Situation.WELL)
    shown.append(await bench.gateway.look(parcel("hush"), since))
    await bench.gateway.register(HOOK)

    text = caplog.text + repr(shown)
    for secret in (KEY, THEIRS[1:], OURS[0][1:], "hush", "t0ken"):
        assert secret not in text


async def test_no_connection_carries_the_hundred_that_the_edge_refuses(
    bench: TimelinesBench,
) -> None:
    for number in range(210):
        await bench.gateway.send(parcel(str(number)), AMPLE)

    carried = Counter(asked.connection for asked in bench.server.asked)
    assert len(carried) == 3
    assert max(carried.values()) < 100


# --- looking up


async def test_only_the_very_number_is_looked_at(bench: TimelinesBench) -> None:
    longer = bench.workspace.chat(f"{THEIRS}9", OURS[0])
    bench.workspace.write(longer, "Bună ziua!")

    found = await bench.gateway.look(parcel(), datetime.now(UTC) - AMPLE)

    assert found == Absent()


async def test_only_the_very_text_is_found(bench: TimelinesBench) -> None:
    since = datetime.now(UTC)
    chat = bench.workspace.chat(THEIRS, OURS[0])
    for text in ("Bună ziua", "bună ziua!", "Bună ziua! "):
        bench.workspace.write(chat, text)

    assert await bench.gateway.look(parcel("Bună ziua!"), since) == Absent()
    uid = bench.workspace.write(chat, "Bună ziua!")
    found = await bench.gateway.look(parcel("Bună ziua!"), since)
    assert found == Found(uid, str(chat["id"]))


async def test_chats_of_our_other_phones_are_not_even_read(
    bench: TimelinesBench,
) -> None:
    since = datetime.now(UTC)
    bench.workspace.write(bench.workspace.chat(THEIRS, OURS[1]), "text")

    assert await bench.gateway.look(parcel("text"), since) == Absent()
    assert [one.path for one in bench.server.asked] == [f"{PREFIX}/chats"]


@pytest.mark.parametrize(
    ("before", "is_found"),
    [(0, True), (30, True), (120, False), (86_400, False)],
)
async def test_the_vendors_clock_may_be_a_minute_behind(
    bench: TimelinesBench, before: int, *, is_found: bool
) -> None:
    since = datetime.now(UTC)
    chat = bench.workspace.chat(THEIRS, OURS[0])
    bench.workspace.write(chat, "text", since - timedelta(seconds=before))

    found = await bench.gateway.look(parcel("text"), since)

    assert isinstance(found, Found) is is_found


async def test_a_long_history_is_read_page_by_page(bench: TimelinesBench) -> None:
    since = datetime.now(UTC) - timedelta(hours=1)
    chat = bench.workspace.chat(THEIRS, OURS[0])
    for number in range(120):
        bench.workspace.write(chat, f"number {number}")

    found = await bench.gateway.look(parcel("number 119"), since)

    assert isinstance(found, Found)
    pages = [one for one in bench.server.asked if one.path.endswith("/messages")]
    assert len(pages) == 3


async def test_a_history_without_end_is_given_up(bench: TimelinesBench) -> None:
    since = datetime.now(UTC) - timedelta(hours=1)
    chat = bench.workspace.chat(THEIRS, OURS[0])
    for number in range(400):
        bench.workspace.write(chat, f"number {number}")

    assert isinstance(await bench.gateway.look(parcel("no"), since), CannotTell)


async def test_many_chats_are_read_page_by_page(bench: TimelinesBench) -> None:
    since = datetime.now(UTC)
    for number in range(60):
        bench.workspace.chat(f"{THEIRS}{number}", OURS[1])
    uid = bench.workspace.write(bench.workspace.chat(THEIRS, OURS[0]), "text")

    found = await bench.gateway.look(parcel("text"), since)

    assert found == Found(uid, "1000061")


async def test_a_message_without_a_time_proves_nothing(bench: TimelinesBench) -> None:
    chat = bench.workspace.chat(THEIRS, OURS[0])
    listed = {"uid": "x-1", "text": "text", "sender_phone": OURS[0]}

    def react(asked: Asked) -> Reaction:
        if asked.path.endswith("/chats"):
            return bench.workspace.react(asked)
        data = {"has_more_pages": False, "messages": [listed]}
        return Says(200, {"status": "ok", "data": data})

    bench.server.react = react

    found = await bench.gateway.look(parcel("text"), datetime.now(UTC))

    assert chat
    assert isinstance(found, CannotTell)


@pytest.mark.parametrize(
    "reaction",
    [
        Says(200, b"<html>"),
        Says(200, {"status": "ok", "data": {"has_more_pages": False}}),
        Says(200, {"status": "ok", "data": {"chats": [7], "has_more_pages": False}}),
        Says(200, {"status": "ok", "data": {"chats": [], "has_more_pages": True}}),
        Says(404, b"<html>"),
        Says(503, {"status": "error", "message": "busy"}),
        Hangs(),
    ],
)
async def test_a_history_that_cannot_be_read_proves_nothing(
    bench: TimelinesBench, reaction: Reaction
) -> None:
    bench.server.react = lambda _: reaction
    hasty = evolve(bench.gateway, ask_within=timedelta(seconds=0.3))
    patient = bench.gateway if reaction != Hangs() else hasty

    found = await patient.look(parcel(), datetime.now(UTC))

    assert isinstance(found, CannotTell)
    assert THEIRS[1:] not in found.why


# --- how far messages came


async def test_the_vendors_words_for_a_status_are_read_in_any_case(
    bench: TimelinesBench,
) -> None:
    words = {
        "Pending": MessageStatus.ACCEPTED,
        "queued": MessageStatus.ACCEPTED,
        "Sending": MessageStatus.ACCEPTED,
        "SENT": MessageStatus.SENT,
        "delivered": MessageStatus.DELIVERED,
        "Read": MessageStatus.READ,
        "Failed": MessageStatus.FAILED,
        "missed": MessageStatus.UNKNOWN,
    }
    chat = bench.workspace.chat(THEIRS, OURS[0])
    for word in words:
        bench.workspace.statuses[bench.workspace.write(chat, word)] = word

    found = await bench.gateway.statuses(list(bench.workspace.statuses))

    assert [one.status for one in found] == list(words.values())
    assert {one.thread for one in found} == {str(chat["id"])}
    assert {one.sender for one in found} == {OURS[0]}


async def test_a_message_sent_by_another_phone_says_so(bench: TimelinesBench) -> None:
    chat = bench.workspace.chat(THEIRS, OURS[1])
    uid = bench.workspace.write(chat, "text")

    (status,) = await bench.gateway.statuses([uid])

    assert status.sender == OURS[1]


async def test_no_more_is_asked_than_allowed(bench: TimelinesBench) -> None:
    chat = bench.workspace.chat(THEIRS, OURS[0])
    uids = [bench.workspace.write(chat, str(number)) for number in range(9)]
    frugal = evolve(bench.gateway, most_polls=6)

    found = await frugal.statuses(uids)

    assert [one.ref for one in found] == uids[:6]
    assert len(bench.server.asked) == 6


async def test_a_fault_half_way_keeps_what_was_learnt_and_stops_asking(
    bench: TimelinesBench,
) -> None:
    chat = bench.workspace.chat(THEIRS, OURS[0])
    uids = [bench.workspace.write(chat, str(number)) for number in range(40)]

    def react(asked: Asked) -> Reaction:
        limited = len(bench.server.asked) > 20
        return Says(429, b"") if limited else bench.workspace.react(asked)

    bench.server.react = react

    found = await bench.gateway.statuses(uids)

    assert len(found) == 20
    assert [one.ref for one in found] == [uid for uid in uids if uid in _refs(found)]
    assert len(bench.server.asked) < 30


def _refs(found: Any) -> set[str]:
    return {one.ref for one in found}


@pytest.mark.parametrize(
    "reaction",
    [
        Says(429, b"", headers={"retry-after": "9"}),
        Says(401, {"status": "error", "message": "Invalid token"}),
        Says(200, {"status": "ok", "data": {"uid": "another"}}),
        Says(404, b"<html>"),
        Hangs(),
    ],
)
async def test_nothing_learnt_is_unavailable(
    bench: TimelinesBench, reaction: Reaction
) -> None:
    bench.server.react = lambda _: reaction
    hasty = evolve(bench.gateway, poll_within=timedelta(seconds=0.3))

    with pytest.raises(Unavailable) as told:
        await (hasty if reaction == Hangs() else bench.gateway).statuses(["x"])

    is_limit = isinstance(reaction, Says) and reaction.status == 429
    assert told.value.retry_after == (timedelta(seconds=9) if is_limit else None)


# --- accounts


def test_only_an_active_account_is_connected() -> None:
    words = ["active", "Active", "disconnected", "paused", None]
    listed = [
        {
            "id": f"4072000000{n}@s.whatsapp.net",
            "phone": f"4072000000{n}",
            "status": word,
        }
        for n, word in enumerate(words)
    ]

    accounts = wire.read_accounts(ok({"whatsapp_accounts": [*listed, {"phone": "x"}]}))

    assert [one.connected for one in accounts] == [True, True, False, False, False]
    assert accounts[0] == AccountSender(
        "+40720000000", "40720000000@s.whatsapp.net", connected=True
    )
    states = [one.state for one in accounts]
    assert states == [None, None, SenderState.OFFLINE, None, None]


# --- the edge


READERS: Final[dict[str, Callable[[HttpReply], object]]] = {
    "status": lambda reply: wire.read_status("m-1", reply),
    "chats": wire.read_chats,
    "history": wire.read_history,
    "accounts": wire.read_accounts,
    "webhooks": wire.read_webhooks,
    "webhook": wire.read_webhook,
    "plan": plan.read_use,
    "written": lambda reply: history.read_written(reply, wire.Chat("1", "", "")),
}


@pytest.mark.parametrize("status", [401, 403, 404, 503])
@pytest.mark.parametrize("reader", READERS)
def test_a_page_of_the_edge_says_nothing_of_our_key(reader: str, status: int) -> None:
    page = b"<!DOCTYPE html><html><title>Attention Required!</title></html>"

    with pytest.raises(Unavailable, match=str(status)):
        READERS[reader](HttpReply(status, {"content-type": "text/html"}, page))


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("reader", READERS)
def test_a_refusal_of_the_api_is_a_key_to_mend(reader: str, status: int) -> None:
    body = b'{"status": "error", "message": "Invalid token"}'

    with pytest.raises(Misconfigured, match="API key"):
        READERS[reader](HttpReply(status, {}, body))


# --- the plan


async def test_the_plan_is_told_with_what_was_bought_beside_it(
    bench: TimelinesBench,
) -> None:
    bench.workspace.sends = 7
    bench.workspace.plan = {"non_recurring_quota": {"remaining_balance": 50}}

    assert await bench.gateway.use() == (
        Use(Period.MONTH, 7, 5_050),
        Use(Period.MONTH, 40, 200_000, Counted.CALLS),
    )
    assert len(bench.server.asked) == 1


@pytest.mark.parametrize(
    ("quota", "told"),
    [
        ({"used": 7}, (Use(Period.MONTH, 7),)),
        ({"used": 7, "total": None}, (Use(Period.MONTH, 7),)),
        ({"used": 7, "total": 0}, (Use(Period.MONTH, 7),)),
        ({"used": 7, "total": -1}, (Use(Period.MONTH, 7),)),
        ({"used": 7, "total": "5000"}, (Use(Period.MONTH, 7),)),
        ({"used": True, "total": 9}, ()),
        ({"used": -1, "total": 9}, ()),
        ({"total": 9}, ()),
        ({}, ()),
        (None, ()),
        ([1], ()),
    ],
)
async def test_a_plan_that_says_nothing_usable_bounds_nothing(
    bench: TimelinesBench, quota: object, told: tuple[Use, ...]
) -> None:
    bench.workspace.plan = {"messaging_quota": quota, "api_calls_quota": None}

    assert await bench.gateway.use() == told


@pytest.mark.parametrize(
    "reply",
    [
        HttpReply(404, {}, b"<html>no such page</html>"),
        HttpReply(403, {}, b"<html>Attention Required!</html>"),
        HttpReply(200, {}, b"<html>sign in</html>"),
        HttpReply(200, {}, b'{"status": "ok", "data": [1]}'),
        HttpReply(404, {}, b'{"status": "error", "message": "not found"}'),
    ],
)
def test_a_workspace_that_is_not_told_is_unavailable_and_no_fault_of_the_key(
    reply: HttpReply,
) -> None:
    with pytest.raises(Unavailable, match="did not tell its plan"):
        plan.read_use(reply)


async def test_a_refused_key_tells_no_plan_and_says_so(bench: TimelinesBench) -> None:
    await bench.arrange(Situation.KEY_REVOKED)

    with pytest.raises(Unavailable, match="does not accept the API key"):
        await bench.gateway.use()


# --- webhooks


async def test_every_type_that_is_read_is_registered_once(
    bench: TimelinesBench,
) -> None:
    await bench.gateway.register(HOOK)
    asked = len(bench.server.asked)
    await bench.gateway.register(HOOK)

    assert sorted(bench.registered(HOOK)) == sorted(wire.EVENT_TYPES)
    assert len(bench.server.asked) == asked + 1


async def test_what_somebody_switched_off_is_switched_on_again(
    bench: TimelinesBench,
) -> None:
    await bench.gateway.register(HOOK)
    bench.workspace.webhooks[3]["enabled"] = False

    await bench.gateway.register(HOOK)

    assert all(hook["enabled"] for hook in bench.workspace.webhooks)


async def test_webhooks_of_others_are_left_alone(bench: TimelinesBench) -> None:
    theirs = {"event_type": "chat:new", "url": "https://crm.example", "enabled": False}
    bench.workspace.webhooks.append(dict(theirs))

    await bench.gateway.register(HOOK)

    assert bench.workspace.webhooks[0] == theirs


async def test_an_address_that_the_vendor_refuses_is_a_setting_to_mend(
    bench: TimelinesBench,
) -> None:
    def react(asked: Asked) -> Reaction:
        if asked.method == "GET":
            return bench.workspace.react(asked)
        why = f"url: {asked.json()['url']} must be a valid http(s) URL"
        return Says(400, {"status": "error", "message": why})

    bench.server.react = react

    with pytest.raises(Misconfigured, match="public URL") as told:
        await bench.gateway.register(HOOK)
    assert "t0ken" not in str(told.value)


async def test_a_webhook_that_the_vendor_did_not_make_is_noticed(
    bench: TimelinesBench,
) -> None:
    made = {"event_type": "message:sent:new", "url": HOOK, "enabled": False}

    def react(asked: Asked) -> Reaction:
        data = [] if asked.method == "GET" else made
        return Says(200, {"status": "ok", "data": data})

    bench.server.react = react

    with pytest.raises(Unavailable, match="message:sent:new"):
        await bench.gateway.register(HOOK)


# --- settings


@pytest.mark.parametrize("key", ["canary\r\nX-Evil: 1", "canary ", "canaryă"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(Misconfigured, match="authorization") as told:
        open_client(key, user_agent="tests")

    assert "canary" not in str(told.value)


def test_the_vendors_own_address_is_the_default() -> None:
    client = open_client("key", user_agent="tests")

    assert client.base_url == "https://app.timelines.ai/integrations/api"
    assert "key" not in repr(TimelinesGateway(client))
    assert "key" not in repr(client)


# --- the vendor's contract


async def test_the_workspace_of_these_tests_is_as_the_vendor_describes_one(
    bench: TimelinesBench,
) -> None:
    bench.workspace.plan = {"non_recurring_quota": {"remaining_balance": 50}}
    key = {"authorization": f"Bearer {KEY}"}
    asked = Asked("GET", f"{PREFIX}/workspace", key, b"", 1)

    said = bench.workspace.react(asked)

    assert isinstance(said, Says)
    spec = vendor_spec("timelines_public_api.yaml")
    spec.check_answer("GET", "/workspace", said.status, said.body)


def _requests() -> list[HttpRequest]:
    touches = [wire.send_request(parcel()), wire.send_request(parcel(thread="77"))]
    return [
        *(one for one in touches if isinstance(one, HttpRequest)),
        wire.chats_request(THEIRS, 2),
        wire.history_request("77", datetime.now(UTC).date()),
        wire.history_request("77", datetime.now(UTC).date(), "a5bbb005"),
        wire.message_request("a5bbb005-37f2-402c-96fa-e479a2e09b02"),
        history.changed_request(2),
        history.written_request("77", datetime.now(UTC).date()),
        history.written_request("77", datetime.now(UTC).date(), "a5bbb005"),
        wire.accounts_request(),
        plan.workspace_request(),
        wire.webhooks_request(),
        *(wire.subscribe_request(kind, HOOK) for kind in wire.EVENT_TYPES),
        wire.move_request(
            wire.Webhook("message:new", HOOK, enabled=True, id="7"), HOOK
        ),
    ]


@pytest.fixture
def spec() -> Spec:
    return vendor_spec("timelines_public_api.yaml")


@pytest.mark.parametrize("request_", _requests(), ids=str)
def test_every_request_is_one_that_the_vendor_describes(
    request_: HttpRequest, spec: Spec
) -> None:
    parts = urlsplit(request_.path)
    paths = spec.document["paths"]
    (path,) = (one for one in paths if _fits(one, parts.path))
    operation = paths[path][request_.method.lower()]

    if request_.body is not None:
        body = json.loads(request_.body)
        spec.check_request(request_.method, path, body)
        content = operation["requestBody"]["content"]["application/json"]
        assert set(body) <= _fields(spec, content["schema"])
    given = dict(parse_qsl(parts.query))
    known = {
        one["name"]: one["schema"]
        for one in operation.get("parameters", ())
        if one.get("in") == "query"
    }
    assert set(given) <= set(known)
    for name, value in given.items():
        assert value in known[name].get("enum", [value])
        typed = known[name]["type"]
        assert typed != "boolean" or value in {"true", "false"}
        assert typed != "integer" or value.isdigit()


def test_every_endpoint_that_is_used_is_among_those_requests(spec: Spec) -> None:
    used = {
        (one.method, path)
        for one in _requests()
        for path in spec.document["paths"]
        if _fits(path, urlsplit(one.path).path)
    }

    assert used == {
        ("POST", "/messages"),
        ("POST", "/chats/{chat_id}/messages"),
        ("GET", "/chats"),
        ("GET", "/chats/{chat_id}/messages"),
        ("GET", "/messages/{message_uid}"),
        ("GET", "/whatsapp_accounts"),
        ("GET", "/workspace"),
        ("GET", "/webhooks"),
        ("POST", "/webhooks"),
        ("PUT", "/webhooks/{webhook_id}"),
    }


def _fits(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) is not None


def _fields(spec: Spec, schema: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _fields(spec, spec.document["components"]["schemas"][name])
    found = set(schema.get("properties", ()))
    for one in schema.get("allOf", ()):
        found |= _fields(spec, one)
    return found
