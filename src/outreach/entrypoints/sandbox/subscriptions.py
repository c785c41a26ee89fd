"""The webhooks registered at the vendor: one event type and one URL each."""

from __future__ import annotations

import ipaddress
import re
import urllib.parse
from collections.abc import Iterable
from typing import Any, Final

import attrs

from outreach.entrypoints.sandbox.journal import Json
from outreach.entrypoints.sandbox.wire import EVENT_TYPES

__all__ = ["BadWebhook", "Subscription", "Subscriptions", "is_loopback"]

MOST: Final = 10
_FIRST_ID: Final = 700_001
_LONGEST_URL: Final = 4096
_NO_SPACE: Final = re.compile(r"[^\s\x00]+")


class BadWebhook(ValueError):
    """A request that the vendor refuses. `field` is the offending one, or ""."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


@attrs.define
class Subscription:
    id: int
    event_type: str
    url: str
    enabled: bool = True
    deleted: bool = False
    errors_counter: int = 0

    def shown(self) -> Json:
        return {
            "id": self.id,
            "event_type": self.event_type,
            "enabled": self.enabled,
            "url": self.url,
            "errors_counter": self.errors_counter,
        }


class Subscriptions:
    """At most ten live ones, as in the vendor's default plan."""

    def __init__(self, kept: Iterable[Json] = ()) -> None:
        self._all = [Subscription(**one) for one in kept]

    def kept(self) -> list[Json]:
        """Give all, the deleted too, to be written down."""
        return [attrs.asdict(one) for one in self._all]

    def live(self) -> list[Subscription]:
        return [one for one in self._all if not one.deleted]

    def find(self, webhook_id: str) -> Subscription | None:
        return next((one for one in self.live() if str(one.id) == webhook_id), None)

    def wanting(self, event_type: str) -> list[Subscription]:
        return [
            one for one in self.live() if one.enabled and one.event_type == event_type
        ]

    def register(self, body: Json) -> Subscription:
        """Make one, or bring back the one of the same type and URL.

        Raises BadWebhook for a bad field, or when ten others live.
        """
        event_type, url = _event_type(body), _url(body)
        enabled = _enabled(body)
        same = [o for o in self._all if (o.event_type, o.url) == (event_type, url)]
        if same and not same[0].deleted:
            same[0].enabled = True
            return same[0]
        if len(self.live()) >= MOST:
            message = f"Webhooks limit of {MOST} is reached"
            raise BadWebhook(message)
        if same:
            same[0].deleted, same[0].enabled = False, True
            return same[0]
        one = Subscription(_FIRST_ID + len(self._all), event_type, url, enabled)
        self._all.append(one)
        return one

    def update(self, one: Subscription, body: Json) -> None:
        """Change what the body names. Raises BadWebhook, changing nothing."""
        event_type = _event_type(body) if "event_type" in body else one.event_type
        url = _url(body) if "url" in body else one.url
        enabled = _enabled(body) if "enabled" in body else one.enabled
        one.event_type, one.url, one.enabled = event_type, url, enabled


def _event_type(body: Json) -> str:
    value: Any = body.get("event_type")
    if not isinstance(value, str) or value not in EVENT_TYPES:
        message = f"Unknown event type {value!r}"
        raise BadWebhook(message, "event_type")
    return value


def _url(body: Json) -> str:
    value: Any = body.get("url")
    message = "must be a valid http(s) URL"
    if not isinstance(value, str) or len(value) > _LONGEST_URL:
        raise BadWebhook(message, "url")
    try:
        parts = urllib.parse.urlsplit(value)
    except ValueError as error:
        raise BadWebhook(message, "url") from error
    is_plain = _NO_SPACE.fullmatch(value) is not None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not is_plain:
        raise BadWebhook(message, "url")
    if not is_loopback(parts.hostname):
        message = f"the sandbox posts to loopback addresses only, not {parts.hostname}"
        raise BadWebhook(message, "url")
    return value


def is_loopback(host: str) -> bool:
    """Invented replies must never reach a system that takes them for real."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _enabled(body: Json) -> bool:
    value: Any = body.get("enabled", True)
    if not isinstance(value, bool):
        message = "must be true or false"
        raise BadWebhook(message, "enabled")
    return value
