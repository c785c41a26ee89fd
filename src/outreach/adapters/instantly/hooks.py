"""Where the vendor sends its webhooks, and those that did not arrive."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

from attrs import field, frozen

from outreach.adapters._http import HttpReply, HttpRequest
from outreach.adapters.instantly.acceptance import Body, body_of
from outreach.adapters.instantly.api import PAGE, Api, get, post, read, request
from outreach.adapters.instantly.words import Json, moment, plain, uid
from outreach.domain.errors import Misconfigured, NotFound, Unavailable

__all__ = [
    "HEADER",
    "Hook",
    "hooks_request",
    "lost",
    "lost_request",
    "make_request",
    "register",
    "resume_request",
    "set_request",
]

HEADER: Final = "X-Outreach-Webhook-Secret"
"""The vendor signs nothing; a header that it was given is all that vouches for it."""

NAME: Final = "outreach"
_EVERYTHING: Final = "all_events"
"""Automatic replies can be had no other way, nor labels of a workspace's own."""
_DISABLED: Final = -1
_REFUSED: Final = frozenset({400, 409, 422})
_SOME: Final = 50
"""Deliveries of one page; each holds whole mails."""
_MOST_PAGES: Final = 100
_WHAT: Final = "webhooks"


@frozen
class Hook:
    """A subscription.

    Attributes:
        id: the vendor's; empty for one that is only wanted.
    """

    url: str = field(repr=False)
    headers: Json | None = field(repr=False)
    event_type: str
    campaign: str | None = None
    is_disabled: bool = field(default=False, eq=False)
    name: str = field(default=NAME, eq=False)
    id: str = field(default="", eq=False)

    @classmethod
    def read(cls, item: Json) -> Hook:
        """Read the vendor's object."""
        headers = item.get("headers")
        campaign = item.get("campaign")
        return cls(
            url=plain(item.get("target_hook_url")),
            headers=headers if isinstance(headers, dict) else None,
            event_type=plain(item.get("event_type")),
            campaign=campaign if isinstance(campaign, str) else None,
            is_disabled=item.get("status") == _DISABLED,
            name=plain(item.get("name")),
            id=uid(item.get("id")),
        )

    def stands_for(self, wanted: Hook) -> bool:
        """Whether it is *wanted*, or was that under an earlier address of ours."""
        if self.url == wanted.url:
            return True
        same_path = urlsplit(self.url).path == urlsplit(wanted.url).path
        return self.name == NAME and same_path

    def written(self) -> Json:
        """The body that makes it so."""
        return {
            "name": NAME,
            "target_hook_url": self.url,
            "event_type": self.event_type,
            "campaign": None,
            "headers": self.headers,
        }


def hooks_request(after: str = "") -> HttpRequest:
    """Ask for what is subscribed to."""
    return get("/webhooks", {"limit": str(PAGE), "starting_after": after})


def make_request(hook: Hook) -> HttpRequest:
    """Subscribe."""
    return post("/webhooks", hook.written())


def set_request(there: Hook, hook: Hook) -> HttpRequest:
    """Change a subscription."""
    return request("PATCH", f"/webhooks/{quote(there.id, safe='')}", hook.written())


def resume_request(there: Hook) -> HttpRequest:
    """Switch on one that the vendor switched off after failures."""
    return post(f"/webhooks/{quote(there.id, safe='')}/resume")


def lost_request(since: datetime, after: str = "") -> HttpRequest:
    """Ask for deliveries that failed, from the day of *since* (UTC)."""
    return get(
        "/webhook-events",
        {
            "success": "false",
            "from": since.date().isoformat(),
            "limit": str(_SOME),
            "starting_after": after,
        },
    )


async def register(api: Api, url: str, secret: str) -> None:
    """See `ReceivesWebhooks.register`; what is there already is left alone."""
    if not secret:
        message = (
            "instantly can only be told apart by a secret of ours: set "
            "OUTREACH_INSTANTLY_WEBHOOK_SECRET"
        )
        raise Misconfigured(message)
    wanted = Hook(url, {HEADER: secret}, _EVERYTHING)
    try:
        found = await api.listed(hooks_request, _WHAT)
    except NotFound as error:
        raise Unavailable(str(error)) from error
    there = next(
        (hook for hook in map(Hook.read, found) if hook.stands_for(wanted)), None
    )
    if there is None:
        there = _taken(await api.fetch(make_request(wanted), _WHAT))
    elif there != wanted:
        there = _taken(await api.fetch(set_request(there, wanted), _WHAT))
    if there.is_disabled:
        there = _taken(await api.fetch(resume_request(there), _WHAT))
    if there != wanted or there.is_disabled:
        message = "instantly did not take the webhook as it was told"
        raise Unavailable(message)


async def lost(api: Api, since: datetime) -> Sequence[bytes]:
    """See `ReplaysLost.lost`. One that a later try brought is told too."""
    try:
        found = await api.listed(
            lambda after: lost_request(since, after),
            "lost webhooks",
            most_pages=_MOST_PAGES,
        )
    except NotFound as error:
        raise Unavailable(str(error)) from error
    payloads: list[tuple[str, Any]] = []
    for item in found:
        made = moment(item.get("timestamp_created"))
        payload = item.get("payload")
        if isinstance(payload, dict) and (made is None or made >= since):
            payloads.append((plain(item.get("timestamp_created")), payload))
    payloads.sort(key=lambda one: one[0])
    bodies = [json.dumps(payload).encode() for _, payload in payloads]
    return list(dict.fromkeys(bodies))


def _taken(reply: HttpReply) -> Hook:
    if reply.status in _REFUSED and body_of(reply) is Body.ERROR:
        message = (
            "instantly refused a webhook: the public URL must be one that the vendor "
            "can reach"
        )
        raise Misconfigured(message)
    try:
        said = read(reply, _WHAT)
    except NotFound as error:
        raise Unavailable(str(error)) from error
    if not isinstance(said, dict):
        message = "instantly did not tell the webhook"
        raise Unavailable(message)
    return Hook.read(said)
