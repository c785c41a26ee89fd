"""What the deliveries of three gateways say, and what can come instead."""

from __future__ import annotations

import copy
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.baileys_events import (
    AT,
    LID,
    OURS,
    THEIRS,
    UID,
    Body,
    api,
    evolution,
    evolution_message,
    evolution_update,
    kept,
    lock,
    message,
    raw,
    update,
    upsert,
    waha,
    waha_ack,
    waha_message,
)
from tests.vendor_specs import Spec, vendor_spec

from outreach.adapters.baileys import BaileysReader
from outreach.adapters.baileys.evolution import ref_of
from outreach.adapters.baileys.waha import EVENTS, own_id
from outreach.domain.address import phone_key
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import AttemptId
from outreach.domain.message import payload_hash

WHEN: Final = datetime.fromtimestamp(AT, UTC)
REF: Final = ref_of(OURS, UID)
TEXT: Final = "Da, mulțumesc 👍"
RECEIVED: Final = [
    pytest.param(upsert(), UID, id="baileys-api"),
    pytest.param(waha_message(), UID, id="waha"),
    pytest.param(evolution_message(), REF, id="evolution"),
]
SENT_BY_US: Final = [
    pytest.param(
        upsert(message(fromMe=True), kind="append"), UID, None, id="baileys-api"
    ),
    pytest.param(
        waha_message(
            "message.any",
            id=f"true_{THEIRS[1:]}@c.us_{UID}",
            fromMe=True,
            source="api",
            to=f"{THEIRS[1:]}@c.us",
        ),
        UID,
        True,
        id="waha",
    ),
    pytest.param(
        evolution_message("send.message", fromMe=True), REF, None, id="evolution"
    ),
]
SENT_BY_A_PERSON: Final = [
    pytest.param(upsert(message(fromMe=True)), id="baileys-api"),
    pytest.param(
        waha_message("message.any", fromMe=True, source="app", to=f"{THEIRS[1:]}@c.us"),
        id="waha",
    ),
    pytest.param(evolution_message(fromMe=True), id="evolution"),
]


def read(body: object) -> list[SystemEvent]:
    return list(BaileysReader().read(raw(body)))


def only(body: object) -> SystemEvent:
    (event,) = read(body)
    return event


# --- messages


@pytest.mark.parametrize(("body", "ref"), RECEIVED)
def test_what_they_write_is_a_reply(body: Body, ref: str) -> None:
    assert only(body) == SystemEvent(
        key=f"received:{ref}",
        provider="baileys",
        type=EventType.REPLY,
        channel=Channel.WHATSAPP,
        ref=ref,
        sender=OURS,
        address=phone_key(THEIRS),
        content=TEXT,
        occurred_at=WHEN,
    )


@pytest.mark.parametrize(("body", "ref", "ours"), SENT_BY_US)
def test_what_the_api_sent_says_where_it_left_to_so_that_its_attempt_is_found(
    body: Body, ref: str, *, ours: bool | None
) -> None:
    event = only(body)

    assert (event.type, event.ref, event.ours) == (EventType.SENT, ref, ours)
    assert event.address is not None
    found = payload_hash(event.sender, event.address.value, "", event.content)
    assert found == payload_hash(OURS, THEIRS, "", TEXT)


@pytest.mark.parametrize("body", SENT_BY_A_PERSON)
def test_what_a_person_writes_on_the_telephone_is_external(
    body: Body,
) -> None:
    event = only(body)

    assert (event.type, event.ours) == (EventType.EXTERNAL_SENT, False)
    assert (event.address, event.content) == (phone_key(THEIRS), TEXT)


def test_one_message_told_by_two_events_is_one_event() -> None:
    assert only(waha_message("message")).key == only(waha_message("message.any")).key
    both = [
        evolution_message(kind, fromMe=True)
        for kind in ("send.message", "messages.upsert")
    ]
    assert len({only(body).key for body in both}) == 1


def test_an_id_that_we_chose_is_the_attempts_again() -> None:
    attempt = AttemptId(UUID("0b2c7c0e-64a5-5f0f-8d0c-5f3d1c9f7a11"))
    given_id = f"true_{LID}_{own_id(attempt)}"

    (event,) = read(waha_ack(2, id=given_id))

    assert event.ref == str(attempt)


