"""Reading a request and cutting a list, with the vendor's traps."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse

from outreach.entrypoints.sandbox.instantly.shape import bad
from outreach.entrypoints.sandbox.journal import Json

__all__ = ["cut", "flag", "page", "read", "zulu"]

_USUAL: Final = 10
_MOST: Final = 100

_T = TypeVar("_T")


async def read(request: Request) -> Any:
    """Read JSON from the body; nothing is an empty object."""
    try:
        return json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError) as error:
        message = "Body is not valid JSON"
        raise bad(message) from error


def zulu(at_s: float) -> str:
    """Write a time as ISO 8601 in UTC, with milliseconds."""
    at = dt.datetime.fromtimestamp(at_s, dt.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def flag(query: Mapping[str, str], name: str) -> bool | None:
    """Read a boolean of a query; None if it is not there. Raises Refused."""
    value = query.get(name)
    if value is None:
        return None
    if value not in {"true", "false"}:
        message = f"querystring/{name} must be boolean"
        raise bad(message)
    return value == "true"


def page(
    given: Mapping[str, Any],
    items: Sequence[_T],
    cursor: Callable[[_T], str],
    show: Callable[[_T], Json],
) -> JSONResponse:
    """Answer with the page that a query or a body asks for."""
    shown = cut(given, items, cursor)
    body: Json = {"items": [show(one) for one in shown]}
    # The last page has a cursor like any other; the one after it is empty.
    if shown:
        body["next_starting_after"] = cursor(shown[-1])
    return JSONResponse(body)


def cut(
    given: Mapping[str, Any], items: Sequence[_T], cursor: Callable[[_T], str]
) -> list[_T]:
    """Give the items of one page. A limit above 100 gives none, without an error."""
    try:
        limit = int(given.get("limit", _USUAL))
    except (TypeError, ValueError) as error:
        message = "limit must be integer"
        raise bad(message) from error
    if limit < 1:
        message = "limit must be >= 1"
        raise bad(message)
    if limit > _MOST:
        return []
    after = given.get("starting_after")
    start = 0
    if after:
        places = [place for place, one in enumerate(items) if cursor(one) == after]
        start = places[0] + 1 if places else len(items)
    return list(items[start : start + limit])
