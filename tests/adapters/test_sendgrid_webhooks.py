"""SendGrid's events in our words."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.sendgrid_events import (
    ATTEMPT,
    EVENTS,
    MAIL,
    STAMP,
    THEIRS,
    event,
    raw_of,
)

from outreach.adapters.sendgrid import SendGridReader
from outreach.adapters.sendgrid import words as vocabulary
from outreach.domain.address import AddressKey
from outreach.domain.bounce import BounceClass, bounce_of
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.mail_mark import marked_attempts

ANA: Final = AddressKey.of(f"email:{THEIRS}")
KINDS: Final = {
    "processed": EventType.SENT,
    "deferred": EventType.UNKNOWN,
    "delivered": EventType.DELIVERED,
    "open": EventType.OPENED,
    "click": EventType.CLICKED,
    "bounce": EventType.BOUNCE,
    "dropped": EventType.BOUNCE,
    "spamreport": EventType.COMPLAINT,
    "unsubscribe": EventType.UNSUBSCRIBE,
    "group_unsubscribe": EventType.UNSUBSCRIBE,
    "group_resubscribe": EventType.UNKNOWN,
}


def read(said: dict[str, Any]) -> SystemEvent:
    (found,) = SendGridReader().read(raw_of(said))
    return found


def test_every_type_of_the_documents_is_known() -> None:
    assert set(EVENTS) == set(vocabulary.EVENTS) == set(KINDS)


@pytest.mark.parametrize("word", EVENTS)
def test_each_type_in_our_words(word: str) -> None:
    said = event(word)

    found = read(said)

    assert found.type is KINDS[word]
    assert (found.provider, found.channel) == ("sendgrid", Channel.EMAIL_WARM)
    assert found.key == said["sg_event_id"]
    assert (found.ref, found.address) == (MAIL, ANA)
    assert found.thread == f"<{MAIL}@ismtpd-555>"
    assert found.occurred_at == datetime.fromtimestamp(STAMP, UTC)
    assert [str(one) for one in marked_attempts(found.references)] == [ATTEMPT]
    assert found.ours is True


def test_a_delivery_of_many_is_read_in_order_and_each_event_once() -> None:
    many = [event(word) for word in EVENTS]

    found = SendGridReader().read(raw_of(*many, many[0], many[3]))

    assert [one.key for one in found] == [one["sg_event_id"] for one in many]


def test_a_delivery_as_large_as_the_vendor_makes_them_is_read() -> None:
    many = [event("delivered", sg_event_id=f"e-{n}") for n in range(2_000)]
    raw = raw_of(*many)

    found = SendGridReader().read(raw)

    assert len(raw) > 768_000 * 0.9
    assert len(found) == 2_000


@pytest.mark.parametrize(
    ("changes", "kind", "fault"),
    [
        ({}, EventType.BOUNCE, BounceClass.RECIPIENT),
        ({"status": "5.0.0"}, EventType.BOUNCE, BounceClass.RECIPIENT),
        (
            {"reason": "no such user", "status": "5.0.0"},
            EventType.BOUNCE,
            BounceClass.RECIPIENT,
        ),
        (
            {"reason": "unknown", "status": "5.1.1"},
            EventType.BOUNCE,
            BounceClass.RECIPIENT,
        ),
        (
            {"reason": "550 5.7.1 rejected by policy", "status": "5.7.1"},
            EventType.BOUNCE,
            BounceClass.SENDER,
        ),
        (
            {"reason": "450 4.2.2 mailbox full", "status": "4.2.2"},
            EventType.SOFT_BOUNCE,
            BounceClass.TRANSIENT,
        ),
        (
            {"type": "blocked", "reason": "421 try later", "status": "4.0.0"},
            EventType.SOFT_BOUNCE,
            BounceClass.TRANSIENT,
        ),
        (
            {"type": "blocked", "reason": "554 5.7.1 your IP is listed", "status": ""},
            EventType.SOFT_BOUNCE,
            BounceClass.SENDER,
        ),
        (
            {"type": None, "reason": "returned", "status": None},
            EventType.SOFT_BOUNCE,
            BounceClass.TRANSIENT,
        ),
        (
            {"type": 5, "reason": 5, "status": 5},
            EventType.SOFT_BOUNCE,
            BounceClass.TRANSIENT,
        ),
    ],
)
def test_only_a_bounce_for_good_is_hard_and_the_server_says_whose_fault_it_is(
    changes: dict[str, object], kind: EventType, fault: BounceClass
) -> None:
    found = read(event("bounce", **changes))

    assert found.type is kind
    assert bounce_of(found) is fault


def test_what_a_bounce_says_is_kept_without_an_address() -> None:
    found = read(event("bounce", bounce_classification=f"no {THEIRS}"))

    assert found.detail == "bounce bounce"
    assert found.diagnostic == "5.1.1 550 5.1.1 user unknown"


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Bounced Address", EventType.BOUNCE),
        ("Invalid", EventType.BOUNCE),
        ("Unsubscribed Address", EventType.UNSUBSCRIBE),
        ("Spam Reporting Address", EventType.COMPLAINT),
        ("Spam Content (if Spam Checker app is enabled)", EventType.FAILED),
        ("Recipient List over Package Quota", EventType.FAILED),
        (None, EventType.FAILED),
        (5, EventType.FAILED),
    ],
)
def test_why_a_mail_was_dropped(reason: object, kind: EventType) -> None:
    assert read(event("dropped", reason=reason)).type is kind


def test_an_open_by_a_machine_is_no_open() -> None:
    assert read(event("open", sg_machine_open=True)).type is EventType.UNKNOWN


@pytest.mark.parametrize("attempt", [None, 5, "", "x", ATTEMPT.upper(), f"{ATTEMPT}>"])
def test_another_programs_mail_by_the_same_account_is_not_ours(attempt: object) -> None:
    sent = read(event("processed", outreach_attempt=attempt))
    left = read(event("unsubscribe", outreach_attempt=attempt))

    assert (sent.type, sent.ours, sent.references) == (EventType.UNKNOWN, None, ())
    assert (left.type, left.address) == (EventType.UNSUBSCRIBE, ANA)


def test_an_event_without_an_id_has_a_key_of_what_it_says() -> None:
    bare = event("delivered", sg_event_id=None)

    again = read(dict(reversed(bare.items())))

    assert read(bare).key == again.key
    assert read(bare).key.startswith("sha256:")
    assert read({**bare, "timestamp": 1}).key != again.key


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"[]", b"null", b'"x"', b"\xff", b"[" * 50, b'[{"a":1e999}]']
)
def test_what_is_no_list_of_events_is_kept_as_unknown(raw: bytes) -> None:
    (found,) = SendGridReader().read(raw)

    assert found.type is EventType.UNKNOWN
    assert found.key.startswith("sha256:")


@pytest.mark.parametrize(
    "said",
    [
        {"event": "account_status_change", "type": "compliance_suspend"},
        {"event": 5},
        {"event": None},
        {},
    ],
)
def test_what_is_new_to_us_is_kept_as_unknown(said: dict[str, Any]) -> None:
    found, good = SendGridReader().read(raw_of(said, event("delivered")))

    assert found.type is EventType.UNKNOWN
    assert good.type is EventType.DELIVERED


def test_a_change_of_the_account_is_told_in_the_vendors_words() -> None:
    found = read({"event": "account_status_change", "type": "compliance_suspend"})

    assert found.detail == "not read: account_status_change compliance_suspend"


# --- whatever comes

_LEAVES: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True),
    st.text(max_size=20),
    st.sampled_from([THEIRS, "<x@y>", "\ud800", "\x00", "a@\udfff.ro", "bounce"]),
)
_VALUES: Final = st.one_of(
    _LEAVES,
    st.lists(_LEAVES, max_size=3),
    st.dictionaries(st.text(max_size=8), _LEAVES, max_size=2),
)


@st.composite
def mutated(draw: Callable[[Any], Any]) -> dict[str, Any]:
    """An event with some of its parts replaced or gone."""
    said = event(draw(st.sampled_from(EVENTS)))
    for name in draw(st.lists(st.sampled_from(sorted(said)), max_size=4)):
        if draw(st.booleans()):
            said[name] = draw(_VALUES)
        else:
            said.pop(name, None)
    return said


def _readable(events: list[SystemEvent]) -> None:
    assert events
    assert len({one.key for one in events}) == len(events)
    for one in events:
        texts = (one.key, one.ref, one.thread, one.detail, one.diagnostic)
        for text in (*texts, *one.references, str(one.address)):
            text.encode()
            assert "\x00" not in text
        assert len(one.key) < 200


def _read(part: bytes) -> list[SystemEvent]:
    found = list(SendGridReader().read(part))
    assert len(found) == 1
    return found


@pytest.mark.parses
@given(said=mutated(), other=mutated() | _VALUES)
def test_no_change_of_an_event_makes_it_raise(
    said: dict[str, Any], other: object
) -> None:
    raw = json.dumps([said, other], ensure_ascii=True).encode()

    events = list(SendGridReader().read(raw))

    _readable(events)
    assert list(SendGridReader().read(raw)) == events
    apart = [one for part in SendGridReader().split(raw) for one in _read(part)]
    assert {one.key: one for one in reversed(apart)} == {one.key: one for one in events}


@pytest.mark.parses
@given(
    prefix=st.sampled_from([b"", b'[{"event":"bounce",', b"[", b"\xff"]),
    raw=st.binary(max_size=200),
)
def test_no_bytes_make_it_raise(prefix: bytes, raw: bytes) -> None:
    _readable(list(SendGridReader().read(prefix + raw)))
    assert SendGridReader().split(prefix + raw)
