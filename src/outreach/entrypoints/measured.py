"""A gateway whose calls are counted and timed."""

from __future__ import annotations

import time
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
from outreach.ports.gateway import Gateway

__all__ = ["Measured"]

_ENDED: Final = {
    Accepted: (Outcome.ACCEPTED, CallOutcome.ACCEPTED),
    Refused: (Outcome.REFUSED, CallOutcome.REFUSED),
    NotAccepted: (Outcome.RELEASED, CallOutcome.NOT_ACCEPTED),
    UnknownOutcome: (Outcome.UNKNOWN, CallOutcome.UNKNOWN),
}


@frozen
class Measured:
    """Implements `outreach.ports.gateway.Gateway` around another one."""

    gateway: Gateway
    provider: ProviderName
    metrics: Metrics

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        began = time.monotonic()
        answer = await self.gateway.send(parcel, within)
        self.metrics.call_seconds.observe(time.monotonic() - began, self.provider)
        outcome, called = _ENDED[type(answer)]
        self.metrics.calls.add(self.provider, called)
        self.metrics.messages.add(parcel.permit.channel, outcome)
        return answer
