"""What a gateway owes its callers that lists accounts or receives webhooks."""

from __future__ import annotations

from typing import Final

from outreach.domain.errors import Misconfigured, Unavailable
from outreach.ports.gateway import ListsAccounts, ReceivesWebhooks
from outreach.testing.gateway_bench import (
    OURS,
    RegistersWorkbench,
    Situation,
    Workbench,
    raised,
)

__all__ = ["ListsAccountsContract", "ReceivesWebhooksContract"]

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


def _lister(bench: Workbench) -> ListsAccounts:
    assert isinstance(bench.gateway, ListsAccounts)
    return bench.gateway


def _receiver(bench: Workbench) -> ReceivesWebhooks:
    assert isinstance(bench.gateway, ReceivesWebhooks)
    return bench.gateway
