"""One team at Resend: takes mails, lets them be read, tells what happened."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from typing import Final

import attrs
from starlette.responses import JSONResponse, Response

from outreach.entrypoints.sandbox.courier import Courier
from outreach.entrypoints.sandbox.faults import Certain, Fault
from outreach.entrypoints.sandbox.ground import Ground, serial_id
from outreach.entrypoints.sandbox.journal import Json, iso
from outreach.entrypoints.sandbox.mail_fate import Bounce, Said
from outreach.entrypoints.sandbox.readers import Letter, Readers
from outreach.entrypoints.sandbox.resend.hooks import Hooks
from outreach.entrypoints.sandbox.resend.shelf import (
    Mail,
    Shelf,
    Suppression,
    as_list,
    domain_of,
)
from outreach.entrypoints.sandbox.resend.words import bare, zulu
from outreach.entrypoints.sandbox.trouble import Trouble

__all__ = ["Order", "Team", "too_many"]

WIRE: Final = "resend"
_MAIL, _SUPPRESSION = 1, 2


@attrs.frozen(kw_only=True)
class Order:
    """A mail that is accepted. `request` is as it was sent, of this mail alone;
    `request_hash` is of the whole request.
    """

    kind: str  # "emails" or "batch"
    request: Json
    request_hash: str
    idempotency_key: str
    key: str
    arrival: int
    answer: str  # "ok" or "lost"
    scheduled_s: float | None = None


class Team:
    """Holds the parts. A desk of `readers.Desk`."""

    def __init__(self, ground: Ground, domains: Sequence[str] = ()) -> None:
        self.ground = ground
        self.shelf = Shelf()
        self.learns_domains = not domains
        self._given = tuple(domain.lower() for domain in domains)
        self.certain = Certain(ground.behaviour().sure_by)
        self.hooks = Hooks(ground)
        self.courier = Courier(
            ground=ground, wire=WIRE, certain=self.certain, vendor=self.hooks
        )
        self.readers = Readers(ground=ground, wire=WIRE, desk=self)
        self.trouble = Trouble(
            ground=ground,
            wire=WIRE,
            certain=self.certain,
            recipients=lambda: len(self.shelf.mails),
            refusals={
                Fault.RATE_LIMITED: lambda: too_many(ground.behaviour().retry_after_s),
                Fault.UNAVAILABLE: _unavailable,
            },
        )

    def restore(self, accepted: Sequence[Json], events: Sequence[Json]) -> None:
        """Go on from the lines of this wire."""
        for line in accepted:
            self.shelf.accepted(line)
            self.trouble.recall(line)
        sent = [self._letter(line) for line in events if line["kind"] == "left"]
        for line in events:
            self._recall(line)
        for domain in sorted(set(self._given).difference(self.shelf.domains)):
            self._note("domain", name=domain)
        self.courier.resume(events)
        gone = {letter.id for letter in sent}
        for mail in self.shelf.mails.values():
            if mail.id not in gone and mail.last_event in {"queued", "scheduled"}:
                self._plan(mail)
        for letter in sent:
            self.readers.live(letter)

    def _recall(self, line: Json) -> None:
        match line["kind"]:
            case "letter":
                self.readers.recall(line)
            case "hook":
                self.hooks.recall(line)
            case _:
                self.shelf.take(line)
                self.trouble.recall(line)

    def is_verified(self, sender: str) -> bool:
        """Say whether mail may come from there; a domain may be learnt."""
        domain = domain_of(sender)
        if domain not in self.shelf.domains and self.learns_domains:
            self._note("domain", name=domain)
        return domain in self.shelf.domains

    def accept(self, order: Order) -> Mail:
        """Write an acceptance down, then let the mail go its way.

        Only the first of several recipients is somebody who reads.
        """
        request = order.request
        text = request.get("text") or request.get("html") or ""
        line = self.ground.accept(
            WIRE,
            {
                "at": iso(time.time()),
                "mono": time.monotonic(),
                "from": bare(request["from"]),
                "to": (bare(as_list(request["to"])[0]) or "").lower(),
                "message_uid": serial_id(_MAIL, self.ground.world.accepted + 1),
                "subject": request["subject"],
                "text": text,
                "sha256": hashlib.sha256(text.encode()).hexdigest(),
                **attrs.asdict(order, recurse=False),
            },
        )
        mail = self.shelf.accepted(line)
        if mail.scheduled_s is not None:
            self._tell("email.scheduled", mail, {})
        self._plan(mail)
        return mail

    def cancel(self, mail: Mail) -> None:
        self._happened(mail, "canceled")

    def reschedule(self, mail: Mail, scheduled_s: float) -> None:
        self._note("rescheduled", mail=mail.id, scheduled_s=scheduled_s)
        self._plan(mail)

    def suppress(self, email: str, origin: str, source_id: str | None) -> Suppression:
        """Put an address on the list; again changes nothing."""
        known = self.shelf.suppressions.get(email.lower())
        if known is not None:
            return known
        entry = {
            "id": serial_id(_SUPPRESSION, self.shelf.suppressed + 1),
            "email": email.lower(),
            "origin": origin,
            "source_id": source_id,
            "at_s": time.time(),
        }
        self._note("suppressed", entry=entry)
        return self.shelf.suppressions[email.lower()]

    def unsuppress(self, one: Suppression) -> None:
        self._note("unsuppressed", email=one.email)

    def _plan(self, mail: Mail) -> None:
        due_s = mail.scheduled_s
        if due_s is None:
            self._leave(mail)
            return
        wait_s = due_s - self.ground.clock.now_s()
        self.ground.agenda.after(wait_s, lambda: self._leave_at(mail, due_s))

    def _leave_at(self, mail: Mail, due_s: float) -> None:
        if mail.last_event == "scheduled" and mail.scheduled_s == due_s:
            self._leave(mail)

    def _leave(self, mail: Mail) -> None:
        to = (bare(mail.to[0]) or "").lower()
        suppression = self.shelf.suppressions.get(to)
        if suppression is not None and suppression.origin != "manual":
            why = suppression.origin
            details = {
                "diagnosticCode": [f"smtp; 550 5.1.1 {to} is suppressed"],
                "message": "The recipient is on the suppression list.",
                "reason": f"previous_{why}",
                "type": "OnAccountSuppressionList",
            }
            self._happened(mail, "suppressed", {"suppressed": details})
            return
        due_s = mail.scheduled_s or self.ground.clock.now_s()
        line = self.ground.journal.note(
            "left",
            wire=WIRE,
            mail=mail.id,
            to=to,
            subject=mail.request["subject"],
            text=mail.text,
            **self.readers.circumstances(to, due_s=due_s, warm=True),
        )
        letter = self._letter(line)
        self._happened(mail, "sent")
        self.readers.live(letter)

    def _letter(self, line: Json) -> Letter:
        mail = self.shelf.mails[line["mail"]]
        return self.readers.take(line, mail.id, mail.headers)

    def delivered(self, letter: Letter) -> None:
        self._happened(self.shelf.mails[letter.id], "delivered")

    def bounced(self, letter: Letter, bounce: Bounce) -> None:
        mail = self.shelf.mails[letter.id]
        details = {
            "diagnosticCode": [f"smtp; {bounce.says}"],
            "message": bounce.says,
            "subType": "NoEmail" if bounce.permanent else "MailboxFull",
            "type": "Permanent" if bounce.permanent else "Transient",
        }
        self._happened(mail, "bounced", {"bounce": details})
        if bounce.permanent:
            self.suppress(letter.to, "bounce", mail.id)

    def opened(self, letter: Letter) -> None:
        self._happened(self.shelf.mails[letter.id], "opened")

    def complained(self, letter: Letter) -> None:
        self._happened(self.shelf.mails[letter.id], "complained")
        self.suppress(letter.to, "complaint", letter.id)

    def left(self, letter: Letter) -> None:
        """Do nothing: this vendor has no link of its own in a single mail."""

    def said(self, letter: Letter, said: Said, uid: str) -> None:
        mail = self.shelf.mails[letter.id]
        answers_to = as_list(mail.request.get("reply_to")) or [mail.request["from"]]
        headers = {
            "message-id": f"<{uid}@{letter.to.rpartition('@')[2]}>",
            "in-reply-to": mail.message_id,
            "references": mail.message_id,
        }
        if said.automatic:
            headers["auto-submitted"] = "auto-replied"
        line = self._note(
            "mail_reply",
            reply=said.kind,
            language=said.language,
            in_reply_to=mail.id,
            id=uid,
            sender=letter.to,
            to=bare(answers_to[0]),
            subject=f"Re: {letter.subject}",
            text=said.text,
            headers=headers,
            at_s=time.time(),
        )
        one = self.shelf.received[uid]
        data = {
            "email_id": one.id,
            "created_at": zulu(one.at_s),
            "from": one.sender,
            "to": [one.to],
            "subject": one.subject,
            "message_id": one.message_id,
            "bcc": [],
            "cc": [],
            "attachments": [],
        }
        self._post("email.received", line["id"], data)

    def _happened(self, mail: Mail, event: str, more: Json | None = None) -> None:
        self._note("mail", mail=mail.id, event=event)
        if event != "canceled":
            self._tell(f"email.{event}", mail, more or {})

    def _tell(self, event_type: str, mail: Mail, more: Json) -> None:
        self._post(event_type, mail.id, {**mail.event_data(), **more})

    def _post(self, event_type: str, key: str, data: Json) -> None:
        body = {"type": event_type, "created_at": zulu(time.time()), "data": data}
        self.courier.post(self.hooks.wanting(event_type), event_type, key, body)

    def _note(self, kind: str, **fields: object) -> Json:
        line = self.ground.journal.note(kind, wire=WIRE, **fields)
        self.shelf.take(line)
        return line


def too_many(wait_s: int) -> Response:
    """Refuse as the vendor does above its limit."""
    body = {
        "statusCode": 429,
        "name": "rate_limit_exceeded",
        "message": "Too many requests. Please limit the number of requests per second.",
    }
    return JSONResponse(body, 429, headers={"retry-after": str(wait_s)})


def _unavailable() -> Response:
    body = {
        "statusCode": 503,
        "name": "internal_server_error",
        "message": "We are unable to process your request right now.",
    }
    return JSONResponse(body, 503)
