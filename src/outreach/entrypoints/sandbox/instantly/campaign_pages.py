"""The endpoints of campaigns and of the mailboxes that send for them."""

from __future__ import annotations

import collections
import datetime as dt
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from outreach.entrypoints.sandbox.instantly.campaigns import (
    ACTIVE,
    CHANGE,
    CREATE,
    PAUSED,
    Campaign,
)
from outreach.entrypoints.sandbox.instantly.paging import flag, page, read, zulu
from outreach.entrypoints.sandbox.instantly.scheduler import sending_status
from outreach.entrypoints.sandbox.instantly.shape import bad, check, missing
from outreach.entrypoints.sandbox.instantly.store import Account
from outreach.entrypoints.sandbox.instantly.workspace import Workspace
from outreach.entrypoints.sandbox.journal import Json

__all__ = ["Accounts", "Campaigns"]

_WORKS, _PAUSED = 1, 2


class Campaigns:
    """Endpoints of Starlette."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def create(self, request: Request) -> Response:
        asked = await read(request)
        check(asked, CREATE)
        return JSONResponse(self._workspace.create(asked).shown())

    async def listed(self, request: Request) -> Response:
        if stumbled := self._workspace.trouble.stumble(request):
            return stumbled
        query = request.query_params
        found = sorted(
            self._workspace.store.campaigns.values(),
            key=lambda one: one.id,
            reverse=True,
        )
        if search := query.get("search"):
            found = [one for one in found if search.lower() in one.name.lower()]
        if "status" in query:
            found = [one for one in found if str(one.status) == query["status"]]
        return page(query, found, lambda one: one.id, lambda one: one.shown())

    async def one(self, request: Request) -> Response:
        campaign = self._found(request)
        return self._workspace.trouble.stumble(request) or JSONResponse(
            campaign.shown()
        )

    async def change(self, request: Request) -> Response:
        campaign, asked = self._found(request), await read(request)
        check(asked, CHANGE)
        self._workspace.change(campaign, asked)
        return JSONResponse(campaign.shown())

    async def delete(self, request: Request) -> Response:
        campaign = self._found(request)
        self._workspace.delete(campaign)
        return JSONResponse(campaign.shown())

    async def activate(self, request: Request) -> Response:
        campaign = self._found(request)
        if not campaign.steps:
            message = "Campaign has no sequence steps"
            raise bad(message)
        if not campaign.accounts:
            message = "Campaign has no sending accounts"
            raise bad(message)
        self._workspace.change(campaign, {}, ACTIVE)
        return JSONResponse(campaign.shown())

    async def pause(self, request: Request) -> Response:
        campaign = self._found(request)
        self._workspace.change(campaign, {}, PAUSED)
        return JSONResponse(campaign.shown())

    async def sending_status(self, request: Request) -> Response:
        campaign, store = self._found(request), self._workspace.store
        word = self._workspace.scheduler.why_not(campaign)
        known = [
            store.accounts[one] for one in campaign.accounts if one in store.accounts
        ]
        now = {
            "at": zulu(time.time()),
            "accounts": len(known),
            "available": sum(account.status == _WORKS for account in known),
        }
        return JSONResponse(sending_status(campaign, word, now))

    async def analytics(self, request: Request) -> Response:
        query = request.query_params
        wanted = {*query.getlist("id"), *query.getlist("ids")}
        begin, end = _edge(query.get("start_date")), _edge(query.get("end_date"))
        without_leads = flag(query, "exclude_total_leads_count")
        found = []
        for campaign in self._workspace.store.campaigns.values():
            if wanted and campaign.id not in wanted:
                continue
            if not any(what == "sent" for _, what, _ in campaign.history):
                continue
            leads = len(self._workspace.store.leads_of(campaign.id))
            leads = 0 if without_leads else leads
            found.append(_counts(campaign, leads, begin, end))
        return JSONResponse(found)

    def _found(self, request: Request) -> Campaign:
        campaign = self._workspace.store.campaigns.get(request.path_params["id"])
        if campaign is None:
            raise missing()
        return campaign


class Accounts:
    """Endpoints of Starlette."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def listed(self, request: Request) -> Response:
        query, store = request.query_params, self._workspace.store
        found = sorted(store.accounts.values(), key=lambda one: one.email)
        if "status" in query:
            found = [one for one in found if str(one.status) == query["status"]]
        if search := query.get("search"):
            found = [one for one in found if search.lower() in one.email]
        return page(
            query,
            found,
            lambda one: one.email,
            lambda one: one.shown(store.organization),
        )

    async def one(self, request: Request) -> Response:
        return self._shown(self._found(request))

    async def pause(self, request: Request) -> Response:
        account = self._found(request)
        self._workspace.set_account(account, _PAUSED)
        return self._shown(account)

    async def resume(self, request: Request) -> Response:
        account = self._found(request)
        self._workspace.set_account(account, _WORKS)
        return self._shown(account)

    def _found(self, request: Request) -> Account:
        email = request.path_params["email"].lower()
        account = self._workspace.store.accounts.get(email)
        if account is None:
            raise missing()
        return account

    def _shown(self, account: Account) -> Response:
        return JSONResponse(account.shown(self._workspace.store.organization))


def _edge(typed: str | None) -> float | None:
    """Read a day, which begins at midnight UTC, or a moment."""
    if typed is None:
        return None
    try:
        at = dt.datetime.fromisoformat(typed)
    except ValueError as error:
        message = "querystring dates must be YYYY-MM-DD or ISO 8601"
        raise bad(message) from error
    return (at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp()


def _counts(
    campaign: Campaign, leads: int, begin: float | None, end: float | None
) -> Json:
    events: collections.Counter[str] = collections.Counter()
    who = collections.defaultdict[str, set[str]](set)
    for at_s, what, lead in campaign.history:
        if (begin is None or at_s >= begin) and (end is None or at_s <= end):
            events[what] += 1
            who[what].add(lead)
    info: dict[str, Any] = {
        "campaign_id": campaign.id,
        "campaign_name": campaign.name,
        "campaign_status": campaign.status,
        "campaign_is_evergreen": bool(campaign.asked.get("is_evergreen")),
        "leads_count": leads,
        "contacted_count": len(who["contacted"]),
        "new_leads_contacted_count": len(who["contacted"]),
        "emails_sent_count": events["sent"],
        "open_count": events["opened"],
        "open_count_unique": len(who["opened"]),
        "reply_count": events["replied"],
        "reply_count_unique": len(who["replied"]),
        "reply_count_automatic": events["auto"],
        "reply_count_automatic_unique": len(who["auto"]),
        "link_click_count": 0,
        "bounced_count": len(who["bounced"]),
        "unsubscribed_count": len(who["unsubscribed"]),
        "completed_count": len(who["completed"]),
        "total_opportunities": 0,
        "total_opportunity_value": 0,
    }
    return info
