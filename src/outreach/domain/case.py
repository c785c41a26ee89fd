"""Everything one decision looks at, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from attrs import evolve, field, frozen

from outreach.domain.address import AddressKey
from outreach.domain.allocation import Shortage
from outreach.domain.allowance import PlanBudget
from outreach.domain.channel import Channel
from outreach.domain.ids import CampaignId
from outreach.domain.intro import Intro
from outreach.domain.journey import Journey
from outreach.domain.limits import SETTING, BudgetKind, Part, Share, company_key, share
from outreach.domain.message import Intent
from outreach.domain.provider_campaign import Hosting
from outreach.domain.routing import Route, Ways, route_step
from outreach.domain.sender import SendClass, Sender
from outreach.domain.sequence import EnrolmentStatus, MessageTemplate, Sequence, Step
from outreach.domain.suppression import Suppression, Switch
from outreach.domain.warming import limits_at
from outreach.domain.window import Window

__all__ = ["Case", "Flip", "LaneFacts", "Ledger", "flip"]


@frozen
class LaneFacts:
    """When the sender's line goes on (engine time).

    Attributes:
        gate_at: pacing; nothing leaves the lane before.
        backoff_until: the provider or account asked to wait; None: it did not.
        busy: a call is under way in this lane.
        plan: of the provider account, if it is full.
    """

    gate_at: datetime
    backoff_until: datetime | None = None
    busy: bool = False
    plan: PlanBudget | None = None


@frozen
class Ledger:
    """Units of the sender on one of its days, as PostgreSQL holds them.

    Attributes:
        budgets: use of the further budgets that the message may take part in, by
            key; one that is not there is not used yet, as far as is known.
    """

    day: date
    used: int = 0
    external: int = 0
    budgets: Mapping[str, int] = field(factory=dict)


@frozen
class Case:
    """One message that could be sent, and all the facts that decide about it.

    Attributes:
        sender: None while the lead is not allocated to one.
        contacted: this phone has written to this lead, or the lead to it; else
            the message makes a new contact.
        to: the lead's phone (E.164) or address on the intent's channel; empty if
            there is none, or if mail to it came back for good.
        thread: the provider's id of the conversation with this sender.
        addresses: keys of all the lead's contact points.
        fields: variables for the template.
        campaign: of the enrolment; None: it has none.
        template: None: the step has none for this channel.
        campaign: the run's; its breaker stops it.
        live: the message is still waiting to be sent; else what became of it.
        shortage: why no phone takes it, where that was looked up.
        intro: what a person approved to stand in the text; empty: nothing yet.
        proposed: the intro of the text, approved or not; None: there is none.
        hosting: the provider's campaign that the message would be added to; None: its
            provider works without.
        consent: why the law or the tenant's policy forbids it; empty if it does not.
        unsubscribe: the signed link of a mail; empty: nothing signs links here, and no
            mail goes out; None: not looked at, as where nothing is about to be sent.
        ways: how else the lead can be written to; None: that was not looked up, and
            the message keeps its channel.
    """

    intent: Intent
    journey: Journey
    window: Window
    sender: Sender | None
    lane: LaneFacts | None
    ledger: Ledger | None
    contacted: bool
    to: str = field(repr=False)
    thread: str = ""
    addresses: tuple[AddressKey, ...] = field(default=(), repr=False)
    fields: Mapping[str, str] = field(factory=dict, repr=False)
    enrolment: EnrolmentStatus | None = None
    campaign: CampaignId | None = None
    sequence: Sequence | None = None
    template: MessageTemplate | None = None
    suppressions: tuple[Suppression, ...] = ()
    switches: tuple[Switch, ...] = ()
    review_open: bool = False
    live: str = ""
    shortage: Shortage | None = None
    consent: str = ""
    intro: str = field(default="", repr=False)
    proposed: Intro | None = None
    hosting: Hosting | None = None
    unsubscribe: str | None = field(default=None, repr=False)
    ways: Ways | None = None

    def route(
        self, step: Step, *, gone: Channel | None = None, last: Channel | None = None
    ) -> Route | None:
        """The channel that a step of the run goes out on; None: it keeps its own.

        Args:
            gone: nobody is there any more where this channel leads to.
            last: channel of what is being sent just now; None: nothing is.
        """
        if self.sequence is None or self.ways is None:
            return None
        ways = self.ways if gone is None else self.ways.without(gone)
        return route_step(self.sequence, step, ways, self.journey, last)

    @property
    def is_new(self) -> bool:
        """Whether sending it now would open a conversation (costs a unit)."""
        return self.intent.channel is Channel.WHATSAPP and not self.contacted

    @property
    def counts_as(self) -> SendClass:
        """What the message is for the sender now, whatever it was planned as.

        A lead that moved to another phone is new for it; one that wrote first is not.
        Mail is what it was planned as, for no unit depends on it.
        """
        planned = self.intent.send_class
        if self.intent.channel is not Channel.WHATSAPP:
            return planned
        if self.is_new:
            return SendClass.NEW
        return SendClass.FOLLOWUP if planned is SendClass.NEW else planned

    def share(self, kind: BudgetKind, at: datetime) -> Share | None:
        """What the message would take of one further budget; None: nothing."""
        sender = self.sender
        if sender is None or getattr(sender.limits, SETTING[kind]) is None:
            return None  # most have none: nothing is made for them
        part = Part(
            new=self.counts_as is SendClass.NEW,
            answered=self.journey.reply_count > 0,
            company=company_key(
                self.fields.get("cui", ""), self.fields.get("company_name", "")
            )
            if kind is BudgetKind.COMPANY
            else "",
            domain=self.to.partition("@")[2].lower(),
            campaign="" if self.campaign is None else str(self.campaign),
        )
        return share(kind, limits_at(sender, at), part, at, sender.time_zone)


@frozen
class Flip:
    """A change of one fact that would lift one block.

    Attributes:
        fact: dotted path in the case (``journey.opted_out``), or ``now``.
        value: what it would have to be.
        says: the same in words, for people.
    """

    fact: str
    value: object
    says: str


def flip(case: Case, change: Flip) -> Case:
    """The case with one fact changed. ``now`` is not in a case and stays."""
    path = change.fact.split(".")
    if path == ["now"]:
        return case
    changed: Case = _evolved(case, path, change.value)
    return changed


def _evolved(fact: Any, path: list[str], value: object) -> Any:
    name, *rest = path
    inner = _evolved(getattr(fact, name), rest, value) if rest else value
    return evolve(fact, **{name: inner})
