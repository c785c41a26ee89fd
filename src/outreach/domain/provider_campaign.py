"""A campaign that a provider runs for us: one step of ours, in one time zone.

Such a provider is not handed one mail to send now, but a lead to write to within a
schedule. The schedule is our window, and the texts are ours, frozen with the lead.
"""

from __future__ import annotations

from datetime import time
from enum import StrEnum
from typing import Final

from attrs import frozen

from outreach.domain.ids import AccountId, CampaignId, StepId

__all__ = ["CampaignCounts", "CampaignHold", "CampaignPlan"]

_WORKING_DAYS: Final = frozenset({1, 2, 3, 4, 5})


class CampaignHold(StrEnum):
    """Why a provider's campaign sends nothing just now."""

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
    opens: time = time(9)
    closes: time = time(18)
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