CHATS: Final = [
    "120363424111111111@g.us",
    "status@broadcast",
    "1234567890@broadcast",
    "120363424111111111@newsletter",
    "13135550002@bot",
    "",
    None,
    7,
]


@pytest.mark.parametrize("chat", CHATS)
@pytest.mark.parametrize("ours", [False, True])
def test_groups_lists_status_and_newsletters_are_ignored_without_their_text(
    chat: object, *, ours: bool
) -> None:
    bodies = [
        upsert(message(remoteJid=chat, fromMe=ours)),
        waha_message("message.any", **{"from": chat, "to": chat, "fromMe": ours}),
        evolution_message(remoteJid=chat, fromMe=ours),
    ]

    for event in map(only, bodies):
        assert event.type is EventType.UNKNOWN
        assert (event.content, event.address) == ("", None)


PHONE_JID: Final = f"{THEIRS[1:]}@s.whatsapp.net"


@pytest.mark.parametrize(
    "body",
    [
        upsert(message(remoteJid=LID, remoteJidAlt=PHONE_JID)),
        upsert(message(remoteJid=LID, senderPn=PHONE_JID)),
        upsert(message(remoteJidAlt=LID)),
        waha_message(**{"from": LID}, _data={"key": {"remoteJidAlt": PHONE_JID}}),
        waha_message(**{"from": LID}, _data={"Info": {"SenderAlt": PHONE_JID}}),
        evolution_message(remoteJid=LID, remoteJidAlt=PHONE_JID),
    ],
    ids=["baileys 7", "baileys 6", "phone first", "noweb", "gows", "evolution"],
)
def test_a_linked_id_is_the_phone_that_the_delivery_tells_and_the_conversation(
    body: Body,
) -> None:
    event = only(body)

    assert event.type is EventType.REPLY
    assert event.address == phone_key(THEIRS)
    assert event.thread.startswith(f"{LID}/")
    assert OURS[1:] not in event.thread


def test_a_linked_id_alone_is_a_reply_of_a_conversation() -> None:
    told = [
        only(upsert(message(remoteJid=LID))),
        only(waha_message(**{"from": LID})),
        only(evolution_message(remoteJid=LID)),
    ]

    assert {event.type for event in told} == {EventType.REPLY}
    assert {event.address for event in told} == {None}
    assert len({event.thread for event in told}) == 1
    elsewhere = kept(
        api("messages.upsert", upsert(message(remoteJid=LID))["data"]), phone=THEIRS
    )
    assert only(elsewhere).thread != told[0].thread


def test_our_own_linked_id_is_not_taken_for_theirs() -> None:
    ours = f"{OURS[1:]}@s.whatsapp.net"

    event = only(upsert(message(remoteJid=LID, fromMe=True, senderPn=ours)))

    assert event.address is None


@pytest.mark.parametrize(
    ("inside", "text", "media"),
    [
        ({"conversation": "da"}, "da", False),
        ({"extendedTextMessage": {"text": "da"}}, "da", False),
        ({"imageMessage": {"caption": "da"}}, "da", True),
        ({"imageMessage": {}}, "", True),
        ({"audioMessage": {"seconds": 3}}, "", True),
        ({"ephemeralMessage": {"message": {"conversation": "da"}}}, "da", False),
        (
            {
                "viewOnceMessageV2": {
                    "message": {
                        "ephemeralMessage": {"message": {"videoMessage": {}}},
                    }
                }
            },
            "",
            True,
        ),
        (
            {
                "documentWithCaptionMessage": {
                    "message": {"documentMessage": {"caption": "da"}}
                }
            },
            "da",
            True,
        ),
        ({"buttonsResponseMessage": {"selectedDisplayText": "da"}}, "da", False),
        ({"locationMessage": {"degreesLatitude": 1}}, "", True),
    ],
)
def test_what_is_inside_a_message_is_found(
    inside: Body, text: str, *, media: bool
) -> None:
    event = only(upsert({**message(), "message": inside}))

    assert event.type is EventType.REPLY
    assert (event.content, event.media) == (text, media)


