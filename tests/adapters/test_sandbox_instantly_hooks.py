"""Instantly's webhooks from the sandbox: unsigned, unnumbered, logged, retried."""

from __future__ import annotations

import asyncio
import collections
import datetime as dt
from pathlib import Path
from typing import Any, Final

import httpx
import jsonschema
from tests.adapters.instantly_desk import MAILBOX, add, made, started, want
from tests.adapters.sandbox_in_process import opened
from tests.vendor_specs import vendor_spec

API: Final = "/instantly/api/v2"
MANY: Final = [f"ferma{number}@camp.example" for number in range(60)]
LIVELY: Final[dict[str, Any]] = {
    "cold_mail_reply": 0.4,
    "mail_opened": 0.5,
    "mail_bounced": 0.2,
    "mail_out_of_office": 0.2,
    "mail_left": 0.2,
}
# As the vendor's guide lists them; beside them stand the lead's own data.
NAMED: Final = {
    "lead_email": "string",
    "email_account": "string",
    "unibox_url": ["string", "null"],
    "step": "integer",
    "variant": "integer",
    "is_first": "boolean",
    "email_id": "string",
    "email_subject": "string",
    "email_text": "string",
    "email_html": "string",
    "reply_text_snippet": "string",
    "reply_subject": "string",
    "reply_text": "string",
    "reply_html": "string",
}
ALWAYS: Final = ("timestamp", "event_type", "workspace", "campaign_id", "campaign_name")
LEAD: Final = ("companyName", "subject", "body")
GUIDE: Final[dict[str, Any]] = {
    "type": "object",
    "required": [*ALWAYS, *LEAD],
    "properties": {
        **{name: {"type": kind} for name, kind in NAMED.items()},
        **{name: {"type": "string"} for name in (*ALWAYS, *LEAD)},
    },
    "additionalProperties": False,
}


async def test_every_body_is_as_the_guide_says_with_the_leads_data_beside(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, **LIVELY) as desk, desk.at(API) as client:
        await want(client, "all_events")
        campaign = await started(client)
        await add(client, campaign, *MANY)
        await desk.settled()

        told = collections.Counter(body["event_type"] for body in desk.posted)
        assert told.keys() == {
            "email_sent",
            "email_opened",
            "email_bounced",
            "reply_received",
            "auto_reply_received",
            "lead_unsubscribed",
        }
        assert told["email_sent"] == len(MANY)
        for body in desk.posted:
            jsonschema.Draft202012Validator(GUIDE).validate(body)
        dated = next(b for b in desk.posted if b["event_type"] == "auto_reply_received")
        assert any(sign.isdigit() for sign in dated["reply_text"])


