"""The sandbox speaks Instantly's wire: by the vendor's file, with the known traps."""

from __future__ import annotations

import collections
import uuid
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
import pytest
from tests.adapters.instantly_desk import (
    MAILBOX,
    a_campaign,
    add,
    leads,
    made,
    started,
    want,
)
from tests.adapters.sandbox_in_process import HOOK, opened
from tests.vendor_specs import Spec, vendor_spec

from outreach.entrypoints.sandbox.instantly.hooks import EVENT_TYPES
from outreach.entrypoints.sandbox.instantly.zones import ZONES

API: Final = "/instantly/api/v2"
BLOCK: Final = {"bl_value": "a.example"}
LIVELY: Final[dict[str, Any]] = {
    "instantly_mail_lists_per_min": 0,
    "cold_mail_reply": 0.4,
    "mail_opened": 0.5,
    "mail_bounced": 0.2,
    "mail_out_of_office": 0.2,
    "mail_left": 0.2,
}
MANY: Final = [f"ferma{number}@camp.example" for number in range(60)]


@pytest.fixture
def spec() -> Spec:
    return vendor_spec("instantly.json")


def test_the_zones_and_event_types_are_those_of_the_vendor(spec: Spec) -> None:
    schemas = spec.document["components"]["schemas"]
    schedule = schemas["Campaign"]["properties"]["campaign_schedule"]["properties"]
    zone = schedule["schedules"]["items"]["properties"]["timezone"]

    assert set(zone["enum"]) == ZONES
    assert len(ZONES) == 102
    assert schemas["Webhook"]["properties"]["event_type"]["enum"] == list(EVENT_TYPES)


@attrs.frozen
class Held:
    """Asks, and holds request and answer to the vendor's file."""

    client: httpx.AsyncClient
    spec: Spec

    async def __call__(self, method: str, path: str, url: str = "", **more: Any) -> Any:
        answer = await self.client.request(method, url or path, **more)
        name = f"/api/v2{path}"
        self.spec.check_answer(method, name, answer.status_code, answer.json())
        assert answer.status_code == 200, answer.text
        if "json" in more:
            self.spec.check_request(method, name, more["json"])
        return answer.json()


async def test_answers_about_hooks_and_blocks_are_as_the_vendor_describes(
    tmp_path: Path, spec: Spec
) -> None:
    async with opened(tmp_path) as desk, desk.at(API) as client:
        held = Held(client, spec)
        hook = {"target_hook_url": HOOK, "event_type": "email_sent"}
        at_hook = f"/webhooks/{(await held('POST', '/webhooks', json=hook))['id']}"
        await held("GET", "/webhooks")
        await held("GET", "/webhooks/{id}", at_hook)
        await held("GET", "/webhooks/event-types")
        await held("PATCH", "/webhooks/{id}", at_hook, json={"name": "b"})
        await held("POST", "/webhooks/{id}/resume", f"{at_hook}/resume")
        await held("DELETE", "/webhooks/{id}", at_hook)
        block = await held(
            "POST", "/block-lists-entries", json={"bl_value": "a.example"}
        )
        several = {"bl_values": ["b@c.example", "no"]}
        counted = await held("POST", "/block-lists-entries/bulk-create", json=several)
        listed = await held("GET", "/block-lists-entries")
        path = "/block-lists-entries/{id}"
        await held("DELETE", path, f"/block-lists-entries/{block['id']}")
        ids = {"ids": [counted["items"][0]["id"]]}
        await held("POST", "/block-lists-entries/bulk-delete", json=ids)

        left = await held("GET", "/block-lists-entries")

        assert (counted["valid_count"], counted["invalid_count"]) == (1, 1)
        assert [one["bl_value"] for one in listed["items"]] == [
            "a.example",
            "b@c.example",
        ]
        assert left == {"items": []}


