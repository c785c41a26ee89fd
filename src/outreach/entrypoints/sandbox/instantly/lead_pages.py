"""The endpoints of leads and of the block list."""

from __future__ import annotations

import collections
import re
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from outreach.entrypoints.sandbox.instantly.campaigns import Campaign
from outreach.entrypoints.sandbox.instantly.leads import ADD, Lead, check_variables
from outreach.entrypoints.sandbox.instantly.paging import flag, page, read
from outreach.entrypoints.sandbox.instantly.shape import (
    Shape,
    bad,
    check,
    listed,
    missing,
)
from outreach.entrypoints.sandbox.instantly.workspace import Workspace
from outreach.entrypoints.sandbox.journal import Json

__all__ = ["Blocks", "Leads"]

_ADDRESS: Final = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+\.[A-Za-z][^\s@<>,;\"]*")
_IDS: Final[Shape] = listed({"type": "string", "uuid": True})
_YES_NO: Final[Shape] = {"type": "boolean"}
_LIST: Final[Shape] = {
    "type": "object",
    "properties": {
        "search": {"type": "string"},
        "campaign": {"type": "string", "uuid": True},
        "in_campaign": _YES_NO,
        "in_list": _YES_NO,
        "ids": _IDS,
        "excluded_ids": _IDS,
        "contacts": listed({"type": "string"}),
        "limit": {"type": "integer", "least": 1},
        "starting_after": {"type": "string"},
    },
}
_BLOCK: Final[Shape] = {
    "type": "object",
    "closed": True,
    "required": ("bl_value",),
    "properties": {"bl_value": {"type": "string"}},
}
_BLOCKS: Final[Shape] = {
    "type": "object",
    "required": ("bl_values",),
    "properties": {"bl_values": listed({"type": "string"}, least=1, most=1000)},
}
_BLOCKABLE: Final = re.compile(r"([^\s@]+@)?[^\s@]+\.[^\s@]+")


