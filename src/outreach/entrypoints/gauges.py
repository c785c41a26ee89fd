"""Figures of the store as gauges, read when they are scraped and not more often.

They are the same for every web process of an installation: what the store says, not
what this process did. The store keeps them by the event, so that reading them costs
the same with a thousand leads and with a million.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

import structlog
from attrs import define, field
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from outreach.domain.analysis import ReplyIntent
from outreach.domain.channel import Channel
from outreach.domain.decision import Reason
from outreach.domain.event import EventType
from outreach.domain.health import HealthState
from outreach.domain.invariants import Invariant
from outreach.domain.sender import SendClass
from outreach.domain.sla import Priority
from outreach.entrypoints.metrics import Metrics, ProviderName
from outreach.ports.decisions import Summary

__all__ = ["EVERY", "Gauges"]

EVERY: Final = timedelta(seconds=15)
"""A scrape within this time answers with what the last one read."""

_PATIENCE: Final = timedelta(seconds=2)
_OTHER: Final = "OTHER"
_CLASSES: Final = tuple(one.name for one in SendClass)
_log = structlog.get_logger(__name__)


@define(eq=False)
class Gauges:
    """Registers itself with *metrics*; call `refresh` before each exposition.

    Attributes:
        read: the figures of all tenants this installation serves, as one.
        next_wake: see `outreach.ports.lanes.Lanes.next_wake`; None: not shown.
        every: how old figures may be before they are read anew.
        patience: how long a scrape waits for them.
    """

    metrics: Metrics
    read: Callable[[], Awaitable[Summary]]
    next_wake: Callable[[], Awaitable[timedelta | None]] | None = None
    every: timedelta = EVERY
    patience: timedelta = _PATIENCE
    monotonic: Callable[[], float] = time.monotonic
    _summary: Summary | None = field(default=None, init=False)
    _wake: timedelta | None = field(default=None, init=False)
    _read_at: float = field(default=0.0, init=False)
    _tried_at: float | None = field(default=None, init=False)
    _is_up: bool = field(default=False, init=False)
    _one: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self.metrics.registry.register(self)

    async def refresh(self) -> None:
        """Read the figures if they are old. Raises nothing: the old ones stay, and
        ``outreach_figures_up`` is 0.
        """
        async with self._one:
            now = self.monotonic()
            every = self.every.total_seconds()
            if self._tried_at is not None and now - self._tried_at < every:
                return
            self._tried_at = now
            within = self.patience.total_seconds()
            (error,) = await asyncio.gather(
                asyncio.wait_for(self._take(), within), return_exceptions=True
            )
            self._is_up = error is None
            if error is None:
                self._read_at = now
            else:
                _log.warning("figures.unavailable", error=type(error).__name__)

    async def _take(self) -> None:
        self._summary = await self.read()
        self._wake = await self.next_wake() if self.next_wake else None

    def collect(self) -> Iterator[Metric]:
        """See `prometheus_client.registry.Collector`."""
        yield _one("figures_up", "The store answered the last read.", self._is_up)
        if self._summary is None:
            return
        age = self.monotonic() - self._read_at
        yield _one("figures_age_seconds", "Since the figures were read.", age)
        if self._wake is not None:
            wait = self._wake.total_seconds()
            yield _one("next_due_seconds", "Until something is due.", wait)
        yield from _figures(self._summary)


def _figures(all_: Summary) -> Iterator[Metric]:
    yield _one("leads_imported", "Leads.", all_.imported)
    yield _one("leads_enrolled", "Enrolments.", all_.enrolled)
    yield _one("leads_suppressed", "Suppressed addresses.", all_.suppressed)
    yield _one("sends_unknown", "Attempts of unknown outcome.", all_.unknown)
    yield _by("sends_accepted", "Accepted sends.", "channel", Channel, all_.sent)
    yield _by("deferrals", "Decisions not to send.", "reason", Reason, all_.deferred)
    yield _by("leads_skipped", "Leads not planned.", "reason", Reason, all_.skipped)
    yield _by("events", "Stored events.", "type", EventType, all_.events)
    yield _by("replies", "Replies.", "intent", ReplyIntent, all_.replies)
    yield _by("reviews", "Review items.", "priority", Priority, all_.reviews)
    yield _by("messages_waiting", "Planned messages.", "class", _CLASSES, all_.waiting)
    yield _by(
        "mail_passed_on",
        "Warm mail that went on to another provider account.",
        "provider",
        ProviderName,
        all_.passed,
    )
    yield _by(
        "warm_accounts",
        "Provider accounts of warm mail.",
        "health",
        HealthState,
        all_.health,
    )
    found = all_.breaches
    yield _by("audit_breaches", "Found by audits.", "invariant", Invariant, found)
    phones = all_.phones
    yield _one("phones", "Phones.", len(phones))
    full = sum(new >= limit for _, new, _, limit in phones)
    yield _one("phones_full", "Phones at their limit.", full)
    yield _one("quota_used", "New contacts.", sum(new for _, new, _, _ in phones))
    yield _one("quota_limit", "Their limits.", sum(limit for *_, limit in phones))


def _one(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(f"outreach_{name}", says, value=value)


def _by(
    name: str,
    says: str,
    label: str,
    known: type[StrEnum] | tuple[str, ...],
    counts: Mapping[str, int],
) -> Metric:
    """One sample per known word; what is not known is one more, OTHER."""
    family = GaugeMetricFamily(f"outreach_{name}", says, labels=[label])
    words = [str(one) for one in known]
    for word in words:
        family.add_metric([word], counts.get(word, 0))
    others = sum(count for word, count in counts.items() if word not in words)
    family.add_metric([_OTHER], others)
    return family