@pytest.mark.parametrize(
    "inside",
    [
        {"protocolMessage": {"type": 0}},
        {"editedMessage": {"message": {}}},
        {"senderKeyDistributionMessage": {}},
        {"pollUpdateMessage": {}},
    ],
)
def test_news_of_another_message_is_no_reply(inside: Body) -> None:
    event = only(upsert({**message(), "message": inside}))

    assert event.type is EventType.UNKNOWN


def test_a_message_that_could_not_be_decrypted_is_something_to_look_at() -> None:
    broken = {**message(), "messageStubType": 2, "messageStubParameters": ["Bad MAC"]}
    del broken["message"]

    event = only(upsert(broken))
    later = only(upsert())

    assert (event.type, event.media, event.content) == (EventType.REPLY, True, "")
    assert event.key != later.key


def test_a_notice_is_no_reply() -> None:
    notice = {**message(), "messageStubType": 27}
    del notice["message"]

    assert only(upsert(notice)).type is EventType.UNKNOWN


@pytest.mark.parametrize("kind", ["notify", "append"])
def test_a_reply_that_was_missed_is_heard_and_imported_history_is_not(
    kind: str,
) -> None:
    assert only(upsert(kind=kind)).type is EventType.REPLY
    assert only(upsert(kind=kind, importMode=True)).type is EventType.UNKNOWN


def test_messages_that_come_together_are_told_apart() -> None:
    events = read(upsert(message("one", id="A1"), message("two", id="A2")))

    assert [event.content for event in events] == ["one", "two"]


def test_a_reaction_of_theirs_means_that_they_read() -> None:
    inner = {"key": {"remoteJid": LID, "fromMe": True, "id": UID}, "text": "👍"}
    theirs = {**message(id="R1"), "message": {"reactionMessage": inner}}
    mine = {**message(id="R1", fromMe=True), "message": {"reactionMessage": inner}}
    on_evolution = evolution("messages.upsert", theirs)

    assert (only(upsert(theirs)).type, only(upsert(theirs)).ref) == (
        EventType.READ,
        UID,
    )
    assert only(on_evolution).ref == REF
    assert only(upsert(mine)).type is EventType.UNKNOWN


@pytest.mark.parametrize(
    ("written", "at"),
    [
        (AT, WHEN),
        (str(AT), WHEN),
        (AT * 1000, WHEN),
        ({"low": AT, "high": 0, "unsigned": True}, WHEN),
        ({"low": 1, "high": 7}, None),
        (0, None),
        (-1, None),
        (True, None),
        ("yesterday", None),
        (10**18, None),
        (None, None),
    ],
)
def test_a_time_is_seconds_or_milliseconds(
    written: object, at: datetime | None
) -> None:
    event = only(upsert({**message(), "messageTimestamp": written}))

    assert event.occurred_at == at


# --- acknowledgements


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (0, EventType.FAILED),
        (1, EventType.UNKNOWN),
        (2, EventType.SENT),
        (3, EventType.DELIVERED),
        (4, EventType.READ),
        (5, EventType.READ),
        (6, EventType.UNKNOWN),
        ("2", EventType.UNKNOWN),
        (None, EventType.UNKNOWN),
    ],
)
def test_acknowledgements_of_baileys(number: object, kind: EventType) -> None:
    event = only(update(number))

    assert event.type is kind
    assert event.ref == ("" if kind is EventType.UNKNOWN else UID)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (-1, EventType.FAILED),
        (0, EventType.UNKNOWN),
        (1, EventType.SENT),
        (2, EventType.DELIVERED),
        (3, EventType.READ),
        (4, EventType.READ),
        (5, EventType.UNKNOWN),
    ],
)
def test_acknowledgements_of_waha_count_one_below(number: int, kind: EventType) -> None:
    assert only(waha_ack(number)).type is kind


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("ERROR", EventType.FAILED),
        ("PENDING", EventType.UNKNOWN),
        ("SERVER_ACK", EventType.SENT),
        ("DELIVERY_ACK", EventType.DELIVERED),
        ("READ", EventType.READ),
        ("PLAYED", EventType.READ),
        ("read", EventType.READ),
        ("DELETED", EventType.UNKNOWN),
        (3, EventType.UNKNOWN),
    ],
)
def test_acknowledgements_of_evolution_are_words(word: object, kind: EventType) -> None:
    event = only(evolution_update(word))

    assert event.type is kind
    assert event.ref == ("" if kind is EventType.UNKNOWN else REF)


