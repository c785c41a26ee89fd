"""What a person takes back that was recorded wrongly."""

from __future__ import annotations

from outreach.domain.change import Change, Known
from outreach.domain.errors import NotFound
from outreach.domain.journey import Fact, Move, happened

__all__ = ["unbounced"]


def unbounced(known: Known, *, by: str, why: str) -> Change:
    """No mail of this lead has come back.

    Its address is valid again and its campaigns' counts are corrected. The lead is
    where it was, by a recorded move, if the bounce was the last that happened to it;
    a new run needs a person, as always. The transition log tells who said so and why.

    Raises:
        NotFound: no mail of the lead came back.
    """
    if not known.bounced:
        message = f"no mail of lead {known.journey.lead} is on record as returned"
        raise NotFound(message)
    at, says = known.now, f"bounce taken back: {why}"
    moved = happened(known.journey, Fact.BOUNCE_UNDONE, at, by=by, why=says)
    journey = moved.journey
    stays = Move(journey.lead, journey.state, journey.state, at, by, says)
    return Change(
        tenant=known.tenant,
        lead=journey.lead,
        key=f"unbounced/{journey.lead}/{journey.version}",
        expected=journey.version,
        journey=journey,
        moves=(moved.move or stays,),
        amends=known.bounced,
    )
