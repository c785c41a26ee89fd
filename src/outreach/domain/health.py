"""How well a provider account serves warm mail, as its own calls tell.

A record per account, kept by the ledger in the commit that ends a call. A call that
was not served adds 2 to its score, one that was served takes 1 away. At 4 the account
is AILING: what it provably did not take goes on to the next provider. At 8, or when it
does not accept our key or asks to be left alone for long, it is AWAY: it is given one
message at a time, the first after 5 minutes, then ever more seldom. A served call makes
it AILING again, and it is HEALTHY when nothing of its score is left. So an account that
fails one call in three stays as it is, and no single call takes it from one end to the
other and back. Refusals within 5 seconds count once: many calls at once that exceed a
rate are no illness.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from attrs import evolve, field, frozen

from outreach.domain.channel import Channel
from outreach.domain.heard import Heard
from outreach.domain.ids import AccountId, SenderId
from outreach.domain.message import Accepted, Answer, NotAccepted, UnknownOutcome
from outreach.domain.sender import Sender, SenderSignal

__all__ = [
    "AILS_AT",
    "AT_ONCE",
    "AWAY_AT",
    "LONG",
    "PATIENCE",
    "PROBE_AT_MOST",
    "PROBE_FIRST",
    "WELL",
    "AccountHealth",
    "Health",
    "HealthState",
    "after_call",
    "goes_on",
    "heard",
    "may_call",
    "probed",
    "takes_one",
    "unused",
]

_NOT_SERVED: Final = 2
AILS_AT: Final = 4
AWAY_AT: Final = 8
AT_ONCE: Final = timedelta(seconds=5)
"""Refusals so soon after one that was counted are the same one (engine time)."""
PROBE_FIRST: Final = timedelta(minutes=5)
"""From AWAY to the first message that tries the account again (engine time)."""
LONG: Final = timedelta(minutes=5)
"""Who asks to be left alone for so long takes nothing (machine time)."""
PROBE_AT_MOST: Final = timedelta(hours=1)
PATIENCE: Final = timedelta(minutes=1)
"""A message that would wait longer for its account goes on at once (engine time)."""


class HealthState(StrEnum):
    """Whether an account is given new messages."""

    HEALTHY = "HEALTHY"
    AILING = "AILING"
    """It still is; what it does not take goes on to the next provider."""
    AWAY = "AWAY"
    """It is not, but for one at a time that tries it."""


@frozen
class Health:
    """The record of one account. Times are engine time.

    Attributes:
        score: 0 to 8.
        since: when the present state began; None: it was never another.
        until: of AWAY, before which no call is made.
        tries: messages that tried it in vain since it was last HEALTHY.
        why: what the call said that last was not served.
        refused_at: when a refusal was counted last.
        lane, token: the claim that tries it; None: none does.
    """

    state: HealthState = HealthState.HEALTHY
    score: int = 0
    since: datetime | None = None
    until: datetime | None = None
    tries: int = 0
    why: str = ""
    refused_at: datetime | None = None
    lane: SenderId | None = None
    token: int = 0


WELL: Final = Health()


@frozen
class AccountHealth:
    """One account's record, for people.

    Attributes:
        moved: messages that went on from it to another account so far.
    """

    account: AccountId
    provider: str
    health: Health
    now: datetime
    moved: int = field(default=0)


def heard(answer: Answer, sender: Sender, channel: Channel) -> Heard:
    """What an answer says of the account; of any but a sender of warm mail: nothing.

    A refused message says nothing: one that is not valid is refused by every provider.
    """
    if channel is not Channel.EMAIL_WARM or sender.channel is not channel:
        return Heard.NOTHING
    match answer:
        case Accepted():
            return Heard.SERVED
        case UnknownOutcome():
            return Heard.LOST
        case NotAccepted(ours=True) | NotAccepted(lane=False):
            return Heard.NOTHING
        case NotAccepted(signal=None, retry_after=after):
            long = after is not None and after >= LONG
            return Heard.SHUT if long else Heard.REFUSED
        case NotAccepted(signal=SenderSignal.AUTH_FAILED):
            return Heard.SHUT
        case NotAccepted(signal=SenderSignal.DISCONNECTED | SenderSignal.BANNED):
            return Heard.OF_SENDER
        case _:
            return Heard.NOTHING


def after_call(
    health: Health,
    said: Heard,
    now: datetime,
    *,
    asked: timedelta = timedelta(),
    why: str = "",
    probe: bool = False,
) -> Health:
    """The record after a call has ended.

    Args:
        asked: engine time that the account asked to be left alone.
        probe: the call was the one that tries it.
    """
    if said is Heard.SERVED:
        return _served(health, now)
    if said not in _FAILED:
        return unused(health, now) if probe else health
    if said is Heard.REFUSED:
        last = health.refused_at
        if not probe and last is not None and now < last + AT_ONCE:
            return health
        health = evolve(health, refused_at=now)
    score = min(AWAY_AT, health.score + _NOT_SERVED)
    failed = evolve(health, score=score, why=why)
    if health.state is HealthState.AWAY:
        # A call that began before it went away is no try, but may ask for more time.
        tries = health.tries + 1 if probe else health.tries
        until = now + max(_wait(tries), asked) if probe else now + asked
        until = max(health.until or until, until)
        lane, token = (None, 0) if probe else (health.lane, health.token)
        return evolve(failed, tries=tries, until=until, lane=lane, token=token)
    if said is Heard.SHUT or score >= AWAY_AT:
        return evolve(
            failed,
            state=HealthState.AWAY,
            score=AWAY_AT,
            since=now,
            until=now + max(_wait(health.tries), asked),
        )
    if score >= AILS_AT and health.state is HealthState.HEALTHY:
        return evolve(failed, state=HealthState.AILING, since=now)
    return failed


_FAILED: Final = frozenset({Heard.REFUSED, Heard.LOST, Heard.SHUT})


def _served(health: Health, now: datetime) -> Health:
    if health.state is HealthState.AWAY:
        return evolve(
            health,
            state=HealthState.AILING,
            score=AILS_AT,
            since=now,
            until=None,
            tries=health.tries + 1,
            lane=None,
            token=0,
        )
    score = max(0, health.score - 1)
    if score or health.state is HealthState.HEALTHY:
        return evolve(health, score=score)
    return evolve(WELL, since=now)


def _wait(tries: int) -> timedelta:
    """Until the next message tries the account."""
    return min(PROBE_AT_MOST, PROBE_FIRST * (1 << min(tries, 10)))


def takes_one(health: Health, now: datetime) -> bool:
    """It is AWAY, and one message may try it now."""
    return (
        health.state is HealthState.AWAY
        and health.until is not None
        and health.until <= now
    )


def probed(health: Health, lane: SenderId, token: int, now: datetime) -> Health:
    """A claim was given out to try it: nobody else does before the next wait is over,
    should nothing be heard of that one.
    """
    until = now + _wait(health.tries)
    return evolve(health, lane=lane, token=token, until=until)


def unused(health: Health, now: datetime) -> Health:
    """The claim that was to try it made no call, or one that says nothing."""
    return evolve(health, lane=None, token=0, until=now)


def may_call(health: Health, lane: SenderId, token: int) -> bool:
    """Whether a claim may call the account: any, or the one that tries it."""
    away = health.state is HealthState.AWAY
    return not away or (health.lane, health.token) == (lane, token)


def goes_on(health: Health, said: Heard, *, talks: bool, wait: timedelta) -> bool:
    """Whether a message that was provably not accepted goes on to another account.

    Args:
        health: of its account, with that call counted.
        said: by its call.
        talks: the lead has had mail from that sender, and would see another one.
        wait: engine time until its lane may call again.
    """
    if said not in {Heard.REFUSED, Heard.SHUT, Heard.OF_SENDER}:
        return False
    if health.state is HealthState.AWAY:
        return True
    if talks:
        return False
    ails = health.state is HealthState.AILING
    return ails or said is Heard.OF_SENDER or wait > PATIENCE
