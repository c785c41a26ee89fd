"""Which sender speaks to which new lead: weighted round robin, then sticky."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from attrs import evolve, field, frozen, validators

from outreach.domain.capacity import STOP_RATE, intake_per_sender_day
from outreach.domain.channel import Channel
from outreach.domain.ids import IntentId, SenderId
from outreach.domain.sender import SendClass, Sender
from outreach.domain.window import Hours, next_midnight

__all__ = ["PLENTY", "Intake", "Room", "Shortage", "WhyNoRoom", "allocate", "shortage"]

PLENTY: Final = 100_000
"""Mails that a sender without a budget may have waiting in its lane."""


@frozen
class Room:
    """What one sender can still take today.

    Attributes:
        units: new contacts it may still make on its day, by all of its budgets;
            `PLENTY` of a mailbox that none bounds.
        waiting: new contacts that are allocated to it and not sent yet.
        used: new contacts it has made itself on its day.
        followups: the most that a lead of the tenant gets which was not written to
            yet; None: there is no such lead, or a campaign of one overrides the
            rule.
        account: how many messages its provider account may be given in all; None: any
            number (`outreach.domain.relay.account_room`).
    """

    sender: Sender
    units: int
    waiting: int
    used: int = 0
    followups: int | None = None
    account: int | None = None

    @property
    def free(self) -> int:
        """Leads it may be given now."""
        if not self.sender.may(SendClass.NEW):
            return 0
        free = max(0, self.units - self.waiting)
        return free if self.account is None else min(free, self.account)


@frozen
class Intake:
    """How many new contacts a phone takes in a day: no more than it can follow up.

    Attributes:
        stop_rate: share of leads that stop at each touch.
        hours: how long a working day is.
    """

    stop_rate: float = field(
        default=STOP_RATE, validator=[validators.ge(0), validators.le(1)]
    )
    hours: Hours = Hours()

    def most(self, room: Room) -> int | None:
        """New contacts of the phone's day; None: only its budgets bound them, as
        they do those of a mailbox.
        """
        if room.followups is None or room.sender.channel is not Channel.WHATSAPP:
            return None
        gap = room.sender.pacing.mean
        return intake_per_sender_day(
            self.hours.length, gap, room.followups, self.stop_rate
        )

    def bounded(self, room: Room) -> Room:
        """The room with no more units than the rest of what is sustainable today."""
        most = self.most(room)
        if most is None:
            return room
        return evolve(room, units=min(room.units, max(0, most - room.used)))


class WhyNoRoom(StrEnum):
    """What keeps a new contact from a phone."""

    NO_PHONE = "no_phone"
    """None may start conversations."""
    NO_MAILBOX = "no_mailbox"
    """Nor may a sender of mail on the message's channel."""
    LIMIT = "limit"
    """Each has its new contacts of today, by its limit and budgets."""
    CAPACITY = "capacity"
    """Some have units left, and could not follow up more."""
    AWAY = "away"
    """The provider accounts of those that have are given nothing just now."""


@frozen
class Shortage:
    """Why no sender takes a new contact now.

    Attributes:
        most: new contacts a day that a phone with units left can follow up.
        until: engine time at which the first sender's day ends; None: none is able.
    """

    why: WhyNoRoom
    most: int = 0
    followups: int = 0
    until: datetime | None = None


def shortage(
    rooms: Sequence[Room],
    intake: Intake,
    now: datetime,
    channel: Channel = Channel.WHATSAPP,
) -> Shortage | None:
    """What binds, over all senders of a channel; None: one of them has room.

    Args:
        rooms: of one channel, as the ledger has them, not bounded yet.
        channel: that channel.
        now: engine time.
    """
    able = [
        room
        for room in rooms
        if room.sender.may(SendClass.NEW) and room.sender.daily_limit
    ]
    if not able:
        of_phones = channel is Channel.WHATSAPP
        return Shortage(WhyNoRoom.NO_PHONE if of_phones else WhyNoRoom.NO_MAILBOX)
    if any(intake.bounded(room).free for room in able):
        return None
    if any(room.account == 0 and room.units > room.waiting for room in able):
        return Shortage(WhyNoRoom.AWAY)
    until = min(next_midnight(now, room.sender.time_zone) for room in able)
    with_units = [room for room in able if room.free]
    if not with_units:
        return Shortage(WhyNoRoom.LIMIT, until=until)
    most = max(intake.most(room) or 0 for room in with_units)
    followups = max(room.followups or 0 for room in with_units)
    return Shortage(WhyNoRoom.CAPACITY, most, followups, until)


def allocate(
    rooms: Sequence[Room], intents: Sequence[IntentId]
) -> Mapping[IntentId, SenderId]:
    """Spread *intents*, in order, over senders that may start conversations.

    All are of one channel. Weighted round robin with weight = priority x remaining
    room, smooth (each turn goes to the sender that is furthest behind its share),
    deterministic. A sender never gets more than its room; what fits nowhere stays
    unallocated.
    """
    left = {room.sender.id: room.free for room in rooms}
    weight = {
        room.sender.id: room.sender.priority * room.free for room in rooms if room.free
    }
    total = sum(weight.values())
    credit = dict.fromkeys(sorted(weight), 0)
    given: dict[IntentId, SenderId] = {}
    for intent in intents:
        if not credit:
            break
        for sender in credit:
            credit[sender] += weight[sender]
        chosen = max(credit, key=credit.__getitem__)
        credit[chosen] -= total
        given[intent] = chosen
        left[chosen] -= 1
        if left[chosen] == 0:
            total -= weight[chosen]
            del credit[chosen]
    return given
