"""What waits for a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from attrs import field, frozen

from outreach.domain.ids import ReviewId, TenantId
from outreach.domain.review import Priority, ReviewItem

__all__ = ["Audited", "Line", "ReviewView", "Reviews"]


@frozen
class Line:
    """One message of the conversation, either way."""

    at: datetime
    inbound: bool
    channel: str
    text: str = field(repr=False)
    status: str = ""


@frozen
class Audited:
    """One line of an item's audit log.

    Attributes:
        before: status before; empty where the item was opened.
    """

    at: datetime
    action: str
    by: str
    before: str
    after: str
    notes: str = field(default="", repr=False)


@frozen
class ReviewView:
    """An item with what a person must see to decide.

    Attributes:
        conversation: oldest first; only from `Reviews.get`.
        audit: what was done with the item, oldest first; only from `Reviews.get`.
    """

    item: ReviewItem
    company: str = field(repr=False)
    contact: str = field(repr=False)
    recipient: str = field(repr=False)
    state: str = ""
    conversation: tuple[Line, ...] = field(default=(), repr=False)
    audit: tuple[Audited, ...] = ()
    now: datetime | None = None


class Reviews(Protocol):
    """The queue; items are changed by committing a change to their lead.

    Promises:
    - the most urgent comes first, and among equals the one due first;
    - an item is claimed by one person at a time, until the lease ends;
    - every action is in the audit log.
    """

    async def queue(
        self, tenant: TenantId, *, limit: int, priority: Priority | None = None
    ) -> Sequence[ReviewView]:
        """Open items, without their conversations."""
        ...

    async def get(self, tenant: TenantId, words: str) -> ReviewView:
        """By id or its start, with the conversation and the audit log.

        Raises:
            NotFound: none, or more than one.
        """
        ...

    async def claim(
        self, tenant: TenantId, review: ReviewId, who: str, lease: timedelta
    ) -> bool:
        """Take it for *who*; False: another person has it."""
        ...
