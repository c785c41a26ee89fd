"""Questions to the vendor, and orders that may be given twice; lists page by page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from attrs import field, frozen

from outreach.adapters import _json
from outreach.adapters._http import (
    HttpClient,
    HttpReply,
    HttpRequest,
    Lost,
    NotSent,
    retry_after,
)
from outreach.adapters.instantly.acceptance import Body, answer, body_of
from outreach.adapters.instantly.words import Json
from outreach.domain.errors import Misconfigured, NotFound, Unavailable
from outreach.domain.message import NotAccepted
from outreach.domain.sender import SenderSignal

__all__ = ["PAGE", "Api", "get", "post", "read", "request"]

PAGE: Final = 100
"""The most that is given: without a limit a page is 10, beyond this one it is empty."""
MOST_PAGES: Final = 100
MOST_KEYS: Final = 100_000
"""Of an answer: a page of leads holds some fifty each."""

_ROOT: Final = "/api/v2"
_SUCCESS: Final = range(200, 300)
_NOT_FOUND: Final = 404


def request(method: str, path: str, body: Json | None = None) -> HttpRequest:
    """Write a request; *path* goes below ``/api/v2``."""
    written = None
    if body is not None:
        written = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return HttpRequest(method, _ROOT + path, written)


def post(path: str, body: Json | None = None) -> HttpRequest:
    """Write a POST."""
    return request("POST", path, body)


def get(
    path: str, query: Mapping[str, str | Sequence[str]] | None = None
) -> HttpRequest:
    """Write a GET; empty parameters are left out, several values are repeated."""
    given = {name: value for name, value in (query or {}).items() if value}
    written = urlencode(given, doseq=True)
    return request("GET", f"{path}?{written}" if written else path)


def read(reply: HttpReply, what: str) -> Any:
    """Read the answer to a question.

    Raises:
        NotFound: the API says that there is none.
        Misconfigured: it does not accept our key, or for this.
        Unavailable: it did not tell.
    """
    if reply.status in _SUCCESS:
        try:
            return _json.parse(reply.body, most_keys=MOST_KEYS)
        except _json.Unreadable as error:
            message = f"instantly did not tell {what}: {error}"
            raise Unavailable(message) from error
    if reply.status == _NOT_FOUND and body_of(reply) is Body.ERROR:
        message = f"instantly has no {what}"
        raise NotFound(message)
    match answer(reply):
        case NotAccepted(signal=SenderSignal.AUTH_FAILED):
            message = (
                f"instantly does not accept the API key for {what} ({reply.status}): "
                "set one of API v2 that has the scopes named in docs/providers.md"
            )
            raise Misconfigured(message)
    message = f"instantly did not tell {what}: {reply.status}"
    raise Unavailable(message, retry_after=retry_after(reply.headers))


@frozen
class Api:
    """The client of one workspace, for everything but sends.

    Attributes:
        within: machine time for one request.
    """

    client: HttpClient = field(repr=False)
    within: timedelta

    async def fetch(self, asked: HttpRequest, what: str) -> HttpReply:
        """One request, one answer; `Unavailable` if there is none."""
        match await self.client.fetch(asked, self.within):
            case HttpReply() as reply:
                return reply
            case NotSent(why) | Lost(why):
                message = f"instantly did not tell {what}: {why}"
                raise Unavailable(message)

    async def thing(self, asked: HttpRequest, what: str) -> Json:
        """One object; for what is raised see `read`."""
        said = read(await self.fetch(asked, what), what)
        if isinstance(said, dict):
            return said
        message = f"instantly did not tell {what}: no object"
        raise Unavailable(message)

    async def listed(
        self,
        page: Callable[[str], HttpRequest],
        what: str,
        *,
        most_pages: int = MOST_PAGES,
    ) -> list[Json]:
        """Everything on a list, page after page; for what is raised see `read`.

        Args:
            page: the request for the page after a cursor; empty for the first.
        """
        found: list[Json] = []
        cursor = ""
        for _ in range(most_pages):
            said = await self.thing(page(cursor), what)
            items = said.get("items")
            if not isinstance(items, list) or not all(
                isinstance(one, dict) for one in items
            ):
                message = f"instantly did not tell {what}: no items"
                raise Unavailable(message)
            found += items
            after = said.get("next_starting_after")
            if not items or not isinstance(after, str) or not after:
                return found
            if after == cursor:
                break
            cursor = after
        message = f"instantly has more of {what} than is read"
        raise Unavailable(message)