def test_older_versions_of_evolution_write_as_baileys_does() -> None:
    key = {"remoteJid": LID, "fromMe": True, "id": UID}
    older = evolution("MESSAGES_UPDATE", {"key": key, "update": {"status": "READ"}})

    assert only(older).type is EventType.READ
    assert only(older).key == only(evolution_update("READ")).key


def test_an_acknowledgement_is_about_a_message_and_no_chat() -> None:
    for body in (update(3), waha_ack(2), evolution_update("DELIVERY_ACK")):
        event = only(body)
        assert (event.address, event.thread, event.content) == (None, "", "")
        assert event.sender == OURS


def test_how_far_their_messages_came_is_no_news() -> None:
    bodies = [
        update(4, fromMe=False),
        waha_ack(3, fromMe=False),
        evolution_update("READ", fromMe=False),
    ]

    assert {only(body).type for body in bodies} == {EventType.UNKNOWN}


# --- strangers refused


@pytest.mark.parametrize("code", ["463", "475"])
@pytest.mark.parametrize("dialect", ["baileys-api", "waha", "waha, raw"])
def test_a_message_refused_as_a_strangers_locks_its_phone(
    dialect: str, code: str
) -> None:
    error = {"code": code, "blocked": code == "463", "reason": "account_restricted"}
    bodies = {
        "baileys-api": update(0, code, "Your account has been restricted"),
        "waha": waha_ack(-1, error=error),
        "waha, raw": waha_ack(-1, _data={"update": {"messageStubParameters": [code]}}),
    }

    failed, locked = read(bodies[dialect])

    assert (failed.type, failed.ref, failed.detail) == (EventType.FAILED, UID, code)
    assert (locked.type, locked.sender) == (EventType.SENDER_LOCKED, OURS)
    assert (locked.until, locked.detail) == (None, code)


def test_another_error_locks_nothing() -> None:
    bodies = [
        update(0, "479"),
        update(0, "400", "463"),
        update(0),
        waha_ack(-1, error={"code": "479", "blocked": False}),
        waha_ack(-1, error={"code": None, "blocked": False}),
        evolution_update("ERROR"),
    ]

    assert {only(body).type for body in bodies} == {EventType.FAILED}


def test_the_time_that_a_lock_ends_is_told() -> None:
    until = datetime(2026, 11, 22, 23, 45, tzinfo=UTC)
    error = {"code": "463", "blocked": True, "until": "2026-11-22T23:45:00.000Z"}
    ends = int(until.timestamp())

    _, locked = read(waha_ack(-1, error=error))
    told = [
        only(lock(timeEnforcementEnds=written))
        for written in ("2026-11-22T23:45:00.000Z", ends, str(ends), ends * 1000)
    ]

    assert locked.until == until
    assert {event.until for event in told} == {until}
    assert {event.type for event in told} == {EventType.SENDER_LOCKED}
    assert only(lock()).until is None
    assert only(lock(isActive=False)).type is EventType.UNKNOWN


# --- connections


def ended(code: object) -> Body:
    return {"lastDisconnect": {"error": {"output": {"statusCode": code}}}}


@pytest.mark.parametrize(
    ("code", "kind", "passing"),
    [
        (401, EventType.SENDER_DISCONNECTED, False),
        (402, EventType.SENDER_DISCONNECTED, False),
        (403, EventType.SENDER_BANNED, False),
        (406, EventType.SENDER_DISCONNECTED, False),
        (408, EventType.SENDER_DISCONNECTED, True),
        (411, EventType.SENDER_DISCONNECTED, False),
        (428, EventType.SENDER_DISCONNECTED, True),
        (440, EventType.SENDER_DISCONNECTED, True),
        (500, EventType.SENDER_DISCONNECTED, False),
        (503, EventType.SENDER_DISCONNECTED, True),
        (515, EventType.SENDER_DISCONNECTED, True),
        (None, EventType.SENDER_DISCONNECTED, False),
        ("403", EventType.SENDER_DISCONNECTED, False),
        (999, EventType.SENDER_DISCONNECTED, False),
    ],
)
def test_a_connection_that_ended_is_what_its_code_says(
    code: object, kind: EventType, *, passing: bool
) -> None:
    closed = {"connection": "close", **ended(code)}
    bodies = [
        kept(api("connection.update", closed)),
        kept(evolution("connection.update", {"state": "close", "statusReason": code})),
        kept(
            evolution(
                "status.instance", {"status": "closed", "disconnectionReasonCode": code}
            )
        ),
    ]

    for event in map(only, bodies):
        assert (event.type, event.passing) == (kind, passing)
        assert event.sender == OURS
        assert event.detail