async def test_every_answer_is_as_the_vendor_describes(
    tmp_path: Path, spec: Spec
) -> None:
    async with opened(tmp_path, **LIVELY) as desk, desk.at(API) as client:
        held = Held(client, spec)
        campaign = (await held("POST", "/campaigns", json=a_campaign()))["id"]
        at = f"/campaigns/{campaign}"
        await held("GET", "/campaigns/{id}", at)
        await held("GET", "/campaigns/{id}/sending-status", f"{at}/sending-status")
        await held("PATCH", "/campaigns/{id}", at, json={"daily_limit": 1000})
        hook = {"target_hook_url": HOOK, "event_type": "all_events", "name": "a"}
        await held("POST", "/webhooks", json=hook)
        await held("POST", "/campaigns/{id}/activate", f"{at}/activate")
        body = {"campaign_id": campaign, "leads": leads(*MANY)}
        added = await held("POST", "/leads/add", json=body)
        await desk.settled()
        lead = added["created_leads"][0]["id"]
        one = {"campaign": campaign, "limit": 100}
        assert (await held("POST", "/leads/list", json=one))["items"]
        await held("GET", "/leads/{id}", f"/leads/{lead}")
        await held("GET", "/campaigns/{id}/sending-status", f"{at}/sending-status")
        assert await held("GET", "/campaigns/analytics")
        assert (await held("GET", "/campaigns"))["items"]
        assert (await held("GET", "/accounts"))["items"]
        emails = (await held("GET", "/emails", "/emails?limit=100"))["items"]
        await held("GET", "/emails/{id}", f"/emails/{emails[0]['id']}")
        reply = {
            "eaccount": MAILBOX,
            "reply_to_uuid": emails[0]["id"],
            "subject": "Re: Oferta",
            "body": {"html": "Mulțumesc"},
        }
        await held("POST", "/emails/reply", json=reply)
        await held("GET", "/webhook-events", "/webhook-events?limit=100")
        event = desk.vendor.instantly.hooks.log[0]["id"]
        await held("GET", "/webhook-events/{id}", f"/webhook-events/{event}")
        await held("POST", "/accounts/{email}/pause", f"/accounts/{MAILBOX}/pause")
        await held("POST", "/accounts/{email}/resume", f"/accounts/{MAILBOX}/resume")
        await held("DELETE", "/leads/{id}", f"/leads/{lead}")
        await held("POST", "/campaigns/{id}/pause", f"{at}/pause")
        await held("DELETE", "/campaigns/{id}", at)


@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        ("POST", "/campaigns", {"name": "a"}, "required property 'campaign_schedule'"),
        ("POST", "/campaigns", a_campaign(color="red"), "additional properties"),
        ("PATCH", "/campaigns/{id}", {"status": 1}, "additional properties"),
        ("PATCH", "/campaigns/{id}", {"email_gap": "ten"}, "must be number,null"),
        ("POST", "/leads/add", {}, "required property 'leads'"),
        ("POST", "/leads/add", {"leads": leads("a@b.example")}, "either campaign_id"),
        ("POST", "/webhooks", {"target_hook_url": "ftp://x"}, "must match pattern"),
        ("POST", "/webhooks", {"url": HOOK}, "required property 'target_hook_url'"),
        (
            "POST",
            "/webhooks",
            {"target_hook_url": HOOK, "event_type": "link_clicked"},
            "allowed values",
        ),
        (
            "POST",
            "/webhooks",
            {"target_hook_url": HOOK, "event_type": None},
            "allowed values",
        ),
        ("POST", "/block-lists-entries", {"bl_value": "a b"}, "email or a domain"),
        ("POST", "/emails/reply", {"eaccount": MAILBOX}, "required property"),
        ("POST", "/leads/list", {"limit": "10"}, "must be integer"),
    ],
)
async def test_a_wrong_body_is_refused_in_the_vendors_shape(
    tmp_path: Path, spec: Spec, method: str, path: str, body: Any, says: str
) -> None:
    async with opened(tmp_path) as desk, desk.at(API) as client:
        url = path.replace("{id}", await made(client))

        answer = await client.request(method, url, json=body)

        assert answer.status_code == 400
        assert says in answer.json()["message"]
        assert answer.json().keys() == {"statusCode", "error", "message"}
        if (
            "400"
            in spec.document["paths"][f"/api/v2{path}"][method.lower()]["responses"]
        ):
            spec.check_answer(method, f"/api/v2{path}", 400, answer.json())
        assert desk.accepted() == []


