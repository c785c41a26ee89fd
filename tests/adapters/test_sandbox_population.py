"""The people of the sandbox: the same seed is the same people, and all kinds come."""

from __future__ import annotations

import collections
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.sandbox_in_process import ACCOUNTS, Desk, opened

from outreach.entrypoints.sandbox.behaviour import (
    PROFILES,
    BadBehaviour,
    Behaviour,
    parse_knob,
    read_file,
)
from outreach.entrypoints.sandbox.draw import Draw
from outreach.entrypoints.sandbox.fate import Circumstances, foretell
from outreach.entrypoints.sandbox.faults import CERTAIN, Certain, fault_of
from outreach.entrypoints.sandbox.phrases import PHRASES, ReplyKind

PHONES = [f"+4073100{n:04d}" for n in range(150)]
NO_LINE_FAULTS: dict[str, Any] = {"lost_before": 0, "lost_after": 0, "slow": 0}


async def _lived(desk: Desk, phones: list[str]) -> set[tuple[object, ...]]:
    """Send to all and say who met what, without what depends on the clock."""
    for phone in phones:
        await desk.send(phone)
    await desk.settled()
    faults = {(e["kind"], e["to"]) for e in desk.events("429", "503")}
    replies = {
        (e["reply"], e["from"], e["text"], e["media"], e["message_uid"])
        for e in desk.events("reply")
    }
    reactions = {(e["emoji"], e["message_uid"]) for e in desk.events("reaction")}
    return faults | replies | reactions


async def test_the_same_seed_is_the_same_population_in_any_order(
    tmp_path: Path,
) -> None:
    lived = []
    for name, phones in (("a", PHONES), ("b", PHONES[::-1])):
        async with opened(
            tmp_path / name,
            profile="default",
            sure_by=0,
            rate_limited=0.1,
            reply_to_first=0.5,
            **NO_LINE_FAULTS,
        ) as desk:
            lived.append(await _lived(desk, phones))

    assert lived[0] == lived[1]
    assert len(lived[0]) > 50


async def test_another_seed_is_another_population(tmp_path: Path) -> None:
    lived = []
    for seed in (1, 2):
        async with opened(
            tmp_path / str(seed), profile="clear-line", plan={"seed": seed}
        ) as desk:
            lived.append(await _lived(desk, PHONES))

    assert lived[0] != lived[1]


async def test_every_certain_kind_happens_even_where_chance_gives_none(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, sure_by=60) as desk:
        await desk.want("message:sent:new", "message:received:new")
        for phone in PHONES:
            try:
                await desk.send(phone)
            except ConnectionResetError:  # lost: there is no server to drop the line
                continue
        await desk.settled()

        faults = {e["kind"] for e in desk.events("429", "503", *_LOST)}
        replies = {e["reply"] for e in desk.events("reply")}
        passes = {e["pass"] for e in desk.events("webhook")}
        assert set(CERTAIN) <= faults | replies | passes
        assert [line["answer"] for line in desk.accepted()].count("lost") == 1


_LOST = ("lost_before", "lost_after")


@pytest.mark.parametrize("seed", range(5))
def test_a_thousand_first_messages_meet_every_certain_kind(seed: int) -> None:
    behaviour = Behaviour()
    certain = Certain(behaviour.sure_by)
    for place in range(1000):
        phone = f"+40731{place:06d}"
        fault = fault_of(seed, behaviour, phone, 1)
        due = certain.due(CERTAIN[:4], place + 1)
        certain.note(due or fault or "")
        forced = certain.due(CERTAIN[4:10], place + 1)
        about = Circumstances(phone, 1, forced=forced)
        for utterance in foretell(seed, behaviour, about).utterances:
            certain.note(utterance.kind)

    assert all(certain.happened[kind] for kind in CERTAIN[:10])
    assert certain.happened["429"] < 40
    assert 100 < sum(certain.happened[kind] for kind in ReplyKind) < 300


async def test_a_reply_said_when_all_is_quiet_comes_within_the_half_hour() -> None:
    for kind in CERTAIN[4:10]:
        about = Circumstances(PHONES[0], 1, forced=kind)

        fate = foretell(1, PROFILES["calm"], about)

        assert fate.utterances[0].kind == kind
        assert fate.utterances[0].delay_s <= 1800


@given(
    seed=st.integers(0, 10_000),
    about=st.builds(
        Circumstances,
        to=st.sampled_from(PHONES),
        ordinal=st.integers(1, 5),
        turns=st.integers(0, 3),
        stopped=st.booleans(),
        forced=st.none() | st.sampled_from(sorted(ReplyKind)),
    ),
    profile=st.sampled_from(sorted(PROFILES)),
)
def test_a_message_is_never_read_before_it_came_nor_answered_before_it_was_read(
    seed: int, about: Circumstances, profile: str
) -> None:
    fate = foretell(seed, PROFILES[profile], about)

    order = [fate.sent_s, fate.delivered_s, fate.read_s]
    reached = [after for after in order if after is not None]
    assert reached == sorted(reached)
    assert order == reached + [None] * (3 - len(reached))
    history = fate.history(float("inf"))
    assert history[0] == ("Sending", 0.0)
    assert ("Failed" in dict(history)) <= (not fate.utterances)
    for utterance in fate.utterances:
        assert fate.delivered_s is not None
        assert utterance.delay_s > fate.delivered_s
        if utterance.kind is not ReplyKind.OUT_OF_OFFICE and not utterance.in_group:
            assert fate.read_s is not None
            assert utterance.delay_s > fate.read_s


