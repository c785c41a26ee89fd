"""The sandbox posts webhooks as the vendor does, repeats and delays included."""

from __future__ import annotations

import collections
from pathlib import Path

import httpx
import pytest
from tests.adapters.sandbox_in_process import ACCOUNTS, opened
from tests.vendor_specs import Spec, vendor_spec

from outreach.entrypoints.sandbox.wire import EVENT_TYPES

PHONES = [f"+4073100{n:04d}" for n in range(100)]
ALL = (
    "message:new",
    "message:sent:new",
    "message:received:new",
    "message:reaction",
    "chat:new",
    "chat:incoming:new",
    "chat:outgoing:new",
    "whatsapp:account:connected",
    "whatsapp:account:disconnected",
)


@pytest.fixture
def spec() -> Spec:
    return vendor_spec("timelines_webhooks.yaml")


def test_the_event_types_are_those_of_the_vendor() -> None:
    api = vendor_spec("timelines_public_api.yaml")

    named = api.document["components"]["schemas"]["WebhookEventType"]["enum"]

    assert set(named) == EVENT_TYPES


async def test_every_body_is_as_the_vendor_describes(
    tmp_path: Path, spec: Spec
) -> None:
    async with opened(
        tmp_path,
        profile="clear-line",
        reply_to_first=0.9,
        group_message=0.3,
        reaction=0.5,
        takeover=0.2,
        replies={"media": 1, "interested": 1, "out_of_office": 1, "stop": 1},
    ) as desk:
        await desk.want(*ALL)
        for phone in PHONES:
            await desk.send(phone)
        account = desk.vendor.world.accounts[ACCOUNTS[0]]
        desk.vendor.population.say(account, "+40731999999", "Alo")
        for status in ("disconnected", "active"):
            desk.vendor.population.connect(account, status)
        await desk.settled()

        assert {body["event_type"] for body in desk.posted} == set(ALL)
        for body in desk.posted:
            spec.check_webhook(body["event_type"], body)
        received = [b for b in desk.posted if b["event_type"] == "message:received:new"]
        assert any("attachments" in body["message"] for body in received)
        assert any(body["chat"]["is_group"] for body in received)


async def test_media_can_be_fetched_from_the_address_in_its_webhook(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, reply_to_first=1, replies={"media": 1}) as desk:
        await desk.want("message:received:new")
        await desk.send(PHONES[0])
        await desk.settled()

        message = desk.posted[0]["message"]
        attachment = message["attachments"][0]
        file = await desk.client.get(attachment["temporary_download_url"])
        assert message["text"] == ""
        assert len(file.content) == attachment["size"]
        assert file.headers["content-type"].startswith(attachment["mimetype"][:5])


async def test_only_what_was_registered_and_is_enabled_is_posted(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk:
        await desk.want("message:sent:new")
        webhook_id = desk.vendor.subscriptions.live()[0].id
        await desk.send(PHONES[0])
        await desk.settled()
        await desk.client.put(f"/webhooks/{webhook_id}", json={"enabled": False})
        await desk.send(PHONES[1])
        await desk.settled()

        assert [b["event_type"] for b in desk.posted] == ["message:sent:new"]


async def test_a_receiver_that_fails_is_tried_three_times_and_counted(
    tmp_path: Path,
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        return httpx.Response(500)

    async with opened(tmp_path, receive=fail, webhook_gap_s=0) as desk:
        await desk.want("message:sent:new")
        await desk.send(PHONES[0])
        await desk.settled()

        tries = desk.events("webhook")
        assert [(e["attempt"], e["status"]) for e in tries] == [
            (1, 500),
            (2, 500),
            (3, 500),
        ]
        assert [e["final"] for e in tries] == [False, False, True]
        shown = (await desk.client.get("/webhooks")).json()["data"][0]
        assert (shown["errors_counter"], shown["enabled"]) == (1, True)


async def test_a_receiver_that_answers_the_second_time_gets_it_once_more(
    tmp_path: Path,
) -> None:
    seen = collections.Counter[bytes]()

    def moody(request: httpx.Request) -> httpx.Response:
        seen[request.content] += 1
        if seen[request.content] == 1:
            why = "refused"
            raise httpx.ConnectError(why)
        return httpx.Response(204)

    async with opened(tmp_path, receive=moody, webhook_gap_s=0) as desk:
        await desk.want("message:sent:new")
        await desk.send(PHONES[0])
        await desk.settled()

        assert [e["why"] for e in desk.events("webhook")] == ["ConnectError", ""]
        assert list(seen.values()) == [2]


async def test_a_repeated_webhook_has_the_very_same_body(tmp_path: Path) -> None:
    async with opened(tmp_path, webhook_repeated=1) as desk:
        await desk.want("message:sent:new")
        for phone in PHONES[:20]:
            await desk.send(phone)
        await desk.settled()

        tries = desk.events("webhook")
        by_message = collections.Counter(e["key"] for e in tries)
        hashes = collections.defaultdict(set)
        for e in tries:
            hashes[e["key"]].add(e["sha256"])
        assert set(by_message.values()) == {2, 3, 4}
        assert all(len(one) == 1 for one in hashes.values())
        assert {e["pass"] for e in tries} == {"first", "repeat"}


async def test_a_late_webhook_keeps_the_time_at_which_it_was_written(
    tmp_path: Path,
) -> None:
    speed = {"speed": 100_000.0}
    async with opened(tmp_path, plan=speed, webhook_late=1) as desk:
        await desk.want("message:sent:new")
        uid = await desk.sent_uid(PHONES[0])
        await desk.settled()

        due, done = desk.events("webhook_due", "webhook")
        waited_engine_s = (done["mono"] - due["mono"]) * 100_000
        assert done["pass"] == "late"
        assert waited_engine_s > 1800
        at_s = desk.vendor.world.messages[uid].at_s
        written = desk.vendor.scribe.time(at_s)
        assert desk.posted[0]["message"]["timestamp"] == written


async def test_the_echo_carries_the_uid_that_the_answer_gave(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.want("message:sent:new")
        uid = await desk.sent_uid(PHONES[0], "Salut din Iași")
        await desk.settled()

        echo = desk.posted[0]["message"]
        assert (echo["message_uid"], echo["text"]) == (uid, "Salut din Iași")
        assert echo["origin"] == "Public API"
