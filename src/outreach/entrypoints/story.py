"""What is known of one lead, and the one sentence that says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve, frozen

from outreach.domain import explain
from outreach.domain.case import Case
from outreach.domain.decision import Decision, decide
from outreach.domain.errors import NotFound
from outreach.domain.lead import LeadSummary
from outreach.domain.stop import Stop
from outreach.domain.usecases.find_lead import FindLead
from outreach.entrypoints.engine import Engine
from outreach.ports.decisions import Explained

__all__ = ["Story", "story"]


@frozen
class Story:
    """Why a lead was, or was not, written to.

    Attributes:
        decided: each message that waits, and what would be decided now.
        stops: that its provider has not confirmed.
        zone: in which times are told.
    """

    explained: Explained
    decided: tuple[tuple[Case, Decision], ...]
    stops: Sequence[Stop]
    zone: str

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
    if not found:
        message = (
            f"no lead is meant by {words!r}: looked for an id or its start (4 or more "
            f"characters), a phone (written as in {region}, or with its country code), "
            "an e-mail address and a CUI"
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
    return Story(explained, tuple(decided), stops, engine.settings.tenant.time_zone)
