"""TimelinesAI's webhooks in our words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vendor_specs import Spec, vendor_spec

from outreach.adapters.timelinesai import TimelinesReader
from outreach.adapters.timelinesai.wire import EVENT_TYPES
from outreach.domain.address import phone_key
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.message import payload_hash

UID: Final = "c7ec509d-0171-1ead-a84b-c6943a644768"
OURS: Final = "+40720000001"
THEIRS: Final = "+40731000001"
AT: Final = datetime(2023, 6, 18, 12, 19, 23, tzinfo=UTC)

Body = dict[str, Any]


def read(body: object) -> list[SystemEvent]:
    return list(TimelinesReader().read(json.dumps(body).encode()))


def only(body: object) -> SystemEvent:
    (event,) = read(body)
    return event


def message(
    event_type: str = "message:received:new",
    *,
    chat: Mapping[str, object] | None = None,
    **changes: object,
) -> Body:
    sent = ":sent:" in event_type
    ours, theirs = (
        {"full_name": "A", "phone": OURS},
        {"full_name": "B", "phone": THEIRS},
    )
    return {
        "event_type": event_type,
        "chat": {
            "full_name": "B",
            "chat_url": "https://app.timelines.ai/chat/123456/messages/",
            "chat_id": 123456,
            "is_group": False,
            "phone": THEIRS,
            **(chat or {}),
        },
        "whatsapp_account": {"full_name": "A", "email": "a@b.ro", "phone": OURS},
        "message": {
            "text": "Da, mulțumesc 👍",
            "direction": "sent" if sent else "received",
            "origin": "Public API" if sent else "synced from WhatsApp",
            "timestamp": "2023-06-18 15:19:23 +0300",
            "received_timestamp": "2023-06-18 15:19:25 +0300",
            "message_uid": UID,
            "sender": ours if sent else theirs,
            "recipient": theirs if sent else ours,
            **changes,
        },
    }


def account(event_type: str, **changes: object) -> Body:
    return {
        "event_type": event_type,
        "whatsapp_account": {
            "id": "40720000001@s.whatsapp.net",
            "phone": OURS,
            "connected_on": "2024-01-08 10:35:18 +0200",
            "status": "active",
            "account_name": "Smith",
            "owner_name": "John Smith",
            "owner_email": "john-smith@example.com",
            **changes,
        },
    }


def reaction(**changes: object) -> Body:
    return {
        "event_type": "message:reaction",
        "chat": {
            "full_name": "B",
            "chat_url": "https://app.timelines.ai/chat/123456/messages/",
            "chat_id": 123456,
            "chat_type": "direct",
            "platform": "whatsapp",
            "phone": THEIRS.removeprefix("+"),
        },
        "whatsapp_account": {
            "full_name": "A",
            "email": "a@b.ro",
            "phone": OURS,
            "whatsapp_account_wid": "40720000001@s.whatsapp.net",
        },
        "reaction": {
            "message_uid": UID,
            "action": "set",
            "emoji": "👍",
            "reactor": {"full_name": "B", "phone": THEIRS},
            "timestamp": "2024-01-08 10:35:18 +0200",
            "reactions": {"👍": 1},
            **changes,
        },
    }


def test_a_message_of_theirs_is_a_reply() -> None:
    assert only(message()) == SystemEvent(
        key=f"message:received:new:{UID}",
        provider="timelinesai",
        type=EventType.REPLY,
        channel=Channel.WHATSAPP,
        ref=UID,
        thread="123456",
        sender=OURS,
        address=phone_key(THEIRS),
        content="Da, mulțumesc 👍",
        occurred_at=AT,
    )


def test_a_message_of_ours_says_where_it_left_to_so_that_its_attempt_is_found() -> None:
    event = only(message("message:sent:new"))

    assert event.type is EventType.SENT
    assert event.key == f"message:sent:new:{UID}"
    assert event.address is not None
    found = payload_hash(event.sender, event.address.value, "", event.content)
    assert found == payload_hash(OURS, THEIRS, "", "Da, mulțumesc 👍")


@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        ("Public API", True),
        ("public api ", True),
        ("Shared Inbox", False),
        ("Mass Messaging", False),
        ("synced from WhatsApp", False),
        ("", None),
        (None, None),
    ],
)
def test_the_origin_says_whether_our_own_api_sent_it(
    origin: str | None, *, ours: bool | None
) -> None:
    assert only(message("message:sent:new", origin=origin)).ours is ours


def test_what_they_write_says_nothing_about_our_api() -> None:
    assert only(message()).ours is None


@pytest.mark.parametrize(
    ("text", "attachments", "media"),
    [
        ("look", [{"filename": "a.jpg"}], True),
        ("", [{"filename": "a.jpg"}], True),
        (None, [{"filename": "a.jpg"}], True),
        ("look", [], False),
        ("", [], True),
        (None, None, True),
    ],
)
def test_what_is_beside_the_text_is_media_and_so_is_what_cannot_be_shown(
    text: str | None, attachments: object, *, media: bool
) -> None:
    event = only(message(text=text, attachments=attachments))

    assert event.type is EventType.REPLY
    assert event.content == (text or "")
    assert event.media is media


@pytest.mark.parametrize("event_type", ["message:received:new", "message:sent:new"])
def test_a_group_is_ignored_without_its_text(event_type: str) -> None:
    event = only(message(event_type, chat={"is_group": True, "phone": ""}))

    assert event.type is EventType.UNKNOWN
    assert event.detail == "a group"
    assert (event.content, event.address, event.ours) == ("", None, None)


def test_the_general_event_is_the_same_event_as_its_twins() -> None:
    received = {**message(), "event_type": "message:new"}
    sent = {**message("message:sent:new"), "event_type": "message:new"}

    assert only(received) == only(message())
    assert only(sent) == only(message("message:sent:new"))


def test_a_message_that_contradicts_its_type_is_not_believed() -> None:
    for body in (
        message(direction="sent"),
        message("message:sent:new", direction="received"),
    ):
        assert only(body).type is EventType.UNKNOWN


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2023-06-18 15:19:23 +0300", AT),
        ("2023-06-18 07:19:23 -0500", AT),
        ("2023-06-18T12:19:23Z", AT),
        ("2023-06-18T12:19:23.000+00:00", AT),
        ("2023-06-18 12:19:23", None),
        ("0001-01-01 00:00:00 +1400", None),
        ("yesterday", None),
        (7, None),
    ],
)
def test_both_ways_to_write_a_time_are_read_but_not_without_a_zone(
    written: object, at: datetime | None
) -> None:
    event = only(message(timestamp=written, received_timestamp=None))

    assert event.occurred_at == at


def test_the_vendors_own_example_without_a_received_timestamp_is_read() -> None:
    body = message()
    del body["message"]["received_timestamp"]

    assert only(body).type is EventType.REPLY


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+40731000001", THEIRS),
        ("40731000001", THEIRS),
        ("+40 731 000 001", THEIRS),
        ("+40-731-000-001", THEIRS),
    ],
)
def test_a_number_is_e164_with_or_without_its_plus(written: str, number: str) -> None:
    assert only(message(chat={"phone": written})).address == phone_key(number)


@pytest.mark.parametrize("written", ["", "0731000001", "123", "٤٠٧٣١٠٠٠٠٠١", "x@lid"])
def test_what_is_no_number_leaves_the_other_sides(written: str) -> None:
    assert only(message(chat={"phone": written})).address == phone_key(THEIRS)


def test_a_reply_without_any_number_is_still_a_reply() -> None:
    event = only(message(chat={"phone": None}, sender={"full_name": "B"}))

    assert event.type is EventType.REPLY
    assert event.address is None
    assert event.thread == "123456"


@pytest.mark.parametrize("uid", [None, "", "x" * 129, "ünïcode", "a b", "a\x00b", 7])
def test_a_reply_without_a_usable_id_is_kept_under_its_fingerprint(uid: object) -> None:
    body = message(message_uid=uid)
    event = only(body)

    raw = hashlib.sha256(json.dumps(body).encode()).hexdigest()
    assert event.type is EventType.REPLY
    assert event.ref == ""
    assert event.key == f"message:received:new:sha256:{raw}"


def test_a_text_that_no_database_takes_is_mended() -> None:
    raw = b'{"text":"a\\u0000b\\ud83dc\\ud83d\\ude00"}'
    body = {**message(), "message": {**message()["message"], **json.loads(raw)}}

    assert only(body).content == "a\ufffdb\ufffdc😀"


@pytest.mark.parametrize(
    ("event_type", "ours", "detail"),
    [
        ("whatsapp:account:connected", EventType.SENDER_CONNECTED, "connected"),
        ("whatsapp:account:resumed", EventType.SENDER_CONNECTED, "resumed"),
        (
            "whatsapp:account:disconnected",
            EventType.SENDER_DISCONNECTED,
            "disconnected",
        ),
        ("whatsapp:account:suspended", EventType.SENDER_DISCONNECTED, "suspended"),
    ],
)
def test_an_account_that_comes_or_goes_is_a_sender(
    event_type: str, ours: EventType, detail: str
) -> None:
    event = only(account(event_type))

    assert event.type is ours
    assert event.sender == OURS
    assert event.detail == detail
    assert event.address is None


def test_two_connections_of_an_account_are_two_events() -> None:
    kind = "whatsapp:account:connected"
    first, again = only(account(kind)), only(account(kind))
    later = only(account(kind, connected_on="2024-01-09 10:35:18 +0200"))

    assert first.key == again.key
    assert first.key != later.key
    assert first.occurred_at == datetime(2024, 1, 8, 8, 35, 18, tzinfo=UTC)


def test_a_disconnection_happened_when_it_says_and_else_we_do_not_know() -> None:
    kind = "whatsapp:account:disconnected"

    told = only(account(kind, disconnected_on="2024-01-09 10:35:18 +0200"))

    assert told.occurred_at == datetime(2024, 1, 9, 8, 35, 18, tzinfo=UTC)
    assert only(account(kind)).occurred_at is None
    assert only(account("whatsapp:account:suspended")).occurred_at is None


def test_an_account_may_be_known_by_its_whatsapp_id_alone() -> None:
    jid = "40720000001:12@s.whatsapp.net"

    assert (
        only(account("whatsapp:account:connected", phone=None, id=jid)).sender == OURS
    )
    lost = only(account("whatsapp:account:connected", phone=None, id="7@lid"))
    assert lost.type is EventType.UNKNOWN


def test_a_reaction_of_theirs_means_that_they_read() -> None:
    event = only(reaction())

    assert event.type is EventType.READ
    assert (event.ref, event.thread, event.sender) == (UID, "123456", OURS)
    assert event.address == phone_key(THEIRS)
    assert THEIRS[1:] not in event.key


def test_a_reaction_of_ours_or_in_a_group_means_nothing() -> None:
    mine = reaction(reactor={"full_name": "A", "phone": OURS})
    group = reaction()
    group["chat"] |= {"chat_type": "group", "phone": ""}

    assert only(mine).type is EventType.UNKNOWN
    assert only(group).type is EventType.UNKNOWN


def test_the_flat_shape_of_the_guides_is_tolerated_and_marked() -> None:
    data = {
        "chat_id": "123456",
        "text": "Da",
        "sender_phone": THEIRS,
        "sender_name": "B",
        "message_uid": UID,
        "whatsapp_account_id": "40720000001@s.whatsapp.net",
    }
    event = only({"event_type": "message:received:new", "data": data})

    assert event.type is EventType.REPLY
    assert event.key == f"message:received:new:{UID}"
    assert (event.thread, event.sender, event.content) == ("123456", OURS, "Da")
    assert event.address == phone_key(THEIRS)
    assert event.detail == "legacy shape"


def test_the_bundle_of_old_is_tolerated_message_by_message() -> None:
    bundle = {
        "chat_id": 123456,
        "phone": THEIRS,
        "messages": [
            {"direction": "received", "text": "one", "message_uid": UID},
            {"direction": "received", "text": "two"},
            {"direction": "received", "text": "two"},
            {"direction": "sent", "text": "ours", "origin": "Public API"},
            {"direction": "sideways", "text": "?"},
        ],
    }
    events = read(bundle)

    contents = [(event.type, event.content) for event in events]
    assert contents == [
        (EventType.REPLY, "one"),
        (EventType.REPLY, "two"),
        (EventType.REPLY, "two"),
        (EventType.SENT, "ours"),
        (EventType.UNKNOWN, ""),
    ]
    assert len({event.key for event in events}) == 5
    assert read(bundle) == events


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no json",
        b"[]",
        b'"text"',
        b"{}",
        b'{"messages":[]}',
        b"\xff",
        b"[" * 10_000,
        b'{"event_type":"chat:new"}',
        b'{"event_type":"message:received:new"}',
        b'{"event_type":"message:received:new","message":7,"data":[]}',
        b'{"event_type":["message:received:new"]}',
        b'{"event_type":{"a":1}}',
        b'{"event_type":"message:reaction"}',
        b'{"event_type":"whatsapp:account:connected"}',
        b'{"event_type":"message:received:new","message":{"n":' + b"9" * 99 + b"}}",
    ],
)
def test_what_cannot_be_read_is_one_unknown_event_under_its_fingerprint(
    raw: bytes,
) -> None:
    (event,) = TimelinesReader().read(raw)

    assert event.type is EventType.UNKNOWN
    assert event.key == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert 0 < len(event.detail) <= 64


def test_the_same_bytes_are_the_same_event() -> None:
    for body in (message(), message("message:sent:new"), reaction(), {"a": 1}):
        assert read(body) == read(body)


def test_every_event_type_that_is_registered_is_read() -> None:
    bodies = [
        message(),
        message("message:sent:new"),
        reaction(),
        *(account(kind) for kind in EVENT_TYPES if ":account:" in kind),
    ]

    assert {body["event_type"] for body in bodies} == set(EVENT_TYPES)
    assert all(only(body).type is not EventType.UNKNOWN for body in bodies)


# --- whatever comes

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from([OURS, THEIRS, UID, "sent", "received", "2024-01-08 10:35 +0200"])
)
ANYTHING = st.recursive(
    LEAVES,
    lambda one: (
        st.lists(one, max_size=2)
        | st.dictionaries(st.text(max_size=8), one, max_size=2)
    ),
    max_leaves=3,
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good body with parts replaced, removed or added, sometimes cut short."""
    kinds = st.sampled_from([*EVENT_TYPES, "message:new", "chat:new"])
    kind = draw(kinds)
    body = reaction() if "reaction" in kind else message(kind)
    body = account(kind) if ":account:" in kind else body
    for _ in range(draw(st.integers(0, 4))):
        part = draw(st.sampled_from([body, *filter(_is_object, body.values())]))
        name = draw(st.sampled_from([*part, "data", "messages"]))
        part[name] = draw(ANYTHING)
    raw = json.dumps(body, ensure_ascii=draw(st.booleans())).encode("utf-8", "replace")
    return raw[: draw(st.integers(1, len(raw)))] if draw(st.booleans()) else raw


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


