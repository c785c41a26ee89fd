"""What people agreed to, and what the law or the tenant asks for (SPEC section 10)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from outreach.domain.channel import Channel
from outreach.domain.ids import ConsentId, LeadId
from outreach.domain.link import MAIL

__all__ = [
    "CONFIRM_WITHIN",
    "EVERYWHERE",
    "OPEN",
    "Consent",
    "ConsentKind",
    "Demand",
    "Policy",
    "Standing",
]

CONFIRM_WITHIN: Final = timedelta(days=7)
"""Engine time; what nobody confirmed by then is no consent."""

EVERYWHERE: Final = "default"
"""The rules for countries that have none of their own, and for leads without one."""

_BASES: Final = frozenset(
    {
        "consent",
        "opt-in",
        "double-opt-in",
        "consimtamant",
        "acord",
        "согласие",
        "existing-customer",
        "customer",
        "client",
        "client-existent",
        "клиент",
    },
)
"""Legal bases that stand for prior consent, or for its one exception in Romania and
Germany: customers, who are offered what is like what they bought. Not among them is a
legitimate interest, which is no consent."""


class ConsentKind(StrEnum):
    """How it was given."""

    ASKED = "ASKED"
    """Asked for by us: it counts once the person has followed a signed link."""
    PROVEN = "PROVEN"
    """On paper or elsewhere, with evidence that the source names."""


@frozen
class Consent:
    """One time that somebody was asked, with what a court would ask for.

    Attributes:
        address: the phone (E.164) or address that it is for, and no other.
        text: what they agreed to, word by word.
        source: where and how; the evidence.
        by: who recorded it.
        asked_at, confirmed_at, withdrawn_at: engine time.
    """

    id: ConsentId
    lead: LeadId
    channel: Channel
    kind: ConsentKind
    address: str = field(repr=False)
    text: str
    source: str
    by: str
    asked_at: datetime
    confirmed_at: datetime | None = None
    withdrawn_at: datetime | None = None

    @property
    def stands(self) -> bool:
        """It was confirmed and is not withdrawn."""
        return self.confirmed_at is not None and self.withdrawn_at is None

    def confirmable(self, now: datetime) -> bool:
        """Whether following its link makes it valid, or finds it so."""
        in_time = now < self.asked_at + CONFIRM_WITHIN
        return self.withdrawn_at is None and (self.confirmed_at is not None or in_time)

    def covers(self, channel: Channel) -> bool:
        """Mail is mail, whoever carries it."""
        return self.channel is channel or {self.channel, channel} <= MAIL


class Demand(StrEnum):
    """What a country asks for before a channel is used."""

    ALLOW = "ALLOW"
    WARN = "WARN"
    """Allowed, and people are told how many that concerned."""
    REQUIRE = "REQUIRE"


@frozen
class Standing:
    """What is known of one lead that the policy looks at.

    Attributes:
        country: ISO 3166 alpha-2, or empty.
        address: the phone or address that would be written to.
        legal_basis: as imported.
    """

    country: str
    address: str = field(repr=False)
    legal_basis: str
    consents: Sequence[Consent] = ()


@frozen
class Policy:
    """What to ask for, by country and channel.

    Attributes:
        rules: by country, `EVERYWHERE` for all others. What neither names is required.
    """

    rules: Mapping[str, Mapping[Channel, Demand]]

    def demand(self, country: str, channel: Channel) -> Demand:
        """The country's own rule, else that for everywhere, else the strictest."""
        for name in (country, EVERYWHERE):
            rule = self.rules.get(name, {}).get(channel)
            if rule is not None:
                return rule
        return Demand.REQUIRE

    def lacks(self, channel: Channel, lead: Standing) -> str:
        """Why the lead may not be contacted on this channel; empty: it may.

        Whoever withdrew a consent is not contacted, whatever the country asks for.
        """
        ours = [one for one in lead.consents if one.covers(channel)]
        if any(one.stands and one.address == lead.address for one in ours):
            return ""
        if any(one.withdrawn_at is not None for one in ours):
            return "the consent was withdrawn"
        if self.demand(lead.country, channel) is not Demand.REQUIRE:
            return ""
        if _plain(lead.legal_basis) in _BASES:
            return ""
        where = lead.country or "an unknown country"
        says = f"{where} asks for prior consent on {channel}"
        pending = any(one.confirmed_at is None for one in ours)
        return f"{says}; what was asked for is not confirmed" if pending else says

    def warns(self, channel: Channel, lead: Standing) -> bool:
        """Whether contacting the lead is worth a word."""
        warned = self.demand(lead.country, channel) is Demand.WARN
        ours = [one for one in lead.consents if one.covers(channel) and one.stands]
        return warned and not ours and _plain(lead.legal_basis) not in _BASES


def _plain(words: str) -> str:
    """Without case, diacritics and punctuation: ``Consimțământ`` is consimtamant."""
    folded = unicodedata.normalize("NFD", words.casefold())
    bare = "".join(one for one in folded if not unicodedata.combining(one))
    return re.sub(r"\W+|_", "-", bare).strip("-")


OPEN: Final = Policy({EVERYWHERE: dict.fromkeys(Channel, Demand.ALLOW)})
"""Asks for nothing: for tests and simulations, which write to nobody."""
