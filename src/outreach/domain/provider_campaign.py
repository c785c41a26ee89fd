"""A campaign that a provider runs for us: one step of ours, in one time zone.

Such a provider is not handed one mail to send now, but a lead to write to within a
schedule. The schedule is our window, and the texts are ours, frozen with the lead.
"""

from __future__ import annotations

from datetime import datetime, time
from enum import StrEnum
from functools import lru_cache
from typing import Final

from attrs import frozen

from outreach.domain.ids import AccountId, CampaignId, HostedId, StepId, TenantId
from outreach.domain.window import CLOSES, HORIZON, OPENS, Hours, Window, zone_info

__all__ = [
    "ABSENT",
    "TAKES_LEADS",
    "CampaignCounts",
    "CampaignHold",
    "CampaignPlan",
    "HostedCampaign",
    "Hosting",
    "schedule",
]


_WORKING_DAYS: Final = frozenset(range(1, 6))


class CampaignHold(StrEnum):
    """Why a provider's campaign sends nothing just now."""

    ABSENT = "ABSENT"
    """It is not there yet."""
    DRAFT = "DRAFT"
    """It was made and not started."""
    PAUSED = "PAUSED"
    BOUNCES = "BOUNCES"
    """The provider's own bounce protection stopped it."""
    SENDERS = "SENDERS"
    """None of its mailboxes can send."""
    SUSPENDED = "SUSPENDED"
    """The provider suspended the account."""
    COMPLETED = "COMPLETED"
    SCHEDULE = "SCHEDULE"
    """Outside its hours."""
    LIMIT = "LIMIT"
    """A daily limit of the campaign, a mailbox or a domain is met."""
    WAITING = "WAITING"
    """It has nothing to send, or waits for the gap between two mails."""
    OTHER = "OTHER"


TAKES_LEADS: Final = frozenset(
    {CampaignHold.SCHEDULE, CampaignHold.LIMIT, CampaignHold.WAITING}
)
"""It sends nothing just now, as planned: what is added goes out in its time."""


@frozen
class CampaignPlan:
    """What the provider's campaign must be.

    Attributes:
        campaign: ours, whose breaker stops it.
        sequence: its name, for people who look at the provider's own pages.
        number: of the step, from 1.
        zone: IANA name; the hours are local there.
        days: ISO weekdays, 1 is Monday.
    """

    account: AccountId
    campaign: CampaignId
    step: StepId
    sequence: str
    number: int
    zone: str
    opens: time = OPENS
    closes: time = CLOSES
    days: frozenset[int] = _WORKING_DAYS

    @property
    def name(self) -> str:
        """Its name at the provider, by which it is found again: there is one for each
        campaign of ours, step and zone.
        """
        return f"outreach {self.sequence} {self.number} {self.zone} {self.campaign}"


@frozen
class CampaignCounts:
    """What the provider counted for one of its campaigns, since it began.

    Attributes:
        contacted: leads that were written to at least once.
        bounced: leads whose mail came back for good.
    """

    ref: str
    contacted: int
    bounced: int


@frozen
class Hosting:
    """What is known of the provider's campaign that a message would be added to.

    Attributes:
        ref: the provider's id; empty: it was never there.
        hold: why nothing is added; None: it takes leads.
        says: the same in the provider's words.
        until: engine time at which it is asked again; None: a person must act.
    """

    ref: str = ""
    hold: CampaignHold | None = CampaignHold.ABSENT
    says: str = ""
    until: datetime | None = None

    @property
    def takes_leads(self) -> bool:
        """Whether a message may be added to it now."""
        return self.hold is None or self.hold in TAKES_LEADS


ABSENT: Final = Hosting()


@frozen
class HostedCampaign:
    """One of a provider's campaigns that messages wait for or were added to.

    Attributes:
        window: of the leads, without holidays.
        shut: our breaker is open: it must not be started.
        resume: a person closed the breaker: start it again, whatever stopped it.
        now: engine time of the read.
    """

    id: HostedId
    tenant: TenantId
    account: AccountId
    campaign: CampaignId
    step: StepId
    sequence: str
    number: int
    window: Window
    hosting: Hosting
    now: datetime
    shut: bool = False
    resume: bool = False

    @property
    def plan(self) -> CampaignPlan | None:
        """What the provider is to be told; None: its zones have no common hours."""
        found = schedule(self.window, self.now)
        if found is None:
            return None
        zone, hours = found
        return CampaignPlan(
            account=self.account,
            campaign=self.campaign,
            step=self.step,
            sequence=self.sequence,
            number=self.number,
            zone=zone,
            opens=hours.opens,
            closes=hours.closes,
            days=frozenset(day + 1 for day in hours.days),
        )


@lru_cache(maxsize=256)
def schedule(window: Window, at: datetime) -> tuple[str, Hours] | None:
    """One zone, and hours there that lie inside *window* on every day to come.

    A provider knows one zone for a campaign. Where a window has several, whose clocks
    may change on different days, the hours are those that are open all year; None if
    there are none. Holidays are not in it: on those nothing is added.
    """
    zone = window.zones[0]
    if len(window.zones) == 1:
        return zone, window.hours
    clock = zone_info(zone)
    opens, closes = time.min, time.max
    here = window.next_open(at)
    while here is not None and here - at < HORIZON:
        ends = window.closes(here)
        start, stop = here.astimezone(clock), ends.astimezone(clock)
        if start.date() != stop.date():
            return None
        opens, closes = max(opens, start.time()), min(closes, stop.time())
        here = window.next_open(ends)
    if opens >= closes:
        return None
    hours = Hours(opens, closes, window.hours.days)
    return (zone, hours) if _inside(Window((zone,), hours), window, at) else None


def _inside(narrow: Window, wide: Window, at: datetime) -> bool:
    """Whether one is open only when the other is, on every day to come."""
    here = narrow.next_open(at)
    while here is not None and here - at < HORIZON:
        ends = narrow.closes(here)
        if (wide.open_until(here) or here) < ends:
            return False
        here = narrow.next_open(ends)
    return True