@pytest.mark.parses
@given(st.binary() | mutated() | ANYTHING.map(lambda one: json.dumps(one).encode()))
def test_no_bytes_make_it_raise_and_every_event_can_be_stored(raw: bytes) -> None:
    events = TimelinesReader().read(raw)

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
        assert event.occurred_at is None or event.occurred_at.tzinfo is UTC


# --- the vendor's contract


@pytest.fixture
def spec() -> Spec:
    return vendor_spec("timelines_webhooks.yaml")


@pytest.mark.parametrize(
    "body",
    [
        message(),
        message("message:sent:new"),
        message("message:received:new", attachments=[]),
        reaction(),
        *(account(kind) for kind in EVENT_TYPES if ":account:" in kind),
    ],
    ids=lambda body: str(body["event_type"]),
)
def test_the_bodies_of_these_tests_are_as_the_vendor_describes(
    body: Body, spec: Spec
) -> None:
    spec.check_webhook(body["event_type"], body)


def test_the_vendors_examples_are_read_as_what_they_say(spec: Spec) -> None:
    expected = {
        "message:sent:new": EventType.SENT,
        "message:reaction": EventType.READ,
        "whatsapp:account:connected": EventType.SENDER_CONNECTED,
        "whatsapp:account:resumed": EventType.SENDER_CONNECTED,
        "whatsapp:account:disconnected": EventType.SENDER_DISCONNECTED,
        "whatsapp:account:suspended": EventType.SENDER_DISCONNECTED,
    }
    for name, hook in spec.document["webhooks"].items():
        content = hook["post"]["requestBody"]["content"]["application/json"]
        body = {**_example(spec, content["schema"]), "event_type": name}

        if "reaction" in body:
            # Its examples give both sides the same number.
            body["reaction"]["reactor"]["phone"] = THEIRS
        event = only(body)

        # Its one example of a message is a sent one.
        assert event.type is expected.get(name, _of_the_sent_example(name)), name
        if event.type is not EventType.UNKNOWN:
            assert event.sender.startswith("+"), name


def _of_the_sent_example(name: str) -> EventType:
    return EventType.SENT if name == "message:new" else EventType.UNKNOWN


def _example(spec: Spec, schema: Mapping[str, Any]) -> Any:
    """Put an example together from those of the fields."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _example(spec, spec.document["components"]["schemas"][name])
    if "example" in schema:
        return (
            str(schema["example"])
            if schema.get("type") == "string"
            else schema["example"]
        )
    merged: dict[str, Any] = {}
    for one in schema.get("allOf", ()):
        merged |= _example(spec, one)
    for name, field in schema.get("properties", {}).items():
        merged[name] = _example(spec, field)
    return [] if schema.get("type") == "array" else merged
