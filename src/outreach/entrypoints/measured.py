"""A gateway whose calls are counted and timed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from attrs import frozen

from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Outcome,
    Parcel,
    Refused,
    UnknownOutcome,
)
from outreach.entrypoints.metrics import CallOutcome, Metrics, ProviderName
from outreach.ports.gateway import Gateway, SendsMany

__all__ = ["Measured", "MeasuredMany"]

_ENDED: Final = {
    Accepted: (Outcome.ACCEPTED, CallOutcome.ACCEPTED),
    Refused: (Outcome.REFUSED, CallOutcome.REFUSED),
    NotAccepted: (Outcome.RELEASED, CallOutcome.NOT_ACCEPTED),
    UnknownOutcome: (Outcome.UNKNOWN, CallOutcome.UNKNOWN),
}
_FROM_BEST: Final = tuple(_ENDED)


@frozen
class Measured:
    """Implements `outreach.ports.gateway.Gateway` around another one."""

    gateway: Gateway
    provider: ProviderName
    metrics: Metrics

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        began = time.monotonic()
        answer = await self.gateway.send(parcel, within)
        self._ended(began, [parcel], [answer])
        return answer

    def _ended(
        self, began: float, parcels: Sequence[Parcel], answers: Sequence[Answer]
    ) -> None:
        """One call, however many messages; it ended as the worst of them did."""
        self.metrics.call_seconds.observe(time.monotonic() - began, self.provider)
        worst = max(answers, key=lambda answer: _FROM_BEST.index(type(answer)))
        self.metrics.calls.add(self.provider, _ENDED[type(worst)][1])
        for parcel, answer in zip(parcels, answers, strict=False):
            outcome, _ = _ENDED[type(answer)]
            self.metrics.messages.add(parcel.permit.channel, outcome)


@frozen
class MeasuredMany(Measured):
    """Implements `outreach.ports.gateway.SendsMany` beside it.

    Attributes:
        bulk: the same gateway, by that ability.
    """

    bulk: SendsMany

    async def send_many(
        self, parcels: Sequence[Parcel], within: timedelta
    ) -> Sequence[Answer]:
        began = time.monotonic()
        answers = await self.bulk.send_many(parcels, within)
        if answers:
            self._ended(began, parcels, answers)
        return answers
