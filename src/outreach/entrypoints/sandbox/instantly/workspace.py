"""One workspace at Instantly: takes leads, mails them, tells what happened."""

from __future__ import annotations

import collections
import hashlib
import time
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from outreach.entrypoints.sandbox.courier import Courier
from outreach.entrypoints.sandbox.faults import Certain, Fault
from outreach.entrypoints.sandbox.ground import Ground, serial_id
from outreach.entrypoints.sandbox.instantly.campaigns import Campaign
from outreach.entrypoints.sandbox.instantly.events import event_body, first_mail
from outreach.entrypoints.sandbox.instantly.hooks import Hooks
from outreach.entrypoints.sandbox.instantly.leads import WAITING, Lead
from outreach.entrypoints.sandbox.instantly.paging import zulu
from outreach.entrypoints.sandbox.instantly.scheduler import Scheduler
from outreach.entrypoints.sandbox.instantly.shape import too_many, unavailable
from outreach.entrypoints.sandbox.instantly.store import (
    Account,
    Email,
    Store,
    email_id,
)
from outreach.entrypoints.sandbox.journal import Json, iso
from outreach.entrypoints.sandbox.mail_fate import Bounce, Said
from outreach.entrypoints.sandbox.readers import Letter, Readers
from outreach.entrypoints.sandbox.trouble import Trouble

__all__ = ["Reply", "Workspace"]

WIRE: Final = "instantly"
_ORGANIZATION: Final = serial_id(16, 1)
_CAMPAIGN, _LEAD, _BLOCK = 17, 21, 22
_MAILBOXES: Final = (
    "andrei.pop@hambarul-nou.example",
    "ioana.dinu@hambarul-nou.example",
    "mihai.stan@hambarulnou-ro.example",
)


@attrs.frozen(kw_only=True)
class Reply:
    """A mail by hand that is accepted."""

    to: Email
    account: str
    subject: str
    text: str
    arrival: int
    answer: str  # "ok" or "lost"


