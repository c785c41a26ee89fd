"""What a team at Resend has: mails, received mails, suppressions, domains."""

from __future__ import annotations

import collections
from typing import Any, Final

import attrs

from outreach.entrypoints.sandbox.journal import Json, moment
from outreach.entrypoints.sandbox.resend.words import bare, zulu

__all__ = ["Mail", "Received", "Shelf", "Suppression"]

_HOST: Final = "eu-west-1.sandbox.invalid"
# A mail's last event only moves forward; what ends it comes last.
_ORDER: Final = (
    "queued",
    "scheduled",
    "canceled",
    "sent",
    "delivery_delayed",
    "delivered",
    "opened",
    "clicked",
    "suppressed",
    "failed",
    "bounced",
    "complained",
)


@attrs.define(eq=False)
class Mail:
    """One accepted mail. `at_s` is the machine's time, `scheduled_s` engine time."""

    id: str
    request: Json
    at_s: float
    scheduled_s: float | None
    last_event: str = "queued"

    @property
    def message_id(self) -> str:
        return f"<{self.id}@{_HOST}>"

    @property
    def to(self) -> list[str]:
        return as_list(self.request["to"])

    @property
    def text(self) -> str:
        """What a reader reads: the plain part, or else the markup."""
        return self.request.get("text") or self.request.get("html") or ""

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.request.get("headers") or {})

    def happened(self, event: str) -> None:
        self.last_event = max(self.last_event, event, key=_ORDER.index)

    def shown(self) -> Json:
        """Give it as the vendor does."""
        request = self.request
        return {
            "object": "email",
            "id": self.id,
            "message_id": self.message_id,
            "to": self.to,
            "from": request["from"],
            "created_at": zulu(self.at_s),
            "subject": request["subject"],
            "html": request.get("html") or "",
            "text": request.get("text") or "",
            "bcc": as_list(request.get("bcc")),
            "cc": as_list(request.get("cc")),
            "reply_to": as_list(request.get("reply_to")),
            "last_event": self.last_event,
        }

    def event_data(self) -> Json:
        """Give what every webhook about it carries."""
        data: Json = {
            "email_id": self.id,
            "created_at": zulu(self.at_s),
            "from": self.request["from"],
            "to": self.to,
            "subject": self.request["subject"],
        }
        if self.headers:
            pairs = self.headers.items()
            data["headers"] = [{"name": name, "value": value} for name, value in pairs]
        if tags := self.request.get("tags"):
            data["tags"] = {tag["name"]: tag["value"] for tag in tags}
        return data


@attrs.frozen
class Received:
    """A mail that came in; its words are not in its webhook."""

    id: str
    sender: str
    to: str
    subject: str
    text: str
    headers: Json
    at_s: float

    @property
    def message_id(self) -> str:
        return str(self.headers["message-id"])

    def listed(self) -> Json:
        """Give it as lists do."""
        return {
            "id": self.id,
            "to": [self.to],
            "from": self.sender,
            "subject": self.subject,
            "message_id": self.message_id,
            "bcc": [],
            "cc": [],
            "reply_to": [],
            "created_at": zulu(self.at_s),
            "attachments": [],
        }

    def shown(self) -> Json:
        """Give it with its words."""
        return {
            "object": "email",
            **self.listed(),
            "html": None,
            "text": self.text,
            "headers": self.headers,
        }


@attrs.frozen
class Suppression:
    id: str
    email: str
    origin: str  # "bounce", "complaint" or "manual"
    source_id: str | None
    at_s: float

    def shown(self) -> Json:
        """Give it as lists do."""
        info = {
            "id": self.id,
            "email": self.email,
            "origin": self.origin,
            "created_at": zulu(self.at_s),
        }
        return info | ({"source_id": self.source_id} if self.source_id else {})


class Shelf:
    """Look-ups over all of it; `take` is the only writer."""

    def __init__(self) -> None:
        self.mails: dict[str, Mail] = {}
        self.received: dict[str, Received] = {}
        self.suppressions: dict[str, Suppression] = {}
        self.suppressed = 0  # so far, those removed again included
        self.domains: list[str] = []
        self.keys: dict[str, Json] = {}
        self.happened: collections.Counter[str] = collections.Counter()

    def accepted(self, line: Json) -> Mail:
        """Take a line of the acceptance log."""
        mail = Mail(
            line["message_uid"],
            line["request"],
            moment(line["at"]),
            line["scheduled_s"],
        )
        if mail.scheduled_s is not None:
            mail.happened("scheduled")
        self.mails[mail.id] = mail
        if line["idempotency_key"]:
            known = self.keys.setdefault(
                line["idempotency_key"],
                {"hash": line["request_hash"], "at_s": mail.at_s, "ids": []},
            )
            if known["hash"] != line["request_hash"]:  # the vendor forgot the old one
                known.update(hash=line["request_hash"], at_s=mail.at_s, ids=[])
            known["ids"].append(mail.id)
        return mail

    def take(self, line: Json) -> None:
        """Take a line of the events log."""
        match line["kind"]:
            case "mail":
                self.mails[line["mail"]].happened(line["event"])
                self.happened[line["event"]] += 1
            case "rescheduled":
                self.mails[line["mail"]].scheduled_s = line["scheduled_s"]
            case "mail_reply":
                fields = [field.name for field in attrs.fields(Received)]
                one = Received(**{name: line[name] for name in fields})
                self.received[one.id] = one
            case "suppressed":
                entry = Suppression(**line["entry"])
                self.suppressions[entry.email] = entry
                self.suppressed += 1
            case "unsuppressed":
                self.suppressions.pop(line["email"], None)
            case "domain":
                self.domains.append(line["name"])

    def suppression(self, name: str) -> Suppression | None:
        """Find one by its id or its address."""
        for one in self.suppressions.values():
            if name in {one.id, one.email}:
                return one
        return None


def as_list(value: Any) -> list[str]:
    """Give the list that a field means: it may be one text."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def domain_of(address: str) -> str:
    return (bare(address) or "").rpartition("@")[2].lower()
