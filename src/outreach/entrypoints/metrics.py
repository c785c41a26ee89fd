"""What is measured, in label sets that are closed.

A label is a member of an enumeration and nothing else, so that no number, name or
text of anybody can become one (threat T12), and the number of series is known before
anything runs: `Metrics.series`. Every series is there from the start with 0, so that
a rate over it is right from its first event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import product
from math import prod
from typing import Final, TypeVar

import prometheus_client as prometheus
from attrs import field, frozen
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric

from outreach.domain.analysis import Doubt
from outreach.domain.channel import Channel
from outreach.domain.decision import Reason
from outreach.domain.event import EventType
from outreach.domain.message import Outcome

__all__ = [
    "CONTENT_TYPE",
    "MOST_SERIES",
    "BellOutcome",
    "CallOutcome",
    "Counter",
    "Histogram",
    "Metrics",
    "ModelOutcome",
    "ProviderName",
    "WebhookOutcome",
    "provider_name",
]

MOST_SERIES: Final = 2_000
"""Budget for all series of one process (threat T12)."""

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4

_WEBHOOK_SECONDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
_CALL_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0)
_BEYOND_BUCKETS: Final = 3
"""A histogram's +Inf, sum and count."""

_Child = TypeVar("_Child", bound=MetricWrapperBase)
_Labels = tuple[StrEnum, ...]


class ProviderName(StrEnum):
    """A provider as a label; one that is not ours to name is OTHER."""

    TIMELINESAI = "timelinesai"
    WAMM = "wamm"
    BAILEYS = "baileys"
    INSTANTLY = "instantly"
    RESEND = "resend"
    SES = "ses"
    SENDGRID = "sendgrid"
    SMTP = "smtp"
    OTHER = "other"


class WebhookOutcome(StrEnum):
    """How a delivery was answered."""

    STORED = "stored"
    REPEATED = "repeated"
    """Every event in it was known already."""
    UNAUTHORIZED = "unauthorized"
    LIMITED = "limited"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    ENCODED = "encoded"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"
    GONE = "gone"
    """The other side hung up before its body was here."""


