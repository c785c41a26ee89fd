"""``outreach why``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from outreach.domain import explain
from outreach.domain.case import Case
from outreach.domain.decision import Block, Decision, Verdict
from outreach.domain.grounds import again, let_go
from outreach.domain.lead import LeadSummary
from outreach.entrypoints.cli.given import Given
from outreach.entrypoints.cli.health_rows import went_on
from outreach.entrypoints.cli.opening import with_engine
from outreach.entrypoints.cli.options import command, json_option
from outreach.entrypoints.cli.screen import complain, local, print_json, say, table
from outreach.entrypoints.cli.sender_rows import named
from outreach.entrypoints.cli.stop_rows import plain_stop, told
from outreach.entrypoints.engine import Engine
from outreach.entrypoints.story import Story, story
from outreach.ports.decisions import Recorded

__all__ = ["why"]

_WRONG: Final = 2
_PAST: Final = 10
"""Recorded decisions shown; ``--json`` has them all."""
_SENDS: Final = 3
"""Sends shown with what each rule looked at; likewise."""


@command(
    "why",
    example="""\
outreach why +40712345678
outreach why 0712345678 --json
outreach why 7f3a9c41-52d0""",
)
@click.argument("lead")
@json_option
@click.pass_obj
def why(given: Given, *, lead: str, as_json: bool) -> None:
    """Say why a lead was, or was not, written to.

    LEAD is an id or its start, a phone in any writing, an e-mail address or a
    company register id (CUI); an id of a message or of an attempt to send one means
    its lead, and that send. First comes one sentence; then what is in the way, in
    order, with the facts looked at, the earliest time and the smallest change. Of
    each send: what every rule looked at, and whether the present rules decide the
    same from the recorded facts.
    """
    zone = given.settings.tenant.time_zone

    async def work(engine: Engine) -> Story | Sequence[LeadSummary]:
        return await story(engine, lead)

    found = with_engine(given, work)
    if not isinstance(found, Story):
        _ambiguous(lead, found)
        raise click.exceptions.Exit(_WRONG)
    if as_json:
        print_json(_plain(found, zone))
    else:
        _show(found, zone)


def _ambiguous(words: str, found: Sequence[LeadSummary]) -> None:
    complain(f"{words!r} can mean {len(found)} leads; name one by its id:")
    for one in found:
        name = one.company_name or one.contact_name
        complain(f"{one.id}  {name}  {one.city}  {one.phone}")


def _show(found: Story, zone: str) -> None:
    said = found.explained
    say(str(found), style="bold")
    say(f"{said.name}, {said.state}; lead {said.lead}")
    for stop in found.stops:
        say(f"Not confirmed by its provider: {told(stop, zone)}")
    for case, decision in found.decided:
        intent = case.intent
        table(
            f"{_what(case)}, {intent.channel}, due {local(intent.due_at, zone)}: "
            f"{decision.verdict}",
            ("reason", "because", "until", "would help"),
            [
                (
                    block.reason,
                    explain.because(block, zone),
                    "-" if block.until is None else local(block.until, zone),
                    explain.help_for(block, case) or "-",
                )
                for block in decision.blocks
            ],
        )
    if said.recorded:
        say("What was decided before:", style="bold")
        for one in said.recorded[-_PAST:]:
            say(_past(one, zone))
    _why_sent(found, zone)
    for passed in said.passed[-_PAST:]:
        say(went_on(passed, zone))


def _why_sent(found: Story, zone: str) -> None:
    """Each send, or the one that was asked for: what the rules looked at."""
    for one in found.sends[-_SENDS:]:
        made = one.decision
        what = f"step {one.step_number}" if one.step_number else "the reply"
        table(
            f"Why {what} was sent, attempt {one.attempt}",
            ("rule", "let it go, for"),
            let_go(made, zone),
        )
        say(_again(made))


def _again(made: Decision) -> str:
    found = again(made)
    if found is None:
        return f"Its facts were not kept (policy {made.policy})."
    says = str(found)
    return f"{says[0].upper()}{says[1:]}."


def _past(one: Recorded, zone: str) -> str:
    return explain.past(one.step_number, one.decision, one.outcome, zone, one.through)


def _what(case: Case) -> str:
    number = case.intent.step_number
    return f"step {number}" if number else f"reply ({case.intent.send_class.name})"


def _plain(found: Story, zone: str) -> dict[str, Any]:
    said = found.explained
    return {
        "lead": said.lead,
        "name": said.name,
        "state": said.state,
        "now": said.now,
        "says": str(found),
        "messages": [_message(case, made, zone) for case, made in found.decided],
        "recorded": [
            {
                "intent": one.intent,
                "step": one.step_number,
                "outcome": one.outcome,
                "through": one.through,
                "attempt": one.attempt,
                "let_go": [
                    {"rule": rule, "says": says} for rule, says in _rules(one, zone)
                ],
                "again": _plain_again(one.decision),
                "says": _past(one, zone),
                **_decision(one.decision, zone),
            }
            for one in said.recorded
        ],
        "passed_on": [
            {
                "intent": one.intent,
                "at": one.at,
                "provider": one.provider,
                "sender": one.number,
                "why": one.why,
                "says": went_on(one, zone),
            }
            for one in said.passed
        ],
        "ended": said.ended,
        "unconfirmed_stops": [plain_stop(one) for one in found.stops],
    }


def _rules(one: Recorded, zone: str) -> Sequence[tuple[str, str]]:
    sent = one.decision.verdict is Verdict.SEND
    return let_go(one.decision, zone) if sent else ()


def _plain_again(made: Decision) -> dict[str, Any] | None:
    found = again(made)
    if found is None:
        return None
    return {
        "policy": found.decision.policy,
        "verdict": found.decision.verdict,
        "same": not found.differs,
        "differs": list(found.differs),
    }


def _message(case: Case, made: Decision, zone: str) -> dict[str, Any]:
    intent = case.intent
    return {
        "intent": intent.id,
        "step": intent.step_number,
        "class": intent.send_class.name,
        "channel": intent.channel,
        "due_at": intent.due_at,
        **({"phone": None} if case.sender is None else named(case.sender)),
        "says": explain.present(case, made, zone),
        **_decision(made, zone),
        "would_help": [explain.help_for(one, case) for one in made.blocks],
    }


def _decision(made: Decision, zone: str) -> Mapping[str, Any]:
    return {
        "verdict": made.verdict,
        "binding": made.binding,
        "at": made.at,
        "earliest": made.earliest,
        "policy": made.policy,
        "reasons": [_block(block, zone) for block in made.blocks],
    }


def _block(block: Block, zone: str) -> Mapping[str, Any]:
    flip = block.flip
    return {
        "reason": block.reason,
        "because": explain.because(block, zone),
        "inputs": dict(block.inputs),
        "until": block.until,
        "final": block.final,
        "smallest_change": {
            "fact": flip.fact,
            "to": str(flip.value),
            "says": flip.says,
        },
    }