@pytest.mark.parametrize(
    ("body", "kind", "passing"),
    [
        (
            kept(api("connection.update", {"connection": "open"})),
            EventType.SENDER_CONNECTED,
            False,
        ),
        (
            kept(
                api("connection.update", {"connection": "reconnecting", **ended(403)})
            ),
            EventType.SENDER_DISCONNECTED,
            True,
        ),
        (
            kept(api("connection.update", {"connection": "connecting"})),
            EventType.SENDER_DISCONNECTED,
            True,
        ),
        (
            kept(api("connection.update", {"error": "wrong_phone_number"})),
            EventType.SENDER_DISCONNECTED,
            False,
        ),
        (
            kept(api("connection.update", {"error": "reconnect_loop_detected"})),
            EventType.SENDER_DISCONNECTED,
            False,
        ),
        (
            kept(api("connection.update", {"isOnline": True})),
            EventType.UNKNOWN,
            False,
        ),
        (
            kept(evolution("connection.update", {"state": "open"})),
            EventType.SENDER_CONNECTED,
            False,
        ),
        (
            kept(evolution("connection.update", {"state": "connecting"})),
            EventType.SENDER_DISCONNECTED,
            True,
        ),
        (
            kept(evolution("connection.update", {"state": "refused"})),
            EventType.SENDER_DISCONNECTED,
            False,
        ),
    ],
)
def test_a_connection_comes_and_goes(
    body: Body, kind: EventType, *, passing: bool
) -> None:
    event = only(body)

    assert (event.type, event.passing) == (kind, passing)


@pytest.mark.parametrize(
    ("status", "kind", "passing"),
    [
        ("WORKING", EventType.SENDER_CONNECTED, False),
        ("STARTING", EventType.SENDER_DISCONNECTED, True),
        ("SCAN_QR_CODE", EventType.SENDER_DISCONNECTED, False),
        ("PASSKEY_REQUIRED", EventType.SENDER_DISCONNECTED, False),
        ("PASSKEY_CONFIRMATION_REQUIRED", EventType.SENDER_DISCONNECTED, False),
        ("FAILED", EventType.SENDER_DISCONNECTED, False),
        ("STOPPED", EventType.SENDER_DISCONNECTED, False),
        ("NEW", EventType.UNKNOWN, False),
    ],
)
def test_a_session_is_what_its_status_says(
    status: str, kind: EventType, *, passing: bool
) -> None:
    payload = {"name": OURS[1:], "status": status, "statuses": []}
    event = only(waha("session.status", payload))

    assert (event.type, event.passing) == (kind, passing)


def test_the_same_news_of_a_connection_later_is_another_event() -> None:
    told = api("connection.update", {"connection": "open"})
    other = evolution("connection.update", {"state": "open"})

    for body in (told, other):
        first, again = only(kept(body)), only(kept(body))
        later = only(kept(body, at="2026-11-20T10:00:00+00:00"))
        assert first.key == again.key
        assert first.key != later.key


def test_a_number_may_be_known_by_its_whatsapp_id_alone() -> None:
    named = {**waha_message(), "session": "default"}
    instance = {**evolution_message(), "instance": "firma"}

    assert only(named).sender == only(instance).sender == OURS
    nobody = {**named, "me": None}
    assert only(nobody).sender == ""
    assert only(nobody).type is EventType.REPLY


# --- what is kept of a delivery

NOW: Final = datetime(2026, 11, 20, 9, tzinfo=UTC)


