"""Resend's routes, and what stands before them: key, edge, limit."""

from __future__ import annotations

import hmac
import math
import time
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outreach.entrypoints.sandbox.edge import is_blocked_at_edge
from outreach.entrypoints.sandbox.resend.lists import Lists
from outreach.entrypoints.sandbox.resend.sending import Sending
from outreach.entrypoints.sandbox.resend.team import Team, too_many
from outreach.entrypoints.sandbox.wire import FORBIDDEN_PAGE

__all__ = ["PATH", "create_resend"]

PATH = "/resend"


def create_resend(team: Team) -> ASGIApp:
    """Build the vendor's API for one team."""
    sending, lists = Sending(team), Lists(team)
    routes = [
        Route("/emails", sending.one, methods=["POST"]),
        Route("/emails", lists.mails, methods=["GET"]),
        Route("/emails/batch", sending.batch, methods=["POST"]),
        Route("/emails/receiving", lists.received, methods=["GET"]),
        Route("/emails/receiving/{id}", lists.received_one, methods=["GET"]),
        Route("/emails/{id}", lists.mail, methods=["GET"]),
        Route("/emails/{id}", lists.reschedule, methods=["PATCH"]),
        Route("/emails/{id}/cancel", lists.cancel, methods=["POST"]),
        Route("/domains", lists.domains, methods=["GET"]),
        Route("/domains/{id}", lists.domain, methods=["GET"]),
        Route("/suppressions", lists.suppressions, methods=["GET"]),
        Route("/suppressions", lists.suppress, methods=["POST"]),
        Route("/suppressions/batch/add", lists.suppress_many, methods=["POST"]),
        Route("/suppressions/{id}", lists.suppression, methods=["GET"]),
        Route("/suppressions/{id}", lists.unsuppress, methods=["DELETE"]),
        Route("/webhooks", lists.hooks, methods=["GET"]),
        Route("/webhooks", lists.register, methods=["POST"]),
        Route("/webhooks/{id}", lists.hook, methods=["GET"]),
        Route("/webhooks/{id}", lists.change_hook, methods=["PATCH"]),
        Route("/webhooks/{id}", lists.delete_hook, methods=["DELETE"]),
    ]
    return _Gate(Router(routes, redirect_slashes=False), team)


async def http_error(_: Request, problem: HTTPException) -> Response:
    """Word what the router refuses: an unknown path or method."""
    is_missing = problem.status_code == HTTPStatus.NOT_FOUND
    name = "not_found" if is_missing else "method_not_allowed"
    return _error(problem.status_code, name, problem.detail)


def _error(status: int, name: str, message: str) -> JSONResponse:
    return JSONResponse(
        {"statusCode": status, "name": name, "message": message}, status
    )


class _Gate:
    """Counts machine seconds: so many requests in each, over all keys of the team."""

    def __init__(self, app: ASGIApp, team: Team) -> None:
        self._app = app
        self._ground = team.ground
        self._courier = team.courier
        self._second = 0
        self._served = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        turned_away = self._turned_away(scope)
        limit = self._ground.behaviour().resend_requests_per_s

        async def send_with_limit(message: Message) -> None:
            if limit and message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["ratelimit-limit"] = str(limit)
                headers["ratelimit-remaining"] = str(max(limit - self._served, 0))
                headers["ratelimit-reset"] = "1"
            await send(message)

        try:
            await (turned_away or self._app)(scope, receive, send_with_limit)
        except HTTPException as problem:
            answer = await http_error(Request(scope), problem)
            await answer(scope, receive, send_with_limit)

    def _turned_away(self, scope: Scope) -> Any:
        knobs = self._ground.behaviour()
        if is_blocked_at_edge(scope, knobs):
            return self._noted("403", scope, HTMLResponse(FORBIDDEN_PAGE, 403))
        given = Headers(scope=scope).get("authorization", "")
        if not given:
            message = "Missing API Key in the authorization header."
            answer = _error(401, "missing_api_key", message)
            return self._noted("401", scope, answer)
        expected = f"Bearer {self._ground.token}"
        if not hmac.compare_digest(given.encode(), expected.encode()):
            answer = _error(403, "invalid_api_key", "API key is invalid.")
            return self._noted("403", scope, answer)
        self._courier.open()
        now = math.floor(time.monotonic())
        if now != self._second:
            self._second, self._served = now, 0
        self._served += 1
        if knobs.resend_requests_per_s and self._served > knobs.resend_requests_per_s:
            return self._noted("429", scope, too_many(1))
        return None

    def _noted(self, kind: str, scope: Scope, answer: Response) -> Response:
        self._ground.journal.note(
            kind,
            of="gate",
            wire="resend",
            method=scope["method"],
            path=scope["path"],
        )
        return answer
