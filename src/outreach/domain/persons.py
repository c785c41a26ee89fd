"""Rules about the person: whether they may be written to at all, and with what."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from outreach.domain.case import Case, Flip
from outreach.domain.intro import Intro, IntroState, must_introduce
from outreach.domain.link import MAIL
from outreach.domain.reason import Block, Reason
from outreach.domain.sender import SendClass

__all__ = ["consented", "final", "introduced", "linked", "opted_out", "suppressed"]

_ANSWERS: Final = frozenset({SendClass.APPROVED, SendClass.AI})


def final(fact: str, value: object, was: str, says: str, reason: Reason) -> Block:
    """A block that nothing will lift for this message."""
    return Block(reason, ((fact, was),), None, Flip(fact, value, says), final=True)


def opted_out(case: Case, _at: datetime, _margin: timedelta) -> Block | None:
    """Whoever said stop is written to no more."""
    if not case.journey.opted_out:
        return None
    says = "record a new consent"
    return final("journey.opted_out", False, "yes", says, Reason.SUPPRESSED)


def suppressed(case: Case, _at: datetime, _margin: timedelta) -> Block | None:
    """Nor is anybody on a list."""
    if not case.suppressions:
        return None
    first = case.suppressions[0]
    inputs = (("suppression", str(first.reason)), ("by", first.by))
    lift = Flip("suppressions", (), "take the address off the suppression list")
    return Block(Reason.SUPPRESSED, inputs, None, lift, final=True)


def consented(case: Case, _at: datetime, _margin: timedelta) -> Block | None:
    """Whoever wrote to us is answered; what we begin is asked for first."""
    if not case.consent or case.intent.send_class in _ANSWERS:
        return None
    says = f"outreach consents add {case.intent.lead}, and have it confirmed"
    lift = Flip("consent", "", says)
    return Block(Reason.NO_CONSENT, (("policy", case.consent),), None, lift)


def linked(case: Case, _at: datetime, _margin: timedelta) -> Block | None:
    """No mail without a way to be left alone."""
    if case.unsubscribe != "" or case.intent.channel not in MAIL:
        return None
    says = "set OUTREACH_SECRET_KEYS, the same for every process"
    lift = Flip("unsubscribe", "https://...", says)
    inputs = (("unsubscribe", "nothing signs links"),)
    return Block(Reason.DOMAIN_NOT_READY, inputs, None, lift)


def introduced(case: Case, _at: datetime, _margin: timedelta) -> Block | None:
    """What says something of its own about a lead is approved by a person first."""
    text = case.template
    if case.intro or case.intent.text or text is None or not must_introduce(text):
        return None
    there = case.proposed
    why, command = _way_out(there)
    lift = Flip("intro", "(text)", f"outreach intros {command}")
    inputs = (("intro", f"{why}: {lift.says}"),)
    return Block(Reason.INTRO_PENDING, inputs, None, lift)


def _way_out(there: Intro | None) -> tuple[str, str]:
    """What is the matter with an intro, and what a person can do."""
    if there is None:
        return "not written yet", "write"
    if there.state is IntroState.PROPOSED:
        return "waits for approval", f"approve {there.id}"
    if there.state is IntroState.REJECTED:
        return "rejected", f"edit {there.id}"
    wrong = ", ".join(there.flaws) or str(there.doubt)
    return f"unfit, {wrong}", f"edit {there.id}"
