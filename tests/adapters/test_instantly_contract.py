"""Every request of the Instantly adapter, and every answer of its workbench, held to
the vendor's own contract.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
from attrs import evolve
from tests.contract.instantly_workspace import (
    HELD,
    ORGANIZATION,
    InstantlyBench,
    opened,
)
from tests.vendor_specs import Spec, vendor_spec

from outreach.adapters._http import HttpRequest
from outreach.adapters.instantly import (
    InstantlyGateway,
    campaigns,
    hooks,
    leads,
    replies,
)
from outreach.adapters.instantly.words import EVENTS
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.ids import AccountId, CampaignId, StepId, StopId, TenantId
from outreach.domain.message import Parcel
from outreach.domain.provider_campaign import CampaignPlan
from outreach.domain.stop import Stop, StopKind
from outreach.ports.gateway import Confirmed
from outreach.testing.fault_server import Asked, Reaction, Says
from outreach.testing.gateway_bench import parcel
from outreach.testing.gateway_stops import CAMPAIGN

SINCE: Final = datetime(2026, 12, 1, 8, tzinfo=UTC)
MAIL: Final = "019ffad2-9c4e-7be6-8364-ed444afb02d5"
THREAD: Final = f"{MAIL}|ion@agro.example"
PLAN: Final = CampaignPlan(
    AccountId(CAMPAIGN),
    CampaignId(CAMPAIGN),
    StepId(CAMPAIGN),
    "agri",
    1,
    "Europe/Rome",
)
URL: Final = "https://outreach.example/webhooks/instantly"
OLD_URL: Final = "https://old.example/webhooks/instantly"
HOOK: Final = hooks.Hook(URL, {"X": "y"}, "all_events")


def cold(text: str = "Bună ziua!\nIon") -> Parcel:
    return evolve(
        parcel(text),
        permit=Permit(Channel.EMAIL_COLD, State.COLD),
        to="ana@firma.ro",
        subject="O întrebare",
        campaign=HELD,
    )


def warm(text: str = "Da, sigur.") -> Parcel:
    permit = Permit(Channel.EMAIL_WARM, State.WARM_REPLY)
    return evolve(cold(text), permit=permit, thread=THREAD)


def _requests() -> list[HttpRequest]:
    wanted = campaigns.wanted(PLAN, date(2026, 12, 1))
    reply = replies.reply_request(warm())
    assert wanted is not None
    assert isinstance(reply, HttpRequest)
    there = evolve(HOOK, id=MAIL)
    return [
        leads.add_request([cold(), cold("another {{text}}")]),
        leads.leads_request(["ana@firma.ro"], HELD),
        leads.leads_request(["ana@firma.ro"], HELD, MAIL),
        leads.leads_request(["ana@firma.ro"]),
        leads.delete_request(MAIL),
        leads.block_request("ana@firma.ro"),
        leads.blocked_request("ana@firma.ro", MAIL),
        reply,
        replies.sent_request(warm(), SINCE),
        campaigns.campaigns_request(str(CAMPAIGN), MAIL),
        campaigns.campaign_request(HELD),
        campaigns.create_request(wanted),
        campaigns.mend_request(HELD, wanted.settings),
        campaigns.mend_request(HELD, {"email_list": ["ion@agro.example"]}),
        campaigns.activate_request(HELD),
        campaigns.pause_request(HELD),
        campaigns.status_request(HELD),
        campaigns.accounts_request("2026-01-01T00:00:00.000Z&ion@agro.example"),
        campaigns.counts_request([HELD, MAIL]),
        hooks.hooks_request(MAIL),
        hooks.make_request(HOOK),
        hooks.set_request(there, HOOK),
        hooks.resume_request(there),
        hooks.lost_request(SINCE, MAIL),
    ]


@pytest.fixture
def spec() -> Spec:
    return vendor_spec("instantly.json")


def _described(spec: Spec, method: str, path: str) -> tuple[str, dict[str, Any]]:
    """A written path wins over one with a parameter, as on the vendor's side."""
    paths = spec.document["paths"]
    fits = [one for one in paths if _fits(one, path) and method.lower() in paths[one]]
    assert fits, f"{method} {path} is not described"
    template = min(fits, key=lambda one: one.count("{"))
    operation: dict[str, Any] = paths[template][method.lower()]
    return template, operation


def _fits(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) is not None


@pytest.mark.parametrize("request_", _requests(), ids=str)
def test_every_request_is_one_that_the_vendor_describes(
    request_: HttpRequest, spec: Spec
) -> None:
    parts = urlsplit(request_.path)
    template, operation = _described(spec, request_.method, parts.path)

    if request_.body is not None:
        body = json.loads(request_.body)
        spec.check_request(request_.method, template, body)
        content = operation["requestBody"]["content"]["application/json"]
        _check_known(spec, content["schema"], body)
    else:
        assert not operation.get("requestBody", {}).get("required")
    known = {
        one["name"]: one["schema"]
        for one in operation.get("parameters", ())
        if one.get("in") == "query"
    }
    given = parse_qs(parts.query, keep_blank_values=True)
    assert set(given) <= set(known)
    for name, values in given.items():
        schema = known[name]
        assert schema["type"] == "array" or len(values) == 1
        for value in values:
            _check_value(schema, value)


