"""Metrics whose labels are closed sets."""

from __future__ import annotations

from enum import StrEnum

import pytest

from outreach.domain.channel import Channel
from outreach.domain.event import EventType
from outreach.domain.message import Outcome
from outreach.entrypoints.gauges import Gauges
from outreach.entrypoints.metrics import (
    MOST_SERIES,
    CallOutcome,
    Metrics,
    ProviderName,
    provider_name,
)
from outreach.ports.decisions import Summary


class Foreign(StrEnum):
    REPLY = "REPLY"


def samples(metrics: Metrics) -> list[str]:
    lines = metrics.exposition().decode().splitlines()
    return [line for line in lines if not line.startswith("#")]


async def test_one_process_has_no_more_series_than_its_budget() -> None:
    async def read() -> Summary:
        return Summary(
            imported=1,
            enrolled=1,
            sent={f"channel-{n}": 1 for n in range(5_000)},
            deferred={f"reason-{n}": 1 for n in range(5_000)},
            events={f"type-{n}": 1 for n in range(5_000)},
            replies={},
            reviews={},
            suppressed=0,
            unknown=0,
            skipped={},
            phones=tuple((f"+40{n}", 1, 1, 200) for n in range(5_000)),
            waiting={},
        )

    metrics = Metrics()
    own = len(samples(metrics))
    await Gauges(metrics, read).refresh()

    assert own == metrics.series
    assert 0 < own < len(samples(metrics)) <= MOST_SERIES


def test_every_series_is_there_from_the_start() -> None:
    metrics = Metrics()

    begun = [line for line in samples(metrics) if not line.endswith(" 0.0")]

    assert begun == []


def test_using_metrics_makes_no_new_series() -> None:
    metrics = Metrics()
    before = len(samples(metrics))

    for provider in ProviderName:
        metrics.calls.add(provider, CallOutcome.UNKNOWN)
        metrics.call_seconds.observe(0.3, provider)
    metrics.messages.add(Channel.WHATSAPP, Outcome.ACCEPTED, by=3)

    assert len(samples(metrics)) == before
    accepted = 'outreach_messages_total{channel="WHATSAPP",outcome="ACCEPTED"} 3.0'
    assert accepted in samples(metrics)


@pytest.mark.parametrize(
    "labels",
    [
        (),
        (Foreign.REPLY,),
        (EventType.REPLY, EventType.REPLY),
        (Channel.WHATSAPP,),
    ],
)
def test_a_label_of_another_set_is_refused(labels: tuple[StrEnum, ...]) -> None:
    metrics = Metrics()

    with pytest.raises(TypeError, match="the labels must be of EventType"):
        metrics.events.add(*labels)

    assert 'outreach_events_taken_total{type="REPLY"} 0.0' in samples(metrics)


def test_two_processes_or_apps_do_not_count_together() -> None:
    one, other = Metrics(), Metrics()

    one.events.add(EventType.REPLY)

    assert 'outreach_events_taken_total{type="REPLY"} 0.0' in samples(other)


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("timelinesai", ProviderName.TIMELINESAI),
        ("somebody-elses", ProviderName.OTHER),
        ("+40712345678", ProviderName.OTHER),
    ],
)
def test_an_unknown_provider_is_no_label_of_its_own(
    said: str, label: ProviderName
) -> None:
    assert provider_name(said) is label
