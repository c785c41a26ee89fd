"""A sandbox goes on from its files, whatever ended the one before."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.adapters.sandbox_in_process import ACCOUNTS, opened

from outreach.entrypoints.sandbox import Sandbox, journal
from outreach.entrypoints.sandbox.journal import Busy, Journal, read_lines
from outreach.entrypoints.sandbox.vendor import OtherSeed

PHONES = [f"+4073100{n:04d}" for n in range(200)]


@contextlib.contextmanager
def _calling(box: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=box.base_url, headers={"authorization": f"Bearer {box.token}"}
    ) as client:
        yield client


def _send(client: httpx.Client, phone: str) -> httpx.Response:
    return client.post("/messages", json={"phone": phone, "text": "Bună ziua"})


def test_a_killed_sandbox_goes_on_where_it_was(tmp_path: Path) -> None:
    log = tmp_path / "a.jsonl"
    options: dict[str, Any] = {"profile": "calm", "accounts": ACCOUNTS, "seed": 3}
    hook = {"event_type": "chat:new", "url": "http://127.0.0.1:9/hook"}
    with Sandbox.start(log, **options) as box, _calling(box) as client:
        token = box.token
        uid = _send(client, PHONES[0]).json()["data"]["message_uid"]
        box.say(ACCOUNTS[1], PHONES[0], "Cine sunteți?")
        webhook = client.post("/webhooks", json=hook).json()["data"]
        box.set_account(ACCOUNTS[0], "disconnected")
        box.kill()
    with log.open("ab") as torn:
        torn.write(b'{"n":2,"torn')

    with Sandbox.start(log, **options) as box, _calling(box) as client:
        again = _send(client, PHONES[0])
        old = client.get(f"/messages/{uid}").json()["data"]
        history = client.get(f"/chats/{old['chat_id']}/messages").json()["data"]
        accounts = client.get("/whatsapp_accounts").json()["data"]["whatsapp_accounts"]
        webhooks = client.get("/webhooks").json()["data"]

        assert box.token == token
        assert again.status_code == 200
        assert [line["n"] for line in box.accepted()] == [1, 2]
        assert [line["ordinal"] for line in box.accepted()] == [1, 2]
        assert [m["text"] for m in history["messages"]] == [
            "Bună ziua",
            "Cine sunteți?",
            "Bună ziua",
        ]
        assert [one["status"] for one in accounts] == ["disconnected", "active"]
        assert webhooks == [webhook]


async def test_what_was_due_at_the_end_comes_after_the_restart_and_only_once(
    tmp_path: Path,
) -> None:
    knobs: dict[str, Any] = {"reply_to_first": 1, "replies": {"interested": 1}}
    knobs |= {"webhook_repeated": 1, "reaction": 1}
    wanted = ("message:sent:new", "message:received:new", "message:reaction")
    async with opened(tmp_path / "whole", **knobs) as desk:
        await desk.want(*wanted)
        for phone in PHONES[:20]:
            await desk.send(phone)
        await desk.settled()
        whole = _all_that_happened(desk.journal)
    # The same in pieces: each start lives a while and is dropped without a word.
    halves = tmp_path / "pieces"
    async with opened(halves, plan={"speed": 1.0}, **knobs) as desk:
        await desk.want(*wanted)
        for phone in PHONES[:20]:
            await desk.send(phone)
    for speed in (1e3, 1e5, 1e9):
        async with opened(halves, plan={"speed": speed}, **knobs) as desk:
            desk.vendor.postman.open()
            if speed < 1e9:
                await _a_while()
            else:
                await desk.settled()
            pieces = _all_that_happened(desk.journal)

    assert pieces == whole


async def test_a_restart_holds_its_webhooks_until_the_receiver_is_back(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, plan={"speed": 1.0}) as desk:
        await desk.want("message:sent:new")
        await desk.send(PHONES[0])

    async with opened(tmp_path) as desk:
        await _a_while()
        held = list(desk.posted)
        await desk.want("message:sent:new")
        await desk.settled()

        assert held == []
        assert len(desk.posted) == 1


async def test_another_seed_may_not_go_on_with_a_log(tmp_path: Path) -> None:
    async with opened(tmp_path, plan={"seed": 1}):
        pass

    with pytest.raises(OtherSeed, match="written with --seed 1, not 2"):
        async with opened(tmp_path, plan={"seed": 2}):
            pass


def test_two_may_not_write_the_same_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_LOCK_PATIENCE_S", 0.1)
    first = Journal(tmp_path / "a.jsonl")

    with pytest.raises(Busy, match=r"a\.jsonl is in use"):
        Journal(tmp_path / "a.jsonl")

    first.close()
    Journal(tmp_path / "a.jsonl").close()


def test_a_torn_last_line_is_cut_off_and_the_whole_ones_stay(tmp_path: Path) -> None:
    log = tmp_path / "a.jsonl"
    log.write_bytes(b'{"n":1}\n{"n":2')
    assert read_lines(log) == [{"n": 1}]

    files = Journal(log)
    files.accept({"n": 3})
    files.close()

    assert read_lines(log) == [{"n": 1}, {"n": 3}]


def _all_that_happened(files: Journal) -> set[tuple[object, ...]]:
    return {
        (
            line["kind"],
            line.get("key") or line["message_uid"],
            line.get("event_type"),
            line.get("copy"),
        )
        for line in _each_once(read_lines(files.events_log))
    }


def _each_once(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the lines of what happened, none of which may stand there twice."""
    happened = [e for e in lines if e["kind"] in {"sent", "reply", "reaction"}]
    uids = [(e["kind"], e["message_uid"]) for e in happened]
    assert len(set(uids)) == len(uids)
    posted = [e for e in lines if e["kind"] == "webhook"]
    copies = [(e["event_type"], e["key"], e["copy"]) for e in posted]
    assert len(set(copies)) == len(copies)
    return happened + posted


async def _a_while() -> None:
    await asyncio.sleep(0.05)