def test_what_is_kept_knows_our_number_and_no_token() -> None:
    came = raw(api("messages.upsert", upsert()["data"]))

    stored = BaileysReader().kept(came, OURS, NOW)

    assert b"a3f4b2c1" not in stored
    assert json.loads(stored) == {
        **{
            name: value
            for name, value in upsert().items()
            if name != "webhookVerifyToken"
        }
    }
    (event,) = BaileysReader().read(stored)
    assert (event.sender, event.content) == (OURS, TEXT)


def test_the_token_of_an_instance_is_not_kept() -> None:
    stored = BaileysReader().kept(raw(evolution_message()), "", NOW)

    assert b"an-instance-token" not in stored
    (event,) = BaileysReader().read(stored)
    assert event.sender == OURS


def test_what_is_kept_is_hardly_longer_than_what_came() -> None:
    long = api("messages.upsert", upsert(message("ă" * 10_000))["data"])
    came = json.dumps(long, ensure_ascii=False).encode()
    broken = raw(api("messages.upsert", upsert(message("a\ud800"))["data"]))

    assert len(BaileysReader().kept(came, OURS, NOW)) < len(came) + 200
    (event,) = BaileysReader().read(BaileysReader().kept(broken, OURS, NOW))
    assert event.content == "a\ufffd"


def test_a_signed_delivery_is_kept_as_it_came() -> None:
    came = raw(waha_message())

    assert BaileysReader().kept(came, "", NOW) == came


def test_a_path_without_a_number_leaves_the_senders_empty() -> None:
    stored = BaileysReader().kept(
        raw(api("messages.upsert", upsert()["data"])), "x", NOW
    )

    (event,) = BaileysReader().read(stored)
    assert (event.type, event.sender) == (EventType.REPLY, "")


def test_many_messages_that_were_missed_are_read_together() -> None:
    many = [message(f"text {n}", id=f"M{n}") for n in range(400)]

    assert len(read(upsert(*many, kind="append"))) == 400


# --- whatever comes


@pytest.mark.parametrize(
    "given_raw",
    [
        b"",
        b"no json",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 10_000,
        raw({"event": 7}),
        raw({"event": "messages.upsert"}),
        raw({"event": "messages.upsert", "data": {"messages": []}}),
        raw({"event": "messages.update", "data": []}),
        raw({"event": "messages.update"}),
        raw({"event": "connection.update", "data": {"connection": "open"}}),
        raw({"event": "presence.update", "data": {}}),
        raw({"event": "message", "session": "1", "payload": None}),
        raw({"event": "message.ack", "session": "1", "payload": {"ack": 1}}),
        raw({"event": "messages.upsert", "instance": "1", "data": None}),
        raw({"event": "connection.update", "instance": "x", "data": {"state": "open"}}),
    ],
)
def test_what_cannot_be_read_is_one_unknown_event(given_raw: bytes) -> None:
    (event,) = BaileysReader().read(given_raw)

    assert event.type is EventType.UNKNOWN
    assert event.key.startswith("sha256:")
    assert 0 < len(event.detail) <= 64


def test_the_same_bytes_are_the_same_event() -> None:
    for body in (upsert(), waha_ack(2), evolution_update("READ"), {"a": 1}):
        assert read(body) == read(body)
        fingerprint = hashlib.sha256(raw({"a": 1})).hexdigest()
    assert only({"a": 1}).key == f"sha256:{fingerprint}"


ODD: Final[tuple[object, ...]] = (
    *(None, True, False, 0, -1, 1, 3, 463, 10**11, 2**63 - 1, 0.5, -1e300),
    *("", "463", "open", "close", "notify", "ERROR", "\ud800", "a\x00b", "x" * 200),
    *(OURS, LID, UID, "true_1@c.us_A", f"{THEIRS[1:]}@c.us", "2026-11-22T23:45:00Z"),
    *([], {}, [None], {"id": UID}, {"low": 1, "high": 0}, [["463"]], [{}], {"key": []}),
)
"""What a part of a good body is replaced by."""
GOOD: Final[dict[str, list[Body]]] = {
    "baileys-api": [
        upsert(),
        upsert({**message(), "message": {"reactionMessage": {"key": {"id": UID}}}}),
        update(0, "463"),
        lock(timeEnforcementEnds=AT),
        kept(api("connection.update", {"connection": "close", **ended(403)})),
    ],
    "waha": [
        waha_message(),
        waha_ack(-1, error={"code": "463", "blocked": True, "until": "2026-11-22"}),
        waha("session.status", {"status": "WORKING"}),
    ],
    "evolution": [
        evolution_message(),
        evolution_update("ERROR"),
        evolution("connection.update", {"state": "close", "statusReason": 403}),
    ],
}


