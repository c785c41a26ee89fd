"""What the adapter asks each gateway, and what it makes of the answers."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from tests.contract.baileys_gateways import (
    KEY,
    SECRET,
    ApiHouse,
    BaileysBench,
    EvolutionHouse,
    House,
    WahaHouse,
    opened,
)
from tests.vendor_specs import Spec, vendor_spec

from outreach.adapters.baileys.evolution import EVENTS as EVOLUTION_EVENTS
from outreach.adapters.baileys.evolution import HEADER, ref_of
from outreach.adapters.baileys.waha import EVENTS as WAHA_EVENTS
from outreach.adapters.baileys.waha import own_id
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.message import (
    Accepted,
    MessageStatus,
    NotAccepted,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal, SenderState
from outreach.ports.gateway import Absent, CannotTell, Found
from outreach.testing.fault_server import Asked, Hangs, HangsUp, Reaction, Says
from outreach.testing.gateway import OURS, THEIRS, Situation, parcel

AMPLE: Final = timedelta(seconds=10)
SHORT: Final = timedelta(seconds=0.3)
HOOK: Final = "https://outreach.example/webhooks/baileys"
HOUSES: Final = (ApiHouse, WahaHouse, EvolutionHouse)
SESSION: Final = OURS[0][1:]

Bench = BaileysBench[Any]


@pytest.fixture(params=HOUSES)
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with opened(request.param()) as bench:
        yield bench


@pytest.fixture
async def waha() -> AsyncIterator[BaileysBench[WahaHouse]]:
    async with opened(WahaHouse()) as bench:
        yield bench


@pytest.fixture
async def evolution() -> AsyncIterator[BaileysBench[EvolutionHouse]]:
    async with opened(EvolutionHouse()) as bench:
        yield bench


@pytest.fixture(params=[WahaHouse, EvolutionHouse])
async def askable(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with opened(request.param()) as bench:
        yield bench


def sends(bench: Bench) -> list[Asked]:
    words = ("send-message", "sendText")
    return [one for one in bench.server.asked if any(w in one.path for w in words)]


def answering(bench: Bench, word: str, reaction: Reaction) -> None:
    """Have requests whose path holds *word* answered so."""
    react = bench.house.react

    def instead(asked: Asked) -> Reaction:
        return reaction if word in asked.path else react(asked)

    bench.server.react = instead


# --- sending


async def test_baileys_api_is_given_the_attempt_as_its_key() -> None:
    async with opened(ApiHouse()) as bench:
        sent = parcel("Bună ziua 👋")
        answer = await bench.gateway.send(sent, AMPLE)

        check, send = bench.server.asked
        assert check.path == f"/connections/{OURS[0]}/on-whatsapp"
        assert send.path == f"/connections/{OURS[0]}/send-message"
        assert send.json() == {
            "jid": f"{THEIRS[1:]}@s.whatsapp.net",
            "messageContent": {"text": "Bună ziua 👋"},
            "chatwootMessageId": str(sent.attempt),
        }
        assert "👋".encode() in send.body
        assert answer == Accepted(bench.house.messages[0]["key"])


async def test_what_something_between_us_repeats_is_sent_once() -> None:
    async with opened(ApiHouse()) as bench:
        first = await bench.gateway.send(parcel(), AMPLE)
        again = await bench.gateway.send(parcel(), AMPLE)

        assert again == first
        assert len(bench.accepted) == 1


async def test_waha_is_given_the_attempt_as_the_messages_id(
    waha: BaileysBench[WahaHouse],
) -> None:
    sent = parcel("Bună ziua 👋")
    answer = await waha.gateway.send(sent, AMPLE)

    check, send = waha.server.asked
    assert check.query == {"phone": THEIRS[1:], "session": SESSION}
    assert send.path == "/api/sendText"
    assert send.json() == {
        "session": SESSION,
        "chatId": f"{THEIRS[1:]}@c.us",
        "text": "Bună ziua 👋",
        "id": own_id(sent.attempt),
    }
    assert answer == Accepted(str(sent.attempt))


async def test_evolution_looks_for_the_number_by_itself(
    evolution: BaileysBench[EvolutionHouse],
) -> None:
    answer = await evolution.gateway.send(parcel("Bună ziua 👋"), AMPLE)

    (send,) = evolution.server.asked
    assert send.path == f"/message/sendText/{SESSION}"
    assert send.json() == {"number": THEIRS[1:], "text": "Bună ziua 👋"}
    assert answer == Accepted(ref_of(OURS[0], evolution.house.messages[0]["key"]))


@pytest.mark.parametrize("house", [ApiHouse, WahaHouse])
async def test_one_who_is_not_on_whatsapp_is_never_written_to(
    house: type[House],
) -> None:
    async with opened(house()) as bench:
        await bench.arrange(Situation.NOBODY_THERE)

        answer = await bench.gateway.send(parcel(), AMPLE)

        assert answer == Refused(Refusal.INVALID_RECIPIENT, "not on WhatsApp")
        assert not sends(bench)


@pytest.mark.parametrize(
    ("house", "word", "told", "field"),
    [
        (
            ApiHouse,
            "on-whatsapp",
            {"data": [{"exists": True, "jid": "551187654321@s.whatsapp.net"}]},
            "jid",
        ),
        (
            WahaHouse,
            "check-exists",
            {"numberExists": True, "chatId": "551187654321@s.whatsapp.net"},
            "chatId",
        ),
    ],
)
async def test_the_number_as_whatsapp_writes_it_is_written_to(
    house: type[House], word: str, told: object, field: str
) -> None:
    async with opened(house()) as bench:
        answering(bench, word, Says(200, told))

        answer = await bench.gateway.send(parcel(), AMPLE)

        assert isinstance(answer, Accepted)
        (send,) = sends(bench)
        assert send.json()[field] == "551187654321@s.whatsapp.net"


@pytest.mark.parametrize(
    ("house", "word"), [(ApiHouse, "on-whatsapp"), (WahaHouse, "check-exists")]
)
@pytest.mark.parametrize(
    ("reaction", "signal"),
    [
        (Says(500, {"message": "Timed Out"}), None),
        (Says(200, b"OK"), None),
        (Says(200, {"data": "?"}), None),
        (Says(200, [{"exists": "perhaps"}]), None),
        (Says(429, b""), None),
        (Says(403, b"<html>edge</html>"), None),
        (Says(401, {"message": "Unauthorized"}), SenderSignal.AUTH_FAILED),
        (HangsUp(), None),
        (Hangs(), None),
    ],
    ids=lambda one: repr(one)[:30],
)
async def test_a_question_without_an_answer_holds_the_lane_and_nothing_leaves(
    house: type[House], word: str, reaction: Reaction, signal: SenderSignal | None
) -> None:
    async with opened(house()) as bench:
        answering(bench, word, reaction)

        answer = await bench.gateway.send(parcel(), SHORT)

        assert isinstance(answer, NotAccepted), answer
        assert answer.lane
        assert answer.signal is signal
        assert not sends(bench)


@pytest.mark.parametrize(
    ("house", "word", "reaction", "signal"),
    [
        (
            ApiHouse,
            "on-whatsapp",
            Says(404, b"Phone number not connected"),
            SenderSignal.DISCONNECTED,
        ),
        (WahaHouse, "check-exists", WahaHouse.busy, SenderSignal.RECONNECTING),
    ],
)
async def test_a_question_may_tell_that_our_own_number_is_away(
    house: type[House], word: str, reaction: Reaction, signal: SenderSignal
) -> None:
    async with opened(house()) as bench:
        answering(bench, word, reaction)

        answer = await bench.gateway.send(parcel(), AMPLE)

        assert isinstance(answer, NotAccepted)
        assert (answer.lane, answer.signal) == (True, signal)


async def test_question_and_send_share_their_time(
    waha: BaileysBench[WahaHouse],
) -> None:
    slow = Says(200, {"numberExists": True}, after_s=0.2)
    answering(waha, "check-exists", slow)
    await waha.arrange(Situation.SILENT)
    began = time.monotonic()

    answer = await waha.gateway.send(parcel(), timedelta(seconds=0.4))

    assert isinstance(answer, UnknownOutcome)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("text", ["", "a\x00b", "\ud800"])
async def test_a_text_that_is_none_never_leaves(bench: Bench, text: str) -> None:
    answer = await bench.gateway.send(evolve(parcel(), text=text), AMPLE)

    assert isinstance(answer, Refused)
    assert answer.kind is Refusal.REJECTED
    assert not sends(bench)


async def test_nothing_it_logs_or_shows_holds_a_key_a_number_or_a_text(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[object] = [bench.gateway]
    for situation in Situation:
        await bench.arrange(situation)
        within = SHORT if situation is Situation.SILENT else AMPLE
        shown.append(await bench.gateway.send(parcel("hush"), within))

    text = caplog.text + repr(shown)
    for secret in (KEY, SECRET, THEIRS[1:], OURS[0][1:], "hush"):
        assert secret not in text


async def test_every_dialect_tells_how_far_messages_come_by_itself(
    bench: Bench,
) -> None:
    told = bench.gateway.acknowledges

    assert told == {MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.READ}


# --- looking up


async def test_only_the_very_text_is_found(askable: Bench) -> None:
    since = datetime.now(UTC)
    await askable.gateway.send(parcel("Bună ziua! "), AMPLE)

    assert await askable.gateway.look(parcel("Bună ziua!"), since) == Absent()
    found = await askable.gateway.look(parcel("Bună ziua! "), since)
    assert isinstance(found, Found)


async def test_a_long_history_is_read_page_by_page(askable: Bench) -> None:
    since = datetime.now(UTC) - timedelta(hours=1)
    await askable.gateway.send(parcel("the first"), AMPLE)
    first = askable.house.messages[0]
    for number in range(220):
        askable.house.write(first["session"], first["to"], f"number {number}")

    found = await askable.gateway.look(parcel("the first"), since)

    assert isinstance(found, Found)


async def test_a_history_without_end_proves_nothing(askable: Bench) -> None:
    since = datetime.now(UTC) - timedelta(hours=1)
    await askable.gateway.send(parcel("the first"), AMPLE)
    first = askable.house.messages[0]
    for number in range(600):
        askable.house.write(first["session"], first["to"], f"number {number}")

    found = await askable.gateway.look(parcel("never"), since)

    assert isinstance(found, CannotTell)


@pytest.mark.parametrize("reaction", [Says(500, b""), Says(200, b"OK"), HangsUp()])
async def test_a_history_that_is_not_kept_proves_nothing(
    askable: Bench, reaction: Reaction
) -> None:
    answering(askable, "essages", reaction)

    found = await askable.gateway.look(parcel(), datetime.now(UTC))

    assert isinstance(found, CannotTell)


# --- repeating


async def test_a_repetition_bears_the_first_ones_id(
    waha: BaileysBench[WahaHouse],
) -> None:
    since = datetime.now(UTC)
    await waha.arrange(Situation.LOST)
    await waha.gateway.send(parcel(), AMPLE)
    await waha.arrange(Situation.WELL)

    answer = await waha.gateway.repeat(parcel(), since, AMPLE)

    first, second = sends(waha)
    assert first.json() == second.json()
    assert answer == Accepted(str(parcel().attempt))


async def test_an_engine_that_takes_no_ids_is_asked_before_and_sends_once(
    waha: BaileysBench[WahaHouse],
) -> None:
    since = datetime.now(UTC)
    await waha.arrange(Situation.CUT_OFF)
    await waha.gateway.send(parcel(), AMPLE)
    await waha.arrange(Situation.WELL)
    waha.house.messages[0]["key"] = "3EB0OFTHEENGINE"

    answer = await waha.gateway.repeat(parcel(), since, AMPLE)

    assert answer == Accepted("3EB0OFTHEENGINE")
    assert len(sends(waha)) == 1


async def test_what_cannot_be_looked_for_is_not_repeated(
    waha: BaileysBench[WahaHouse],
) -> None:
    answering(waha, "/chats/", Says(400, {"message": "enable the store"}))

    answer = await waha.gateway.repeat(parcel(), datetime.now(UTC), AMPLE)

    assert isinstance(answer, NotAccepted)
    assert not sends(waha)


# --- numbers


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("WORKING", None),
        ("STARTING", SenderState.RECONNECTING),
        ("SCAN_QR_CODE", SenderState.OFFLINE),
        ("FAILED", SenderState.OFFLINE),
        ("STOPPED", SenderState.OFFLINE),
    ],
)
async def test_a_session_is_a_number_in_a_state(
    waha: BaileysBench[WahaHouse], status: str, state: SenderState | None
) -> None:
    waha.house.statuses[SESSION] = status

    first, second = await waha.gateway.senders()

    assert (first.number, first.ref) == (OURS[0], SESSION)
    assert (first.connected, first.state) == (state is None, state)
    assert second.connected


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [
        ("open", None, None),
        ("open", 403, None),
        ("connecting", None, SenderState.RECONNECTING),
        ("connecting", 403, SenderState.RECONNECTING),
        ("close", 401, SenderState.OFFLINE),
        ("close", 403, SenderState.BANNED),
        ("close", None, SenderState.OFFLINE),
    ],
)
async def test_an_instance_is_a_number_in_a_state(
    evolution: BaileysBench[EvolutionHouse],
    status: str,
    code: int,
    state: SenderState | None,
) -> None:
    evolution.house.statuses[SESSION] = status
    evolution.house.codes[SESSION] = code

    first, _ = await evolution.gateway.senders()

    assert (first.number, first.ref) == (OURS[0], SESSION)
    assert (first.connected, first.state) == (state is None, state)


async def test_a_session_that_holds_another_number_is_not_that_number(
    askable: Bench,
) -> None:
    other = OURS[1][1:]
    sessions = [
        {
            "name": SESSION,
            "status": "WORKING",
            "me": {"id": f"{other}:4@s.whatsapp.net"},
            "connectionStatus": "open",
            "ownerJid": f"{other}@s.whatsapp.net",
        }
    ]
    answering(askable, "s", Says(200, sessions))

    (found,) = await askable.gateway.senders()

    assert (found.number, found.connected) == (OURS[0], False)
    assert found.state is SenderState.OFFLINE


@pytest.mark.parametrize(
    "name", ["default", f"+{SESSION}", f"{SESSION}-old", "", None, 7]
)
async def test_what_is_named_otherwise_is_none_of_our_numbers(
    askable: Bench, name: object
) -> None:
    answering(askable, "s", Says(200, [{"name": name, "status": "WORKING"}]))

    assert list(await askable.gateway.senders()) == []


async def test_the_vendors_own_shape_of_instances_is_read(
    evolution: BaileysBench[EvolutionHouse],
) -> None:
    older = [{"instance": {"instanceName": SESSION, "status": "open", "apikey": "x"}}]
    answering(evolution, "fetchInstances", Says(200, older))

    (found,) = await evolution.gateway.senders()

    assert (found.number, found.connected) == (OURS[0], True)


# --- how far


async def test_the_furthest_of_what_is_told_counts_and_each_number_is_asked_for_its_own(
    evolution: BaileysBench[EvolutionHouse],
) -> None:
    refs = []
    for number, reached in zip(OURS, (4, 2), strict=True):
        sent = evolve(parcel(number), sender_number=number)
        answer = await evolution.gateway.send(sent, AMPLE)
        assert isinstance(answer, Accepted)
        refs.append(answer.ref)
        evolution.house.messages[-1]["status"] = reached

    found = await evolution.gateway.statuses([*refs, "0badtag0.3EB0", "odd"])

    assert [one.ref for one in found] == refs
    assert [one.status for one in found] == [MessageStatus.READ, MessageStatus.SENT]
    asked = [one.path for one in evolution.server.asked if "Status" in one.path]
    assert sorted(asked) == [f"/chat/findStatusMessage/{one[1:]}" for one in OURS]


async def test_a_poll_asks_for_no_more_than_it_may_and_stops_at_a_fault(
    evolution: BaileysBench[EvolutionHouse],
) -> None:
    refs = [ref_of(OURS[0], f"3EB0{n:04}") for n in range(50)]
    frugal = evolve(evolution.gateway, most_polls=6)
    assert await frugal.statuses(refs) == []
    assert len([1 for one in evolution.server.asked if "Status" in one.path]) == 6

    answering(evolution, "findStatusMessage", Says(500, b""))
    with pytest.raises(Unavailable):
        await evolution.gateway.statuses(refs)
    assert len([1 for one in evolution.server.asked if "Status" in one.path]) <= 10


# --- webhooks


async def test_a_session_gets_one_more_webhook_and_keeps_what_it_has(
    waha: BaileysBench[WahaHouse],
) -> None:
    theirs = {"url": "https://crm.example/hook", "events": ["message"]}
    old = {"url": "https://old.example/webhooks/baileys", "events": ["message"]}
    waha.house.hooks[SESSION] = {"debug": True, "webhooks": [theirs, old]}

    await waha.gateway.register(HOOK)
    await waha.gateway.register(HOOK)

    ours = {"url": HOOK, "events": list(WAHA_EVENTS), "hmac": {"key": SECRET}}
    assert waha.house.hooks[SESSION] == {"debug": True, "webhooks": [theirs, ours]}
    assert waha.house.hooks.keys() == {one[1:] for one in OURS}
    assert waha.house.restarts == len(OURS)


@pytest.mark.parametrize(
    ("shown", "again"),
    [("***", False), (SECRET, False), ("another", True), (None, True)],
)
async def test_a_session_is_told_again_only_if_need_be(
    waha: BaileysBench[WahaHouse], shown: str | None, *, again: bool
) -> None:
    await waha.gateway.register(HOOK)
    for config in waha.house.hooks.values():
        config["webhooks"][0]["hmac"] = {"key": shown}

    await waha.gateway.register(HOOK)

    assert waha.house.restarts == len(OURS) * (2 if again else 1)


async def test_an_instance_is_told_our_secret_and_moved_to_a_new_address(
    evolution: BaileysBench[EvolutionHouse],
) -> None:
    old = {"enabled": True, "url": "https://old.example/webhooks/baileys", "events": []}
    evolution.house.hooks[SESSION] = old

    await evolution.gateway.told_apart_by("another").register(HOOK)

    hook = evolution.house.hooks[SESSION]
    assert (hook["url"], hook["enabled"], hook["byEvents"]) == (HOOK, True, False)
    assert hook["headers"] == {HEADER: "another"}
    assert hook["events"] == list(EVOLUTION_EVENTS)


async def test_a_webhook_of_somebody_else_is_not_taken_away(
    evolution: BaileysBench[EvolutionHouse],
) -> None:
    theirs = {"enabled": True, "url": "https://crm.example/hook", "events": []}
    evolution.house.hooks[SESSION] = theirs

    with pytest.raises(Misconfigured, match="somebody else"):
        await evolution.gateway.register(HOOK)

    assert evolution.house.hooks[SESSION] == theirs
    evolution.house.hooks[SESSION] = {**theirs, "enabled": False}
    await evolution.gateway.register(HOOK)
    assert evolution.house.hooks[SESSION]["url"] == HOOK


# --- the vendors' contracts


async def everything(bench: Bench) -> list[Asked]:
    """Every request that the adapter makes."""
    since = datetime.now(UTC)
    gateway = bench.gateway
    answer = await gateway.send(parcel(), AMPLE)
    await gateway.look(parcel("never"), since)
    await gateway.senders()
    await gateway.register(HOOK)
    await gateway.register(HOOK)
    if isinstance(bench.house, EvolutionHouse):
        await gateway.statuses([answer.ref])
    else:
        await gateway.repeat(parcel("never"), since, AMPLE)
    return list(bench.server.asked)


async def test_every_request_to_waha_is_as_the_vendor_describes(
    waha: BaileysBench[WahaHouse],
) -> None:
    # It calls the names of events objects, and gives examples that are words.
    pointer = "/components/schemas/WebhookConfig/properties/events/items"
    spec = vendor_spec("waha.json").corrected(pointer, {"type": "string"})

    asked = await everything(waha)

    paths = {held(spec, one) for one in asked}
    assert paths == {
        "/api/contacts/check-exists",
        "/api/sendText",
        "/api/{session}/chats/{chatId}/messages",
        "/api/sessions",
        "/api/sessions/{session}",
    }


async def test_every_request_to_evolution_is_as_the_vendor_describes(
    evolution: BaileysBench[EvolutionHouse],
) -> None:
    spec = vendor_spec("evolution.json")
    for pointer, schema in SINCE_THEN.items():
        spec = spec.corrected(pointer, schema)

    asked = await everything(evolution)

    paths = {held(spec, one) for one in asked}
    assert paths == {
        "/message/sendText/{instance}",
        "/chat/findMessages/{instance}",
        "/chat/findStatusMessage/{instance}",
        "/instance/fetchInstances",
        "/webhook/find/{instance}",
        "/webhook/set/{instance}",
    }


def held(spec: Spec, asked: Asked) -> str:
    """The path of a request that was held to the vendor's description."""
    path = spec.path_of(asked.method, asked.path)
    spec.check_query(asked.method, path, asked.query)
    if asked.body:
        spec.check_request(asked.method, path, asked.json())
    return path


