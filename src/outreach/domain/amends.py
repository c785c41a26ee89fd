"""What a person takes back that was recorded wrongly."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from outreach.domain.change import Change, Known
from outreach.domain.channel import COLD_STATES
from outreach.domain.errors import NotFound
from outreach.domain.journey import HARD_BOUNCE, DeadCause, Journey, Move

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
    journey = _back(known.journey, at, says)
    move = Move(journey.lead, known.journey.state, journey.state, at, by, says)
    return Change(
        tenant=known.tenant,
        lead=journey.lead,
        key=f"unbounced/{journey.lead}/{journey.version}",
        expected=journey.version,
        journey=journey,
        moves=(move,),
        amends=known.bounced,
    )


def _back(journey: Journey, at: datetime, why: str) -> Journey:
    """Where the bounce moved it from, if nothing has happened since."""
    bounced = journey.dead_cause is DeadCause.UNREACHABLE
    before = journey.state_before
    if not bounced or journey.reason != HARD_BOUNCE or before not in COLD_STATES:
        return journey
    return evolve(
        journey,
        state=before,
        state_before=journey.state,
        changed_at=at,
        reason=why,
        dead_cause=None,
    )
