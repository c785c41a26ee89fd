"""Channels, journey states, and the guard between cold and warm as a type.

A parcel can only be made with a `Permit`, and a `Permit` for a warm provider can
only be made for a lead that has replied: the wrong send cannot be written down.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from attrs import field, frozen

from outreach.domain.errors import ChannelSegregationError

__all__ = [
    "COLD_STATES",
    "WARM_STATES",
    "Channel",
    "Permit",
    "State",
    "permitted",
]


class Channel(StrEnum):
    """How a message travels."""

    WHATSAPP = "WHATSAPP"
    EMAIL_COLD = "EMAIL_COLD"
    EMAIL_WARM = "EMAIL_WARM"
    PHONE = "PHONE"
    MANUAL = "MANUAL"


class State(StrEnum):
    """Where a lead is on its journey."""

    COLD = "COLD"
    CONTACTED_WA = "CONTACTED_WA"
    CONTACTED_EMAIL = "CONTACTED_EMAIL"
    WARM_REPLY = "WARM_REPLY"
    NEGOTIATION = "NEGOTIATION"
    CONVERTED = "CONVERTED"
    DEAD = "DEAD"
    PAUSED = "PAUSED"


COLD_STATES: Final = frozenset(
    {State.COLD, State.CONTACTED_WA, State.CONTACTED_EMAIL},
)
WARM_STATES: Final = frozenset(
    {State.WARM_REPLY, State.NEGOTIATION, State.CONVERTED},
)

_ALLOWED: Final = {
    Channel.WHATSAPP: COLD_STATES | WARM_STATES,
    Channel.EMAIL_COLD: COLD_STATES,
    Channel.EMAIL_WARM: WARM_STATES,
    Channel.PHONE: COLD_STATES | WARM_STATES,
    Channel.MANUAL: COLD_STATES | WARM_STATES,
}


def permitted(channel: Channel) -> frozenset[State]:
    """States in which a lead may be written to on *channel*."""
    return _ALLOWED[channel]


@frozen
class Permit:
    """Proof that this channel may be used for a lead in this state.

    Raises:
        ChannelSegregationError: it may not; there is no such permit.
    """

    channel: Channel
    state: State = field()

    @state.validator
    def _belongs(self, _attribute: object, state: State) -> None:
        if state not in _ALLOWED[self.channel]:
            allowed = ", ".join(sorted(_ALLOWED[self.channel]))
            message = (
                f"no {self.channel} message for a lead that is {state}: "
                f"the channel is for {allowed}"
            )
            raise ChannelSegregationError(message)

    def demand(self, carried: frozenset[Channel]) -> None:
        """Let only what a provider account is for come near it.

        Raises:
            ChannelSegregationError: the account does not carry this channel.
        """
        if self.channel not in carried:
            allowed = ", ".join(sorted(carried))
            message = (
                f"no {self.channel} message over this account, for a lead that is "
                f"{self.state}: the account is for {allowed}"
            )
            raise ChannelSegregationError(message)
