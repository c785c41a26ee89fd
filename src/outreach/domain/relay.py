"""Which sender takes which warm mail: providers in their order, those that serve.

A message goes to the account that has refused it least often, of those to the one whose
provider comes first, and there to a sender that the lead knows, else to one of the same
domain, else to all in turn. So what one provider did not take goes to the next, and a
recipient sees another address as seldom as can be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from attrs import Factory, define, evolve, field, frozen

from outreach.domain.allocation import Room, allocate
from outreach.domain.health import Health, HealthState, takes_one
from outreach.domain.ids import AccountId, IntentId, LeadId, SenderId

__all__ = ["ORDER", "PassedOn", "Relayed", "account_room", "may_wait_here", "relay"]

ORDER: Final = ("resend", "ses", "sendgrid")
"""Providers of warm mail, unless a setting says otherwise."""
_IN_A_MOMENT: Final = timedelta(minutes=1)
_NEVER: Final[Mapping[AccountId, int]] = MappingProxyType({})


@frozen
class PassedOn:
    """A message that left its sender for another one, as it is kept.

    Attributes:
        at: engine time.
        sender: whom it left; number and provider: of that one.
    """

    at: datetime
    intent: IntentId
    sender: SenderId
    number: str
    provider: str
    why: str


@frozen
class Relayed:
    """A message that waits for a sender.

    Attributes:
        refused: how often each account provably did not accept it.
        known: senders of warm mail that have spoken with the lead, the last first.
    """

    intent: IntentId
    lead: LeadId | None = None
    refused: Mapping[AccountId, int] = field(default=_NEVER)
    known: Sequence[SenderId] = ()


def account_room(
    health: Health, now: datetime, opens: datetime | None, waiting: int
) -> int | None:
    """How many messages its account may be given through a lane; None: any number.

    Args:
        opens: from when the lane could call; None: it is shut.
        waiting: messages that wait for or make calls of the account.
    """
    if health.state is not HealthState.AWAY:
        return None
    return 1 if waiting == 0 and may_wait_here(health, now, opens) else 0


def may_wait_here(health: Health, now: datetime, opens: datetime | None) -> bool:
    """Whether what waits in a lane stays: its account serves, or this lane could try
    it within a minute.

    Args:
        opens: as above.
    """
    if health.state is not HealthState.AWAY:
        return True
    soon = opens is not None and opens <= now + _IN_A_MOMENT
    return soon and takes_one(health, now)


def relay(
    rooms: Sequence[Room], waiting: Sequence[Relayed], order: Sequence[str]
) -> Mapping[IntentId, SenderId]:
    """Spread *waiting*, in order, over the senders of warm mail that have room.

    Args:
        rooms: of all senders of warm mail.
        order: of providers; those that are not named come last, by their names.
    """
    accounts: dict[AccountId, _Account] = {}
    for room in rooms:
        one = room.sender
        if one.account not in accounts:
            rank = order.index(one.provider) if one.provider in order else len(order)
            accounts[one.account] = _Account((rank, one.provider, one.account))
        accounts[one.account].rooms.append(room)
    many = Counter(one.lead for one in waiting)
    spoken = {one.lead: list(one.known) for one in waiting}
    domains = {room.sender.id: _domain(room) for room in rooms}
    for message in waiting:
        able = [(name, account) for name, account in accounts.items() if account.free]
        if not able:
            break
        refused, known = message.refused, spoken[message.lead]
        _, account = min(able, key=lambda pair: (refused.get(pair[0], 0), pair[1].rank))
        sender = account.known_one(known, {domains.get(one, "") for one in known})
        if sender is None and many[message.lead] > 1:
            sender = account.roomiest()
        account.take(message.intent, sender)
        if sender is not None:
            known.insert(0, sender)
    return {key: of for one in accounts.values() for key, of in one.given().items()}


def _domain(room: Room) -> str:
    return room.sender.number.rpartition("@")[2]


@define(eq=False)
class _Account:
    """What one account is given in a turn.

    Attributes:
        rank: where it stands among all.
        chosen: messages for one of its senders; anybody: for any of them.
    """

    rank: tuple[int, str, AccountId]
    rooms: list[Room] = Factory(list)
    chosen: dict[IntentId, SenderId] = Factory(dict)
    anybody: list[IntentId] = Factory(list)
    _taken: Counter[SenderId] = Factory(Counter)

    @property
    def free(self) -> int:
        """Messages it may still be given."""
        left = sum(map(self._left, self.rooms)) - len(self.anybody)
        most = [room.account for room in self.rooms if room.account is not None]
        given = len(self.chosen) + len(self.anybody)
        return min([left, *(one - given for one in most)])

    def known_one(
        self, known: Sequence[SenderId], domains: Collection[str]
    ) -> SenderId | None:
        """The one that spoke last with a lead, else one of a domain it knows."""
        able = {room.sender.id: room for room in self.rooms if self._left(room) > 0}
        for one in known:
            if one in able:
                return one
        of_domain = [room for room in able.values() if _domain(room) in domains]
        return self._roomiest(of_domain)

    def roomiest(self) -> SenderId | None:
        """The one with the most room."""
        return self._roomiest([room for room in self.rooms if self._left(room) > 0])

    def _roomiest(self, rooms: Sequence[Room]) -> SenderId | None:
        best = max(rooms, key=self._left, default=None)
        return None if best is None else best.sender.id

    def take(self, intent: IntentId, sender: SenderId | None) -> None:
        """One more message, for a sender or for any."""
        if sender is None:
            self.anybody.append(intent)
        else:
            self.chosen[intent] = sender
            self._taken[sender] += 1

    def given(self) -> Mapping[IntentId, SenderId]:
        """Who takes what."""
        rooms = [
            evolve(room, waiting=room.waiting + self._taken[room.sender.id])
            for room in self.rooms
        ]
        return {**self.chosen, **allocate(rooms, self.anybody)}

    def _left(self, room: Room) -> int:
        return room.free - self._taken[room.sender.id]
