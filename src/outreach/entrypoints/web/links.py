"""Pages behind the links in what we send: GET shows, POST acts (RFC 8058).

``/u/{token}`` and ``/u/{language}/{token}`` have a person left alone, ``/c/...``
confirms a consent. Scanners open every link of a mail, so a GET changes nothing,
however often. A POST needs no login, cookie or script, and is never redirected.
Whoever tries tokens learns nothing: what is valid, invalid, flipped or too old is
answered the same, after the same time, and has asked the store something either way.

The path holds a token: leave paths below ``/u/`` and ``/c/`` out of access logs.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from attrs import define, field, frozen
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from outreach.adapters.system.links import PATHS, followed
from outreach.domain.errors import RetryLater
from outreach.domain.ids import ConsentId
from outreach.domain.link import Link, LinkKind, spoken
from outreach.entrypoints.web.bodies import read_body
from outreach.entrypoints.web.failures import Failures
from outreach.entrypoints.web.pages import Told, page
from outreach.entrypoints.web.parts import WebParts
from outreach.entrypoints.web.ringer import Ringer
from outreach.ports.consents import Consents
from outreach.ports.links import Links

__all__ = ["LinkParts", "LinkRoutes"]

_GRID: Final = 0.25
"""Seconds (machine time) between the moments at which a POST may be answered."""
_COME_AGAIN_SECONDS: Final = 60

_log = structlog.get_logger(__name__)


@frozen(kw_only=True)
class LinkParts:
    """What the pages need.

    Attributes:
        nothing: asks the store for nothing: what an invalid token costs.
        language: of pages whose link names none.
        sleep: machine seconds.
    """

    links: Links
    consents: Consents
    nothing: Callable[[], Awaitable[None]]
    language: str
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@define(eq=False)
class LinkRoutes:
    """All pages of one app."""

    parts: WebParts
    link: LinkParts
    ringer: Ringer
    _posts: Failures = field(init=False)

    def __attrs_post_init__(self) -> None:
        limits = self.parts.limits
        self._posts = Failures(limits.posts, limits.post_every, self.parts.monotonic)

    def routes(self) -> list[Route]:
        """As `create_app` mounts them."""
        found = []
        for kind, path in PATHS.items():
            behind = _Page(kind, self.parts, self.link, self.ringer, self._posts)
            for where in (f"/{path}/{{language}}/{{token}}", f"/{path}/{{token}}"):
                found += [
                    Route(where, behind.show, methods=["GET"]),
                    Route(where, behind.act, methods=["POST"]),
                ]
        return found


@frozen(eq=False)
class _Page:
    kind: LinkKind
    parts: WebParts
    link: LinkParts
    ringer: Ringer
    posts: Failures

    async def show(self, request: Request) -> Response:
        """The question; the token is not even looked at."""
        return page(self.kind, Told.ASKED, self._language(request))

    async def act(self, request: Request) -> Response:
        """Do what the token says, if it says anything, and tell neither."""
        began, language = self.parts.monotonic(), self._language(request)
        wait = self.posts.count(request.client.host if request.client else "")
        try:
            # Its words do not matter: with or without them, the person has asked.
            await read_body(request, self.parts.limits)
        except ClientDisconnect:
            _log.info("page.gone", kind=self.kind.name)
        told = Told.DONE
        try:
            async with asyncio.timeout(self.parts.limits.store_within.total_seconds()):
                await self._follow(request.path_params["token"])
        except (RetryLater, TimeoutError) as error:
            _log.warning("page.unavailable", error=type(error).__name__)
            told, wait = Told.UNAVAILABLE, _COME_AGAIN_SECONDS
        else:
            # Too many ask from there; what this one asked for is done all the same.
            told = Told.LIMITED if wait else Told.DONE
        spent = self.parts.monotonic() - began
        await self.link.sleep(_GRID * (math.floor(spent / _GRID) + 1) - spent)
        return page(self.kind, told, language, retry_after=wait)

    async def _follow(self, token: str) -> None:
        link = self.link.links.read(token)
        if link is None or link.kind is not self.kind:
            await self.link.nothing()
        elif link.kind is LinkKind.CONSENT:
            await self.link.consents.confirm(link.tenant, ConsentId(link.about))
        else:
            await self._unsubscribe(link)

    async def _unsubscribe(self, link: Link) -> None:
        arrival = followed(link, self.parts.now())
        if await self.parts.inbox.put(arrival):
            self.parts.metrics.events.add(arrival.type)
            self.ringer.ring()

    def _language(self, request: Request) -> str:
        wanted: str = request.path_params.get("language", "")
        return spoken(wanted, self.link.language)
