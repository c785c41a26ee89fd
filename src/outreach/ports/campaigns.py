"""Sequences, templates, and who is enrolled in what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from attrs import field, frozen

from outreach.domain.address import AddressKey
from outreach.domain.breaker import MailCounts
from outreach.domain.channel import Channel, State
from outreach.domain.consent import Consent
from outreach.domain.ids import CampaignId, EnrolmentId, LeadId, TenantId
from outreach.domain.message import Intent
from outreach.domain.sequence import Campaign, MessageTemplate, Override
from outreach.domain.sequence import Sequence as Steps
from outreach.domain.trial import Trial

__all__ = ["Campaigns", "Enrollable", "NewEnrolment"]


@frozen
class Enrollable:
    """A lead that could be enrolled, with what the choice of channel needs.

    Attributes:
        phone_zones: zones of the number's prefix; country_zones of its country.
        fields: variables for templates.
        suppressed: one of its addresses is on a suppression list.
    """

    lead: LeadId
    state: State
    phone: str = field(repr=False)
    email: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)
    country: str = ""
    time_zone: str | None = None
    phone_zones: tuple[str, ...] = ()
    country_zones: tuple[str, ...] = ()
    preferred_channel: Channel | None = None
    last_channel: Channel | None = None
    closed_channels: frozenset[Channel] = frozenset()
    opted_out: bool = False
    suppressed: bool = False
    human_controlled: bool = False
    addresses: tuple[AddressKey, ...] = field(default=(), repr=False)
    legal_basis: str = ""
    consents: tuple[Consent, ...] = field(default=(), repr=False)


@frozen
class NewEnrolment:
    """A lead's run of a sequence, with its first message.

    Attributes:
        zones: the window is open when it is open in all of them.
        zones_why: how they came about, recorded.
        skipped: reason why nothing is planned (``NO_CHANNEL`` ...); then there is
            no first message, and the lead is only counted.
    """

    id: EnrolmentId
    lead: LeadId
    zones: tuple[str, ...]
    country: str
    zones_why: str
    first: Intent | None
    skipped: str = ""


class Campaigns(Protocol):
    """What is sent in which order, and to whom.

    Promises:
    - saving the same sequence and templates again changes nothing;
    - an override of capacity stays with its campaign;
    - a sequence keeps the ids of its steps over versions;
    - a lead has at most one live enrolment;
    - enrolling again in the same campaign enrols nobody twice;
    - every enrolment that is not skipped has a message with a due time;
    - skipped leads are counted by reason;
    - all of a tenant's campaigns are listed by name, and nobody else's;
    - a campaign's mail is counted as it is accepted, delivered, returned or complained
      about, each mail once;
    - a lead that was sent a template keeps its version of it, whatever weights become;
    - a corrected text goes on under its label, other weights begin anew;
    - a version counts each lead it was sent to once, and each thing the lead does once;
    - what was provably not sent counts for no version;
    - once a version is picked new leads get no other;
    - whoever picks without replacing leaves an earlier pick alone.
    """

    async def save(
        self,
        tenant: TenantId,
        sequence: Steps,
        templates: Sequence[MessageTemplate],
        *,
        name: str,
        override: Override | None = None,
    ) -> Campaign:
        """Store a sequence with its templates, and the campaign *name* of it.

        Args:
            override: recorded with the campaign; None leaves what was recorded.
        """
        ...

    async def named(self, tenant: TenantId, name: str) -> Campaign:
        """The campaign of that name, or with that id.

        Raises:
            NotFound: there is none.
        """
        ...

    async def all(self, tenant: TenantId) -> Sequence[Campaign]:
        """Every campaign, by name."""
        ...

    async def sequence(
        self, tenant: TenantId, name: str
    ) -> tuple[Steps, Sequence[MessageTemplate]]:
        """The live version.

        Raises:
            NotFound: no sequence of that name.
        """
        ...

    async def templates(self, tenant: TenantId) -> Sequence[MessageTemplate]:
        """All active templates, by name."""
        ...

    async def enrollable(
        self, tenant: TenantId, campaign: Campaign, after: LeadId | None, limit: int
    ) -> Sequence[Enrollable]:
        """The next page of leads not looked at for this campaign, by id."""
        ...

    async def enroll(
        self, tenant: TenantId, campaign: Campaign, batch: Sequence[NewEnrolment]
    ) -> Sequence[bool]:
        """False: the lead has a live enrolment, or was in this campaign before."""
        ...

    async def mail(self, tenant: TenantId, campaign: CampaignId) -> MailCounts:
        """The campaign's mail of the last `BREAKER_DAYS` days (UTC), today included."""
        ...

    async def trials(self, tenant: TenantId) -> Sequence[Trial]:
        """Every active template with what its versions brought, by name."""
        ...

    async def pick(
        self,
        tenant: TenantId,
        template: str,
        label: str,
        *,
        by: str,
        instead: bool = True,
    ) -> bool:
        """Give new leads this version only, of the template of that name.

        Args:
            by: who says so; recorded.
            instead: another may have been picked before, and is replaced.

        Returns:
            Whether it is picked by this; False: another one was, and stays.

        Raises:
            NotFound: there is no such template, or no such version of it.
        """
        ...

    async def now(self) -> datetime:
        """Engine time."""
        ...
