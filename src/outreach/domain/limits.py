"""Further budgets of a sender beside its daily units, and who takes part in them.

Each is off unless it is set. A message takes part in all that concern it, and is
sent only if each has room: the smallest wins. Periods are days and months of the
sender's own time zone. Whether a person has answered, and whether the contact is
new, is decided at the moment of sending.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from attrs import Attribute, field, fields_dict, frozen

from outreach.domain.budget import Budget
from outreach.domain.window import local_day, start_of_day

__all__ = [
    "NO_LIMITS",
    "SETTING",
    "BudgetKind",
    "Limits",
    "Part",
    "Share",
    "company_key",
    "kind_of",
    "room_left",
    "share",
]

_ONE_DAY: Final = timedelta(days=1)
_A_MONTH_AND_MORE: Final = timedelta(days=31)
_ONE_CASE: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_DIGITS: Final = 16


class BudgetKind(StrEnum):
    """The first word of a budget's key."""

    TOTAL = "total"
    """Everything the sender sends in a day."""
    UNANSWERED = "unanswered"
    """To people who have never answered, in a month."""
    COMPANY = "company"
    """To one company, in a month."""
    DOMAIN = "domain"
    """To mailboxes of one domain, in a day."""
    CAMPAIGN = "campaign"
    """New contacts of one campaign, in a day."""


def _at_least_one(_: object, name: Attribute[int | None], value: int | None) -> None:
    if value is not None and value < 1:
        msg = f"{name.name} = {value}: give 1 or more, or leave it out for no limit"
        raise ValueError(msg)


@frozen(kw_only=True)
class Limits:
    """How much of each budget a sender has; None: as much as it likes.

    Raises:
        ValueError: a limit under 1; names it.
    """

    total_per_day: int | None = field(default=None, validator=_at_least_one)
    unanswered_per_month: int | None = field(default=None, validator=_at_least_one)
    company_per_month: int | None = field(default=None, validator=_at_least_one)
    domain_per_day: int | None = field(default=None, validator=_at_least_one)
    campaign_new_per_day: int | None = field(default=None, validator=_at_least_one)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Of the settings, in order."""
        return tuple(fields_dict(cls))


NO_LIMITS: Final = Limits()
SETTING: Final = MappingProxyType(dict(zip(BudgetKind, Limits.names(), strict=True)))
"""The setting that limits each kind."""
_OF_ALL: Final = (BudgetKind.TOTAL, BudgetKind.UNANSWERED)
_MONTHLY: Final = frozenset({BudgetKind.UNANSWERED, BudgetKind.COMPANY})


@frozen
class Part:
    """What decides in which budgets a message takes part.

    Attributes:
        new: it opens a conversation.
        answered: the person has answered before, on any channel.
        company: see `company_key`; empty if it is not known.
        domain: of the recipient's address; empty for a phone.
        campaign: id; empty outside of campaigns.
    """

    new: bool
    answered: bool
    company: str = ""
    domain: str = ""
    campaign: str = ""


_ANYBODY: Final = Part(new=True, answered=False)


@frozen
class Share:
    """One unit that a message takes of one further budget.

    Attributes:
        key: names budget and period: ``total:2026-03-02``,
            ``company:<16 hex digits>:2026-03``.
        ends_at: when the period ends.
    """

    kind: BudgetKind
    key: str
    limit: int
    ends_at: datetime

    def asked(self, now: datetime) -> Budget:
        """As the guard is asked for it."""
        return Budget(self.key, self.limit, 1, self.ends_at - now)


def share(
    kind: BudgetKind, limits: Limits, part: Part, at: datetime, zone: str
) -> Share | None:
    """What a message takes of one budget at *at*; None: it takes no part.

    Args:
        zone: IANA name of the sender's own zone.
    """
    limit: int | None = getattr(limits, SETTING[kind])
    if limit is None:
        return None
    subject = _subject(kind, part)
    if subject is None:
        return None
    day = local_day(at, zone)
    period, following = str(day), day + _ONE_DAY
    if kind in _MONTHLY:
        period, following = f"{day:%Y-%m}", _next_month(day)
    words = (kind, subject, period) if subject else (kind, period)
    return Share(kind, ":".join(words), limit, start_of_day(following, zone))


def _subject(kind: BudgetKind, part: Part) -> str | None:
    """Of what; empty: there is one for the sender; None: it takes no part."""
    match kind:
        case BudgetKind.TOTAL:
            return ""
        case BudgetKind.UNANSWERED:
            return None if part.answered else ""
        case BudgetKind.COMPANY:
            return part.company or None
        case BudgetKind.DOMAIN:
            return part.domain or None
        case BudgetKind.CAMPAIGN:
            return part.campaign or None if part.new else None


def _next_month(day: date) -> date:
    return (day.replace(day=1) + _A_MONTH_AND_MORE).replace(day=1)


def company_key(cui: str, name: str) -> str:
    """Names a company by its register id, else by its name; empty: by neither.

    Of names the case of A to Z is ignored, and nothing else.
    """
    if not cui and not name:
        return ""
    known = f"cui:{cui}" if cui else f"name:{name.translate(_ONE_CASE)}"
    return sha256(known.encode()).hexdigest()[:_DIGITS]


def room_left(
    limits: Limits, units: int, used: Mapping[str, int], at: datetime, zone: str
) -> int:
    """New contacts a sender can still take at *at*: its units, or what is left of a
    budget that is the sender's as a whole, whichever is less.

    Args:
        units: left of the sender's day.
        used: of its further budgets, by key.
    """
    wanted = (share(kind, limits, _ANYBODY, at, zone) for kind in _OF_ALL)
    left = [one.limit - used.get(one.key, 0) for one in wanted if one is not None]
    return max(0, min(units, *left)) if left else units


def kind_of(key: str) -> BudgetKind:
    """The kind of a budget, by its key."""
    return BudgetKind(key.partition(":")[0])