class CallOutcome(StrEnum):
    """How a call of a provider ended."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_ACCEPTED = "not_accepted"
    UNKNOWN = "unknown"


class ModelOutcome(StrEnum):
    """How a call of a model ended; why it was not relied on is in the analysis."""

    OK = "ok"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    LIMITED = "limited"
    FAILED = "failed"
    UNUSABLE = "unusable"
    """Something came back, but no answer."""

    @classmethod
    def of(cls, doubt: Doubt | None) -> ModelOutcome:
        """By the doubt it led to, None for none."""
        if doubt is None:
            return cls.OK
        return cls.__members__.get(doubt.name, cls.UNUSABLE)


class BellOutcome(StrEnum):
    """What became of a ring."""

    RUNG = "rung"
    FAILED = "failed"


def provider_name(name: str) -> ProviderName:
    """Name a provider as a label."""
    try:
        return ProviderName(name)
    except ValueError:
        return ProviderName.OTHER


@frozen(eq=False)
class Counter:
    """Counts, by the members of its enumerations in their order."""

    labels: tuple[type[StrEnum], ...]
    _children: dict[_Labels, prometheus.Counter]

    def add(self, *labels: StrEnum, by: float = 1) -> None:
        """Count *by* more.

        Raises:
            TypeError: the labels are not members of the enumerations declared.
        """
        _child(self._children, self.labels, labels).inc(by)

    @property
    def series(self) -> int:
        """How many there are."""
        return len(self._children)


@frozen(eq=False)
class Histogram:
    """Counts seconds in buckets, by the members of its enumerations."""

    labels: tuple[type[StrEnum], ...]
    buckets: tuple[float, ...]
    _children: dict[_Labels, prometheus.Histogram]

    def observe(self, seconds: float, *labels: StrEnum) -> None:
        """Count one that took *seconds*.

        Raises:
            TypeError: the labels are not members of the enumerations declared.
        """
        _child(self._children, self.labels, labels).observe(seconds)

    @property
    def series(self) -> int:
        """How many there are."""
        return len(self._children) * (len(self.buckets) + _BEYOND_BUCKETS)


@frozen(eq=False)
class Metrics:
    """Everything one process counts. Make one per process and hand it around.

    Attributes:
        registry: further collectors may be registered; it is not the library's
            global one, so that an embedding application keeps its own.
    """

    registry: prometheus.CollectorRegistry = field(factory=prometheus.CollectorRegistry)
    webhooks: Counter = field(init=False)
    webhook_seconds: Histogram = field(init=False)
    events: Counter = field(init=False)
    rings: Counter = field(init=False)
    messages: Counter = field(init=False)
    decisions: Counter = field(init=False)
    calls: Counter = field(init=False)
    call_seconds: Histogram = field(init=False)
    model_calls: Counter = field(init=False)

    @webhooks.default
    def _webhooks(self) -> Counter:
        return self._counter(
            "webhooks",
            "Webhook deliveries by provider and how they were answered.",
            provider=ProviderName,
            outcome=WebhookOutcome,
        )

    @webhook_seconds.default
    def _webhook_seconds(self) -> Histogram:
        return self._histogram(
            "webhook_seconds",
            "From the head of an accepted delivery to its durable answer.",
            _WEBHOOK_SECONDS,
        )

    @events.default
    def _events(self) -> Counter:
        return self._counter(
            "events_taken", "New events stored by this process.", type=EventType
        )

    @rings.default
    def _rings(self) -> Counter:
        return self._counter(
            "bell_rings", "Rings after something came in.", outcome=BellOutcome
        )

    @messages.default
    def _messages(self) -> Counter:
        return self._counter(
            "messages",
            "Attempts of this process by channel and outcome.",
            channel=Channel,
            outcome=Outcome,
        )

    @decisions.default
    def _decisions(self) -> Counter:
        return self._counter(
            "decisions", "Decisions of this process by binding reason.", reason=Reason
        )

    @calls.default
    def _calls(self) -> Counter:
        return self._counter(
            "provider_calls",
            "Calls of providers and how they ended.",
            provider=ProviderName,
            outcome=CallOutcome,
        )

    @call_seconds.default
    def _call_seconds(self) -> Histogram:
        return self._histogram(
            "provider_call_seconds",
            "How long calls of providers took.",
            _CALL_SECONDS,
            provider=ProviderName,
        )

    @model_calls.default
    def _model_calls(self) -> Counter:
        return self._counter(
            "model_calls", "Calls of a model and how they ended.", outcome=ModelOutcome
        )

    @property
    def series(self) -> int:
        """How many there are, whatever happens."""
        families = (
            *(self.webhooks, self.webhook_seconds, self.events, self.rings),
            *(self.messages, self.decisions, self.calls, self.call_seconds),
            self.model_calls,
        )
        return sum(family.series for family in families)

    def exposition(self) -> bytes:
        """All of it as Prometheus text, of the content type `CONTENT_TYPE`."""
        return generate_latest(_Plain(self.registry))

    def _counter(self, name: str, says: str, **labels: type[StrEnum]) -> Counter:
        family = prometheus.Counter(
            f"outreach_{name}", says, tuple(labels), registry=self.registry
        )
        return Counter(tuple(labels.values()), _children(family, labels.values()))

    def _histogram(
        self, name: str, says: str, buckets: tuple[float, ...], **labels: type[StrEnum]
    ) -> Histogram:
        family = prometheus.Histogram(
            f"outreach_{name}",
            says,
            tuple(labels),
            registry=self.registry,
            buckets=buckets,
        )
        return Histogram(
            tuple(labels.values()), buckets, _children(family, labels.values())
        )


@frozen
class _Plain:
    """A registry without the times at which each series began, which double it."""

    registry: prometheus.CollectorRegistry

    def collect(self) -> Iterator[Metric]:
        for family in self.registry.collect():
            family.samples = [
                sample
                for sample in family.samples
                if not sample.name.endswith("_created")
            ]
            yield family


def _children(family: _Child, labels: Iterable[type[StrEnum]]) -> dict[_Labels, _Child]:
    sets = tuple(labels)
    if not sets:
        return {(): family}
    if prod(map(len, sets)) > MOST_SERIES:
        message = f"{family} would have more than {MOST_SERIES} series"
        raise ValueError(message)
    return {members: family.labels(*members) for members in product(*sets)}


def _child(
    children: dict[_Labels, _Child], wanted: Sequence[type[StrEnum]], given: _Labels
) -> _Child:
    # A member of another enumeration may be an equal string: its type must fit, too.
    if tuple(map(type, given)) != tuple(wanted):
        names = ", ".join(one.__name__ for one in wanted) or "none"
        message = f"the labels must be of {names}, in that order"
        raise TypeError(message)
    return children[given]