def way_to(part: Any, *so_far: Any) -> list[tuple[Any, ...]]:
    """The way to everything in a body."""
    found = [so_far] if so_far else []
    named = part.items() if isinstance(part, dict) else ()
    counted = enumerate(part) if isinstance(part, list) else ()
    for name, one in (*named, *counted):
        found += way_to(one, *so_far, name)
    return found


PLACES: Final = {
    name: [(raw(body), way_to(body)) for body in bodies]
    for name, bodies in GOOD.items()
}


def changed(body: Any, way: tuple[Any, ...], value: object) -> None:
    """Put *value* where *way* leads, if it still leads there."""
    *before, last = way
    try:
        for name in before:
            body = body[name]
        body[last] = value
    except (KeyError, IndexError, TypeError):
        return


@st.composite
def mutated(draw: st.DrawFn, dialect: str) -> bytes:
    """A good body with parts replaced, sometimes cut short."""
    good, ways = draw(st.sampled_from(PLACES[dialect]))
    body = json.loads(good)
    for _ in range(draw(st.integers(1, 3))):
        value = copy.deepcopy(draw(st.sampled_from(ODD)))
        changed(body, draw(st.sampled_from(ways)), value)
    written = raw(body)
    return (
        written[: draw(st.integers(1, len(written)))]
        if draw(st.booleans())
        else written
    )


def can_be_stored(given_raw: bytes) -> None:
    events = BaileysReader().read(given_raw)

    assert events
    assert len({event.key for event in events}) == len(events)
    for event in events:
        assert 0 < len(event.key) <= 256
        assert event.key.isascii()
        assert event.key.isprintable()
        texts = (event.content, event.ref, event.thread, event.sender, event.detail)
        for text in texts:
            assert "\x00" not in text
            text.encode()
        if event.address is not None:
            assert event.address.value.removeprefix("+").isdigit()
        for at in (event.occurred_at, event.until):
            assert at is None or at.tzinfo is UTC


@pytest.mark.parses
@pytest.mark.parametrize("dialect", GOOD)
@given(data=st.data())
def test_no_bytes_make_it_raise_and_every_event_can_be_stored(
    dialect: str, data: st.DataObject
) -> None:
    given_raw = data.draw(mutated(dialect))

    can_be_stored(given_raw)
    stored = BaileysReader().kept(given_raw, OURS, NOW + timedelta(seconds=1))
    can_be_stored(stored)


@pytest.mark.parses
@given(
    st.binary()
    | st.dictionaries(
        st.sampled_from(["event", "data", "instance", "session", "payload"]),
        st.sampled_from([*ODD, "messages.upsert", "message", "connection.update"]),
    ).map(raw)
)
def test_no_strangers_bytes_make_it_raise(given_raw: bytes) -> None:
    can_be_stored(given_raw)
    can_be_stored(BaileysReader().kept(given_raw, "x", NOW))


# --- the vendor's contract


@pytest.fixture
def spec() -> Spec:
    return vendor_spec("waha.json")


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        ("WAHAWebhookMessage", waha_message()),
        ("WAHAWebhookMessageAny", waha_message("message.any", fromMe=True)),
        *(("WAHAWebhookMessageAck", waha_ack(number)) for number in range(-1, 5)),
        (
            "WAHAWebhookSessionStatus",
            waha(
                "session.status",
                {"name": OURS[1:], "status": "WORKING", "statuses": [], "data": None},
            ),
        ),
    ],
)
def test_the_bodies_of_these_tests_are_as_the_vendor_describes(
    schema: str, body: Body, spec: Spec
) -> None:
    spec.check_schema(schema, body)


def test_every_event_that_is_registered_is_one_of_the_vendors(spec: Spec) -> None:
    told = spec.document["components"]["schemas"]["WAHAWebhookMessage"]

    assert set(EVENTS) <= set(told["properties"]["event"]["enum"])
