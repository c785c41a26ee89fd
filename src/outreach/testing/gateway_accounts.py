"""What a gateway owes that lists accounts, or sends webhooks and knows of lost ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from outreach.domain.allowance import Period
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.ports.gateway import (
    ListsAccounts,
    ReceivesWebhooks,
    ReplaysLost,
    TellsUse,
)
from outreach.testing.gateway_bench import (
    OURS,
    RegistersWorkbench,
    Situation,
    Workbench,
    raised,
)

__all__ = [
    "ListsAccountsContract",
    "LosesWorkbench",
    "ReceivesWebhooksContract",
    "ReplaysLostContract",
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


class TellsUseContract:
    """Every promise of `TellsUse`."""

    async def test_each_period_is_told_once_at_most(self, bench: Workbench) -> None:
        told = await _teller(bench).use()

        periods = [one.period for one in told]
        assert len(periods) == len(set(periods)) <= len(Period)
        for one in told:
            assert one.used >= 0, one
            assert one.limit is None or one.limit >= 0, one

    async def test_a_silent_provider_is_unavailable(self, bench: Workbench) -> None:
        await bench.arrange(Situation.UNREACHABLE)

        assert type(await raised(_teller(bench).use())) is Unavailable


def _teller(bench: Workbench) -> TellsUse:
    assert isinstance(bench.gateway, TellsUse)
    return bench.gateway


def _replayer(bench: Workbench) -> ReplaysLost:
    assert isinstance(bench.gateway, ReplaysLost)
    return bench.gateway


def _lister(bench: Workbench) -> ListsAccounts:
    assert isinstance(bench.gateway, ListsAccounts)
    return bench.gateway


def _receiver(bench: Workbench) -> ReceivesWebhooks:
    assert isinstance(bench.gateway, ReceivesWebhooks)
    return bench.gateway
