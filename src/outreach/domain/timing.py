"""Every duration of the protocol as one value, so that tests can scale them alike.

All are machine time (never scaled by ``--speed``) unless the name says engine.
"""

from __future__ import annotations

from datetime import timedelta

from attrs import fields, frozen

__all__ = ["TELL_AGAIN", "Timing"]


def _s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


TELL_AGAIN = _s(300)
"""An incident that nobody said people were told of is told of again after this."""


@frozen
class Timing:
    """How long things may take.

    Attributes:
        lease: a claim of a lane is good for this long and is not renewed.
        call_budget: from CLAIM to the call; later, nothing leaves the process.
        call: the HTTP request may take this long after it is connected.
        connect: and this long to connect.
        arm_margin: T1 demands a lease that is good for at least this much longer.
        grace: after a lease ran out, before another worker may take the lane.
        fence: a worker that makes no progress for this long is killed by its alarm.
        doubtful: a call without an outcome becomes UNKNOWN this long after T1.
        rest: engine time a lane rests after a call without an outcome.
        first_look: engine time from UNKNOWN to the first look-up.
        second_look: engine time from UNKNOWN to the look-up that may say 'absent'.
        later_look: engine time between further looks.
        give_up: engine time after which UNKNOWN gets an outcome whatever happens.
        undo: engine time between a person's approval and the send.
        inbox_behind: engine time; older unapplied events stop automatic sending.
        offset_alerts: a machine whose clock is this far from the store's alerts.
        offset_stops: and one that is this far off sends nothing.
    """

    lease: timedelta = _s(60)
    call_budget: timedelta = _s(5)
    call: timedelta = _s(20)
    connect: timedelta = _s(5)
    arm_margin: timedelta = _s(25)
    grace: timedelta = _s(65)
    fence: timedelta = _s(55)
    doubtful: timedelta = _s(35)
    rest: timedelta = _s(150)
    first_look: timedelta = _s(60)
    second_look: timedelta = _s(15 * 60)
    later_look: timedelta = _s(2 * 3600)
    give_up: timedelta = _s(24 * 3600)
    undo: timedelta = _s(30)
    inbox_behind: timedelta = _s(60)
    offset_alerts: timedelta = _s(2)
    offset_stops: timedelta = _s(5)

    def scaled(self, factor: float) -> Timing:
        """Keep every ratio and make all of it *factor* times as long."""
        return Timing(
            **{f.name: getattr(self, f.name) * factor for f in fields(Timing)}
        )