@pytest.mark.parametrize("zone", ["Europe/London", "UTC", "Europe/Chisinau", "Mars/X"])
async def test_a_zone_that_the_vendor_does_not_know_refuses_the_campaign(
    tmp_path: Path, zone: str
) -> None:
    async with opened(tmp_path) as desk, desk.at(API) as client:
        asked = a_campaign()
        asked["campaign_schedule"]["schedules"][0]["timezone"] = zone

        answer = await client.post("/campaigns", json=asked)

        assert answer.status_code == 400
        assert "timezone must be equal to one of" in answer.json()["message"]
        assert (await client.get("/campaigns")).json() == {"items": []}


async def test_a_lead_has_no_unknown_fields_and_flat_variables(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk, desk.at(API) as client:
        campaign = await made(client)
        nested = leads("a@b.example", custom_variables={"tags": ["x"]})
        for wrong in (leads("a@b.example", colour="red"), nested):
            body = {"campaign_id": campaign, "leads": wrong}

            assert (await client.post("/leads/add", json=body)).status_code == 400
        assert desk.accepted() == []


async def test_a_request_without_the_key_is_refused(tmp_path: Path, spec: Spec) -> None:
    async with opened(tmp_path) as desk, desk.at(API) as client:
        for header in ("", "Bearer x"):
            answer = await client.get("/campaigns", headers={"authorization": header})

            assert answer.status_code == 401
            spec.check_answer("GET", "/api/v2/campaigns", 401, answer.json())


async def test_what_does_not_exist_is_not_found(tmp_path: Path, spec: Spec) -> None:
    async with opened(tmp_path) as desk, desk.at(API) as client:
        none = uuid.uuid4()
        for path in ("campaigns", "leads", "emails", "webhooks", "webhook-events"):
            answer = await client.get(f"/{path}/{none}")

            name = f"/api/v2/{path}/{{id}}"
            spec.check_answer("GET", name, answer.status_code, answer.json())
            assert answer.status_code == 404
        assert (await client.get("/nothing")).status_code == 404


async def test_a_campaign_is_always_made_as_a_draft_that_sends_nothing(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk, desk.at(API) as client:
        campaign = await made(client)
        await add(client, campaign, *MANY)
        await desk.settled()

        shown = (await client.get(f"/campaigns/{campaign}")).json()
        why = (await client.get(f"/campaigns/{campaign}/sending-status")).json()
        assert shown["status"] == 0
        assert why["diagnostics"]["status"] == "campaign_draft"
        assert desk.events("mailed") == []
        assert (await client.get("/campaigns/analytics")).json() == []

        await client.post(f"/campaigns/{campaign}/activate")
        await desk.settled()

        assert len(desk.events("mailed")) == len(MANY)


async def test_a_paused_campaign_sends_nothing_until_it_is_started_again(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk, desk.at(API) as client:
        campaign = await started(client)
        await client.post(f"/campaigns/{campaign}/pause")
        await add(client, campaign, *MANY)
        await desk.settled()
        assert desk.events("mailed") == []

        await client.post(f"/campaigns/{campaign}/activate")
        await desk.settled()

        assert len(desk.events("mailed")) == len(MANY)


async def test_a_page_has_ten_and_one_above_a_hundred_has_none(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk, desk.at(API) as client:
        campaign = await made(client)
        await add(client, campaign, *[f"a{n}@b.example" for n in range(120)])

        usual = (await client.post("/leads/list", json={})).json()
        above = (await client.post("/leads/list", json={"limit": 101})).json()
        found: list[str] = []
        pages = 0
        cursor: dict[str, Any] = {}
        while True:
            body = {"campaign": campaign, "limit": 40, **cursor}
            page = (await client.post("/leads/list", json=body)).json()
            if not page["items"]:
                break
            pages += 1
            found += [lead["email"] for lead in page["items"]]
            cursor = {"starting_after": page["next_starting_after"]}

        assert len(usual["items"]) == 10
        assert above == {"items": []}
        assert found == [f"a{n}@b.example" for n in range(120)]
        assert pages == 3  # the third is full, and has a cursor all the same
        assert (await client.get("/accounts?limit=500")).json() == {"items": []}


async def test_a_campaign_is_found_by_its_name_among_many(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk, desk.at(API) as client:
        for number in range(12):
            await made(client, name=f"outreach agri {number:02}")

        found = (await client.get("/campaigns?search=agri%2007")).json()["items"]
        first = (await client.get("/campaigns")).json()["items"]

        assert [one["name"] for one in found] == ["outreach agri 07"]
        assert len(first) == 10
        assert first[0]["name"] == "outreach agri 11"


async def test_every_lead_of_a_bulk_add_is_counted_once(
    tmp_path: Path, spec: Spec
) -> None:
    async with opened(tmp_path) as desk, desk.at(API) as client:
        one, two = await made(client), await made(client, name="other")
        await add(client, one, "in-one@b.example")
        await add(client, two, "in-two@b.example")
        await client.post("/block-lists-entries", json={"bl_value": "blocked.example"})
        sent = (
            "new@b.example",
            "NEW@b.example",
            "no address",
            "x@blocked.example",
            "in-one@b.example",
            "in-two@b.example",
            "last@b.example",
        )

        answer = await add(client, one, *sent, skip_if_in_campaign=True)

        spec.check_answer("POST", "/api/v2/leads/add", 200, answer)
        created = answer.pop("created_leads")
        assert [(lead["index"], lead["email"]) for lead in created] == [
            (0, "new@b.example"),
            (6, "last@b.example"),
        ]
        assert answer == {
            "status": "success",
            "total_sent": 7,
            "leads_uploaded": 2,
            "in_blocklist": 1,
            "blocklist_used": None,
            "duplicated_leads": 1,
            "skipped_count": 1,
            "invalid_email_count": 1,
            "incomplete_count": 0,
            "duplicate_email_count": 1,
            "remaining_in_plan": 999_996,
        }
        without = await add(client, one, "in-two@b.example")
        assert without["leads_uploaded"] == 1
        assert [line["to"] for line in desk.accepted()].count("in-two@b.example") == 2


async def test_what_is_above_the_plan_is_not_taken_and_in_no_counter(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, instantly_contacts=2) as desk, desk.at(API) as client:
        campaign = await made(client)

        answer = await add(client, campaign, *MANY[:3])

        assert (answer["leads_uploaded"], answer["remaining_in_plan"]) == (2, 0)
        assert len(desk.accepted()) == 2
        lead = answer["created_leads"][0]["id"]
        assert (await client.delete(f"/leads/{lead}")).status_code == 200
        again = await add(client, campaign, MANY[2])
        assert again["leads_uploaded"] == 1


async def test_a_thousand_leads_fit_and_one_more_does_not(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk, desk.at(API) as client:
        campaign = await made(client)
        thousand = [f"a{number}@b.example" for number in range(1000)]

        fits = await add(client, campaign, *thousand)
        body = {"campaign_id": campaign, "leads": leads(*thousand, "one@b.example")}
        refused = await client.post("/leads/add", json=body)

        assert fits["leads_uploaded"] == 1000
        assert refused.status_code == 400
        assert len(desk.accepted()) == 1000


async def test_a_removed_lead_gets_no_mail(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk, desk.at(API) as client:
        campaign = await made(client)
        created = (await add(client, campaign, *MANY[:3]))["created_leads"]
        await client.delete(f"/leads/{created[0]['id']}")
        body = {"campaign_id": campaign, "ids": [created[1]["id"]]}
        many = await client.request("DELETE", "/leads", json=body)

        await client.post(f"/campaigns/{campaign}/activate")
        await desk.settled()

        assert many.json() == {"count": 1}
        assert [line["to"] for line in desk.events("mailed")] == [MANY[2]]
        gone = await client.delete(f"/leads/{created[0]['id']}")
        assert gone.status_code == 404


async def test_a_mail_carries_the_leads_own_words(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk, desk.at(API) as client:
        campaign = await started(client)
        await add(client, campaign, MANY[0])
        await desk.settled()

        accepted, mailed = desk.accepted()[0], desk.events("mailed")[0]
        assert mailed["subject"] == accepted["subject"] == "Oferta"
        assert mailed["text"] == accepted["text"] == f"Bună, {MANY[0]}"
        assert mailed["sha256"] == accepted["sha256"]
        assert accepted["wire"] == "instantly"
        shown = (await client.get(f"/leads/{accepted['message_uid']}")).json()
        assert shown["status"] == 3
        assert shown["payload"]["companyName"] == "Ferma"


async def test_only_a_mail_of_the_unibox_can_be_answered(tmp_path: Path) -> None:
    async with (
        opened(tmp_path, cold_mail_reply=1, replies={"interested": 1}) as desk,
        desk.at(API) as client,
    ):
        await started(client)
        campaign = desk.vendor.instantly.store.campaigns
        await add(client, next(iter(campaign)), MANY[0])
        await desk.settled()
        came = (await client.get("/emails?email_type=received")).json()["items"]
        reply = {
            "eaccount": MAILBOX,
            "reply_to_uuid": came[0]["id"],
            "subject": "Re: Oferta",
            "body": {"text": "Mulțumesc"},
        }

        none = {**reply, "reply_to_uuid": str(uuid.uuid4())}
        other = {**reply, "eaccount": "nobody@b.example"}
        assert (await client.post("/emails/reply", json=none)).status_code == 404
        assert (await client.post("/emails/reply", json=other)).status_code == 400
        answer = (await client.post("/emails/reply", json=reply)).json()

        assert (answer["ue_type"], answer["lead"]) == (3, MANY[0])
        assert answer["thread_id"] == came[0]["thread_id"]
        kinds = collections.Counter(line["kind"] for line in desk.accepted())
        assert kinds == {"leads/add": 1, "emails/reply": 1}


async def test_mails_are_listed_twenty_times_a_minute(
    tmp_path: Path, spec: Spec
) -> None:
    async with opened(tmp_path) as desk, desk.at(API) as client:
        answers = [await client.get("/emails") for _ in range(21)]

        assert [answer.status_code for answer in answers] == [200] * 20 + [429]
        spec.check_answer("GET", "/api/v2/emails", 429, answers[-1].json())
        assert "retry-after" not in answers[-1].headers


async def test_above_the_limit_of_a_second_a_request_is_refused(
    tmp_path: Path,
) -> None:
    async with (
        opened(tmp_path, instantly_requests_per_s=3) as desk,
        desk.at(API) as client,
    ):
        answers = [await client.get("/accounts") for _ in range(4)]

        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert desk.events("429")[0]["wire"] == "instantly"


async def test_analytics_count_leads_and_mails_apart(tmp_path: Path) -> None:
    async with (
        opened(tmp_path, cold_mail_reply=0.5, mail_opened=1) as desk,
        desk.at(API) as client,
    ):
        await want(client, "all_events")
        campaign = await started(client)
        await add(client, campaign, *MANY[:20], "bounce@b.example", "invalid@b.example")
        await desk.settled()

        counts = (await client.get(f"/campaigns/analytics?id={campaign}")).json()[0]
        quick = "exclude_total_leads_count=true"
        few = (await client.get(f"/campaigns/analytics?{quick}")).json()[0]
        later = (await client.get("/campaigns/analytics?start_date=2999-01-01")).json()

        told = collections.Counter(body["event_type"] for body in desk.posted)
        assert counts["contacted_count"] == counts["emails_sent_count"] == 22
        assert counts["bounced_count"] == told["email_bounced"] == 2
        assert counts["open_count"] == told["email_opened"] == 20
        assert counts["reply_count"] == told["reply_received"] > 0
        assert (counts["leads_count"], few["leads_count"]) == (22, 0)
        assert later[0]["emails_sent_count"] == 0
        other = f"/campaigns/analytics?id={uuid.uuid4()}"
        assert (await client.get(other)).json() == []
