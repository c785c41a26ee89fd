"""Resend's webhooks in our words."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.resend_events import EVENTS, MAIL, OURS, THEIRS, body
from tests.vendor_specs import vendor_spec

from outreach.adapters.resend import ResendReader
from outreach.adapters.resend.wire import EVENT_TYPES
from outreach.domain.address import AddressKey
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent

ANA: Final = AddressKey.of(f"email:{THEIRS}")
AT: Final = datetime(2026, 11, 20, 9, 0, 0, 123_000, tzinfo=UTC)

KINDS: Final = {
    "email.sent": EventType.SENT,
    "email.scheduled": EventType.UNKNOWN,
    "email.delivered": EventType.DELIVERED,
    "email.delivery_delayed": EventType.UNKNOWN,
    "email.bounced": EventType.BOUNCE,
    "email.complained": EventType.COMPLAINT,
    "email.opened": EventType.OPENED,
    "email.clicked": EventType.CLICKED,
    "email.failed": EventType.FAILED,
    "email.suppressed": EventType.BOUNCE,
    "email.received": EventType.REPLY,
    "contact.created": EventType.UNKNOWN,
    "contact.updated": EventType.UNKNOWN,
    "contact.deleted": EventType.UNKNOWN,
    "domain.created": EventType.SENDER_CONNECTED,
    "domain.updated": EventType.SENDER_CONNECTED,
    "domain.deleted": EventType.SENDER_CONNECTED,
}


def read(said: object) -> SystemEvent:
    (event,) = ResendReader().read(json.dumps(said).encode())
    return event


def test_every_type_of_the_contract_is_known() -> None:
    spec = vendor_spec("resend.yaml")

    assert set(EVENT_TYPES) == set(spec.document["webhooks"]) == set(KINDS)
    for word in KINDS:
        spec.check_webhook(word, body(word))


@pytest.mark.parametrize("word", sorted(KINDS))
def test_each_type_in_our_words(word: str) -> None:
    event = read(body(word))

    assert event.type is KINDS[word]
    assert event.provider == "resend"
    assert event.channel is Channel.EMAIL_WARM


@pytest.mark.parametrize("word", [one for one in KINDS if one.startswith("email.")])
def test_news_of_a_mail_names_it_and_both_sides(word: str) -> None:
    event = read(body(word))

    assert event.key == f"{word}:{MAIL}:{AT.isoformat()}"
    assert (event.ref, event.sender, event.address) == (MAIL, OURS, ANA)
    assert event.occurred_at == AT


def test_a_mail_that_came_in_is_to_be_fetched() -> None:
    event = read(body("email.received", attachments=[{"id": "a"}]))

    assert event.incomplete
    assert event.thread == "<x@firma.ro>"
    assert event.media
    assert event.content == ""
    assert not read(body("email.sent")).incomplete


@pytest.mark.parametrize(
    ("bounce", "kind"),
    [
        ({"type": "Permanent", "subType": "General"}, EventType.BOUNCE),
        ({"type": "permanent"}, EventType.BOUNCE),
        ({"type": "Transient", "subType": "MailboxFull"}, EventType.SOFT_BOUNCE),
        ({"type": "Temporary"}, EventType.SOFT_BOUNCE),
        ({"type": "Undetermined"}, EventType.SOFT_BOUNCE),
        (
            {"message": "The recipient's mail server rejected it."},
            EventType.SOFT_BOUNCE,
        ),
        ({"type": 5, "diagnosticCode": "smtp; 550"}, EventType.SOFT_BOUNCE),
        ("rubbish", EventType.SOFT_BOUNCE),
        (None, EventType.SOFT_BOUNCE),
    ],
)
def test_only_a_permanent_bounce_is_hard(bounce: object, kind: EventType) -> None:
    assert read(body("email.bounced", bounce=bounce)).type is kind


def test_what_a_bounce_says_is_kept_without_an_address() -> None:
    details = EVENTS["email.bounced"]["bounce"] | {"message": f"No {THEIRS} here"}

    event = read(body("email.bounced", bounce=details))

    assert event.detail == "bounced Permanent NoEmail"
    failed = read(body("email.failed", failed={"reason": f"no {THEIRS}"}))
    assert failed.detail == "failed"


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("previous_bounce", EventType.BOUNCE),
        ("previous_complaint", EventType.COMPLAINT),
        (None, EventType.BOUNCE),
    ],
)
def test_why_a_mail_was_suppressed(reason: str | None, kind: EventType) -> None:
    event = read(body("email.suppressed", suppressed={"reason": reason}))

    assert event.type is kind


def test_a_contact_that_unsubscribed_is_an_opt_out() -> None:
    event = read(body("contact.updated", unsubscribed=True))

    assert (event.type, event.address) == (EventType.UNSUBSCRIBE, ANA)
    gone = read(body("contact.deleted", unsubscribed=True))
    assert gone.type is EventType.UNKNOWN


def test_a_mail_to_several_names_none_of_them() -> None:
    assert read(body("email.delivered", to=[THEIRS, "b@c.ro"])).address is None


def test_a_repetition_has_the_same_key_and_another_time_another() -> None:
    said = body("email.opened")

    keys = {read(said).key, read({**said, "data": {**said["data"], "tags": {}}}).key}
    later = read({**said, "created_at": "2026-11-20T09:00:01Z"}).key

    assert len(keys) == 1
    assert later not in keys
    timeless = {**said, "created_at": None}
    assert read(timeless).key == read(timeless).key != read(said).key


@pytest.mark.parametrize(
    "said",
    [
        [],
        {},
        {"type": 5},
        {"type": "email.sent"},
        {"type": "email.sent", "data": []},
        {"type": "email.sent", "data": {"email_id": "with a space"}},
        {"type": "topic.created", "data": {"id": "x"}},
        {"type": "domain.updated", "data": {}},
        {"type": "contact.updated", "data": {"unsubscribed": True, "email": "no"}},
    ],
)
def test_what_cannot_be_read_is_kept_as_unknown(said: object) -> None:
    event = read(said)

    assert event.type is EventType.UNKNOWN
    assert event.key.startswith("sha256:")


# --- whatever comes

_GONE: Final = "gone"
_ODD: Final[list[object]] = [
    *(None, True, False, 0, -1, 2**70, 1.5, float("nan"), float("-inf")),
    *(_GONE, "", " ", "\x00", "\ud800", "<x@y>", "@", "a" * 300, THEIRS, f"A <{OURS}>"),
    *("2026-11-20T09:00:00Z", "0001-01-01T00:00:00+14:00", "2026-11-20"),
    *([], [None], [THEIRS, 7], [[THEIRS]], {}, {"a": ["\ud800"]}, {"type": {}}),
    *({"type": "Permanent", "message": THEIRS}, {"reason": "previous_complaint"}),
]
_CHANGED: Final = st.sampled_from(_ODD) | st.text(max_size=12)


@st.composite
def mutated(draw: Callable[[Any], Any]) -> dict[str, Any]:
    """A delivery with some of its parts replaced or gone."""
    said = body(draw(st.sampled_from(sorted(EVENTS))))
    places = [(where, name) for where in (said, said["data"]) for name in sorted(where)]
    for where, name in draw(st.lists(st.sampled_from(places), max_size=3)):
        odd = draw(_CHANGED)
        if odd == _GONE:
            where.pop(name, None)
        else:
            where[name] = odd
    return said


def _readable(events: list[SystemEvent]) -> None:
    (event,) = events
    json.dumps([event.key, event.ref, event.thread, event.detail]).encode()
    for text in (event.key, event.ref, event.content, event.detail, event.sender):
        text.encode()
        assert "\x00" not in text
    assert len(event.key) < 400


@pytest.mark.parses
@given(said=mutated())
def test_no_change_of_a_delivery_makes_it_raise(said: dict[str, Any]) -> None:
    raw = json.dumps(said, ensure_ascii=True).encode()

    events = list(ResendReader().read(raw))

    _readable(events)
    assert list(ResendReader().read(raw)) == events


@pytest.mark.parses
@given(
    prefix=st.sampled_from([b"", b'{"type":"email.received","data":{', b"\xff"]),
    raw=st.binary(max_size=400),
)
def test_no_bytes_make_it_raise(prefix: bytes, raw: bytes) -> None:
    _readable(list(ResendReader().read(prefix + raw)))
