"""What TimelinesAI's chats tell of webhooks that did not arrive."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.timelines_workspace import TimelinesBench, opened
from tests.vendor_specs import vendor_spec

from outreach.adapters._http import HttpReply
from outreach.adapters.timelinesai import TimelinesReader, gateway, history
from outreach.adapters.timelinesai.wire import Chat
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.event import EventType, SystemEvent
from outreach.testing.fault_server import Asked, Hangs, Reaction, Says
from outreach.testing.gateway import OURS, THEIRS, Situation

HOUR: Final = timedelta(hours=1)
CHAT: Final = Chat("1000001", OURS[0], THEIRS)


@pytest.fixture
async def bench() -> AsyncIterator[TimelinesBench]:
    async with opened() as bench:
        yield bench


def now() -> datetime:
    """Whole seconds, as the vendor's times are."""
    return datetime.now(UTC).replace(microsecond=0)


def read(bodies: Sequence[bytes]) -> list[SystemEvent]:
    return [event for body in bodies for event in TimelinesReader().read(body)]


def webhook(message: dict[str, Any]) -> bytes:
    """As the vendor would have sent it."""
    return json.dumps(
        {
            "event_type": "message:received:new",
            "chat": {
                "full_name": "Ion",
                "chat_url": "https://app.timelines.ai/chat/1000001/messages/",
                "chat_id": message["chat_id"],
                "is_group": False,
                "phone": THEIRS,
            },
            "whatsapp_account": {
                "full_name": "Ana",
                "email": "a@b.ro",
                "phone": OURS[0],
            },
            "message": {
                "text": message["text"],
                "direction": "received",
                "origin": message["origin"],
                "timestamp": message["timestamp"],
                "received_timestamp": message["timestamp"],
                "message_uid": message["uid"],
                "sender": {"full_name": "Ion", "phone": THEIRS},
                "recipient": {"full_name": "Ana", "phone": OURS[0]},
            },
        }
    ).encode()


async def test_what_came_in_is_told_as_its_webhook_says_it(
    bench: TimelinesBench,
) -> None:
    since = now() - HOUR
    written = bench.workspace.hear("Da, cât costă? 👍", since + HOUR / 2)

    told = await bench.gateway.history(since, since)

    assert told.passed is None
    assert read(told.bodies) == read([webhook(written)])
    (event,) = read(told.bodies)
    assert event.type is EventType.REPLY
    assert event.key == f"message:received:new:{written['uid']}"


async def test_what_is_told_is_as_the_vendor_describes_its_webhooks(
    bench: TimelinesBench,
) -> None:
    since = now() - HOUR
    bench.workspace.hear("Da", since + HOUR / 2)

    (body,) = (await bench.gateway.history(since, since)).bodies

    said = json.loads(body)
    spec = vendor_spec("timelines_webhooks.yaml")
    whole = json.loads(webhook(bench.workspace.messages[0]))
    spec.check_webhook(said["event_type"], whole)
    assert set(said) <= set(whole)
    assert set(said["message"]) - {"attachments"} <= set(whole["message"])


async def test_what_a_person_wrote_on_the_phone_is_told_too(
    bench: TimelinesBench,
) -> None:
    since = now() - HOUR
    chat = bench.workspace.chat(THEIRS, OURS[0])
    for text, origin in (("ours", "Public API"), ("theirs", "synced from WhatsApp")):
        bench.workspace.write(chat, text, since + HOUR / 2)
        bench.workspace.messages[-1]["origin"] = origin

    events = read((await bench.gateway.history(since, since)).bodies)

    assert {(one.content, one.ours, one.type) for one in events} == {
        ("ours", True, EventType.SENT),
        ("theirs", False, EventType.SENT),
    }


async def test_what_was_written_before_is_not_told(bench: TimelinesBench) -> None:
    since = now() - HOUR
    for minutes in (-1, 0, 1):
        bench.workspace.hear(str(minutes), since + timedelta(minutes=minutes))

    events = read((await bench.gateway.history(since, since)).bodies)

    assert [one.content for one in events] == ["0", "1"]


async def test_of_an_attachment_its_name_is_told_and_no_address(
    bench: TimelinesBench,
) -> None:
    since = now() - HOUR
    written = bench.workspace.hear("", since + HOUR / 2)
    written["text"] = None
    written["has_attachment"] = True
    written["attachment_filename"] = "oferta.pdf"
    written["attachment_url"] = "https://files.example/s3cret"

    (body,) = (await bench.gateway.history(since, since)).bodies

    (event,) = read([body])
    assert (event.media, event.content) == (True, "")
    assert b"oferta.pdf" in body
    assert b"s3cret" not in body
    assert len(bench.server.asked) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"message_type": "note"},
        {"message_type": "whatsapp_call"},
        {"uid": ""},
        {"uid": 7},
        {"from_me": "yes"},
        {"timestamp": "yesterday"},
        {"timestamp": "2026-12-01 10:00:00"},
    ],
)
def test_what_is_no_message_has_no_webhook(change: dict[str, Any]) -> None:
    message = {
        "uid": "u",
        "from_me": False,
        "timestamp": "2026-12-01 10:00:00 +0200",
        "message_type": "whatsapp",
        "text": "Da",
    }
    data = {"has_more_pages": False, "messages": [message, message | change]}
    body = json.dumps({"status": "ok", "data": data}).encode()

    page = history.read_written(HttpReply(200, {}, body), CHAT)

    assert [bool(one.body) for one in page.items] == [True, False]


