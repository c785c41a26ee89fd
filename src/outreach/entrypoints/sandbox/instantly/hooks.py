"""Instantly's webhooks: one header of your own, no signature, no event id, a log."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from outreach.entrypoints.sandbox.courier import SUCCESS, Due, Tried
from outreach.entrypoints.sandbox.ground import Ground, serial_id
from outreach.entrypoints.sandbox.instantly.paging import zulu
from outreach.entrypoints.sandbox.instantly.shape import Shape, bad, check, nullable
from outreach.entrypoints.sandbox.journal import Json, moment
from outreach.entrypoints.sandbox.subscriptions import is_loopback
from outreach.entrypoints.sandbox.world import uid_of

__all__ = ["EVENT_TYPES", "Hook", "Hooks"]

_KIND, _EVENT_KIND = 18, 19
_WORKS, _FAILED = 1, -1
_RETRIES: Final = 3

EVENT_TYPES: Final = (
    "all_events",
    "email_sent",
    "email_opened",
    "email_link_clicked",
    "reply_received",
    "email_bounced",
    "lead_unsubscribed",
    "campaign_completed",
    "account_error",
    "lead_neutral",
    "lead_interested",
    "lead_not_interested",
    "lead_meeting_booked",
    "lead_meeting_completed",
    "lead_closed",
    "lead_out_of_office",
    "lead_wrong_person",
    "lead_no_show",
    "supersearch_enrichment_completed",
)
# Delivered under another name than subscribed to; what is not named here under none.
_SUBSCRIBED_AS: Final = {
    "link_clicked": "email_link_clicked",
    "auto_reply_received": "",
}
_BODY: Final[Shape] = {
    "type": "object",
    "closed": True,
    "properties": {
        "campaign": nullable("string", uuid=True),
        "name": nullable("string"),
        "target_hook_url": {"type": "string", "pattern": "^https?://"},
        "event_type": nullable("string", enum=EVENT_TYPES),
        "custom_interest_value": nullable("number"),
        "headers": nullable("object"),
    },
}


@attrs.define
class Hook:
    id: str
    organization: str
    asked: Json
    created_s: float
    status: int = _WORKS
    error_s: float | None = None
    failures: int = 0

    @property
    def url(self) -> str:
        return str(self.asked["target_hook_url"])

    def shown(self) -> Json:
        """Give it as the vendor does."""
        return {
            "id": self.id,
            "organization": self.organization,
            "campaign": None,
            "name": None,
            "headers": None,
            **self.asked,
            "timestamp_created": zulu(self.created_s),
            "status": self.status,
            "timestamp_error": None if self.error_s is None else zulu(self.error_s),
        }

    def wants(self, event_type: str, campaign: str) -> bool:
        if self.asked.get("campaign") not in {None, campaign}:
            return False
        subscribed = _SUBSCRIBED_AS.get(event_type, event_type)
        return self.asked.get("event_type") in {
            "all_events",
            subscribed or "all_events",
        }


class Hooks:
    """All that are registered, and the log of deliveries, oldest first."""

    def __init__(self, ground: Ground, organization: str) -> None:
        self.live: dict[str, Hook] = {}
        self.log: list[Json] = []
        self._ground = ground
        self._organization = organization
        self._made = 0
        self._bodies: dict[str, str] = {}
        self._urls: dict[str, str] = {}

    def recall(self, line: Json) -> None:
        """Take a line `hook`, `webhook_due` or `webhook` after a restart."""
        match line["kind"]:
            case "hook":
                self._take(line)
            case "webhook_due":
                self._bodies[line["id"]] = line["body"]
            case "webhook" if line["why"] != "gone":
                names = [field.name for field in attrs.fields(Tried)]
                tried = Tried(**{name: line[name] for name in names})
                self._log(line["due"], line["webhook_id"], tried, moment(line["at"]))

    def wanting(self, event_type: str, campaign: str) -> list[str]:
        return [
            hook.id
            for hook in self.live.values()
            if hook.status == _WORKS and hook.wants(event_type, campaign)
        ]

    def register(self, body: Any) -> Hook:
        """Make one. Raises Refused for a bad body."""
        check(body, {**_BODY, "required": ("target_hook_url",)})
        _check_url(body["target_hook_url"])
        hook = Hook(
            serial_id(_KIND, self._made + 1), self._organization, body, time.time()
        )
        self._keep(hook)
        return hook

    def change(self, hook: Hook, body: Any) -> None:
        """Change what the body names. Raises Refused, changing nothing."""
        check(body, _BODY)
        _check_url(body.get("target_hook_url", hook.url))
        hook.asked = {**hook.asked, **body}
        self._keep(hook)

    def resume(self, hook: Hook) -> None:
        """Switch one on again that failed too often."""
        hook.status, hook.error_s, hook.failures = _WORKS, None, 0
        self._keep(hook)

    def delete(self, hook: Hook) -> None:
        self._keep(hook, deleted=True)

    def address(self, hook_id: str) -> str | None:
        """Say where it is, for the courier."""
        hook = self.live.get(hook_id)
        return hook.url if hook and hook.status == _WORKS else None

    def headers(self, due: Due) -> Mapping[str, str]:
        """Give the headers that were asked for: they are all there is to know it by."""
        given = self.live[due.hook_id].asked.get("headers") or {}
        return {"user-agent": "axios/1.7", **{k: str(v) for k, v in given.items()}}

    def gaps_s(self) -> Sequence[float]:
        """Wait the machine's time, whatever the speed."""
        gap_s = self._ground.behaviour().webhook_gap_s * self._ground.agenda.speed
        return (gap_s,) * _RETRIES

    def tried(self, due: Due, tried: Tried) -> None:
        """Write the try into the log; too many events in a row switch a hook off."""
        self._bodies[due.id] = due.body
        self._log(due.id, due.hook_id, tried, time.time())
        hook = self.live.get(due.hook_id)
        if hook is None or tried.again_s is not None:
            return
        if tried.status in SUCCESS:
            hook.failures = 0
            return
        hook.failures += 1
        if hook.failures >= self._ground.behaviour().webhook_disabled_after:
            hook.status, hook.error_s = _FAILED, time.time()
            self._keep(hook)

    def _log(self, due: str, hook_id: str, tried: Tried, at_s: float) -> None:
        payload = json.loads(self._bodies[due])
        success = tried.status in SUCCESS
        entry: Json = {
            "id": serial_id(_EVENT_KIND, len(self.log) + 1),
            "timestamp_created": zulu(at_s),
            "timestamp_created_date": zulu(at_s)[:10],
            "organization_id": self._organization,
            "payload": payload,
            "success": success,
            "retry_count": tried.attempt - 1,
            "will_retry": tried.again_s is not None,
            "webhook_url": self._urls.get(hook_id, ""),
            "status_code": tried.status,
            "error_message": None if success else tried.why or "Request failed",
            "timestamp_next_retry": None,
            "retry_group_id": uid_of(due, tried.copy),
            "retry_successful": success if tried.attempt > 1 else None,
            "lead_email": payload.get("lead_email"),
            "response_time_ms": round(tried.took_s * 1000),
        }
        if tried.again_s is not None:
            wait_s = tried.again_s / self._ground.agenda.speed
            entry["timestamp_next_retry"] = zulu(at_s + wait_s)
        self.log.append(entry)

    def _keep(self, hook: Hook, *, deleted: bool = False) -> None:
        kept = attrs.asdict(hook)
        self._take(
            self._ground.journal.note(
                "hook", wire="instantly", hook=kept, deleted=deleted
            )
        )

    def _take(self, line: Json) -> None:
        given = Hook(**line["hook"])
        self._made += given.id not in self._urls
        self._urls[given.id] = given.url
        hook = self.live.setdefault(given.id, given)
        for field in attrs.fields(Hook):
            setattr(hook, field.name, getattr(given, field.name))
        if line["deleted"]:
            del self.live[hook.id]


def _check_url(url: str) -> None:
    host = urllib.parse.urlsplit(url).hostname
    if host is None:
        message = 'body/target_hook_url must match format "uri"'
        raise bad(message)
    if not is_loopback(host):
        message = f"the sandbox posts to loopback addresses only, not {host}"
        raise bad(message)
