"""What a gateway owes that lists accounts, or sends webhooks and knows of lost ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from outreach.domain.allowance import Counted, Period
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.domain.event import EventType, SystemEvent
from outreach.ports.gateway import (
    ListsAccounts,
    ReceivesWebhooks,
    ReplaysLost,
    TellsUse,
)
from outreach.ports.history import TellsHistory
from outreach.testing.gateway_bench import (
    OURS,
    RegistersWorkbench,
    Situation,
    Workbench,
    raised,
)

__all__ = [
    "HearsWorkbench",
    "ListsAccountsContract",
    "LosesWorkbench",
    "ReceivesWebhooksContract",
    "ReplaysLostContract",
    "TellsHistoryContract",
    "TellsUseContract",
]

_UNASKABLE: Final = {
    Situation.UNREACHABLE: Unavailable,
    Situation.KEY_REVOKED: Misconfigured,
}


class ListsAccountsContract:
    """Every promise of `ListsAccounts`."""

    async def test_all_numbers_are_listed(self, bench: Workbench) -> None:
        listed = await _lister(bench).senders()

        assert {sender.number for sender in listed} == set(OURS)
        assert all(sender.connected for sender in listed)

    async def test_a_silent_provider_is_unavailable_and_a_refused_key_misconfigured(
        self, bench: Workbench
    ) -> None:
        for situation, kind in _UNASKABLE.items():
            await bench.arrange(situation)
            error = await raised(_lister(bench).senders())
            assert type(error) is kind, (situation, error)


class ReceivesWebhooksContract:
    """Every promise of `ReceivesWebhooks`; the bench tells what is registered."""

    async def test_asked_twice_is_registered_once(
        self, bench: RegistersWorkbench
    ) -> None:
        url = "https://outreach.example/webhooks/here/s3cret"
        await _receiver(bench).register(url)
        once = sorted(bench.registered(url))
        await _receiver(bench).register(url)

        assert once
        assert sorted(bench.registered(url)) == once

    async def test_who_cannot_register_says_why_without_the_secret(
        self, bench: RegistersWorkbench
    ) -> None:
        for situation, kind in _UNASKABLE.items():
            await bench.arrange(situation)
            error = await raised(
                _receiver(bench).register("https://outreach.example/w/s3cret")
            )
            assert type(error) is kind, (situation, error)
            assert "s3cret" not in str(error)


class LosesWorkbench(Workbench, Protocol):
    """A workbench whose provider can fail to deliver a webhook."""

    async def miss(self, body: bytes, at: datetime) -> None:
        """Have a delivery of *body*, a JSON object, fail at *at*."""
        ...


class ReplaysLostContract:
    """Every promise of `ReplaysLost`."""

    async def test_what_did_not_arrive_is_told(self, bench: LosesWorkbench) -> None:
        """A webhook that did not arrive is told, as it was sent."""
        now = datetime.now(UTC)
        bodies = [{"event_type": "reply", "n": n, "text": "Bună"} for n in range(120)]
        for number, body in enumerate(bodies):
            at = now - timedelta(hours=1) + timedelta(seconds=number)
            await bench.miss(json.dumps(body).encode(), at)

        told = await _replayer(bench).lost(now - timedelta(days=1))

        assert [json.loads(body) for body in told] == bodies

    async def test_what_is_older_is_not_told(self, bench: LosesWorkbench) -> None:
        """One of before the time asked for is not told."""
        since = datetime.now(UTC) - timedelta(days=1)
        await bench.miss(b'{"n": 1}', since - timedelta(minutes=1))
        await bench.miss(b'{"n": 2}', since + timedelta(minutes=1))

        told = await _replayer(bench).lost(since)

        assert [json.loads(body) for body in told] == [{"n": 2}]

    async def test_being_told_loses_nothing(self, bench: LosesWorkbench) -> None:
        """Being told loses nothing: asked again, it tells the same."""
        now = datetime.now(UTC)
        await bench.miss(b'{"n": 1}', now)
        since = now - timedelta(days=1)

        first = await _replayer(bench).lost(since)

        assert len(first) == 1
        assert list(await _replayer(bench).lost(since)) == list(first)

    async def test_who_cannot_be_asked_about_losses(
        self, bench: LosesWorkbench
    ) -> None:
        """A provider that cannot be asked is Unavailable, with a refused key
        Misconfigured.
        """
        for situation, kind in _UNASKABLE.items():
            await bench.arrange(situation)
            error = await raised(_replayer(bench).lost(datetime.now(UTC)))
            assert type(error) is kind, (situation, error)


class HearsWorkbench(Workbench, Protocol):
    """A workbench whose provider has conversations of our first phone."""

    async def hear(self, text: str, at: datetime, chat: int = 0) -> str:
        """Have *text* come in at *at*, from the *chat*-th person; the key of its
        webhook.
        """
        ...

    def read(self, body: bytes) -> Sequence[SystemEvent]:
        """By the reader of the provider's webhooks."""
        ...