def _check_known(spec: Spec, schema: dict[str, Any], body: Any) -> None:
    """No field that the contract does not name, at any depth."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = spec.document["components"]["schemas"][name]
    if isinstance(body, list) and "items" in schema:
        for one in body:
            _check_known(spec, schema["items"], one)
    if isinstance(body, dict) and "properties" in schema:
        assert set(body) <= set(schema["properties"])
        for name, value in body.items():
            _check_known(spec, schema["properties"][name], value)


def _check_value(schema: dict[str, Any], value: str) -> None:
    match schema["type"]:
        case "boolean":
            assert value in {"true", "false"}
        case "integer":
            assert schema.get("minimum", 0) <= int(value) <= schema["maximum"]
        case "number":
            assert int(value) in schema.get("enum", [int(value)])
        case "string" if schema.get("format") == "date":
            assert date.fromisoformat(value)
        case "string":
            assert value in schema.get("enum", [value])


def test_every_endpoint_that_is_used_is_among_those_requests(spec: Spec) -> None:
    used = {
        (one.method, _described(spec, one.method, urlsplit(one.path).path)[0])
        for one in _requests()
    }

    assert len(used) == 21
    assert ("POST", "/api/v2/leads/add") in used


def test_every_type_that_can_be_subscribed_to_is_read_or_known_to_be_kept(
    spec: Spec,
) -> None:
    create = spec.document["paths"]["/api/v2/webhooks"]["post"]["requestBody"]
    body = create["content"]["application/json"]["schema"]["properties"]
    listed = set(body["event_type"]["enum"]) - {None}

    kept = {one for one in listed if one.startswith(("lead_", "supersearch_"))}
    kept |= {"all_events", "campaign_completed", "account_error"}
    assert listed - (kept - {"lead_unsubscribed"}) <= set(EVENTS)


async def test_the_workbench_answers_as_the_vendor_describes(spec: Spec) -> None:
    async with opened() as bench:
        answers = _overheard(bench)
        await _everything(bench)

    checked = set()
    for asked, said in answers:
        template, operation = _described(spec, asked.method, asked.path)
        schema = operation["responses"][str(said.status)]
        assert schema, (template, said.status)
        spec.check_answer(asked.method, template, said.status, said.body)
        checked.add((asked.method, template))
    assert len(checked) == 21


def _overheard(bench: InstantlyBench) -> list[tuple[Asked, Says]]:
    heard: list[tuple[Asked, Says]] = []
    inner = bench.workspace.react

    def react(asked: Asked) -> Reaction:
        said = inner(asked)
        assert isinstance(said, Says)
        # As it was when it was said.
        copied = json.loads(json.dumps(said.body))
        heard.append((asked, evolve(said, body=copied)))
        return said

    bench.server.react = react
    return heard


async def _everything(bench: InstantlyBench) -> None:
    """Every call of the adapter, against a workspace that has what it asks for."""
    there, adapter = bench.workspace, bench.adapter
    ample = timedelta(seconds=10)
    there.campaigns.clear()
    there.accounts.append(
        {
            "email": "ion@agro.example",
            "timestamp_created": "2026-01-01T00:00:00.000Z",
            "timestamp_updated": "2026-01-01T00:00:00.000Z",
            "first_name": "Ion",
            "last_name": "Pop",
            "organization": ORGANIZATION,
            "warmup_status": 1,
            "provider_code": 2,
            "setup_pending": False,
            "is_managed_account": False,
            "status": 1,
        }
    )
    running = await adapter.ensure(PLAN)
    ref = getattr(running, "ref", "")
    assert ref, running
    await adapter.ensure(evolve(PLAN, opens=PLAN.opens.replace(hour=10)), ref)
    await adapter.state(ref)
    there.analytics.append(
        {
            **dict.fromkeys(
                (
                    *("leads_count", "open_count", "reply_count", "link_click_count"),
                    *("unsubscribed_count", "completed_count", "emails_sent_count"),
                    *("new_leads_contacted_count", "total_opportunities"),
                    *("total_opportunity_value",),
                ),
                0,
            ),
            "campaign_name": PLAN.name,
            "campaign_id": ref,
            "campaign_status": 1,
            "campaign_is_evergreen": False,
            "contacted_count": 100,
            "bounced_count": 3,
        }
    )
    await adapter.counts([ref])
    message = evolve(cold(), campaign=ref)
    await adapter.send(message, ample)
    await adapter.look(message, SINCE)
    await adapter.send(warm(), ample)
    await adapter.look(warm(), SINCE)
    await adapter.register(URL)
    there.webhooks[0] |= {"status": -1, "target_hook_url": OLD_URL}
    await adapter.register(URL)
    await adapter.lost(SINCE)
    await _stopped(adapter, message, ref)


async def _stopped(adapter: InstantlyGateway, message: Parcel, ref: str) -> None:
    for kind in (StopKind.WITHDRAW, StopKind.BLOCK, StopKind.BLOCK, StopKind.PAUSE):
        about = CAMPAIGN if kind is StopKind.PAUSE else message.attempt
        answer = await adapter.stop(
            Stop(
                id=StopId(CAMPAIGN),
                tenant=TenantId(CAMPAIGN),
                account=AccountId(CAMPAIGN),
                kind=kind,
                about=str(about),
                cause="OPTED_OUT",
                at=SINCE,
                now=SINCE,
                to="ana@firma.ro",
            )
        )
        assert isinstance(answer, Confirmed), (kind, ref, answer)