class Leads:
    """Endpoints of Starlette. A lead is accepted before its answer begins."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def add(self, request: Request) -> Response:
        body = await read(request)
        check(body, ADD)
        if ("campaign_id" in body) == ("list_id" in body):
            message = "body must have either campaign_id or list_id"
            raise bad(message)
        for place, lead in enumerate(body["leads"]):
            check_variables(lead, f"body/leads/{place}")
        campaign = self._workspace.store.campaigns.get(body.get("campaign_id", ""))
        if campaign is None:
            raise missing()  # the sandbox has no lists
        key = str(body["leads"][0].get("email") or campaign.id).lower()

        def accept(answer: str, arrival: int) -> Response:
            about = {"key": key, "arrival": arrival, "answer": answer}
            return JSONResponse(self._added(campaign, body, about))

        return await self._workspace.trouble.meet(request, key, accept)

    def _added(self, campaign: Campaign, body: Json, about: Json) -> Json:
        store = self._workspace.store
        room = self._workspace.ground.behaviour().instantly_contacts - len(store.leads)
        counts: collections.Counter[str] = collections.Counter()
        created: list[Json] = []
        seen: set[str] = set()
        for index, asked in enumerate(body["leads"]):
            email = str(asked.get("email") or "").strip().lower()
            why = self._why_not(campaign, body, email, seen)
            seen.add(email)
            if why:
                counts[why] += 1
            elif len(created) < room:  # what is above the plan is in no counter
                lead = self._workspace.add(campaign, asked, arrival=about)
                created.append({"index": index, "id": lead.id, "email": lead.email})
        self._workspace.scheduler.look(campaign)
        return {
            "status": "success",
            "total_sent": len(body["leads"]),
            "leads_uploaded": len(created),
            "in_blocklist": counts["in_blocklist"],
            "blocklist_used": body.get("blocklist_id"),
            "duplicated_leads": counts["duplicated_leads"],
            "skipped_count": counts["skipped_count"],
            "invalid_email_count": counts["invalid_email_count"],
            "incomplete_count": 0,
            "duplicate_email_count": counts["duplicate_email_count"],
            "remaining_in_plan": max(room - len(created), 0),
            "created_leads": created,
        }

    def _why_not(
        self, campaign: Campaign, body: Json, email: str, seen: set[str]
    ) -> str:
        """Name the counter of a lead that is not taken, or ""."""
        store = self._workspace.store
        if not _ADDRESS.fullmatch(email):
            return "invalid_email_count"
        if email in seen:
            return "duplicate_email_count"
        if store.is_blocked(email):
            return "in_blocklist"
        if store.lead_in(campaign.id, email):
            return "duplicated_leads"
        skips = body.get("skip_if_in_workspace") or body.get("skip_if_in_campaign")
        return "skipped_count" if skips and store.is_anywhere(email) else ""

    async def listed(self, request: Request) -> Response:
        if stumbled := self._workspace.trouble.stumble(request):
            return stumbled
        asked = await read(request)
        check(asked, _LIST)
        found = sorted(self._workspace.store.leads.values(), key=lambda one: one.id)
        contacts = frozenset(one.lower() for one in asked.get("contacts", ()))
        found = [lead for lead in found if _matches(lead, asked, contacts)]
        return page(asked, found, lambda one: one.id, lambda one: one.shown())

    async def one(self, request: Request) -> Response:
        lead = self._found(request)
        return self._workspace.trouble.stumble(request) or JSONResponse(lead.shown())

    async def delete(self, request: Request) -> Response:
        lead = self._found(request)
        self._workspace.remove(lead)
        return JSONResponse(lead.shown())

    async def delete_many(self, request: Request) -> Response:
        asked = await read(request)
        if "campaign_id" not in asked:
            message = "body must have required property 'campaign_id'"
            raise bad(message)
        wanted = asked.get("ids")
        leads = [
            lead
            for lead in self._workspace.store.leads_of(asked["campaign_id"])
            if (wanted is None or lead.id in wanted)
            and asked.get("status") in {None, lead.status}
        ][: asked.get("limit")]
        for lead in leads:
            self._workspace.remove(lead)
        return JSONResponse({"count": len(leads)})

    def _found(self, request: Request) -> Lead:
        lead = self._workspace.store.leads.get(request.path_params["id"])
        if lead is None:
            raise missing()
        return lead


def _matches(lead: Lead, asked: Json, contacts: frozenset[str]) -> bool:
    words = f"{lead.email} {lead.asked.get('first_name')} {lead.asked.get('last_name')}"
    return (
        asked.get("campaign") in {None, lead.campaign}
        and (not asked.get("ids") or lead.id in asked["ids"])
        and lead.id not in asked.get("excluded_ids", ())
        and (not contacts or lead.email in contacts)
        and asked.get("search", "").lower() in words.lower()
        and asked.get("in_campaign", True)
        and not asked.get("in_list", False)
    )


class Blocks:
    """Endpoints of Starlette."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def create(self, request: Request) -> Response:
        body = await read(request)
        check(body, _BLOCK)
        if not _BLOCKABLE.fullmatch(body["bl_value"].strip()):
            message = "body/bl_value must be an email or a domain"
            raise bad(message)
        return JSONResponse(self._workspace.block(body["bl_value"]))

    async def create_many(self, request: Request) -> Response:
        body = await read(request)
        check(body, _BLOCKS)
        good = [v for v in body["bl_values"] if _BLOCKABLE.fullmatch(v.strip())]
        items = [self._workspace.block(value) for value in good]
        wrong = len(body["bl_values"]) - len(good)
        return JSONResponse(
            {"items": items, "valid_count": len(good), "invalid_count": wrong}
        )

    async def listed(self, request: Request) -> Response:
        query = request.query_params
        found = sorted(self._workspace.store.blocked.values(), key=_id)
        if search := query.get("search"):
            found = [one for one in found if search.lower() in one["bl_value"]]
        if flag(query, "domains_only"):
            found = [one for one in found if one["is_domain"]]
        return page(query, found, _id, dict)

    async def delete(self, request: Request) -> Response:
        entry = self._workspace.store.blocked.get(request.path_params["id"])
        if entry is None:
            raise missing()
        self._workspace.unblock(entry)
        return JSONResponse(entry)

    async def delete_many(self, request: Request) -> Response:
        body: Any = await read(request)
        ids = body.get("ids") if isinstance(body, dict) else None
        check({"ids": ids}, {"type": "object", "properties": {"ids": _IDS}})
        blocked = self._workspace.store.blocked
        entries = [blocked[one] for one in ids or () if one in blocked]
        for entry in entries:
            self._workspace.unblock(entry)
        return JSONResponse(entries)


def _id(entry: Json) -> str:
    return str(entry["id"])