async def test_groups_are_not_asked_about(bench: TimelinesBench) -> None:
    since = now() - HOUR
    bench.workspace.hear("Da", since + HOUR / 2)
    bench.workspace.chats[0]["is_group"] = True

    told = await bench.gateway.history(since, since)

    assert (told.bodies, told.passed) == ([], None)
    assert len(bench.server.asked) == 1


async def test_only_chats_that_changed_cost_a_request(bench: TimelinesBench) -> None:
    start = now() - 24 * HOUR
    for number in range(130):
        chat = bench.workspace.chat(f"+4073100{number:04d}", OURS[0])
        bench.workspace.write(chat, "x", start + timedelta(minutes=number))
    since = start + timedelta(minutes=127)

    told = await bench.gateway.history(since, since)

    assert len(told.bodies) == 3
    assert len(bench.server.asked) == 1 + 3


async def test_a_part_at_most_is_read_and_the_next_looks_leave_nothing_out(
    bench: TimelinesBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "MOST_CHATS", 4)
    start = now() - 24 * HOUR
    for number in range(10):
        chat = bench.workspace.chat(f"+4073100{number:04d}", OURS[0])
        for half in (0, 1):
            at = start + timedelta(minutes=number + 100 * half)
            bench.workspace.write(chat, f"{number} {half}", at)

    found: list[str] = []
    passed: datetime | None = start
    looks = []
    while passed is not None:
        before = len(bench.server.asked)
        told = await bench.gateway.history(start, passed)
        found += [one.content for one in read(told.bodies)]
        looks.append(len(bench.server.asked) - before)
        passed = told.passed

    assert sorted(found) == sorted(f"{n} {half}" for n in range(10) for half in (0, 1))
    assert looks == [5, 5, 3]


async def test_many_chats_of_one_second_do_not_hold_the_next_look(
    bench: TimelinesBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "MOST_CHATS", 2)
    start = now() - HOUR
    for number in range(5):
        chat = bench.workspace.chat(f"+4073100{number:04d}", OURS[0])
        bench.workspace.write(chat, "x", start)

    told = await bench.gateway.history(start, start)

    assert (len(told.bodies), told.passed) == (5, None)


async def test_a_long_chat_is_read_page_by_page_and_the_newest_first(
    bench: TimelinesBench,
) -> None:
    start = now() - 24 * HOUR
    for number in range(330):
        bench.workspace.hear(str(number), start + timedelta(seconds=number))

    events = read((await bench.gateway.history(start, start)).bodies)

    assert [one.content for one in events] == [str(n) for n in range(80, 330)]


async def test_a_fault_half_way_leaves_the_rest_to_the_next_look(
    bench: TimelinesBench,
) -> None:
    start = now() - 24 * HOUR
    for number in range(3):
        chat = bench.workspace.chat(f"+4073100{number:04d}", OURS[0])
        bench.workspace.write(chat, str(number), start + timedelta(minutes=number))

    def react(asked: Asked) -> Reaction:
        if asked.path.endswith("/1000002/messages"):
            return Says(403, b"<html>Attention Required!</html>")
        return bench.workspace.react(asked)

    bench.server.react = react
    told = await bench.gateway.history(start, start)

    assert [one.content for one in read(told.bodies)] == ["0"]
    assert told.passed == start + timedelta(minutes=1)
    with pytest.raises(Unavailable, match="did not tell its messages: 403"):
        await bench.gateway.history(start, told.passed)


async def test_a_look_that_takes_too_long_is_unavailable(
    bench: TimelinesBench,
) -> None:
    hasty = evolve(bench.gateway, poll_within=timedelta(seconds=0.05))
    bench.server.react = lambda _: Hangs()

    with pytest.raises(Unavailable, match="no answer in time"):
        await hasty.history(now(), now())


async def test_a_chat_that_is_gone_holds_nothing(bench: TimelinesBench) -> None:
    since = now() - HOUR
    bench.workspace.hear("Da", since + HOUR / 2)

    def react(asked: Asked) -> Reaction:
        if asked.path.endswith("/messages"):
            return Says(404, {"status": "error", "message": "Chat not found"})
        return bench.workspace.react(asked)

    bench.server.react = react

    told = await bench.gateway.history(since, since)

    assert (told.bodies, told.passed) == ([], None)


async def test_who_cannot_be_asked_says_why(bench: TimelinesBench) -> None:
    for situation, kind in (
        (Situation.UNREACHABLE, Unavailable),
        (Situation.KEY_REVOKED, Misconfigured),
    ):
        await bench.arrange(situation)
        with pytest.raises(kind):
            await bench.gateway.history(now(), now())


VALUES: Final[st.SearchStrategy[object]] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.just([{}])
)
ITEMS: Final = st.dictionaries(
    st.sampled_from(
        [
            *("uid", "from_me", "text", "timestamp", "message_type", "origin"),
            *("sender_phone", "recipient_phone", "has_attachment"),
            *("attachment_filename", "received_timestamp"),
        ]
    ),
    VALUES,
).map(lambda said: {"uid": "u", "timestamp": "2026-12-01T10:00:00Z"} | said)


@pytest.mark.parses
@given(st.lists(ITEMS, max_size=3))
def test_whatever_a_history_holds_is_read_as_a_message_or_left_out(
    items: list[dict[str, Any]],
) -> None:
    body = json.dumps({"status": "ok", "data": {"messages": items}}).encode()

    page = history.read_written(HttpReply(200, {}, body), CHAT)

    for one, item in zip(page.items, items, strict=True):
        for event in read([one.body] if one.body else []):
            assert event.type in {EventType.REPLY, EventType.SENT}
            assert event.ref == item["uid"]
            assert event.key.endswith(f":new:{event.ref}")
            assert event.occurred_at == one.at is not None
