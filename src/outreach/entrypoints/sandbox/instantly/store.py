"""What a workspace at Instantly has. `take` is the only writer, live and restored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from outreach.entrypoints.sandbox.ground import serial_id
from outreach.entrypoints.sandbox.instantly.campaigns import Campaign
from outreach.entrypoints.sandbox.instantly.leads import (
    BOUNCED,
    COMPLETED,
    UNSUBSCRIBED,
    WAITING,
    Lead,
)
from outreach.entrypoints.sandbox.instantly.paging import zulu
from outreach.entrypoints.sandbox.journal import Json, moment

__all__ = ["STATUSES", "Account", "Email", "Store", "email_id"]

STATUSES: Final = (-3, -2, -1, 1, 2, 3)
"""Of a mailbox: it works at 1 only."""

_UNITS: Final = {"minutes": 60.0, "hours": 3600.0, "days": 86400.0}
_SENT, _RECEIVED = 1, 2


@attrs.define(eq=False)
class Account:
    """A mailbox. `ready_s` is the engine time of its next mail at the earliest."""

    email: str
    created_s: float
    status: int = 1
    daily_limit: int = 50
    ready_s: float = 0.0
    sent: dict[str, int] = attrs.field(factory=dict)  # by local day

    def shown(self, organization: str) -> Json:
        """Give it as the vendor does."""
        first, _, last = self.email.partition("@")[0].partition(".")
        return {
            "email": self.email,
            "timestamp_created": zulu(self.created_s),
            "timestamp_updated": zulu(self.created_s),
            "first_name": first.title(),
            "last_name": last.title(),
            "warmup": {"limit": 10},
            "daily_limit": self.daily_limit,
            "status": self.status,
            "organization": organization,
            "warmup_status": 1,
            "provider_code": 2,
            "setup_pending": False,
            "is_managed_account": False,
            "stat_warmup_score": 100,
            "sending_gap": 0,
        }


@attrs.frozen(eq=False)
class Email:
    """A mail of the unibox: 1 sent by a campaign, 2 received, 3 sent by hand."""

    id: str
    number: int
    kind: int
    account: str
    lead: str
    subject: str
    text: str
    at_s: float
    thread: str
    campaign: str | None = None
    lead_id: str | None = None
    step: str | None = None
    automatic: bool = False

    def shown(self, organization: str, *, preview_only: bool = False) -> Json:
        """Give it as the vendor does."""
        came = self.kind == _RECEIVED
        info: Json = {
            "id": self.id,
            "timestamp_created": zulu(self.at_s),
            "timestamp_email": zulu(self.at_s),
            "message_id": f"<{self.id}@mail.sandbox.invalid>",
            "subject": self.subject,
            "from_address_email": self.lead if came else self.account,
            "to_address_email_list": self.account if came else self.lead,
            "body": {"text": self.text, "html": self.text.replace("\n", "<br/>")},
            "organization_id": organization,
            "campaign_id": self.campaign,
            "lead": self.lead,
            "lead_id": self.lead_id,
            "eaccount": self.account,
            "ue_type": self.kind,
            "step": self.step,
            "is_unread": int(came),
            "is_auto_reply": int(self.automatic),
            "thread_id": self.thread,
            "content_preview": self.text[:100],
        }
        return info | ({"body": {}} if preview_only else {})


class Store:
    """Look-ups over all of it."""

    def __init__(
        self, organization: str, mailboxes: Sequence[str], at_s: float
    ) -> None:
        self.organization = organization
        self.accounts = {one.lower(): Account(one.lower(), at_s) for one in mailboxes}
        self.campaigns: dict[str, Campaign] = {}
        self.leads: dict[str, Lead] = {}
        self.emails: dict[str, Email] = {}
        self.blocked: dict[str, Json] = {}
        self.made = 0  # campaigns so far, deleted ones included
        self.added = 0  # leads so far
        self.blocks = 0
        self._by_pair: dict[tuple[str, str], Lead] = {}
        self._by_email: dict[str, set[str]] = {}

    def lead_in(self, campaign: str, email: str) -> Lead | None:
        return self._by_pair.get((campaign, email))

    def leads_of(self, campaign: str) -> list[Lead]:
        return [lead for lead in self.leads.values() if lead.campaign == campaign]

    def is_anywhere(self, email: str) -> bool:
        return bool(self._by_email.get(email))

    def is_blocked(self, email: str) -> bool:
        values = {entry["bl_value"] for entry in self.blocked.values()}
        return email in values or email.rpartition("@")[2] in values

    def added_lead(self, line: Json) -> Lead:
        """Take an acceptance of kind `leads/add`."""
        self.added += 1
        lead = Lead(
            id=line["message_uid"],
            organization=self.organization,
            campaign=line["campaign_id"],
            email=line["to"],
            asked=line["lead"],
            created_s=moment(line["at"]),
            due_s=line["engine_s"],
        )
        self.leads[lead.id] = lead
        self._by_pair[lead.campaign, lead.email] = lead
        self._by_email.setdefault(lead.email, set()).add(lead.id)
        if campaign := self.campaigns.get(lead.campaign):
            campaign.variables |= lead.asked.get("custom_variables", {}).keys()
        return lead

    def replied(self, line: Json) -> Email:
        """Take an acceptance of kind `emails/reply`."""
        return self._keep(
            Email(
                id=line["message_uid"],
                number=len(self.emails),
                kind=3,
                account=line["from"],
                lead=line["to"],
                subject=line["subject"],
                text=line["text"],
                at_s=moment(line["at"]),
                thread=line["thread"],
            )
        )

    def take(self, line: Json) -> None:
        """Take a line of the events log."""
        match line["kind"]:
            case "campaign":
                self._campaign(line)
            case "campaign_deleted":
                self.campaigns.pop(line["id"], None)
            case "lead_removed":
                self._remove(line["lead_id"])
            case "mailed":
                self._mailed(line)
            case "mail_reply":
                self._came(line)
            case "lead_event":
                self._happened(line)
            case "blocked":
                self.blocked[line["entry"]["id"]] = line["entry"]
                self.blocks += 1
            case "unblocked":
                self.blocked.pop(line["id"], None)
            case "mailbox":
                self.accounts[line["email"]].status = line["status"]

    def _campaign(self, line: Json) -> None:
        at_s = moment(line["at"])
        campaign = self.campaigns.get(line["id"])
        if campaign is None:
            self.made += 1
            campaign = Campaign(
                line["id"], self.organization, at_s, at_s, 0, line["asked"]
            )
            self.campaigns[campaign.id] = campaign
        campaign.asked, campaign.status = line["asked"], line["status"]
        campaign.updated_s = at_s

    def _remove(self, lead_id: str) -> None:
        lead = self.leads.pop(lead_id, None)
        if lead is None:
            return
        self._by_pair.pop((lead.campaign, lead.email), None)
        self._by_email[lead.email].discard(lead.id)

    def _mailed(self, line: Json) -> None:
        email = self._keep(
            Email(
                id=line["email_id"],
                number=len(self.emails),
                kind=_SENT,
                account=line["from"],
                lead=line["to"],
                subject=line["subject"],
                text=line["text"],
                at_s=moment(line["at"]),
                thread=line["thread"],
                campaign=line["campaign_id"],
                lead_id=line["lead_id"],
                step=line["step_name"],
            )
        )
        account = self.accounts.get(email.account)
        if account is not None:
            account.ready_s = max(account.ready_s, line["ready_s"])
            account.sent[line["day"]] = account.sent.get(line["day"], 0) + 1
        self._note(line["campaign_id"], email.at_s, "sent", line["lead_id"])
        if line["place"] == 0:
            self._note(line["campaign_id"], email.at_s, "contacted", line["lead_id"])
        if campaign := self.campaigns.get(line["campaign_id"]):
            campaign.last_sent_s = line["engine_s"]
        lead = self.leads.get(line["lead_id"])
        if lead is None or campaign is None:
            return
        lead.mails.append(email.id)
        lead.touched_s = email.at_s
        lead.step = line["place"] + 1
        if lead.step >= len(campaign.steps):
            lead.status = COMPLETED
            self._note(campaign.id, email.at_s, "completed", lead.id)
        else:
            step = campaign.steps[line["place"]]
            unit_s = _UNITS[step.get("delay_unit", "days")]
            lead.due_s = line["engine_s"] + step["delay"] * unit_s

    def _came(self, line: Json) -> None:
        email = self._keep(
            Email(
                id=line["email_id"],
                number=len(self.emails),
                kind=_RECEIVED,
                account=line["account"],
                lead=line["sender"],
                subject=line["subject"],
                text=line["text"],
                at_s=moment(line["at"]),
                thread=line["thread"],
                campaign=line["campaign_id"],
                lead_id=line["lead_id"],
                automatic=line["automatic"],
            )
        )
        if line["campaign_id"] is None:
            return
        what = "auto" if email.automatic else "replied"
        self._note(line["campaign_id"], email.at_s, what, line["lead_id"])
        lead = self.leads.get(line["lead_id"])
        if lead is None:
            return
        lead.replies += 1
        campaign = self.campaigns.get(lead.campaign)
        stop = "stop_on_auto_reply" if email.automatic else "stop_on_reply"
        if campaign and campaign.asked.get(stop) and lead.status == WAITING:
            lead.status = COMPLETED

    def _happened(self, line: Json) -> None:
        what = line["what"]
        self._note(line["campaign_id"], moment(line["at"]), what, line["lead_id"])
        lead = self.leads.get(line["lead_id"])
        if lead is None:
            return
        if what == "opened":
            lead.opens += 1
        elif what == "bounced":
            lead.status = BOUNCED
        elif what == "unsubscribed":
            lead.status = UNSUBSCRIBED

    def _note(self, campaign_id: str, at_s: float, what: str, lead_id: str) -> None:
        if campaign := self.campaigns.get(campaign_id):
            campaign.history.append((at_s, what, lead_id))

    def _keep(self, email: Email) -> Email:
        self.emails[email.id] = email
        return email


def email_id(number: int) -> str:
    """Give the id of the number-th mail of the unibox."""
    return serial_id(20, number)
