"""The rules that can be in the way of a message, each a pure function.

A rule looks at a case and a time and says nothing, or what blocks it: the reason
with its inputs, from when on it would not block, and the smallest change of facts
that would lift it. Their order is the order in which people are told.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from outreach.domain.allocation import WhyNoRoom
from outreach.domain.budget import HARD_LIMIT, effective_limit, has_room
from outreach.domain.case import Case, Flip
from outreach.domain.channel import State, permitted
from outreach.domain.journey import DeadCause
from outreach.domain.limits import SETTING, BudgetKind
from outreach.domain.pacing import ready
from outreach.domain.persons import (
    consented,
    final,
    introduced,
    linked,
    opted_out,
    suppressed,
)
from outreach.domain.provider_campaign import CampaignHold
from outreach.domain.reason import Block, Reason
from outreach.domain.sender import SendClass, Sender, SenderState, may_send
from outreach.domain.sender_names import commands_for
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.suppression import breaker_of, stopped_by, way_out
from outreach.domain.window import local_day, start_of_day

__all__ = ["BUDGETS", "RULES", "TIMED", "Block", "Reason", "Rule"]

Rule = Callable[[Case, datetime, timedelta], Block | None]


def _waits(case: Case, _at: datetime, _margin: timedelta) -> Block | None:
    if not case.live:
        return None
    return final("live", "", case.live, "plan it again", Reason.STOPPED)


def _enrolled(case: Case, _at: datetime, _margin: timedelta) -> Block | None:
    if case.enrolment in {None, EnrolmentStatus.ACTIVE}:
        return None
    return Block(
        Reason.STOPPED,
        (("enrolment", str(case.enrolment)),),
        None,
        Flip("enrolment", EnrolmentStatus.ACTIVE, "enrol the lead again"),
        final=case.enrolment is not EnrolmentStatus.PAUSED,
    )


def _human(case: Case, _at: datetime, _margin: timedelta) -> Block | None:
    if not case.journey.human_controlled or _by_person(case):
        return None
    return Block(
        Reason.HUMAN_CONTROL,
        (("human_controlled", "yes"),),
        None,
        Flip("journey.human_controlled", False, "end the takeover"),
    )


def _by_person(case: Case) -> bool:
    return case.intent.send_class is SendClass.APPROVED


def _review(case: Case, _at: datetime, _margin: timedelta) -> Block | None:
    if not case.review_open or _by_person(case):
        return None
    return Block(
        Reason.REVIEW_PENDING,
        (("review", "open"),),
        None,
        Flip("review_open", False, "resolve the review item"),
    )


def _switched_off(case: Case, _at: datetime, _margin: timedelta) -> Block | None:
    sender = None if case.sender is None else case.sender.id
    switch = stopped_by(case.switches, case.intent.channel, sender)
    if switch is None:
        return None
    inputs = (("switch", f"{switch.scope} {switch.of}".strip()), ("by", switch.by))
    flip = Flip("switches", (), way_out(switch))
    return Block(Reason.STOPPED, inputs, None, flip)


def _breaker(case: Case, _at: datetime, _margin: timedelta) -> Block | None:
    """Nothing is added to a campaign whose breaker is open; replies go on."""
    switch = breaker_of(case.switches, case.campaign, case.intent.channel)
    if switch is None:
        return None
    inputs = (("campaign", switch.of), ("why", switch.reason), ("by", switch.by))
    says = "outreach resume --campaign NAME closes the breaker"
    left = tuple(one for one in case.switches if one is not switch)
    return Block(Reason.BREAKER_OPEN, inputs, None, Flip("switches", left, says))


def _hosted(case: Case, at: datetime, _margin: timedelta) -> Block | None:
    """Where a provider works by campaigns, one must be there that takes leads."""
    hosting = case.hosting
    if hosting is None or hosting.takes_leads:
        return None
    until = hosting.until
    if until is not None and until <= at:
        return None
    bounces = hosting.hold is CampaignHold.BOUNCES
    reason = Reason.BREAKER_OPEN if bounces else Reason.PROVIDER_BACKOFF
    inputs = (("campaign", str(hosting.hold)), ("why", hosting.says))
    says = "the provider's campaign must be made and started"
    if until is None:
        says = "outreach resume --campaign NAME starts the provider's campaign again"
    lift = Flip("hosting.hold", None, says)
    return Block(reason, inputs, until, lift)


def _channel_guard(case: Case, _at: datetime, _margin: timedelta) -> Block | None:
    states = permitted(case.intent.channel)
    state = case.journey.state
    if state in states:
        return None
    reason = Reason.CHANNEL_GUARD
    if state in {State.DEAD, State.PAUSED}:
        reason = Reason.STOPPED
    cause = case.journey.dead_cause
    inputs = (("state", str(state)), ("cause", str(cause or "")))
    soft = cause in {None, DeadCause.NO_ANSWER, DeadCause.UNREACHABLE}
    says = "reopen the lead" if soft else "not possible for this lead"
    back = Flip("journey.state", min(states), says)
    return Block(reason, inputs, None, back, final=state is not State.PAUSED)


def _reachable(case: Case, _at: datetime, _margin: timedelta) -> Block | None:
    channel = case.intent.channel
    inputs: tuple[tuple[str, str], ...] = (("channel", str(channel)),)
    if channel in case.journey.closed_channels:
        rest = case.journey.closed_channels - {channel}
        lift = Flip("journey.closed_channels", rest, f"open {channel} for the lead")
        return Block(Reason.NO_CHANNEL, inputs, None, lift, final=True)
    if case.to:
        return None
    says = f"add a contact point for {channel}"
    lift = Flip("to", "+40712345678", says)
    return Block(Reason.NO_CHANNEL, inputs, None, lift, final=True)


def _template(case: Case, _at: datetime, _margin: timedelta) -> Block | None:
    if case.intent.text or (case.template is not None and case.template.approved):
        return None
    name = "" if case.template is None else case.template.name
    return Block(
        Reason.NO_TEMPLATE,
        (("template", name or "none"),),
        None,
        Flip("intent.text", "(text)", "approve a template for this step"),
    )


def _enabled(case: Case, _at: datetime, _margin: timedelta) -> Block | None:
    sender = case.sender
    if sender is None or sender.enabled:
        return None
    inputs = (("sender", sender.number), ("enabled", "no"))
    lift = Flip("sender.enabled", value=True, says="enable the sender")
    return Block(Reason.SENDER_STATE, inputs, None, lift)


def _sender_state(case: Case, at: datetime, _margin: timedelta) -> Block | None:
    sender = case.sender
    if sender is None or may_send(sender.state, case.counts_as):
        return None
    passes = sender.state in _PASSING and may_send(sender.state_before, case.counts_as)
    until = sender.until if passes else None
    if until is not None and until <= at:
        return None
    inputs = (
        ("sender", sender.number),
        ("state", str(sender.state)),
        ("why", sender.state_reason),
    )
    says = f"{commands_for(sender.number)} resume {sender.number}"
    lift = Flip("sender.state", SenderState.ACTIVE, says)
    return Block(Reason.SENDER_STATE, inputs, until, lift)


def _due(case: Case, at: datetime, _margin: timedelta) -> Block | None:
    due = case.intent.due_at
    if ready(due, at):
        return None
    lift = Flip("intent.due_at", at, "make it due now")
    return Block(Reason.NOT_DUE, (("due", due.isoformat()),), due, lift)


def _backoff(case: Case, at: datetime, _margin: timedelta) -> Block | None:
    until = None if case.lane is None else case.lane.backoff_until
    if until is None or ready(until, at):
        return None
    inputs = (("until", until.isoformat()),)
    lift = Flip("lane.backoff_until", None, "the provider must take messages again")
    return Block(Reason.PROVIDER_BACKOFF, inputs, until, lift)


def _plan(case: Case, at: datetime, _margin: timedelta) -> Block | None:
    """The account's own: all its lanes wait for its period."""
    plan = None if case.lane is None else case.lane.plan
    if plan is None or ready(plan.ends_at, at):
        return None
    lift = Flip("lane.plan", None, "raise the plan of the provider account")
    return Block(Reason.BUDGET_EXCEEDED, plan.facts, plan.ends_at, lift)


