"""What stands before the vendor's API: its edge, its token check, its limits."""

from __future__ import annotations

import hmac
import time

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from outreach.entrypoints.sandbox.behaviour import Behaviour
from outreach.entrypoints.sandbox.edge import is_blocked_at_edge
from outreach.entrypoints.sandbox.vendor import Vendor
from outreach.entrypoints.sandbox.wire import FORBIDDEN_PAGE, NOT_FOUND_PAGE, error

__all__ = ["Gate"]


class Gate:
    """Turns away what the API itself never sees."""

    def __init__(self, app: ASGIApp, vendor: Vendor) -> None:
        self._app = app
        self._vendor = vendor
        self._tokens = 0.0
        self._filled_at = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        turned_away = self._turned_away(scope) if scope["type"] == "http" else None
        if turned_away is None:
            await self._app(scope, receive, send)
        else:
            await turned_away(scope, receive, send)

    def _turned_away(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if scope["path"].endswith("/"):
            return HTMLResponse(NOT_FOUND_PAGE, 404)
        if is_blocked_at_edge(scope, self._vendor.behaviour):
            self._note("403", scope)
            return HTMLResponse(FORBIDDEN_PAGE, 403)
        return self._unauthorised(scope, headers) or self._limited(scope)

    def _unauthorised(self, scope: Scope, headers: Headers) -> Response | None:
        given = headers.get("authorization", "")
        if not given:
            self._note("401", scope)
            body = error("Authentication required", code="missing_credentials")
            return JSONResponse(body, 401)
        expected = f"Bearer {self._vendor.token}"
        is_known = hmac.compare_digest(given.encode(), expected.encode())
        if not is_known or self._is_revoked():
            self._note("401", scope)
            return JSONResponse(error("Invalid token", code="invalid_token"), 401)
        return None

    def _is_revoked(self) -> bool:
        limit = self._vendor.behaviour.revoked_after
        return limit is not None and self._vendor.world.accepted >= limit

    def _limited(self, scope: Scope) -> Response | None:
        self._vendor.calls += 1
        if self._has_room(self._vendor.behaviour):
            return None
        self._note("429", scope)
        body = error("Rate limit exceeded", code="rate_limit_exceeded")
        return JSONResponse(body, 429)

    def _has_room(self, knobs: Behaviour) -> bool:
        if not knobs.requests_per_s:
            return True
        now = time.monotonic()
        gained = (now - self._filled_at) * knobs.requests_per_s
        self._tokens = min(self._tokens + gained, float(max(knobs.burst, 1)))
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _note(self, kind: str, scope: Scope) -> None:
        self._vendor.journal.note(
            kind, of="gate", method=scope["method"], path=scope["path"]
        )
