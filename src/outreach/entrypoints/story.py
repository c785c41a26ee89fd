"""What is known of one lead, and the one sentence that says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve, frozen

from outreach.domain import explain
from outreach.domain.case import Case
from outreach.domain.decision import Decision, decide
from outreach.domain.errors import NotFound
from outreach.domain.lead import LeadSummary, meant
from outreach.domain.stop import Stop
from outreach.domain.usecases.find_lead import FindLead
from outreach.entrypoints.engine import Engine
from outreach.ports.decisions import Explained, Recorded

__all__ = ["Story", "story"]


@frozen
class Story:
    """Why a lead was, or was not, written to.

    Attributes:
        decided: each message that waits, and what would be decided now.
        stops: that its provider has not confirmed.
        zone: in which times are told.
        asked: start of an id (hex digits) of the message or attempt that was asked
            about; empty: the lead was.
    """

    explained: Explained
    decided: tuple[tuple[Case, Decision], ...]
    stops: Sequence[Stop]
    zone: str
    asked: str = ""

    @property
    def sends(self) -> Sequence[Recorded]:
        """Decisions that led to an attempt, oldest first; of what was asked about, if
        a message or an attempt was.
        """
        return [
            one
            for one in self.explained.recorded
            if one.attempt is not None
            and (
                one.attempt.hex.startswith(self.asked)
                or one.intent.hex.startswith(self.asked)
            )
        ]

    def __str__(self) -> str:
        """One sentence."""
        if self.decided:
            case, decision = self.decided[0]
            return explain.present(case, decision, self.zone)
        past = [
            (one.step_number, one.decision, one.outcome)
            for one in self.explained.recorded
        ]
        return explain.ended(self.explained.ended, past, self.zone)


async def story(engine: Engine, words: str) -> Story | Sequence[LeadSummary]:
    """The story of the lead that *words* mean; several leads if they mean several.

    Args:
        words: an id or its start, a phone in any writing, an address, a CUI.

    Raises:
        NotFound: nobody is meant; says what was looked for.
    """
    parts = engine.container
    find = FindLead(parts.leads(), parts.contacts())
    region = engine.settings.tenant.country
    found = await find(engine.tenant, words, region=region)
    asked = ""
    if not found:
        # Not a lead: perhaps one of its messages, or an attempt to send one.
        asked = meant(words)[1]
        behind = await parts.decisions().behind(engine.tenant, words)
        found = [
            one
            for lead in behind
            for one in await find.leads.find(engine.tenant, str(lead))
        ]
    if not found:
        message = (
            f"no lead is meant by {words!r}: looked for an id or its start (4 or more "
            "characters) of a lead, a message or an attempt, a phone (written as in "
            f"{region}, or with its country code), an e-mail address and a CUI"
        )
        raise NotFound(message)
    if len(found) > 1:
        return found
    explained = await parts.decisions().explain(engine.tenant, found[0].id)
    calendar, margin = parts.calendar(), parts.timing().call_budget
    shortages = {
        channel: await parts.dispatch().shortage(engine.tenant, explained.now, channel)
        for channel in {one.intent.channel for one in explained.cases if not one.sender}
    }
    decided = []
    for case in explained.cases:
        window = case.window
        years = {explained.now.year, case.intent.due_at.year}
        days = frozenset[Any]().union(
            *[calendar.holidays(window.country, year) for year in years]
        )
        window = evolve(window, holidays=days)
        short = shortages.get(case.intent.channel)
        whole = evolve(case, window=window, shortage=short)
        decided.append((whole, decide(whole, explained.now, margin=margin)))
    stops = await parts.stops().unconfirmed(engine.tenant, found[0].id)
    zone = engine.settings.tenant.time_zone
    return Story(explained, tuple(decided), stops, zone, asked)