def described(properties: dict[str, object], *needed: str) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(needed),
        "additionalProperties": False,
    }


STRING: Final = {"type": "string"}
BOOLEAN: Final = {"type": "boolean"}
BODY: Final = "/requestBody/content/application~1json/schema"
SINCE_THEN: Final = {
    # webhook.schema.ts of 2.3: what was flat stands below `webhook`.
    f"/paths/~1webhook~1set~1{{instance}}/post{BODY}": described(
        {
            "webhook": described(
                {
                    "enabled": BOOLEAN,
                    "url": STRING,
                    "headers": {"type": "object"},
                    "byEvents": BOOLEAN,
                    "base64": BOOLEAN,
                    "events": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "enum": [
                                *("MESSAGES_UPSERT", "MESSAGES_UPDATE"),
                                *("SEND_MESSAGE", "CONNECTION_UPDATE"),
                            ]
                        },
                    },
                },
                *("enabled", "url"),
            )
        },
        "webhook",
    ),
    # channel.service.ts of 2.3: pages, times, and more of the key.
    f"/paths/~1chat~1findMessages~1{{instance}}/post{BODY}": described(
        {
            "where": described(
                {
                    "key": described({"remoteJid": STRING, "fromMe": BOOLEAN}),
                    "messageTimestamp": described({"gte": STRING, "lte": STRING}),
                }
            ),
            "page": {"type": "integer"},
            "offset": {"type": "integer"},
        },
        "where",
    ),
}
"""Where the vendor's description is older than its program."""


async def test_the_doubles_messages_are_as_waha_describes_them(
    waha: BaileysBench[WahaHouse],
) -> None:
    spec = vendor_spec("waha.json")
    await waha.gateway.send(parcel(), AMPLE)
    info = waha.house.info(SESSION)
    asked = Asked(
        "GET",
        "/?filter.fromMe=true&filter.timestamp.gte=1&offset=0&limit=9",
        {},
        b"",
        1,
    )
    told = waha.house.history(asked, SESSION, f"{THEIRS[1:]}@c.us")

    assert isinstance(told, Says)
    assert told.body
    path = "/api/{session}/chats/{chatId}/messages"
    spec.check_answer("GET", path, 200, told.body)
    spec.check_answer("GET", "/api/sessions/{session}", 200, info)
