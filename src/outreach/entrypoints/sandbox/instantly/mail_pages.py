"""The endpoints of the unibox, of webhooks and of their log."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from outreach.entrypoints.sandbox.instantly.hooks import EVENT_TYPES, Hook
from outreach.entrypoints.sandbox.instantly.paging import flag, page, read
from outreach.entrypoints.sandbox.instantly.shape import (
    Shape,
    bad,
    check,
    missing,
    too_many,
)
from outreach.entrypoints.sandbox.instantly.store import Email
from outreach.entrypoints.sandbox.instantly.workspace import Reply, Workspace
from outreach.entrypoints.sandbox.journal import Json

__all__ = ["Mails", "Webhooks"]

_MINUTE_S: Final = 60.0
_TYPES: Final = {"received": 2, "sent": 1, "manual": 3}
_WORD: Final[Shape] = {"type": "string"}
_REPLY: Final[Shape] = {
    "type": "object",
    "required": ("eaccount", "reply_to_uuid", "subject", "body"),
    "properties": {
        "eaccount": _WORD,
        "reply_to_uuid": _WORD,
        "subject": _WORD,
        "body": {"type": "object", "properties": {"html": _WORD, "text": _WORD}},
    },
}


class Mails:
    """Endpoints of Starlette."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lists: list[float] = []

    async def reply(self, request: Request) -> Response:
        body = await read(request)
        check(body, _REPLY)
        text = body["body"].get("html") or body["body"].get("text")
        if not text:
            message = "body/body must have html or text"
            raise bad(message)
        store = self._workspace.store
        answered = store.emails.get(body["reply_to_uuid"])
        if answered is None:
            raise missing()
        account = body["eaccount"].lower()
        if account not in store.accounts:
            message = "eaccount is not connected to this workspace"
            raise bad(message)

        def accept(answer: str, arrival: int) -> Response:
            order = Reply(
                to=answered,
                account=account,
                subject=body["subject"],
                text=text,
                arrival=arrival,
                answer=answer,
            )
            return self._shown(self._workspace.reply(order))

        return await self._workspace.trouble.meet(request, answered.id, accept)

    async def listed(self, request: Request) -> Response:
        if self._is_too_often():
            return too_many()
        query = request.query_params
        found = sorted(
            self._workspace.store.emails.values(), key=lambda one: one.number
        )
        if query.get("sort_order", "desc") == "desc":
            found.reverse()
        found = [email for email in found if _matches(email, query)]
        if flag(query, "latest_of_thread"):
            latest = {email.thread: email.number for email in found}
            if query.get("sort_order", "desc") == "desc":
                latest = {email.thread: email.number for email in reversed(found)}
            found = [one for one in found if latest[one.thread] == one.number]
        is_preview = flag(query, "preview_only") or False
        organization = self._workspace.store.organization
        return page(
            query,
            found,
            lambda one: one.id,
            lambda one: one.shown(organization, preview_only=is_preview),
        )

    async def one(self, request: Request) -> Response:
        email = self._workspace.store.emails.get(request.path_params["id"])
        if email is None:
            raise missing()
        return self._shown(email)

    def _shown(self, email: Email) -> Response:
        return JSONResponse(email.shown(self._workspace.store.organization))

    def _is_too_often(self) -> bool:
        """Count the lists of the last minute: they have a limit of their own."""
        now_s = time.monotonic()
        self._lists = [at_s for at_s in self._lists if now_s - at_s < _MINUTE_S]
        most = self._workspace.ground.behaviour().instantly_mail_lists_per_min
        if most and len(self._lists) >= most:
            return True
        self._lists.append(now_s)
        return False


def _matches(email: Email, query: Mapping[str, str]) -> bool:
    search = query.get("search", "")
    if search.startswith("thread:") and email.thread != search.removeprefix("thread:"):
        return False
    if search and not search.startswith("thread:") and search.lower() != email.lead:
        return False
    wanted = _TYPES.get(query.get("email_type", ""))
    unread = {"true": True, "false": False}.get(query.get("is_unread", ""))
    accounts = query.get("eaccount", email.account).lower().split(",")
    at_s = _moment(query, "min_timestamp_created")
    until_s = _moment(query, "max_timestamp_created")
    return (
        query.get("campaign_id") in {None, email.campaign}
        and query.get("lead", email.lead).lower() == email.lead
        and email.account in accounts
        and wanted in {None, email.kind}
        and unread in {None, email.kind == _TYPES["received"]}
        and (at_s is None or email.at_s >= at_s)
        and (until_s is None or email.at_s <= until_s)
    )


def _moment(query: Mapping[str, str], name: str) -> float | None:
    if name not in query:
        return None
    try:
        at = dt.datetime.fromisoformat(query[name])
    except ValueError as error:
        message = f"querystring/{name} must be ISO 8601"
        raise bad(message) from error
    return (at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp()


class Webhooks:
    """Endpoints of Starlette."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def listed(self, request: Request) -> Response:
        query = request.query_params
        found = sorted(self._workspace.hooks.live.values(), key=lambda one: one.id)
        for name in ("campaign", "event_type"):
            if name in query:
                found = [one for one in found if one.asked.get(name) == query[name]]
        return page(query, found, lambda one: one.id, lambda one: one.shown())

    async def one(self, request: Request) -> Response:
        return JSONResponse(self._found(request).shown())

    async def register(self, request: Request) -> Response:
        hook = self._workspace.hooks.register(await read(request))
        return JSONResponse(hook.shown())

    async def change(self, request: Request) -> Response:
        hook = self._found(request)
        self._workspace.hooks.change(hook, await read(request))
        return JSONResponse(hook.shown())

    async def delete(self, request: Request) -> Response:
        hook = self._found(request)
        self._workspace.hooks.delete(hook)
        return JSONResponse(hook.shown())

    async def resume(self, request: Request) -> Response:
        hook = self._found(request)
        self._workspace.hooks.resume(hook)
        return JSONResponse(hook.shown())

    async def event_types(self, _: Request) -> Response:
        shown = [
            {
                "id": name,
                "label": name.replace("_", " ").title(),
                "type": "all_events" if name == "all_events" else "standard",
            }
            for name in EVENT_TYPES
        ]
        return JSONResponse({"event_types": shown})

    async def events(self, request: Request) -> Response:
        query = request.query_params
        found = list(reversed(self._workspace.hooks.log))
        if (wanted := flag(query, "success")) is not None:
            found = [one for one in found if one["success"] is wanted]
        if "from" in query:
            found = [o for o in found if o["timestamp_created_date"] >= query["from"]]
        if "to" in query:
            found = [o for o in found if o["timestamp_created_date"] <= query["to"]]
        if search := query.get("search"):
            found = [o for o in found if search in {o["webhook_url"], o["lead_email"]}]
        return page(query, found, _id, dict)

    async def event(self, request: Request) -> Response:
        for entry in self._workspace.hooks.log:
            if entry["id"] == request.path_params["id"]:
                return JSONResponse(entry)
        raise missing()

    def _found(self, request: Request) -> Hook:
        hook = self._workspace.hooks.live.get(request.path_params["id"])
        if hook is None:
            raise missing()
        return hook


def _id(entry: Json) -> Any:
    return entry["id"]