def _busy(case: Case, _at: datetime, _margin: timedelta) -> Block | None:
    if case.lane is None or not case.lane.busy:
        return None
    return Block(
        Reason.LANE_BUSY,
        (("call", "under way"),),
        None,
        Flip("lane.busy", False, "the call under way must end"),
    )


def _paced(case: Case, at: datetime, _margin: timedelta) -> Block | None:
    if case.lane is None or ready(case.lane.gate_at, at):
        return None
    until = case.lane.gate_at
    lift = Flip("lane.gate_at", at, "wait for the gap between two sends")
    return Block(Reason.PACING, (("gate", until.isoformat()),), until, lift)


def _window(case: Case, at: datetime, margin: timedelta) -> Block | None:
    if case.intent.permission:
        return None
    window = case.window
    until = window.open_until(at)
    if until is not None and at < until - margin:
        return None
    after = at if until is None else until
    inputs = (
        ("zones", ",".join(window.zones)),
        ("country", window.country),
        ("opens", window.hours.opens.isoformat("minutes")),
        ("closes", window.hours.closes.isoformat("minutes")),
    )
    says = "a person may allow a reply outside the window"
    lift = Flip("intent.permission", "person", says)
    return Block(Reason.OUTSIDE_WINDOW, inputs, window.next_open(after), lift)


