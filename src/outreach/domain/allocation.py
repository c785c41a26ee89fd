"""Which phone speaks to which new lead: weighted round robin, then sticky."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from outreach.domain.ids import IntentId, SenderId
from outreach.domain.sender import SendClass, Sender

__all__ = ["Room", "allocate"]


@frozen
class Room:
    """What one phone can still take today.

    Attributes:
        units: new contacts it may still make on its day, by all of its budgets.
        waiting: new contacts that are allocated to it and not sent yet.
    """

    sender: Sender
    units: int
    waiting: int

    @property
    def free(self) -> int:
        """Leads it may be given now."""
        if not self.sender.may(SendClass.NEW):
            return 0
        return max(0, self.units - self.waiting)


def allocate(
    rooms: Sequence[Room], intents: Sequence[IntentId]
) -> Mapping[IntentId, SenderId]:
    """Spread *intents*, in order, over the phones that may start conversations.

    Weighted round robin with weight = priority x remaining room, smooth (each
    turn goes to the phone that is furthest behind its share), deterministic. A
    phone never gets more than its room; what fits nowhere stays unallocated.
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
