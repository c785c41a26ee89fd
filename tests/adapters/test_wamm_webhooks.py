"""Wamm's webhooks in our words."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.adapters.wamm import WammReader
from outreach.domain.address import AddressKey
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent

AT: Final = datetime(2026, 11, 20, 9, 0, 41, tzinfo=UTC)
OURS: Final = "+40720000001"
ANA: Final = AddressKey.of("phone:+40731000001")


def body(**changes: Any) -> dict[str, Any]:
    return {"data": {"source_number": "40731000001", "message_text": "Da", **changes}}


def came(said: object, at: datetime = AT) -> SystemEvent:
    """The event of a body that came in at *at*."""
    return read(json.dumps(said).encode(), at)


def read(raw: bytes, at: datetime = AT, phone: str = OURS) -> SystemEvent:
    kept = WammReader().kept(raw, phone, at)
    (event,) = WammReader().read(kept)
    assert list(WammReader().read(kept)) == [event]
    return event


def test_a_message_of_theirs_is_a_reply() -> None:
    event = came(body())

    assert event == SystemEvent(
        key=event.key,
        provider="wamm",
        type=EventType.REPLY,
        channel=Channel.WHATSAPP,
        sender=OURS,
        address=ANA,
        content="Da",
        occurred_at=AT.replace(second=0),
    )


@pytest.mark.parametrize(
    "number",
    ["40731000001", "+40731000001", 40731000001, "40731000001@s.whatsapp.net"],
)
def test_a_number_is_read_however_it_is_written(number: object) -> None:
    assert came(body(source_number=number)).address == ANA


def test_the_same_words_within_a_minute_are_one_message_and_later_another() -> None:
    keys = [came(body(), AT + timedelta(seconds=s)).key for s in (0, 18, 19, 79)]

    assert len(set(keys[:2])) == 1
    assert len(set(keys)) == 3


@pytest.mark.parametrize(
    "changes", [{"message_text": "Nu"}, {"source_number": "40731000002"}]
)
def test_other_words_or_another_number_are_another_message(
    changes: dict[str, Any],
) -> None:
    assert came(body(**changes)).key != came(body()).key


def test_another_phone_of_ours_has_another_message() -> None:
    raw = json.dumps(body()).encode()

    keys = {read(raw, phone=one).key for one in (OURS, "40720000002", "", "x/y")}
    written = {read(raw, phone=one).sender for one in (OURS, OURS[1:])}

    assert len(keys) == 3
    assert written == {OURS}
    assert read(raw, phone="x/y").sender == ""


@pytest.mark.parametrize("text", [None, "", "  ", 5])
def test_a_message_without_words_is_for_a_person(text: object) -> None:
    event = came(body(message_text=text))

    assert event.type is EventType.REPLY
    assert event.media
    assert event.detail


@pytest.mark.parametrize(
    "said",
    [
        [],
        {},
        5,
        {"data": []},
        {"data": {}},
        {"data": {"source_number": "a", "message_text": "Da"}},
        {"data": {"source_number": True, "message_text": "Da"}},
        {"data": {"source_number": "120363041234567890@g.us", "message_text": "Da"}},
    ],
)
def test_what_cannot_be_read_is_kept_as_unknown(said: object) -> None:
    event = came(said)

    assert event.type is EventType.UNKNOWN
    assert event.key.startswith("sha256:")


def test_a_body_cannot_pretend_to_have_come_in_at_another_time() -> None:
    kept = WammReader().kept(json.dumps(body()).encode(), OURS, AT)

    again = read(kept, AT + timedelta(hours=1))

    assert again.type is EventType.UNKNOWN


_LEAVES: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=20),
    st.sampled_from(["\ud800", "\x00", "+40731000001", "40731000001"]),
)
_BODIES: Final = st.one_of(
    st.binary(max_size=120),
    st.fixed_dictionaries(
        {
            "data": st.fixed_dictionaries(
                {}, optional={"source_number": _LEAVES, "message_text": _LEAVES}
            )
            | _LEAVES
        }
    ).map(lambda said: json.dumps(said).encode()),
    st.fixed_dictionaries(
        {
            "outreach_came_in": _LEAVES,
            "outreach_phone": _LEAVES,
            "outreach_body": _LEAVES,
        }
    ).map(lambda said: json.dumps(said).encode()),
)


@pytest.mark.parses
@given(raw=_BODIES, phone=st.text(max_size=20))
def test_no_bytes_make_it_raise(raw: bytes, phone: str) -> None:
    for events in (WammReader().read(raw), [read(raw, phone=phone)]):
        (event,) = events
        for text in (event.key, event.content, event.detail, str(event.address)):
            text.encode()
            assert "\x00" not in text
        assert len(event.key) < 200
