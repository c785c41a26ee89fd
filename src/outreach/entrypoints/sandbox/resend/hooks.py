"""Resend's webhooks: signed as Svix signs, retried for a day, then switched off."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from outreach.entrypoints.sandbox.courier import SUCCESS, Due, Tried
from outreach.entrypoints.sandbox.ground import Ground, serial_id
from outreach.entrypoints.sandbox.journal import Json, iso, moment
from outreach.entrypoints.sandbox.resend.words import EVENT_TYPES, refused, zulu
from outreach.entrypoints.sandbox.subscriptions import is_loopback

__all__ = ["Hook", "Hooks", "signature", "signing_secret"]

_KIND: Final = 4
_PREFIX: Final = "whsec_"
_MINUTE: Final = 60.0
_HOUR: Final = 60 * _MINUTE
# The vendor's published schedule, after the first try.
_GAPS: Final = (
    5.0,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    10 * _HOUR,
)


def signature(secret: str, event_id: str, timestamp: int, body: str) -> str:
    """Sign the way of Svix: HMAC-SHA256 over id, time and body, in base64."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = f"{event_id}.{timestamp}.{body}".encode()
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def signing_secret(token: str) -> str:
    """Make the secret that webhooks are signed with. The vendor draws one for each;
    here all of an account have one, so that whoever has the key knows it beforehand.
    """
    key = hmac.new(token.encode(), b"webhooks", hashlib.sha256).digest()[:24]
    return f"{_PREFIX}{base64.b64encode(key).decode()}"


@attrs.define
class Hook:
    id: str
    endpoint: str
    events: list[str]
    status: str
    signing_secret: str = attrs.field(repr=False)
    created_at: str
    failures: int = 0

    def shown(self) -> Json:
        """Give it as the vendor lists it."""
        return {
            "id": self.id,
            "endpoint": self.endpoint,
            "events": self.events,
            "status": self.status,
            "created_at": zulu(moment(self.created_at)),
        }


class Hooks:
    """All that are registered; every change is a line `hook`."""

    def __init__(self, ground: Ground) -> None:
        self.live: dict[str, Hook] = {}
        self._made = 0
        self._ground = ground

    def recall(self, line: Json) -> None:
        """Take a line `hook`."""
        hook = Hook(**line["hook"])
        self._made = max(self._made, line["made"])
        self.live[hook.id] = hook
        if line["deleted"]:
            del self.live[hook.id]

    def wanting(self, event_type: str) -> list[str]:
        return [
            hook.id
            for hook in self.live.values()
            if hook.status == "enabled" and event_type in hook.events
        ]

    def register(self, body: Any) -> Hook:
        """Make one. Raises Refused for a bad body."""
        if not isinstance(body, dict) or "endpoint" not in body:
            message = "endpoint"
            raise _lacks(message)
        if "events" not in body:
            message = "events"
            raise _lacks(message)
        endpoint, events = _endpoint(body["endpoint"]), _events(body["events"])
        self._made += 1
        hook = Hook(
            serial_id(_KIND, self._made),
            endpoint,
            events,
            "enabled",
            signing_secret(self._ground.token),
            iso(time.time()),
        )
        self._keep(hook)
        return hook

    def change(self, hook: Hook, body: Any) -> None:
        """Change what the body names. Raises Refused, changing nothing."""
        given = body if isinstance(body, dict) else {}
        endpoint = _endpoint(given.get("endpoint", hook.endpoint))
        events = _events(given.get("events", hook.events))
        status = given.get("status", hook.status)
        if status not in {"enabled", "disabled"}:
            message = "`status` must be `enabled` or `disabled`."
            raise refused(422, "validation_error", message)
        if status == "enabled":
            hook.failures = 0
        hook.endpoint, hook.events, hook.status = endpoint, events, status
        self._keep(hook)

    def delete(self, hook: Hook) -> None:
        self._keep(hook, deleted=True)

    def address(self, hook_id: str) -> str | None:
        """Say where it is, for the courier."""
        hook = self.live.get(hook_id)
        return hook.endpoint if hook and hook.status == "enabled" else None

    def headers(self, due: Due) -> Mapping[str, str]:
        """Sign one try, at the time of the try."""
        now_s = int(time.time())
        secret = self.live[due.hook_id].signing_secret
        return {
            "user-agent": "Svix-Webhooks/1.0",
            "svix-id": f"msg_{due.id}",
            "svix-timestamp": str(now_s),
            "svix-signature": signature(secret, f"msg_{due.id}", now_s, due.body),
        }

    def gaps_s(self) -> Sequence[float]:
        return _GAPS

    def tried(self, due: Due, tried: Tried) -> None:
        """Count events that never arrived; too many in a row switch it off."""
        hook = self.live.get(due.hook_id)
        if hook is None or tried.again_s is not None:
            return
        if tried.status in SUCCESS:
            hook.failures = 0
            return
        hook.failures += 1
        if hook.failures >= self._ground.behaviour().webhook_disabled_after:
            hook.status = "disabled"
            self._keep(hook)

    def _keep(self, hook: Hook, *, deleted: bool = False) -> None:
        kept = attrs.asdict(hook)
        line = self._ground.journal.note(
            "hook", wire="resend", hook=kept, made=self._made, deleted=deleted
        )
        self.live[hook.id] = hook
        if line["deleted"]:
            del self.live[hook.id]


def _lacks(field: str) -> Exception:
    return refused(422, "missing_required_field", f"Missing `{field}` field.")


def _endpoint(value: object) -> str:
    host = urllib.parse.urlsplit(value).hostname if isinstance(value, str) else None
    if not isinstance(value, str) or host is None or not value.startswith("http"):
        message = "`endpoint` must be a valid URL."
        raise refused(422, "validation_error", message)
    if not is_loopback(host):
        message = f"the sandbox posts to loopback addresses only, not {host}"
        raise refused(422, "validation_error", message)
    return value


def _events(value: object) -> list[str]:
    named = value if isinstance(value, list) else []
    if not named or any(one not in EVENT_TYPES for one in named):
        message = "`events` must be a list of known event types."
        raise refused(422, "validation_error", message)
    return named