def _allocated(case: Case, _at: datetime, _margin: timedelta) -> Block | None:
    """Last but for quota: an unallocated lead is told what else is in the way."""
    if case.sender is not None:
        return None
    lift = Flip("sender", None, "a sender with room must take the lead")
    inputs: tuple[tuple[str, str], ...] = (("sender", "none"),)
    short = case.shortage
    if short is None:
        return Block(Reason.UNALLOCATED, inputs, None, lift)
    inputs += (("binding", str(short.why)),)
    if short.why is WhyNoRoom.CAPACITY:
        inputs += (("most", str(short.most)), ("followups", str(short.followups)))
        lift = Flip("sender", None, "outreach enroll --override-capacity REASON")
    return Block(Reason.UNALLOCATED, inputs, short.until, lift)


def _quota(case: Case, at: datetime, margin: timedelta) -> Block | None:
    sender, ledger = case.sender, case.ledger
    if sender is None or ledger is None or not case.is_new:
        return None
    day = local_day(at, sender.time_zone)
    limit = effective_limit(sender.daily_limit, sender.warm_up, day)
    today = day == ledger.day
    used = ledger.used if today else 0
    external = ledger.external if today else 0
    midnight = start_of_day(day + _ONE_DAY, sender.time_zone)
    room = has_room(used=used, external=external, limit=limit)
    if room and at < midnight - margin:
        return None
    inputs = (
        ("phone", sender.number),
        ("day", day.isoformat()),
        ("used", str(used)),
        ("external", str(external)),
        ("limit", str(limit)),
    )
    # A limit of 0 that no ramp raises is not lifted by another day.
    until = None if sender.daily_limit == 0 else midnight
    # With room left it is the day that ends, and no setting makes it longer.
    lift = _FREE if room else _more(sender, used + external)
    return Block(Reason.QUOTA_EXCEEDED, inputs, until, lift)


def _more(sender: Sender, taken: int) -> Flip:
    """One unit more, if a setting can give it."""
    if taken < sender.daily_limit and sender.warm_up is not None:
        return Flip("sender.warm_up", None, "end the phone's warm-up")
    if taken < HARD_LIMIT and sender.warm_up is None:
        says = f"raise daily_limit of {sender.number} to {taken + 1}"
        return Flip("sender.daily_limit", taken + 1, says)
    return _FREE


def _budget(kind: BudgetKind) -> Rule:
    """The rule of one further budget; whatever the smallest of them says holds."""
    setting = SETTING[kind]

    def rule(case: Case, at: datetime, margin: timedelta) -> Block | None:
        sender, ledger = case.sender, case.ledger
        if sender is None or ledger is None or getattr(sender.limits, setting) is None:
            return None
        wanted = case.share(kind, at)
        if wanted is None:
            return None
        used = ledger.budgets.get(wanted.key, 0)
        room = used < wanted.limit
        if room and at < wanted.ends_at - margin:
            return None
        inputs = (
            ("budget", wanted.key),
            ("phone", sender.number),
            ("used", str(used)),
            ("limit", str(wanted.limit)),
        )
        says = f"raise {setting} of {sender.number} to {used + 1}"
        lift = Flip(f"sender.limits.{setting}", used + 1, says)
        if used < getattr(sender.limits, setting):
            lift = Flip("sender.warm_up", None, "end the mailbox's warm-up")
        if room:
            # It is the period that ends, and only without it there would be none.
            says = f"take {setting} of {sender.number} away"
            lift = Flip(f"sender.limits.{setting}", None, says)
        return Block(Reason.BUDGET_EXCEEDED, inputs, wanted.ends_at, lift)

    return rule


_ONE_DAY: Final = timedelta(days=1)
_FREE: Final = Flip("contacted", True, "only a lead that wrote first costs nothing")
_PASSING: Final = frozenset(
    {SenderState.REACHOUT_LOCKED, SenderState.QUARANTINE, SenderState.PAUSED},
)
"""States that end at a time of their own, if they have one."""

BUDGETS: Final[tuple[Rule, ...]] = tuple(map(_budget, BudgetKind))
"""The last of all, of any time; asked only where a further budget is set."""
RULES: Final[tuple[Rule, ...]] = (
    _waits,
    _enrolled,
    opted_out,
    suppressed,
    _human,
    _review,
    _switched_off,
    _breaker,
    _channel_guard,
    _reachable,
    _template,
    introduced,
    consented,
    linked,
    _enabled,
    _sender_state,
    _due,
    _backoff,
    _hosted,
    _plan,
    _busy,
    _allocated,
    _paced,
    _window,
    _quota,
)
TIMED: Final[tuple[Rule, ...]] = (
    _sender_state,
    _due,
    _backoff,
    _hosted,
    _plan,
    _paced,
    _window,
    _quota,
)
"""Those that look at the time: where no other blocks, no other ever will."""
