"""Why a recorded decision was made: what its rules looked at, and deciding it again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, frozen

from outreach.domain.address import AddressKey
from outreach.domain.budget import effective_limit
from outreach.domain.case import Case
from outreach.domain.channel import permitted
from outreach.domain.decision import POLICY_VERSION, Decision, Grounds, decide
from outreach.domain.journey import Journey
from outreach.domain.limits import BudgetKind
from outreach.domain.link import MAIL
from outreach.domain.window import local_day, zone_info

__all__ = ["Again", "again", "bare", "let_go"]

_FAR: Final = timedelta(days=30)
_NEAR: Final = timedelta(days=2)
_SOMETHING: Final = "(text)"


@frozen
class Again:
    """A recorded decision, made once more.

    Attributes:
        decision: what the present rules make of the recorded facts.
        differs: what is not as it was recorded; empty: it is the same.
    """

    decision: Decision
    differs: tuple[str, ...]

    def __str__(self) -> str:
        """One clause."""
        if self.differs:
            return (
                f"decided again from the recorded facts, policy {self.decision.policy} "
                f"differs: {'; '.join(self.differs)}"
            )
        return (
            f"decided again from the recorded facts under policy "
            f"{self.decision.policy}: the same verdict"
        )


def again(made: Decision) -> Again | None:
    """Decide it again from its own facts, by the rules there are now.

    The rules of an older policy version are not kept: what is recorded under one is
    compared with this version, and the two are named. None: no facts were kept.
    """
    if made.grounds is None:
        return None
    fresh = decide(made.grounds.case, made.at, margin=made.grounds.margin)
    return Again(fresh, tuple(_differences(made, fresh)))


def _differences(made: Decision, fresh: Decision) -> Iterator[str]:
    if made.policy != POLICY_VERSION:
        was = f"policy {made.policy}"
        if made.verdict is fresh.verdict and made.binding is fresh.binding:
            return  # other rules, and the same answer
    else:
        was = "recorded"
    if made.verdict is not fresh.verdict:
        yield f"{was} {made.verdict}, now {fresh.verdict}"
    if made.binding is not fresh.binding:
        yield f"{was} because of {made.binding}, now of {fresh.binding}"
    old, new = _reasons(made), _reasons(fresh)
    if old != new:
        yield f"{was} reasons {_listed(old)}, now {_listed(new)}"
    if made.earliest != fresh.earliest:
        yield f"{was} earliest {made.earliest}, now {fresh.earliest}"
    if made.terms != fresh.terms:
        yield f"{was} on other terms than now"


def _reasons(made: Decision) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    return tuple((str(one.reason), one.inputs) for one in made.blocks)


def _listed(of: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]) -> str:
    return ", ".join(reason for reason, _ in of) or "none"


def bare(made: Decision) -> Grounds | None:
    """The facts that rules look at, without what is the lead's own.

    No text, no number and no address of a person is in it: of an address its domain
    alone, which a budget may count; the company, only where a budget counts it.
    """
    if made.grounds is None:
        return None
    case, at = made.grounds.case, made.at
    first, last = (at - _NEAR).date(), ((made.earliest or at) + _FAR).date()
    near = frozenset(day for day in case.window.holidays if first <= day <= last)
    journey = case.journey
    template = case.template
    kept = evolve(
        case,
        intent=evolve(
            case.intent, text=_SOMETHING if case.intent.text else "", subject=""
        ),
        journey=Journey(
            journey.lead,
            state=journey.state,
            dead_cause=journey.dead_cause,
            opted_out=journey.opted_out,
            closed_channels=journey.closed_channels,
            human_controlled=journey.human_controlled,
            reply_count=journey.reply_count,
        ),
        window=evolve(case.window, holidays=near),
        to=_nameless(case.to),
        thread="",
        addresses=(),
        fields=_company(case),
        sequence=None,
        template=None
        if template is None
        else evolve(template, content="", subject="", variables=(), versions=()),
        suppressions=tuple(
            evolve(one, key=AddressKey(one.key.kind, ""))
            for one in case.suppressions[:1]
        ),
        unsubscribe=_SOMETHING if case.unsubscribe else case.unsubscribe,
        ways=None,
    )
    return Grounds(kept, made.grounds.margin)


def _nameless(to: str) -> str:
    name, at, domain = to.partition("@")
    return f"{at}{domain}" if at else _SOMETHING if name else ""


def _company(case: Case) -> dict[str, str]:
    if (
        case.sender is None
        or case.share(BudgetKind.COMPANY, case.intent.due_at) is None
    ):
        return {}
    return {
        name: case.fields[name]
        for name in ("cui", "company_name")
        if name in case.fields
    }


def let_go(made: Decision, zone: str) -> tuple[tuple[str, str], ...]:
    """Each rule that let a send go, in their order, with what it looked at.

    Args:
        zone: IANA name of the time zone to tell times in.
    """
    if made.grounds is None:
        return ()
    return tuple(_let_go(made.grounds.case, made, zone))


def _let_go(case: Case, made: Decision, zone: str) -> Iterator[tuple[str, str]]:
    intent, sender = case.intent, case.sender
    channel = intent.channel
    run = "a reply" if case.enrolment is None else f"enrolment {case.enrolment}"
    yield "run", f"{run}, the message waited to be sent"
    yield "person", "not opted out, and no address of theirs is suppressed"
    taken = _yes(is_so=case.journey.human_controlled)
    asked = _yes(is_so=case.review_open)
    yield "people", f"taken over: {taken}, review open: {asked}"
    yield "switches", f"{len(case.switches)} thrown, none covers it"
    states = ", ".join(sorted(permitted(channel)))
    yield "channel", f"the lead is {case.journey.state}; {channel} may go to {states}"
    if intent.text:
        yield "text", "its own"
    elif case.template is not None:
        yield "text", f"template {case.template.called}, approved"
    if channel in MAIL:
        yield "consent", case.consent or "nothing that the policy asks for is missing"
    if sender is not None:
        yield "sender", f"{sender.number} is {sender.state}"
    yield "due", f"since {_at(intent.due_at, zone)}"
    if case.lane is not None:
        yield "pacing", f"the gap was over at {_at(case.lane.gate_at, zone)}"
    yield "window", _window(case)
    if sender is not None and case.ledger is not None:
        yield "quota", _quota(case, made)
    for share in () if made.terms is None else made.terms.shares:
        used = 0 if case.ledger is None else case.ledger.budgets.get(share.key, 0)
        yield "budget", f"{share.key}: {used} of {share.limit} used"


def _window(case: Case) -> str:
    if case.intent.permission:
        return f"{case.intent.permission} allowed it at any hour"
    hours = case.window.hours
    zones = ", ".join(case.window.zones)
    return f"open: {hours.opens:%H:%M} to {hours.closes:%H:%M} in {zones}"


def _quota(case: Case, made: Decision) -> str:
    sender, ledger = case.sender, case.ledger
    if sender is None or ledger is None or not case.is_new:
        return "no new contact, so it takes no unit"
    day = local_day(made.at, sender.time_zone)
    today = day == ledger.day
    used = ledger.used + ledger.external if today else 0
    limit = effective_limit(sender.daily_limit, sender.warm_up, day)
    return f"a new contact; {used} of {limit} used on {day}"


def _yes(*, is_so: bool) -> str:
    return "yes" if is_so else "no"


def _at(at: datetime, zone: str) -> str:
    there = at.astimezone(zone_info(zone))
    return f"{there:%a} {there.day} {there:%b %H:%M:%S}"
