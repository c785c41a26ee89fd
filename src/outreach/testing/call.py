"""A call that a contract suite made, with all that led to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from attrs import evolve, frozen

from outreach.domain.case import Case
from outreach.domain.decision import Decision
from outreach.domain.message import Armed, Draft, NotArmed, Outcome, Result
from outreach.ports.lanes import Claim

__all__ = ["GAP", "Call"]

GAP: Final = timedelta(seconds=30)


@frozen
class Call:
    """A call that is armed or has ended, with all that led to it."""

    claim: Claim
    case: Case
    draft: Draft
    decision: Decision
    verdict: Armed | NotArmed

    @property
    def armed(self) -> bool:
        """T1 said yes."""
        return isinstance(self.verdict, Armed)

    def ended(self, outcome: Outcome, **changes: Any) -> Result:
        """What T2 is told."""
        aftermath = self.draft.aftermath
        if aftermath is None:
            message = f"draft {self.draft.parcel.attempt} was made without an aftermath"
            raise ValueError(message)
        result = Result(
            attempt=self.draft.parcel.attempt,
            tenant=self.claim.tenant,
            token=self.claim.token,
            outcome=outcome,
            gap=GAP,
            aftermath=aftermath,
            ref=f"ref-{self.draft.parcel.attempt}"
            if outcome is Outcome.ACCEPTED
            else "",
        )
        return evolve(result, **changes)
