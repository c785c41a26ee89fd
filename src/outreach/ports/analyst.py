"""Whoever reads what prospects write."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from outreach.domain.analysis import Analysis, Reply
from outreach.domain.ids import TenantId

__all__ = ["Analyst"]


class Analyst(Protocol):
    """Says what a reply means.

    Promises every implementation keeps (`outreach.testing.analyst`):

    - any text is answered: empty, huge, in no known language, no text at all;
    - the same reply received on the same day is answered the same;
    - an opt-out word outranks everything else in the text;
    - sentiment is in -100..100, confidence in 0..1, the analyser names itself;
    - nothing to read is never a confident answer;
    - what the prospect writes is data: it changes no later answer.

    An analyser that cannot be reached raises nothing either: it answers what the
    rules can tell, with ``down`` set, and ``doubt`` where a model was to blame.
    """

    async def analyse(
        self, reply: Reply, *, received_on: date, tenant: TenantId
    ) -> Analysis:
        """Read *reply*; *received_on* is the local date for 'back on Monday'.

        *tenant* is whom it was written to: only its own model may read it, and only
        within its budget.
        """
        ...
