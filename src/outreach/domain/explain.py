"""Decisions in words: why a message is not sent, when it could be, what would help.

Every sentence is made of the decision itself: people read what was decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from outreach.domain.allocation import WhyNoRoom
from outreach.domain.allowance import is_plan, used_up
from outreach.domain.blocks import Block, Reason
from outreach.domain.case import Case
from outreach.domain.decision import Decision, Verdict
from outreach.domain.limits import BudgetKind, kind_of
from outreach.domain.message import Outcome, WhyNotArmed
from outreach.domain.sender import SendClass
from outreach.domain.sender_names import called
from outreach.domain.suppression import RESTORED, SwitchScope, stopped_by, way_out
from outreach.domain.window import zone_info

__all__ = ["because", "ended", "help_for", "past", "present", "when"]


def when(at: datetime, zone: str) -> str:
    """A time for people: ``Thu 5 Mar 2026 09:00 Europe/Bucharest``."""
    there = at.astimezone(zone_info(zone))
    return f"{there:%a} {there.day} {there:%b %Y %H:%M} {zone}"


def present(case: Case, decision: Decision, zone: str) -> str:
    """One sentence about a message that waits.

    Args:
        decision: of `outreach.domain.decision.decide` about *case*.
        zone: IANA name of the time zone to tell times in.
    """
    head = _head(case)
    if decision.verdict is Verdict.SEND:
        return f"{head}: nothing is in the way; it goes when its sender is next free."
    block = decision.block
    others = len(decision.blocks) - 1
    parts = [f"{head}: {because(block, zone)}", _outlook(decision, zone)]
    if others:
        more = "1 more rule is" if others == 1 else f"{others} more rules are"
        parts.insert(1, f"{more} in the way")
    helps = [help_for(one, case) for one in decision.blocks]
    if all(helps):
        parts.append(f"{' and '.join(dict.fromkeys(helps))} would let it go now")
    return "; ".join(parts) + "."


def _head(case: Case) -> str:
    intent = case.intent
    if intent.send_class is SendClass.APPROVED:
        return "The approved reply is not sent"
    if intent.send_class is SendClass.AI:
        return "The automatic reply is not sent"
    if intent.step_number > 1:
        return f"Step {intent.step_number} is not sent"
    return "Not sent"


def _outlook(decision: Decision, zone: str) -> str:
    if decision.verdict is Verdict.STOP:
        return "it will never go as things stand"
    if decision.earliest is not None:
        return f"it could go at {when(decision.earliest, zone)}"
    untimed = {one.reason for one in decision.blocks if one.until is None}
    if untimed <= {Reason.LANE_BUSY, Reason.UNALLOCATED}:
        return "it goes on by itself, at a time not known yet"
    return "it waits until somebody changes that"


def because(block: Block, zone: str) -> str:
    """What is in the way, as a clause without a full stop."""
    return _CLAUSES[block.reason](dict(block.inputs), block, zone)


_Inputs = Mapping[str, str]


def _stopped(inputs: _Inputs, _block: Block, _zone: str) -> str:
    if "live" in inputs:
        return f"the message waits no longer ({inputs['live']})"
    if "enrolment" in inputs:
        return f"the lead's enrolment is {inputs['enrolment']}"
    if "switch" in inputs:
        scope, _, of = inputs["switch"].partition(" ")
        if of == RESTORED:
            return (
                "all sending is stopped, since the database was restored: "
                "outreach confirm-restore lets it go on"
            )
        what = {
            SwitchScope.ALL: "all sending is stopped",
            SwitchScope.TENANT: "all sending of this tenant is stopped",
            SwitchScope.CHANNEL: f"all sending on {of} is stopped",
            SwitchScope.SENDER: f"all sending from sender {of} is stopped",
            SwitchScope.CAMPAIGN: f"campaign {of} is stopped",
        }[SwitchScope(scope)]
        return f"{what} (by {inputs.get('by', 'somebody')})"
    return f"the lead is {_state(inputs)}"


def _state(inputs: _Inputs) -> str:
    cause = inputs.get("cause", "")
    return inputs.get("state", "stopped") + (f" ({cause})" if cause else "")


def _suppressed(inputs: _Inputs, _block: Block, _zone: str) -> str:
    if "suppression" in inputs:
        by = inputs.get("by", "somebody")
        return (
            f"an address of the lead is suppressed ({inputs['suppression']}, by {by})"
        )
    return "the lead asked not to be contacted again"


def _channel_guard(inputs: _Inputs, _block: Block, _zone: str) -> str:
    return f"the channel is not for a lead that is {_state(inputs)}"


def _template(inputs: _Inputs, _block: Block, _zone: str) -> str:
    name = inputs.get("template", "none")
    if name == "none":
        return "its step has no template for this channel, or the lead lacks a variable"
    return f"template {name!r} is not approved, or the lead lacks a variable of it"


def _sender_state(inputs: _Inputs, block: Block, zone: str) -> str:
    phone = called(inputs.get("sender", ""))
    if "enabled" in inputs:
        return f"{phone} is disabled"
    why = f" ({inputs['why']})" if inputs.get("why") else ""
    until = f" until {when(block.until, zone)}" if block.until else ""
    return f"{phone} is {inputs.get('state', 'shut')}{until}{why}"


def _not_due(_inputs: _Inputs, block: Block, zone: str) -> str:
    return f"it is not due before {_until(block, zone)}"


def _backoff(inputs: _Inputs, block: Block, zone: str) -> str:
    if held := inputs.get("campaign"):
        return f"the provider's campaign for it is {held}"
    return f"the provider asked to wait until {_until(block, zone)}"


def _paced(_inputs: _Inputs, block: Block, zone: str) -> str:
    return f"its sender rests between two sends until {_until(block, zone)}"


def _until(block: Block, zone: str) -> str:
    return "an unknown time" if block.until is None else when(block.until, zone)


def _window(inputs: _Inputs, _block: Block, _zone: str) -> str:
    hours = f"{inputs.get('opens', '')}-{inputs.get('closes', '')}"
    zones = inputs.get("zones", "").replace(",", " and ")
    country = inputs.get("country", "")
    free = f", holidays of {country} excepted" if country else ""
    return f"it is outside working hours ({hours} in {zones}{free})"


def _quota(inputs: _Inputs, _block: Block, _zone: str) -> str:
    phone, limit = inputs.get("phone", ""), int(inputs.get("limit", "0"))
    external = int(inputs.get("external", "0"))
    used = int(inputs.get("used", "0")) + external
    if limit == 0:
        return f"phone {phone} may make no new contacts (its limit is 0)"
    if used < limit:
        return f"the day of phone {phone} is about to end"
    by_hand = f", {external} of them by hand" if external else ""
    return f"phone {phone} has used {used} of {limit} new contacts today{by_hand}"


def _budget(inputs: _Inputs, block: Block, zone: str) -> str:
    used, limit = int(inputs.get("used", "0")), int(inputs.get("limit", "0"))
    if is_plan(key := inputs.get("budget", "total:")):
        return f"{used_up(key, used, limit)}, until {_until(block, zone)}"
    phone, of = called(inputs.get("phone", "")), _OF_BUDGET[kind_of(key)]
    if used < limit:
        return f"the period of {phone} for {of} is about to end"
    return f"{phone} has used {used} of {limit} {of}, until {_until(block, zone)}"


_OF_BUDGET: Final = MappingProxyType(
    {
        BudgetKind.TOTAL: "messages of its day",
        BudgetKind.UNANSWERED: (
            "messages of its month to people who have not answered"
        ),
        BudgetKind.COMPANY: "messages of its month to the lead's company",
        BudgetKind.DOMAIN: "messages of its day to the address's domain",
        BudgetKind.CAMPAIGN: "new contacts of its day for the campaign",
    }
)


def _unallocated(inputs: _Inputs, _block: Block, _zone: str) -> str:
    match inputs.get("binding"):
        case WhyNoRoom.NO_PHONE:
            return "no phone may start conversations"
        case WhyNoRoom.NO_MAILBOX:
            return "no mailbox of its channel may start conversations"
        case WhyNoRoom.LIMIT:
            return "all have their new contacts of today, by their limits or budgets"
        case WhyNoRoom.AWAY:
            return "every provider account that could take it is away"
        case WhyNoRoom.CAPACITY:
            return (
                f"the phones take no more new contacts today than they can follow up "
                f"({inputs['most']} a day each, with {inputs['followups']} follow-ups)"
            )
        case _:
            return "no sender with room has taken the lead yet"


def _named(inputs: _Inputs) -> str:
    said = ", ".join(f"{name} {value}" for name, value in inputs.items())
    return f" ({said})" if said else ""


def _fixed(text: str) -> Callable[[_Inputs, Block, str], str]:
    return lambda _inputs, _block, _zone: text


def _with_inputs(text: str) -> Callable[[_Inputs, Block, str], str]:
    return lambda inputs, _block, _zone: text + _named(inputs)


_CLAUSES: Final[Mapping[Reason, Callable[[_Inputs, Block, str], str]]] = (
    MappingProxyType(
        {
            Reason.OK: _fixed("nothing is in the way"),
            Reason.STOPPED: _stopped,
            Reason.SUPPRESSED: _suppressed,
            Reason.HUMAN_CONTROL: _fixed("a person has taken the conversation over"),
            Reason.REVIEW_PENDING: _fixed("a review item of the lead is open"),
            Reason.CHANNEL_GUARD: _channel_guard,
            Reason.NO_CHANNEL: _with_inputs("the lead has no contact point for it"),
            Reason.NO_TEMPLATE: _template,
            Reason.INTRO_PENDING: _with_inputs("its text needs an approved intro"),
            Reason.NO_CONSENT: _with_inputs("a consent is needed and there is none"),
            Reason.UNALLOCATED: _unallocated,
            Reason.SENDER_STATE: _sender_state,
            Reason.NOT_DUE: _not_due,
            Reason.PROVIDER_BACKOFF: _backoff,
            Reason.LANE_BUSY: _fixed("another call of its sender is under way"),
            Reason.PACING: _paced,
            Reason.OUTSIDE_WINDOW: _window,
            Reason.QUOTA_EXCEEDED: _quota,
            Reason.BUDGET_EXCEEDED: _budget,
            Reason.BREAKER_OPEN: _with_inputs("nothing is added to its campaign"),
            Reason.DOMAIN_NOT_READY: _with_inputs("mail is not ready to go out"),
            Reason.NEED_REBUILD: _fixed(
                "the guard must be rebuilt from the ledger first"
            ),
        }
    )
)


_LIMIT: Final = "sender.limits."


def help_for(block: Block, case: Case) -> str:
    """What would lift *block*, as words before ``would let it go``; empty: nothing
    that anybody can do.
    """
    flip, phone = block.flip, "" if case.sender is None else called(case.sender.number)
    match flip.fact:
        case "journey.state":
            return "reopening the lead" if flip.says == "reopen the lead" else ""
        case "intent.permission":
            person = case.intent.send_class is SendClass.APPROVED
            return "a person's leave to write outside working hours" if person else ""
        case "sender.daily_limit":
            return f"raising daily_limit of {phone} to {flip.value}"
        case fact if fact.startswith(_LIMIT):
            what = fact.removeprefix(_LIMIT)
            if flip.value is None:
                return f"taking {what} of {phone} away"
            return f"raising {what} of {phone} to {flip.value}"
        case "switches":
            return " and ".join(_lifts(case))
        case "to":
            return f"adding a contact point for {case.intent.channel}"
        case fact:
            return _HELPS.get(fact, "").format(phone=phone, resume=flip.says)


def _lifts(case: Case) -> Iterator[str]:
    """One command for each switch that covers the message."""
    sender = None if case.sender is None else case.sender.id
    for one in case.switches:
        if stopped_by((one,), case.intent.channel, sender):
            yield way_out(one)


_HELPS: Final = MappingProxyType(
    {
        "live": "planning it again",
        "enrolment": "enrolling the lead again",
        "journey.opted_out": "a new consent on record",
        "suppressions": "taking the address off the suppression list",
        "journey.human_controlled": "ending the takeover",
        "review_open": "resolving the review item",
        "intent.text": "an approved template with all variables filled",
        "intro": "an approved intro",
        "consent": "a consent on record",
        "sender": "a sender with room for the lead",
        "sender.enabled": "enabling {phone}",
        "sender.state": "{resume}",
        "sender.warm_up": "ending the warm-up of {phone}",
        "intent.due_at": "making it due now",
    }
)
"""By fact. Not among them is what only time or the hard limit of 200 decides."""


def past(number: int, decision: Decision, outcome: str, zone: str, by: str = "") -> str:
    """One sentence about a decision that was made and recorded.

    Args:
        number: of the step; 0 for a reply.
        outcome: of the attempt; by: its provider and sender; or empty.
        zone: IANA name.
    """
    what = f"step {number}" if number else "the reply"
    at = when(decision.at, zone)
    if decision.verdict is not Verdict.SEND:
        if not decision.blocks:
            return f"{at}: {what} was put off ({decision.binding})."
        return f"{at}: {what} was put off: {because(decision.block, zone)}."
    unit = ""
    if decision.terms is not None and decision.terms.unit is not None:
        unit = f", as a new contact of its phone on {decision.terms.unit.day}"
    became = _BECAME.get(outcome, f"({outcome or 'no outcome yet'})")
    through = f" through {by}" if by else ""
    return f"{at}: every rule let {what} go{unit}{through}; {became}."


_BECAME: Final = MappingProxyType(
    {
        str(Outcome.CALLING): "the call is under way",
        str(Outcome.ACCEPTED): "the provider accepted it",
        str(Outcome.REFUSED): "the provider refused it for good",
        str(Outcome.RELEASED): "the provider did not take it then",
        str(Outcome.UNKNOWN): "the answer was lost; it is looked up, never sent again",
        str(Outcome.NOT_SENT): "the answer was lost, and it was found not sent",
        str(Outcome.ABANDONED): "the answer was lost for good; it counts as sent",
        str(WhyNotArmed.AWAY): "its provider account had gone away, and nothing left",
    }
)


def ended(why: str, pasts: Sequence[tuple[int, Decision, str]], zone: str) -> str:
    """One sentence about a lead for whom nothing waits.

    Args:
        why: the enrolment's stop reason, or why it was skipped.
        pasts: (step, decision, outcome), oldest first.
        zone: IANA name.
    """
    gone = {str(Outcome.ACCEPTED), str(Outcome.UNKNOWN), str(Outcome.ABANDONED)}
    sent = [one for one in pasts if one[2] in gone]
    says = _ENDED.get(why, f"the run ended ({why})")
    if not sent:
        return f"Not sent, and nothing waits: {says}."
    number, decision, outcome = sent[-1]
    what = f"step {number}" if number else "a reply"
    doubt = "" if outcome == str(Outcome.ACCEPTED) else f" ({_BECAME[outcome]})"
    return (
        f"Sent: {what} on {when(decision.at, zone)}, because every rule let it go"
        f"{doubt}; nothing more waits: {says}."
    )


_ENDED: Final = MappingProxyType(
    {
        "never enrolled": "the lead was never enrolled (outreach enroll)",
        "ACTIVE": "an answer is awaited, or the next message is on its way",
        "COMPLETED": "the sequence is complete",
        "PAUSED": "the enrolment is paused",
        "STOPPED": "the enrolment was stopped",
        "NO_CHANNEL": "it has no contact point for the sequence's channels",
        "NO_TEMPLATE": "no template fits it, or it lacks a variable that one needs",
        "NO_CONSENT": "its country asks for a consent, and none is on record",
        "BOUNCED": "mail to it came back, and no other channel is left",
        "SUPPRESSED": "an address of it is suppressed",
        "HUMAN_CONTROL": "a person has taken the conversation over",
        "REPLIED": "the lead answered",
        "OPTED_OUT": "the lead asked not to be contacted again",
    }
)
