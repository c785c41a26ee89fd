"""Which channel a step goes out on, with the score of each."""

from __future__ import annotations

from typing import Final

from attrs import evolve, field, frozen

from outreach.domain.channel import Channel, State, permitted
from outreach.domain.journey import Journey
from outreach.domain.sequence import Sequence, Step

__all__ = ["NOBODY_THERE", "Reach", "Route", "Ways", "choose_channel", "route_step"]

NOBODY_THERE: Final = frozenset({"invalid", "bounced"})
"""Statuses of a phone or address that is written to no more."""

_BASE: Final = {
    Channel.WHATSAPP: 100,
    Channel.EMAIL_WARM: 80,
    Channel.EMAIL_COLD: 70,
}
_LAST_USED: Final = 20


@frozen
class Reach:
    """Whether one channel can be used for a lead, and why not.

    Attributes:
        blocked: empty if the channel is possible.
    """

    channel: Channel
    blocked: str = ""


@frozen
class Route:
    """The chosen channel (None: none is possible) and how it came about."""

    channel: Channel | None
    scores: tuple[tuple[Channel, int], ...]
    blocked: tuple[Reach, ...]
    why: str


@frozen
class Ways:
    """How a lead can be written to.

    Attributes:
        phone: E.164; empty: there is none, or nobody there.
        email: likewise.
        channels: on which there are senders.
    """

    phone: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    channels: frozenset[Channel] = frozenset()

    @classmethod
    def of(
        cls,
        phone: str,
        phone_status: str,
        email: str,
        email_status: str,
        channels: frozenset[Channel],
    ) -> Ways:
        """Without what is known to lead nowhere."""
        return cls(
            phone="" if phone_status in NOBODY_THERE else phone,
            email="" if email_status in NOBODY_THERE else email,
            channels=channels,
        )

    def to(self, channel: Channel) -> str:
        """The phone or address that a message of this channel goes to."""
        return self.phone if channel is Channel.WHATSAPP else self.email

    def without(self, channel: Channel) -> Ways:
        """The same, once nobody was found at what that channel leads to."""
        if channel is Channel.WHATSAPP:
            return evolve(self, phone="")
        return evolve(self, email="")


def choose_channel(
    wanted: Channel | None,
    reaches: tuple[Reach, ...],
    *,
    state: State,
    last: Channel | None,
    preferred: Channel | None,
) -> Route:
    """Choose as SPEC section 4: the step's own channel if possible, else by score.

    WhatsApp 100, warm e-mail 80, cold e-mail 70, +20 for the last one used; a
    preference wins if it is possible, ties go to the last one used. What is not for a
    lead in this *state* is not possible, whatever the reaches say.
    """
    reaches = tuple(
        reach
        if reach.blocked or state in permitted(reach.channel)
        else Reach(reach.channel, "CHANNEL_GUARD")
        for reach in reaches
    )
    open_ = [reach.channel for reach in reaches if not reach.blocked]
    blocked = tuple(reach for reach in reaches if reach.blocked)
    scores = tuple(
        (channel, _BASE.get(channel, 0) + (_LAST_USED if channel is last else 0))
        for channel in open_
    )
    if wanted in open_:
        return Route(wanted, scores, blocked, "the step's own channel")
    if not scores:
        return Route(None, scores, blocked, "no channel is possible")
    if preferred in open_:
        return Route(preferred, scores, blocked, "preferred")
    best = max(scores, key=lambda pair: (pair[1], pair[0] is last))
    return Route(best[0], scores, blocked, f"best score {best[1]}")


def route_step(
    sequence: Sequence,
    step: Step,
    ways: Ways,
    journey: Journey,
    last: Channel | None = None,
) -> Route:
    """The channel that a step goes out on for a lead as it stands now.

    Args:
        last: channel of what is being sent just now; None: nothing is.
    """
    own = step.channel
    if own is not None and not _blocked(sequence, step, own, ways, journey):
        # Most steps are so, and nothing else need be weighed up for them.
        return Route(own, ((own, _BASE.get(own, 0)),), (), "the step's own channel")
    reaches = tuple(
        Reach(channel, _blocked(sequence, step, channel, ways, journey))
        for channel in _BASE
    )
    return choose_channel(
        step.channel,
        reaches,
        state=journey.state,
        last=last or journey.last_channel,
        preferred=journey.preferred_channel,
    )


def _blocked(
    sequence: Sequence, step: Step, channel: Channel, ways: Ways, journey: Journey
) -> str:
    if not ways.to(channel) or channel not in ways.channels:
        return "NO_CHANNEL"
    if channel in journey.closed_channels:
        return "NO_CHANNEL"
    if journey.state not in permitted(channel):
        return "CHANNEL_GUARD"
    if channel in sequence.texts(step):
        return ""
    wanted = step.channel is None or channel is sequence.fallback_channel
    return "NO_TEMPLATE" if wanted else "NO_CHANNEL"
