"""Resend's words: errors, times, lists."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.requests import Request

from outreach.entrypoints.sandbox.answers import Refused
from outreach.entrypoints.sandbox.journal import Json

__all__ = [
    "EVENT_TYPES",
    "bare",
    "missing",
    "page",
    "read",
    "refused",
    "when",
    "zulu",
]

_MOST_ON_A_PAGE: Final = 100
_USUAL_PAGE: Final = 20
_ADDRESS: Final = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+")

EVENT_TYPES: Final = (
    "email.sent",
    "email.delivered",
    "email.delivery_delayed",
    "email.bounced",
    "email.complained",
    "email.opened",
    "email.clicked",
    "email.failed",
    "email.scheduled",
    "email.suppressed",
    "email.received",
    "contact.created",
    "contact.updated",
    "contact.deleted",
    "domain.created",
    "domain.updated",
    "domain.deleted",
)


def refused(status: int, name: str, message: str) -> Refused:
    """Make an error of the vendor's shape, to be raised."""
    return Refused(status, {"statusCode": status, "name": name, "message": message})


def missing(what: str) -> Refused:
    return refused(404, "not_found", f"{what} not found")


async def read(request: Request) -> Any:
    """Read JSON from the body. Raises Refused if it is none."""
    try:
        return json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError) as bad:
        message = "The request body is not valid JSON."
        raise refused(400, "validation_error", message) from bad


def bare(typed: object) -> str | None:
    """Give the address in "Name <address>" or in an address, else None."""
    if not isinstance(typed, str):
        return None
    _, address = email.utils.parseaddr(typed)
    return address if _ADDRESS.fullmatch(address) else None


def zulu(at_s: float) -> str:
    """Write a time as ISO 8601 in UTC, with milliseconds."""
    at = dt.datetime.fromtimestamp(at_s, dt.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def when(typed: object) -> float | None:
    """Read an ISO 8601 time with its offset; None if it is none."""
    try:
        at = dt.datetime.fromisoformat(str(typed))
    except ValueError:
        return None
    return None if at.tzinfo is None else at.timestamp()


def page(query: Mapping[str, str], items: Sequence[Json]) -> Json:
    """Cut a list, newest first, at its cursors. Raises Refused for bad ones."""
    typed = query.get("limit", str(_USUAL_PAGE))
    if not typed.isdecimal() or not 1 <= int(typed) <= _MOST_ON_A_PAGE:
        message = f"`limit` must be between 1 and {_MOST_ON_A_PAGE}."
        raise refused(422, "validation_error", message)
    limit, ids = int(typed), [item["id"] for item in items]
    if "after" in query and "before" in query:
        message = "`after` and `before` cannot be used together."
        raise refused(422, "validation_error", message)
    start, end = 0, len(items)
    if "after" in query:
        start = _place(ids, query["after"]) + 1
    if "before" in query:
        end = _place(ids, query["before"])
        start = max(0, end - limit)
    shown = items[start:end][:limit]
    more = start > 0 if "before" in query else start + limit < end
    return {"object": "list", "has_more": more, "data": list(shown)}


def _place(ids: list[str], cursor: str) -> int:
    if cursor not in ids:
        message = f"The cursor {cursor!r} is not valid."
        raise refused(422, "validation_error", message)
    return ids.index(cursor)
