"""Every answer that is not a success, in one shape, and an id for every request.

``{"error": {"code", "message", "details"}, "requestId", "timestamp"}``. Nothing of a
request is ever quoted: not its path (which may hold a token), not a header, not a
body; neither in an answer nor in a log line. A defect is logged by its type and
place, because the text of an exception may hold what came in.
"""

from __future__ import annotations

import re
import secrets
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final

import structlog
from attrs import frozen
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["REQUEST_ID", "ErrorCode", "Noted", "Problem", "on_problem", "stack"]

REQUEST_ID: Final = "X-Request-Id"

_KEY: Final = "outreach.request_id"
_GIVEN: Final = re.compile(rb"[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
"""A UUID or the id of a trace: what a proxy or provider may name a request."""

_EVERYWHERE: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)
_ID_BYTES: Final = 16
_FRAMES: Final = 5
_log = structlog.get_logger(__name__)


class ErrorCode(StrEnum):
    """What a program may tell errors apart by."""

    VALIDATION_ERROR = "VALIDATION_ERROR"
    UNAUTHORIZED = "UNAUTHORIZED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
    CONFLICT = "CONFLICT"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    RATE_LIMITED = "RATE_LIMITED"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"


_CODES: Final = {
    HTTPStatus.BAD_REQUEST: ErrorCode.VALIDATION_ERROR,
    HTTPStatus.UNAUTHORIZED: ErrorCode.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN: ErrorCode.FORBIDDEN,
    HTTPStatus.NOT_FOUND: ErrorCode.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: ErrorCode.METHOD_NOT_ALLOWED,
    HTTPStatus.REQUEST_TIMEOUT: ErrorCode.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT: ErrorCode.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ErrorCode.PAYLOAD_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ErrorCode.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.TOO_MANY_REQUESTS: ErrorCode.RATE_LIMITED,
    HTTPStatus.INTERNAL_SERVER_ERROR: ErrorCode.INTERNAL_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE: ErrorCode.SERVICE_UNAVAILABLE,
}


@frozen
class Noted:
    """Goes on after a defect inside it, which is logged as *what*."""

    what: str

    def __enter__(self) -> None:
        return

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        _note(self.what, error)
        return True


class Problem(HTTPException):
    """A request that is answered with an error.

    Args:
        status: one that has an `ErrorCode`.
        message: names the thing and the way out; quotes nothing of the request.
        details: figures, names of ours.
    """

    def __init__(
        self,
        status: HTTPStatus,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, message, headers)
        self.code = _CODES[status]
        self.details = dict(details or {})


def stack(now: Callable[[], datetime]) -> list[Middleware]:
    """What stands around the routes: request ids, then the answer to defects."""

    def on_defect(request: Request, error: Exception) -> Response:
        _note("defect", error)
        problem = Problem(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "something went wrong here; the log tells more under this requestId",
        )
        return _answer(request, problem, now())

    return [
        Middleware(_Identified),
        Middleware(ExceptionMiddleware, handlers={Exception: _asynchronous(on_defect)}),
    ]


def on_problem(now: Callable[[], datetime]) -> Mapping[Any, Any]:
    """Exception handlers for everything that is refused on purpose."""

    def answer(request: Request, error: Exception) -> Response:
        if isinstance(error, Problem):
            return _answer(request, error, now())
        if not isinstance(error, HTTPException):
            raise TypeError from error
        return _answer(request, _of_the_framework(error), now())

    return {HTTPException: _asynchronous(answer)}


@frozen
class _Identified:
    """Names each request, in the answer and in every log line about it."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _given(scope) or secrets.token_hex(_ID_BYTES)
        scope[_KEY] = request_id
        more = [(b"x-request-id", request_id.encode()), *_EVERYWHERE]

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *more]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self.app(scope, receive, send_named)


def _asynchronous(
    handler: Callable[[Request, Exception], Response],
) -> Callable[[Request, Exception], Any]:
    """Starlette would run a plain function in a thread."""

    async def handle(request: Request, error: Exception) -> Response:
        return handler(request, error)

    return handle


def _given(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _GIVEN.fullmatch(value):
            return str(value, "ascii")
    return ""


def _of_the_framework(error: HTTPException) -> Problem:
    try:
        status = HTTPStatus(error.status_code)
    except ValueError:
        status = HTTPStatus.INTERNAL_SERVER_ERROR
    if status not in _CODES:
        is_ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        status = HTTPStatus.INTERNAL_SERVER_ERROR if is_ours else HTTPStatus.BAD_REQUEST
    return Problem(status, status.phrase.lower(), headers=error.headers)


def _answer(request: Request, problem: Problem, now: datetime) -> Response:
    body = {
        "error": {
            "code": problem.code,
            "message": problem.detail,
            "details": problem.details,
        },
        "requestId": request.scope.get(_KEY, ""),
        "timestamp": now.astimezone(UTC).isoformat(),
    }
    return JSONResponse(body, problem.status_code, headers=problem.headers)


def _note(what: str, error: Exception) -> None:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    _log.error(what, error=type(error).__name__, where=where)