class TellsHistoryContract:
    """Every promise of `TellsHistory`."""

    async def test_what_came_in_is_told(self, bench: HearsWorkbench) -> None:
        """What came in is told so that it is read as its webhook is, under the same
        key.
        """
        since = _whole_seconds() - timedelta(hours=1)
        at = since + timedelta(minutes=1)
        keys = [await bench.hear(text, at) for text in ("Bună", "Cât costă? 👍")]

        told = await _historian(bench).history(since, since)

        events = [event for body in told.bodies for event in bench.read(body)]
        assert told.passed is None
        assert sorted(event.key for event in events) == sorted(keys)
        assert {event.content for event in events} == {"Bună", "Cât costă? 👍"}
        assert {event.type for event in events} == {EventType.REPLY}
        assert {event.sender for event in events} == {OURS[0]}

    async def test_what_was_written_before_is_not_told(
        self, bench: HearsWorkbench
    ) -> None:
        """What was written before the time asked for is not told."""
        since = _whole_seconds() - timedelta(hours=1)
        await bench.hear("before", since - timedelta(minutes=1))
        key = await bench.hear("after", since + timedelta(minutes=1))

        told = await _historian(bench).history(since, since)

        assert [one.key for body in told.bodies for one in bench.read(body)] == [key]

    async def test_being_told_a_history_loses_nothing(
        self, bench: HearsWorkbench
    ) -> None:
        """Being told loses nothing: asked again, it tells the same."""
        since = _whole_seconds() - timedelta(hours=1)
        await bench.hear("Bună", since + timedelta(minutes=1))

        first = await _historian(bench).history(since, since)

        assert len(first.bodies) == 1
        assert await _historian(bench).history(since, since) == first

    async def test_look_after_look_leaves_nothing_out(
        self, bench: HearsWorkbench
    ) -> None:
        """A look reads a part at most, and one that goes on from there leaves nothing
        out.
        """
        since = _whole_seconds() - timedelta(hours=10)
        keys = [
            await bench.hear(f"{chat} {hour}", at, chat)
            for chat in range(130)
            for hour in (1, 5)
            for at in [since + timedelta(hours=hour, seconds=chat)]
        ]

        found: set[str] = set()
        passed, looks = since, 0
        while looks < len(keys):
            told = await _historian(bench).history(since, passed)
            found |= {one.key for body in told.bodies for one in bench.read(body)}
            looks = looks + 1 if told.passed else len(keys)
            passed = told.passed or passed

        assert told.passed is None
        assert found == set(keys)

    async def test_who_cannot_be_asked_for_history(self, bench: HearsWorkbench) -> None:
        """A provider that cannot be asked is Unavailable, with a refused key
        Misconfigured.
        """
        now = datetime.now(UTC)
        for situation, kind in _UNASKABLE.items():
            await bench.arrange(situation)
            error = await raised(_historian(bench).history(now, now))
            assert type(error) is kind, (situation, error)


class TellsUseContract:
    """Every promise of `TellsUse`."""

    async def test_each_period_is_told_once_at_most(self, bench: Workbench) -> None:
        told = await _teller(bench).use()

        periods = [(one.counted, one.period) for one in told]
        assert len(periods) == len(set(periods)) <= len(Counted) * len(Period)
        for one in told:
            assert one.used >= 0, one
            assert one.limit is None or one.limit >= 0, one

    async def test_a_silent_provider_is_unavailable(self, bench: Workbench) -> None:
        await bench.arrange(Situation.UNREACHABLE)

        assert type(await raised(_teller(bench).use())) is Unavailable


def _teller(bench: Workbench) -> TellsUse:
    assert isinstance(bench.gateway, TellsUse)
    return bench.gateway


def _historian(bench: Workbench) -> TellsHistory:
    assert isinstance(bench.gateway, TellsHistory)
    return bench.gateway


def _whole_seconds() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _replayer(bench: Workbench) -> ReplaysLost:
    assert isinstance(bench.gateway, ReplaysLost)
    return bench.gateway


def _lister(bench: Workbench) -> ListsAccounts:
    assert isinstance(bench.gateway, ListsAccounts)
    return bench.gateway


def _receiver(bench: Workbench) -> ReceivesWebhooks:
    assert isinstance(bench.gateway, ReceivesWebhooks)
    return bench.gateway
