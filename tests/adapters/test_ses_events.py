"""SES's events, as its topics deliver them, in our words."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.ses_events import (
    AT,
    ATTEMPT,
    EVENTS,
    MAIL,
    OURS,
    THEIRS,
    event,
    legacy,
)
from tests.aws_model import event_types
from tests.contract.sns_topic import Topic

from outreach.adapters.ses import SesReader
from outreach.adapters.ses import words as ses_words
from outreach.domain.address import AddressKey
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import AttemptId
from outreach.domain.mail_mark import mail_mark

ANA: Final = AddressKey.of(f"email:{THEIRS}")
WHEN: Final = datetime(2026, 11, 20, 9, 0, 0, 123_000, tzinfo=UTC)
KINDS: Final = {
    "Send": EventType.SENT,
    "Delivery": EventType.DELIVERED,
    "Bounce": EventType.BOUNCE,
    "Complaint": EventType.COMPLAINT,
    "Reject": EventType.FAILED,
    "Rendering Failure": EventType.FAILED,
    "DeliveryDelay": EventType.UNKNOWN,
    "Open": EventType.OPENED,
    "Click": EventType.CLICKED,
    "Subscription": EventType.UNSUBSCRIBE,
}


def read_all(said: object) -> list[SystemEvent]:
    return list(SesReader().read(Topic().notification(said).raw))


def read(said: object) -> SystemEvent:
    (found,) = read_all(said)
    return found


def test_every_type_of_the_model_is_known() -> None:
    named = {one.upper().replace(" ", "_") for one in KINDS}

    assert set(EVENTS) == set(KINDS) == set(ses_words.EVENTS)
    assert {one.replace("_", "") for one in named} == {
        one.replace("_", "") for one in event_types()
    }


@pytest.mark.parametrize("kind", EVENTS)
def test_each_type_in_our_words(kind: str) -> None:
    found = read(event(kind))

    timeless = kind in {"Send", "Reject", "Rendering Failure"}
    assert found.type is KINDS[kind]
    assert (found.provider, found.channel) == ("ses", Channel.EMAIL_WARM)
    assert (found.ref, found.sender, found.address) == (MAIL, OURS, ANA)
    assert found.references == (mail_mark(AttemptId(ATTEMPT), OURS),)
    assert found.occurred_at == (
        datetime(2026, 11, 20, 8, 59, 59, tzinfo=UTC) if timeless else WHEN
    )
    assert THEIRS not in found.key
    assert THEIRS not in found.detail


@pytest.mark.parametrize(
    ("kind", "sub", "expected"),
    [
        ("Permanent", "General", EventType.BOUNCE),
        ("Permanent", "NoEmail", EventType.BOUNCE),
        ("Permanent", "Suppressed", EventType.BOUNCE),
        ("Permanent", "OnAccountSuppressionList", EventType.BOUNCE),
        ("Permanent", "UnsubscribedRecipient", EventType.UNSUBSCRIBE),
        ("Transient", "General", EventType.SOFT_BOUNCE),
        ("Transient", "MailboxFull", EventType.SOFT_BOUNCE),
        ("Transient", "MessageTooLarge", EventType.SOFT_BOUNCE),
        ("Transient", "ContentRejected", EventType.SOFT_BOUNCE),
        ("Transient", "AttachmentRejected", EventType.SOFT_BOUNCE),
        ("Undetermined", "Undetermined", EventType.SOFT_BOUNCE),
        ("Novel", "General", EventType.SOFT_BOUNCE),
        (None, None, EventType.SOFT_BOUNCE),
    ],
)
def test_a_bounce_is_hard_only_if_it_is_said_to_be_permanent(
    kind: str | None, sub: str | None, expected: EventType
) -> None:
    found = read(event("Bounce", bounceType=kind, bounceSubType=sub))

    assert found.type is expected
    assert found.detail.split() == ["Bounce", *filter(None, [kind, sub])]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("smtp; 550 5.1.1 user unknown", "550 5.1.1 user unknown"),
        ("SMTP;550 x", "550 x"),
        ("550 5.1.1 user unknown", "550 5.1.1 user unknown"),
        ("Amazon SES did not send it; it is suppressed", None),
        ("", ""),
        (5, ""),
        (None, ""),
    ],
)
def test_the_words_of_the_server_that_returned_it(
    said: object, expected: str | None
) -> None:
    whole = event("Bounce")
    whole["bounce"]["bouncedRecipients"][0]["diagnosticCode"] = said

    assert read(whole).diagnostic == (said if expected is None else expected)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("abuse", EventType.COMPLAINT),
        ("fraud", EventType.COMPLAINT),
        ("auth-failure", EventType.COMPLAINT),
        ("other", EventType.COMPLAINT),
        (None, EventType.COMPLAINT),
        ("not-spam", EventType.UNKNOWN),
    ],
)
def test_a_complaint_is_one_unless_it_says_that_it_is_none(
    said: str | None, expected: EventType
) -> None:
    assert read(event("Complaint", complaintFeedbackType=said)).type is expected


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"unsubscribeAll": True}, EventType.UNSUBSCRIBE),
        ({"unsubscribeAll": False}, EventType.UNKNOWN),
        (
            {"topicSubscriptionStatus": [{"subscriptionStatus": "OptOut"}]},
            EventType.UNSUBSCRIBE,
        ),
        (
            {"topicSubscriptionStatus": [{"subscriptionStatus": "OptIn"}]},
            EventType.UNKNOWN,
        ),
    ],
)
def test_who_wants_no_more_of_a_topic_is_unsubscribed(
    wish: dict[str, Any], expected: EventType
) -> None:
    assert read(event("Subscription", newTopicPreferences=wish)).type is expected


@pytest.mark.parametrize("kind", ["Bounce", "Complaint", "Delivery"])
def test_an_identitys_notification_is_the_same_event(kind: str) -> None:
    published, notified = read(event(kind)), read(legacy(kind))

    assert notified.key == published.key
    assert notified.type is published.type
    assert notified.references == ()


def test_each_recipient_is_an_event_of_its_own() -> None:
    whole = event("Bounce")
    second = {"emailAddress": "Eva@Firma.ro", "diagnosticCode": "smtp; 550 5.1.1 x"}
    whole["bounce"]["bouncedRecipients"].append(second)

    found = read_all(whole)
    whole["bounce"]["bouncedRecipients"].reverse()
    other_order = read_all(whole)

    assert [str(one.address) for one in found] == [
        f"email:{THEIRS}",
        "email:eva@firma.ro",
    ]
    assert len({one.key for one in found}) == 2
    assert {one.key for one in found} == {one.key for one in other_order}


def test_the_same_again_has_the_same_key_and_another_has_not() -> None:
    keys = [read(event(kind)).key for kind in EVENTS]
    later = read(event("Open", timestamp="2026-11-20T09:00:01.000Z")).key
    other = event("Open")
    other["mail"]["messageId"] = "another"

    assert [read(event(kind)).key for kind in EVENTS] == keys
    assert len({*keys, later, read(other).key}) == len(EVENTS) + 2


def test_what_is_repeated_by_the_topic_has_the_same_key() -> None:
    first = Topic().notification(event("Bounce"))
    again = Topic(version="1").notification(event("Bounce"), MessageId="another")

    keys = [SesReader().read(one.raw)[0].key for one in (first, again)]

    assert keys[0] == keys[1]


@pytest.mark.parametrize(
    "tags",
    [
        None,
        [],
        {"attempt": []},
        {"attempt": ["no-id"]},
        {"attempt": [5]},
        {"attempt": str(ATTEMPT)},
        {"attempt": [f"{ATTEMPT}@evil"]},
    ],
)
def test_a_tag_that_is_none_of_ours_names_no_attempt(tags: object) -> None:
    whole = event("Delivery")
    whole["mail"]["tags"] = tags

    assert read(whole).references == ()


@pytest.mark.parametrize(
    "said",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        {"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have"},
        {"eventType": "Novelty", "mail": {"messageId": "m"}},
        {"eventType": 5},
        {"eventType": "Bounce"},
        {"eventType": "Bounce", "mail": {"messageId": "a b"}},
        {"eventType": ["Bounce"], "mail": {"messageId": "m"}},
        [],
        "null",
        "{",
    ],
)
def test_what_is_not_known_is_kept(said: object) -> None:
    found = read(said)

    assert found.type is EventType.UNKNOWN
    assert found.key.startswith("sha256:")


@pytest.mark.parametrize(
    "kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"]
)
def test_a_handshake_is_kept_as_what_it_is(kind: str) -> None:
    (found,) = SesReader().read(Topic().handshake(kind).raw)

    assert (found.type, found.detail) == (EventType.UNKNOWN, kind)


_TEXT: Final = st.sampled_from(["", "x", "\x00", "\ud800", AT, THEIRS, "é" * 200])
_VALUE: Final = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), _TEXT, st.just([]), st.just({})
)


def _paths(body: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = body.items() if isinstance(body, dict) else enumerate(body)
    for name, value in items:
        found.append((*path, name))
        if isinstance(value, dict | list):
            found += _paths(value, (*path, name))
    return found


def _changed(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    place = body
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return body


PLACES: Final = [
    (make, kind, path)
    for make in (event, legacy)
    for kind in EVENTS
    for path in _paths(make(kind))
]
ENVELOPE: Final = json.loads(Topic().notification(event("Bounce")).raw)


@pytest.mark.parses
@given(st.sampled_from(PLACES), _VALUE)
def test_no_event_that_is_wrong_anywhere_makes_it_raise(
    place: tuple[Callable[..., Any], str, tuple[Any, ...]], value: object
) -> None:
    make, kind, path = place
    inner = json.dumps(_changed(make(kind), path, value))

    found = SesReader().read(json.dumps({**ENVELOPE, "Message": inner}).encode())

    assert found
    for one in found:
        one.key.encode()
        json.dumps([one.detail, one.diagnostic, one.sender]).encode()
        assert "\x00" not in one.diagnostic + one.detail + one.sender


@pytest.mark.parses
@given(
    st.one_of(
        st.binary(max_size=60),
        st.tuples(st.sampled_from(sorted(ENVELOPE)), _VALUE).map(
            lambda one: json.dumps({**ENVELOPE, one[0]: one[1]}).encode()
        ),
        st.binary(max_size=40).map(
            lambda one: json.dumps(
                {**ENVELOPE, "Message": one.decode("latin-1")}
            ).encode()
        ),
    )
)
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    first, second = SesReader().read(raw), SesReader().read(raw)

    assert first
    assert [one.key for one in first] == [one.key for one in second]