class Workspace:
    """Holds the parts. A desk of `readers.Desk`."""

    def __init__(self, ground: Ground, mailboxes: Sequence[str] = ()) -> None:
        self.ground = ground
        self.store = Store(_ORGANIZATION, mailboxes or _MAILBOXES, time.time())
        self.certain = Certain(ground.behaviour().sure_by)
        self.hooks = Hooks(ground, _ORGANIZATION)
        self.courier = Courier(
            ground=ground, wire=WIRE, certain=self.certain, vendor=self.hooks
        )
        self.readers = Readers(ground=ground, wire=WIRE, desk=self)
        self.scheduler = Scheduler(self, ground)
        self.trouble = Trouble(
            ground=ground,
            wire=WIRE,
            certain=self.certain,
            recipients=lambda: self.store.added,
            refusals={Fault.RATE_LIMITED: too_many, Fault.UNAVAILABLE: unavailable},
        )
        self._waiting: dict[str, dict[str, Lead]] = collections.defaultdict(dict)
        self._sent: collections.Counter[tuple[str, str]] = collections.Counter()
        self._mails: dict[str, Json] = {}

    def restore(self, accepted: Sequence[Json], events: Sequence[Json]) -> None:
        """Go on from the lines of this wire."""
        letters = []
        by_time = sorted([*accepted, *events], key=lambda line: str(line["at"]))
        for line in by_time:
            self.trouble.recall(line)
            match line["kind"]:
                case "leads/add":
                    self._added(line)
                case "emails/reply":
                    self.store.replied(line)
                    letters.append(self._letter(line))
                case "letter":
                    self.readers.recall(line)
                case "hook" | "webhook_due" | "webhook":
                    self.hooks.recall(line)
                case "mailed":
                    self._take(line)
                    letters.append(self._letter(line))
                case _:
                    self._take(line)
        self.courier.resume(events)
        for letter in letters:
            self.readers.live(letter)
        self.scheduler.look_again()

    def waiting(self, campaign_id: str) -> Iterable[Lead]:
        """Give the leads that may have a step before them."""
        return self._waiting[campaign_id].values()

    def sent_on(self, campaign_id: str, day: str) -> int:
        return self._sent[campaign_id, day]

    def create(self, asked: Json) -> Campaign:
        """Make a campaign: always a draft."""
        made = serial_id(_CAMPAIGN, self.store.made + 1)
        return self._keep(made, asked, 0)

    def change(
        self, campaign: Campaign, asked: Json, status: int | None = None
    ) -> None:
        """Lay what was asked over the campaign, and give it another status."""
        new = campaign.status if status is None else status
        self._keep(campaign.id, {**campaign.asked, **asked}, new)
        self.scheduler.look(campaign)

    def delete(self, campaign: Campaign) -> None:
        for lead in self.store.leads_of(campaign.id):
            self.remove(lead)
        self._note("campaign_deleted", id=campaign.id)

    def add(self, campaign: Campaign, asked: Json, *, arrival: Json) -> Lead:
        """Accept a lead. `arrival` has `key`, `arrival`, `answer` of the request."""
        email = str(asked["email"]).strip().lower()
        line = self.ground.accept(
            WIRE,
            {
                "at": iso(time.time()),
                "mono": time.monotonic(),
                "from": campaign.id,
                "to": email,
                "message_uid": serial_id(_LEAD, self.store.added + 1),
                "kind": "leads/add",
                "campaign_id": campaign.id,
                "campaign_name": campaign.name,
                "lead": asked,
                **first_mail(campaign, asked),
                "engine_s": self.ground.clock.now_s(),
                **arrival,
            },
        )
        return self._added(line)

    def remove(self, lead: Lead) -> None:
        self._note("lead_removed", lead_id=lead.id, campaign_id=lead.campaign)

    def block(self, value: str) -> Json:
        """Put an address or a domain on the block list; again changes nothing."""
        value = value.strip().lower()
        for entry in self.store.blocked.values():
            if entry["bl_value"] == value:
                return entry
        entry = {
            "id": serial_id(_BLOCK, self.store.blocks + 1),
            "timestamp_created": zulu(time.time()),
            "organization_id": _ORGANIZATION,
            "bl_value": value,
            "is_domain": "@" not in value,
        }
        self._note("blocked", entry=entry)
        return entry

    def unblock(self, entry: Json) -> None:
        self._note("unblocked", id=entry["id"])

    def set_account(self, account: Account, status: int) -> None:
        self._note("mailbox", email=account.email, status=status)
        self.scheduler.look_again()

    def mail(
        self, campaign: Campaign, lead: Lead, account: Account, when: Json
    ) -> None:
        """Let one mail of a campaign leave; see `Scheduler` for `when`."""
        step = campaign.steps[lead.step]
        variants = [one for one in step["variants"] if not one.get("v_disabled")]
        variant = (
            variants[lead.step % len(variants)] if variants else step["variants"][0]
        )
        text = lead.render(variant["body"])
        subject = lead.render(variant["subject"])
        first = self.store.emails.get(lead.mails[0]) if lead.mails else None
        uid = email_id(len(self.store.emails) + 1)
        at_s = when["engine_s"]
        line = self._note(
            "mailed",
            email_id=uid,
            campaign_id=campaign.id,
            campaign_name=campaign.name,
            lead_id=lead.id,
            to=lead.email,
            subject=subject or (f"Re: {first.subject}" if first else ""),
            text=text,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            place=lead.step,
            step_name=f"0_{lead.step}_0",
            thread=first.thread if first else uid,
            tracked=bool(campaign.asked.get("open_tracking")),
            **{"from": account.email},
            **self.readers.circumstances(lead.email, due_s=at_s, warm=False),
            **{name: value for name, value in when.items() if name != "engine_s"},
        )
        self.tell("email_sent", self.store.emails[uid])
        self.readers.live(self._letter(line))

    def reply(self, order: Reply) -> Email:
        """Accept a mail by hand, to someone who has a mail in the unibox."""
        to = order.to.lead
        now_s = self.ground.clock.now_s()
        line = self.ground.accept(
            WIRE,
            {
                "at": iso(time.time()),
                "mono": time.monotonic(),
                "from": order.account,
                "to": to,
                "message_uid": email_id(len(self.store.emails) + 1),
                "kind": "emails/reply",
                "subject": order.subject,
                "text": order.text,
                "sha256": hashlib.sha256(order.text.encode()).hexdigest(),
                "reply_to_uuid": order.to.id,
                "thread": order.to.thread,
                "key": order.to.id,
                "arrival": order.arrival,
                "answer": order.answer,
                **self.readers.circumstances(to, due_s=now_s, warm=True),
            },
        )
        email = self.store.replied(line)
        self.readers.live(self._letter(line))
        return email

    def delivered(self, letter: Letter) -> None:
        """Do nothing: this vendor does not say."""

    def bounced(self, letter: Letter, _: Bounce) -> None:
        self._happened("bounced", "email_bounced", letter)

    def opened(self, letter: Letter) -> None:
        if self._mails[letter.id].get("tracked"):
            self._happened("opened", "email_opened", letter)

    def complained(self, letter: Letter) -> None:
        """Do nothing: a complaint goes to the mailbox provider, which keeps it."""

    def left(self, letter: Letter) -> None:
        campaign = self.store.campaigns.get(
            self._mails[letter.id].get("campaign_id", "")
        )
        if campaign and campaign.asked.get("insert_unsubscribe_header"):
            self._happened("unsubscribed", "lead_unsubscribed", letter)

    def said(self, letter: Letter, said: Said, uid: str) -> None:
        ours = self.store.emails[letter.id]
        self._note(
            "mail_reply",
            reply=said.kind,
            language=said.language,
            in_reply_to=ours.id,
            email_id=uid,
            sender=letter.to,
            account=ours.account,
            subject=f"Re: {letter.subject.removeprefix('Re: ')}",
            text=said.text,
            thread=ours.thread,
            campaign_id=ours.campaign,
            lead_id=ours.lead_id,
            automatic=said.automatic,
        )
        name = "auto_reply_received" if said.automatic else "reply_received"
        self.tell(name, self.store.emails[uid], ours)

    def tell(self, event_type: str, email: Email, ours: Email | None = None) -> None:
        """Post an event about a mail; `ours` is what a reply answers."""
        campaign = self.store.campaigns.get((ours or email).campaign or "")
        if campaign is None:
            return  # a mail by hand, or of a campaign that is gone
        lead = self.store.leads.get((ours or email).lead_id or "")
        body = event_body(event_type, email, ours, campaign, lead)
        hooks = self.hooks.wanting(event_type, campaign.id)
        self.courier.post(hooks, event_type, email.id, body)

    def _happened(self, what: str, event_type: str, letter: Letter) -> None:
        email = self.store.emails[letter.id]
        if email.campaign is None:
            return
        self._note(
            "lead_event",
            what=what,
            campaign_id=email.campaign,
            lead_id=email.lead_id,
            email_id=email.id,
            to=letter.to,
        )
        self.tell(event_type, email)

    def _letter(self, line: Json) -> Letter:
        uid = line.get("email_id") or line["message_uid"]
        self._mails[uid] = line
        return self.readers.take(line, uid, {})

    def _added(self, line: Json) -> Lead:
        lead = self.store.added_lead(line)
        self._waiting[lead.campaign][lead.id] = lead
        if phone := lead.asked.get("phone"):
            self.ground.world.acquaint(str(phone), lead.email)
        return lead

    def _keep(self, campaign_id: str, asked: Json, status: int) -> Campaign:
        self._note("campaign", id=campaign_id, asked=asked, status=status)
        return self.store.campaigns[campaign_id]

    def _note(self, kind: str, **fields: object) -> Json:
        line = self.ground.journal.note(kind, wire=WIRE, **fields)
        self._take(line)
        return line

    def _take(self, line: Json) -> None:
        self.store.take(line)
        if line["kind"] == "mailed":
            self._sent[line["campaign_id"], line["day"]] += 1
        waiting = self._waiting.get(line.get("campaign_id") or "", {})
        lead = waiting.get(line.get("lead_id") or "")
        gone = lead is not None and (
            lead.status != WAITING or lead.id not in self.store.leads
        )
        if lead is not None and gone:
            del waiting[lead.id]
