"""The phones, mailboxes and accounts that messages go out from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from outreach.domain.channel import Channel
from outreach.domain.ids import AccountId, SenderId, TenantId
from outreach.domain.message import MessageStatus
from outreach.domain.new_sender import NewSender
from outreach.domain.sender import Sender
from outreach.ports.gateway import Status

__all__ = ["Account", "Polled", "SenderUse", "Senders"]


@frozen
class Account:
    """An account at a provider."""

    id: AccountId
    tenant: TenantId
    provider: str
    name: str


@frozen
class SenderUse:
    """One sender with its day so far, for people.

    Attributes:
        total: most messages of all kinds on this day, less while a mailbox warms up;
            None: nothing bounds them.
        waiting: messages in its lane.
        next_wake: engine time of its next send; None: nothing waits or it is shut.
    """

    sender: Sender
    day_new: int
    day_followups: int
    external: int
    limit: int
    total: int | None
    waiting: int
    next_wake: datetime | None


@frozen
class Polled:
    """A message whose status is worth asking for."""

    ref: str
    account: AccountId
    status: MessageStatus
    sender: SenderId
    number: str


class Senders(Protocol):
    """Who writes.

    Promises:
    - importing the same file twice changes nothing;
    - a phone belongs to one tenant and keeps its id;
    - a change from another state than expected changes nothing;
    - the channels of a tenant are those of its senders that are enabled and there;
    - a sender that may send nothing freezes its lane, and one that may again
      wakes it.
    """

    async def import_(
        self, tenant: TenantId, batch: Sequence[NewSender]
    ) -> Sequence[Sender]:
        """Make or update senders, their accounts and lanes; in order."""
        ...

    async def all(self, tenant: TenantId) -> Sequence[SenderUse]:
        """Every sender with today's use, by number."""
        ...

    async def channels(self, tenant: TenantId) -> frozenset[Channel]:
        """On which channels the tenant has any sender that is not gone."""
        ...

    async def get(self, tenant: TenantId, words: str) -> Sender:
        """By id, its start, number or label.

        Raises:
            NotFound: none, or more than one.
        """
        ...

    async def by_id(self, tenant: TenantId, sender: SenderId) -> Sender:
        """Raises NotFound if there is none."""
        ...

    async def change(self, before: Sender, after: Sender, *, by: str) -> bool:
        """Store *after* if the sender is still as in *before*; record the move."""
        ...

    async def accounts(self, tenant: TenantId) -> Sequence[Account]:
        """Provider accounts of the tenant."""
        ...

    async def all_accounts(self, provider: str, name: str) -> Sequence[Account]:
        """Accounts of that name at a provider, of every tenant."""
        ...

    async def unfinished(self, account: AccountId, limit: int) -> Sequence[Polled]:
        """Messages ACCEPTED, SENT or DELIVERED lately, longest unasked first.

        Those returned are asked for; the older a message, the longer until it is
        returned again (half its age), since providers count such questions.
        """
        ...

    async def told(self, account: AccountId, status: Status, now: datetime) -> None:
        """A provider says how far a message came; it only moves forward."""
        ...
