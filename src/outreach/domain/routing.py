"""Which channel a step goes out on, with the score of each."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from outreach.domain.channel import Channel

__all__ = ["Reach", "Route", "choose_channel"]

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


def choose_channel(
    wanted: Channel | None,
    reaches: tuple[Reach, ...],
    *,
    last: Channel | None,
    preferred: Channel | None,
) -> Route:
    """Choose as SPEC section 4: the step's own channel if possible, else by score.

    WhatsApp 100, warm e-mail 80, cold e-mail 70, +20 for the last one used; a
    preference wins if it is possible, ties go to the last one used.
    """
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