async def test_a_person_who_said_stop_answers_in_anger_ever_after(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, reply_to_first=1, replies={"stop": 1}) as desk:
        for _ in range(2):
            await desk.send(PHONES[0])
            await desk.settled()

        assert [e["reply"] for e in desk.events("reply")] == ["stop", "angry"]
        assert [line["stopped"] for line in desk.accepted()] == [False, True]


async def test_a_conversation_goes_on_for_as_many_answers_as_set(
    tmp_path: Path,
) -> None:
    knobs: dict[str, Any] = {
        "reply_to_first": 1,
        "reply_to_answer": 1,
        "answered_turns": 2,
    }
    async with opened(tmp_path, replies={"question": 1}, **knobs) as desk:
        await desk.send(PHONES[0])
        await desk.settled()
        chat_id = desk.accepted()[0]["chat_id"]
        for _ in range(4):
            await desk.client.post(f"/chats/{chat_id}/messages", json={"text": "Da"})
            await desk.settled()

        turns = [line["turns"] for line in desk.accepted()]
        assert turns == [0, 1, 2, 3, 3]


async def test_an_autoreply_is_no_turn_of_the_conversation(tmp_path: Path) -> None:
    replies = {"out_of_office": 1}
    async with opened(tmp_path, reply_to_first=1, replies=replies) as desk:
        await desk.send(PHONES[0])
        await desk.settled()

        assert [e["turn"] for e in desk.events("reply")] == [False]


async def test_a_failed_number_answers_nothing_and_says_so_in_its_status(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, not_on_whatsapp=1, reply_to_first=1) as desk:
        uid = await desk.sent_uid(PHONES[0])
        await desk.settled()

        message = (await desk.client.get(f"/messages/{uid}")).json()["data"]
        assert message["status"] == "Failed"
        assert desk.events("reply", "sent") == []


async def test_a_silent_line_accepts_and_then_says_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, acknowledged=0, reply_to_first=1) as desk:
        uid = await desk.sent_uid(PHONES[0])
        await desk.settled()

        path = f"/messages/{uid}/status_history"
        history = (await desk.client.get(path)).json()["data"]
        assert [one["status"] for one in history] == ["Sending"]
        assert desk.events("reply", "sent") == []


async def test_someone_with_the_phone_in_hand_may_take_over(tmp_path: Path) -> None:
    knobs: dict[str, Any] = {"reply_to_first": 1, "takeover": 1}
    async with opened(tmp_path, replies={"price": 1}, **knobs) as desk:
        await desk.want("message:sent:new")
        uid = await desk.sent_uid(PHONES[0])
        await desk.settled()

        origins = [body["message"]["origin"] for body in desk.posted]
        assert sorted(origins) == ["Public API", "synced from WhatsApp"]
        uids = {body["message"]["message_uid"] for body in desk.posted}
        assert len(uids - {uid}) == 1
        assert len(desk.accepted()) == 1


async def test_one_person_is_one_person_to_all_accounts(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        for account in ACCOUNTS:
            await desk.send(PHONES[0], account=account)

        lines = desk.accepted()
        assert [line["ordinal"] for line in lines] == [1, 2]
        assert lines[0]["chat_id"] != lines[1]["chat_id"]


def test_there_are_words_for_every_kind_and_language() -> None:
    assert set(PHRASES) == set(ReplyKind)
    for kind, languages in PHRASES.items():
        assert set(languages) == {"ro", "en", "ru"}, kind
        assert all(languages.values())


def test_a_weighted_draw_follows_its_weights() -> None:
    weights = {"a": 3.0, "b": 1.0, "never": 0.0}
    drawn = collections.Counter(
        Draw.about(1, n).weighted("x", weights) for n in range(4000)
    )

    assert set(drawn) == {"a", "b"}
    assert 2850 < drawn["a"] < 3150


def test_no_weight_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="every weight is 0"):
        Draw.about(1).weighted("x", {"a": 0.0})


@given(st.integers(), st.integers(-5, 5), st.integers(0, 10))
def test_a_whole_draw_stays_within_its_bounds(seed: int, low: int, more: int) -> None:
    assert low <= Draw.about(seed).whole("x", low, low + more) <= low + more


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"rate_limit": 0.1}, "did you mean 'rate_limited'"),
        ({"rate_limited": 2}, "rate_limited"),
        ({"rate_limited": "often"}, "rate_limited"),
        ({"rate_limited": True}, "rate_limited"),
        ({"rate_limited": 0.9, "unavailable": 0.9}, "add up to"),
        ({"sure_by": -1}, "sure_by"),
        ({"languages": {"de": 1}}, "languages has no 'de'"),
        ({"replies": {"stop": 0}}, "every weight is 0"),
        ({"replies": {"stop": -1}}, "must be a number from 0"),
        ({"replies": 7}, "table of weights"),
    ],
)
def test_a_bad_knob_is_refused_by_name(knobs: dict[str, object], message: str) -> None:
    with pytest.raises(BadBehaviour, match=message):
        Behaviour().changed(knobs)


def test_knobs_are_read_from_a_file_and_from_words(tmp_path: Path) -> None:
    file = tmp_path / "behaviour.toml"
    file.write_text("rate_limited = 0.5\n[replies]\nstop = 1\n", encoding="utf-8")

    behaviour = Behaviour().changed(read_file(file) | parse_knob("sure_by=7"))

    assert (behaviour.rate_limited, behaviour.sure_by) == (0.5, 7)
    assert behaviour.replies == {"stop": 1}


def test_a_file_that_is_no_toml_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "behaviour.toml"
    file.write_text("rate_limited 0.5", encoding="utf-8")

    for wrong in (file, tmp_path / "missing.toml"):
        with pytest.raises(BadBehaviour, match=wrong.name):
            read_file(wrong)
    with pytest.raises(BadBehaviour, match="name=value"):
        parse_knob("sure_by")
