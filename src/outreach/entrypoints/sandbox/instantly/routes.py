"""Instantly's routes, and what stands before them: key, edge, limit."""

from __future__ import annotations

import collections
import hmac
import time
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from outreach.entrypoints.sandbox.edge import is_blocked_at_edge
from outreach.entrypoints.sandbox.instantly.campaign_pages import Accounts, Campaigns
from outreach.entrypoints.sandbox.instantly.lead_pages import Blocks, Leads
from outreach.entrypoints.sandbox.instantly.mail_pages import Mails, Webhooks
from outreach.entrypoints.sandbox.instantly.shape import missing, refused, too_many
from outreach.entrypoints.sandbox.instantly.workspace import Workspace
from outreach.entrypoints.sandbox.wire import FORBIDDEN_PAGE

__all__ = ["PATH", "create_instantly"]

PATH: Final = "/instantly"
_MINUTE_S: Final = 60


def create_instantly(workspace: Workspace) -> ASGIApp:
    """Build the vendor's API for one workspace."""
    campaigns, accounts = Campaigns(workspace), Accounts(workspace)
    leads, blocks = Leads(workspace), Blocks(workspace)
    mails, hooks = Mails(workspace), Webhooks(workspace)
    routes = [
        Route("/campaigns", campaigns.create, methods=["POST"]),
        Route("/campaigns", campaigns.listed, methods=["GET"]),
        Route("/campaigns/analytics", campaigns.analytics, methods=["GET"]),
        Route("/campaigns/{id}", campaigns.one, methods=["GET"]),
        Route("/campaigns/{id}", campaigns.change, methods=["PATCH"]),
        Route("/campaigns/{id}", campaigns.delete, methods=["DELETE"]),
        Route("/campaigns/{id}/activate", campaigns.activate, methods=["POST"]),
        Route("/campaigns/{id}/pause", campaigns.pause, methods=["POST"]),
        Route("/campaigns/{id}/sending-status", campaigns.sending_status),
        Route("/accounts", accounts.listed, methods=["GET"]),
        Route("/accounts/{email}", accounts.one, methods=["GET"]),
        Route("/accounts/{email}/pause", accounts.pause, methods=["POST"]),
        Route("/accounts/{email}/resume", accounts.resume, methods=["POST"]),
        Route("/leads/add", leads.add, methods=["POST"]),
        Route("/leads/list", leads.listed, methods=["POST"]),
        Route("/leads", leads.delete_many, methods=["DELETE"]),
        Route("/leads/{id}", leads.one, methods=["GET"]),
        Route("/leads/{id}", leads.delete, methods=["DELETE"]),
        Route("/block-lists-entries", blocks.create, methods=["POST"]),
        Route("/block-lists-entries", blocks.listed, methods=["GET"]),
        Route("/block-lists-entries/bulk-create", blocks.create_many, methods=["POST"]),
        Route("/block-lists-entries/bulk-delete", blocks.delete_many, methods=["POST"]),
        Route("/block-lists-entries/{id}", blocks.delete, methods=["DELETE"]),
        Route("/emails/reply", mails.reply, methods=["POST"]),
        Route("/emails", mails.listed, methods=["GET"]),
        Route("/emails/{id}", mails.one, methods=["GET"]),
        Route("/webhooks", hooks.listed, methods=["GET"]),
        Route("/webhooks", hooks.register, methods=["POST"]),
        Route("/webhooks/event-types", hooks.event_types, methods=["GET"]),
        Route("/webhooks/{id}", hooks.one, methods=["GET"]),
        Route("/webhooks/{id}", hooks.change, methods=["PATCH"]),
        Route("/webhooks/{id}", hooks.delete, methods=["DELETE"]),
        Route("/webhooks/{id}/resume", hooks.resume, methods=["POST"]),
        Route("/webhook-events", hooks.events, methods=["GET"]),
        Route("/webhook-events/{id}", hooks.event, methods=["GET"]),
    ]
    api = Router([Mount("/api/v2", Router(routes, redirect_slashes=False))])
    return _Gate(api, workspace)


class _Gate:
    """Counts machine time: so many requests a second, and sixty times that a minute."""

    def __init__(self, app: ASGIApp, workspace: Workspace) -> None:
        self._app = app
        self._ground = workspace.ground
        self._courier = workspace.courier
        self._arrived: collections.deque[float] = collections.deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await (self._turned_away(scope) or self._app)(scope, receive, send)
        except HTTPException as problem:
            body = missing().body
            if problem.status_code != missing().status:
                body = {
                    "statusCode": problem.status_code,
                    "error": problem.detail,
                    "message": problem.detail,
                }
            answer = JSONResponse(body, problem.status_code)
            await answer(scope, receive, send)

    def _turned_away(self, scope: Scope) -> Response | None:
        knobs = self._ground.behaviour()
        if is_blocked_at_edge(scope, knobs):
            return self._noted("403", scope, HTMLResponse(FORBIDDEN_PAGE, 403))
        given = Headers(scope=scope).get("authorization", "")
        expected = f"Bearer {self._ground.token}"
        if not hmac.compare_digest(given.encode(), expected.encode()):
            why = "Invalid API key" if given else "Missing Authorization header"
            return self._noted("401", scope, JSONResponse(refused(401, why).body, 401))
        self._courier.open()
        if self._is_too_often(knobs.instantly_requests_per_s):
            return self._noted("429", scope, too_many())
        return None

    def _is_too_often(self, per_s: int) -> bool:
        now_s = time.monotonic()
        arrived = self._arrived
        while arrived and now_s - arrived[0] >= _MINUTE_S:
            arrived.popleft()
        if per_s:
            latest = [at_s for at_s in list(arrived)[-per_s:] if now_s - at_s < 1]
            if len(latest) >= per_s or len(arrived) >= per_s * _MINUTE_S:
                return True
        arrived.append(now_s)
        return False

    def _noted(self, kind: str, scope: Scope, answer: Response) -> Response:
        self._ground.journal.note(
            kind,
            of="gate",
            wire="instantly",
            method=scope["method"],
            path=scope["path"],
        )
        return answer