async def test_the_headers_are_those_that_were_asked_for_and_nothing_signs(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk, desk.at(API) as client:
        await want(client, "email_sent", headers={"X-Key": "s3cret"})
        await add(client, await started(client), MANY[0])
        await desk.settled()

        headers = desk.requests[0].headers
        assert headers["x-key"] == "s3cret"
        assert not [
            name for name in headers if "signature" in name or name.endswith("-id")
        ]


async def test_a_hook_gets_what_it_asked_for_of_its_campaign(tmp_path: Path) -> None:
    async with opened(tmp_path, **LIVELY) as desk, desk.at(API) as client:
        one, two = await started(client), await started(client, name="other")
        await want(client, "email_bounced", campaign=one)
        await want(client, "reply_received")
        await add(client, one, "bounce@one.example", *MANY[:20])
        await add(client, two, "bounce@two.example", *MANY[20:40])
        await desk.settled()

        told = {(body["event_type"], body["campaign_id"]) for body in desk.posted}
        assert told == {
            ("email_bounced", one),
            ("reply_received", one),
            ("reply_received", two),
        }


async def test_a_failed_delivery_is_tried_again_and_stands_in_the_log(
    tmp_path: Path,
) -> None:
    spec = vendor_spec("instantly.json")
    answers = iter((500, 503, 200))

    def moody(_: httpx.Request) -> httpx.Response:
        return httpx.Response(next(answers))

    async with (
        opened(tmp_path, receive=moody, webhook_gap_s=0.01) as desk,
        desk.at(API) as client,
    ):
        await want(client, "email_sent")
        await add(client, await started(client), MANY[0])
        await desk.settled()

        log = (await client.get("/webhook-events")).json()
        failed = (await client.get("/webhook-events?success=false")).json()["items"]

    async with opened(tmp_path) as desk, desk.at(API) as client:
        restored = (await client.get("/webhook-events")).json()

    spec.check_answer("GET", "/api/v2/webhook-events", 200, log)
    entries = log["items"][::-1]
    assert [e["status_code"] for e in entries] == [500, 503, 200]
    assert [e["retry_count"] for e in entries] == [0, 1, 2]
    assert [e["will_retry"] for e in entries] == [True, True, False]
    assert [e["retry_successful"] for e in entries] == [None, False, True]
    assert len({e["retry_group_id"] for e in entries}) == 1
    assert entries[0]["payload"]["event_type"] == "email_sent"
    assert entries[0]["lead_email"] == MANY[0]
    assert failed == log["items"][1:]
    assert [e["id"] for e in restored["items"]] == [e["id"] for e in log["items"]]


async def test_a_hook_that_fails_too_often_is_silent_until_resumed(
    tmp_path: Path,
) -> None:
    broken = True

    def receive(_: httpx.Request) -> httpx.Response:
        return httpx.Response(500 if broken else 200)

    async with (
        opened(
            tmp_path, receive=receive, webhook_gap_s=0, webhook_disabled_after=3
        ) as desk,
        desk.at(API) as client,
    ):
        hook = await want(client, "email_sent")
        campaign = await started(client)
        await add(client, campaign, *MANY[:5])
        await desk.settled()
        shown = (await client.get(f"/webhooks/{hook}")).json()
        asked = len(desk.requests)
        broken = False
        await add(client, campaign, *MANY[5:10])
        await desk.settled()
        silent = len(desk.requests) - asked

        resumed = (await client.post(f"/webhooks/{hook}/resume")).json()
        await add(client, campaign, *MANY[10:12])
        await desk.settled()

        assert shown["status"] == -1
        assert shown["timestamp_error"] is not None
        assert silent == 0
        assert (resumed["status"], resumed["timestamp_error"]) == (1, None)
        assert len(desk.requests) - asked == 2


async def test_webhooks_come_twice_and_late_under_the_same_body(
    tmp_path: Path,
) -> None:
    tuesday = dt.datetime(2026, 11, 24, 7, 0, tzinfo=dt.UTC)
    plan = {"speed": 1e5, "begin_s": tuesday.timestamp()}
    async with (
        opened(tmp_path, plan=plan, webhook_repeated=1, webhook_late=0.5) as desk,
        desk.at(API) as client,
    ):
        await want(client, "email_sent")
        await add(client, await started(client), *MANY[:30])
        await desk.settled()

        bodies = collections.Counter(request.content for request in desk.requests)
        kinds = {line["pass"] for line in desk.events("webhook")}
        order = [b["lead_email"] for b in desk.posted]
        assert len(bodies) == 30
        assert min(bodies.values()) > 1
        assert kinds == {"first", "late", "repeat"}
        assert list(dict.fromkeys(order)) != [
            line["to"] for line in desk.events("mailed")
        ]


async def test_who_uses_the_vendors_link_is_unsubscribed_there(tmp_path: Path) -> None:
    async with opened(tmp_path, mail_left=1) as desk, desk.at(API) as client:
        await want(client, "lead_unsubscribed")
        with_link = await started(client)
        without = await started(client, insert_unsubscribe_header=False)
        await add(client, with_link, MANY[0])
        await add(client, without, MANY[1])
        await desk.settled()

        found = (await client.post("/leads/list", json={"limit": 10})).json()["items"]
        statuses = {lead["email"]: lead["status"] for lead in found}
        assert [body["lead_email"] for body in desk.posted] == [MANY[0]]
        assert statuses == {MANY[0]: -2, MANY[1]: 3}


async def test_a_draft_keeps_its_leads_and_mailboxes_to_itself(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk, desk.at(API) as client:
        await want(client, "all_events")
        campaign = await made(client, email_list=[MAILBOX])
        await add(client, campaign, *MANY)
        await desk.settled()

        assert desk.posted == []


async def test_a_restart_delivers_what_was_due_once_somebody_asks(
    tmp_path: Path,
) -> None:
    """A process that is killed has told nobody yet, and tells it after all."""
    tuesday = dt.datetime(2026, 11, 24, 7, 0, tzinfo=dt.UTC)
    slow = {"speed": 1.0, "begin_s": tuesday.timestamp()}
    async with opened(tmp_path, plan=slow) as desk, desk.at(API) as client:
        await want(client, "email_sent")
        campaign = await started(client)
        await add(client, campaign, MANY[0])
        await asyncio.sleep(0.05)
        assert len(desk.events("webhook_due")) == 1
        assert desk.posted == []

    async with opened(tmp_path) as desk, desk.at(API) as client:
        await asyncio.sleep(0.05)
        silent = list(desk.posted)
        await client.get("/webhooks")
        await desk.settled()

        assert silent == []
        assert [body["lead_email"] for body in desk.posted] == [MANY[0]]
