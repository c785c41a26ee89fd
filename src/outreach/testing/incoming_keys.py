"""What owes who checks deliveries by keys that must be fetched, or confirms that they
may come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol

from attrs import field, frozen

from outreach.domain.errors import Unavailable
from outreach.ports.incoming import Authenticates, ConfirmsSubscriptions, LearnsKeys
from outreach.testing.errors import raised

__all__ = [
    "ConfirmsSubscriptionsContract",
    "Delivery",
    "KeysWorkbench",
    "LearnsKeysContract",
]

_AT_ONCE: Final = 20


@frozen
class Delivery:
    """A delivery as it comes; names of headers are lower case."""

    headers: Mapping[str, str]
    raw: bytes = field(repr=False)


class KeysWorkbench(Protocol):
    """What checks, and the provider that publishes the keys, at the test's command."""

    @property
    def checks(self) -> Authenticates:
        """The adapter; it has learnt nothing yet."""
        ...

    @property
    def now(self) -> datetime:
        """When the deliveries were made: machine time."""
        ...

    @property
    def asked(self) -> int:
        """Requests that reached the provider."""
        ...

    def signed(self, text: str = "") -> Delivery:
        """One that the provider signed; all of them name the same key."""
        ...

    def foreign(self) -> Delivery:
        """One that is signed as well, and names a key that is not the provider's."""
        ...

    def missing(self) -> Delivery:
        """One that names a key at the provider which is not there."""
        ...

    def subscription(self) -> Delivery:
        """The provider asks whether it may send what is ours."""
        ...

    def strange(self) -> Delivery:
        """The same, but its address is not the provider's, or it is not for ours."""
        ...

    @property
    def confirmed(self) -> int:
        """How often the subscription was confirmed at the provider."""
        ...

    async def go_away(self, *, away: bool) -> None:
        """The provider does not answer from now on, or does again (later on)."""
        ...


class LearnsKeysContract:
    """Every promise of `LearnsKeys`."""

    async def test_a_key_is_learnt(self, bench: KeysWorkbench) -> None:
        """A delivery is theirs once its key was learnt, and not before."""
        one = bench.signed()

        before = bench.checks.is_theirs(one.headers, one.raw, bench.now)
        await _learner(bench).learn(one.headers, one.raw)

        assert before is False
        assert bench.checks.is_theirs(one.headers, one.raw, bench.now)
        assert not bench.checks.is_theirs(one.headers, one.raw + b" x", bench.now)

    async def test_a_key_is_asked_for_once(self, bench: KeysWorkbench) -> None:
        """A key is asked for once, however many deliveries name it, also at the same
        time.
        """
        many = [bench.signed(f"{n}") for n in range(_AT_ONCE)]

        await asyncio.gather(*(_learner(bench).learn(o.headers, o.raw) for o in many))
        await _learner(bench).learn(many[0].headers, many[0].raw)

        assert bench.asked == 1
        for one in many:
            assert bench.checks.is_theirs(one.headers, one.raw, bench.now)

    async def test_a_foreign_key(self, bench: KeysWorkbench) -> None:
        """What names a key that is not the provider's leads to no request."""
        one = bench.foreign()

        await _learner(bench).learn(one.headers, one.raw)

        assert bench.asked == 0
        assert not bench.checks.is_theirs(one.headers, one.raw, bench.now)

    async def test_a_missing_key(self, bench: KeysWorkbench) -> None:
        """A key that the provider does not have is no error: the delivery is not
        theirs.
        """
        one = bench.missing()

        for _ in range(3):
            await _learner(bench).learn(one.headers, one.raw)

        assert bench.asked == 1
        assert not bench.checks.is_theirs(one.headers, one.raw, bench.now)

    async def test_a_silent_host(self, bench: KeysWorkbench) -> None:
        """A provider that does not answer is Unavailable, and a delivery is theirs
        again when it does.
        """
        one = bench.signed()
        await bench.go_away(away=True)

        await raised(Unavailable, _learner(bench).learn(one.headers, one.raw))
        await bench.go_away(away=False)
        await _learner(bench).learn(one.headers, one.raw)

        assert bench.checks.is_theirs(one.headers, one.raw, bench.now)


class ConfirmsSubscriptionsContract:
    """Every promise of `ConfirmsSubscriptions`."""

    async def test_it_is_confirmed(self, bench: KeysWorkbench) -> None:
        """A subscription to what is ours is confirmed at the provider."""
        one = bench.subscription()
        await _learner(bench).learn(one.headers, one.raw)

        assert bench.checks.is_theirs(one.headers, one.raw, bench.now)
        await _confirmer(bench).confirm(one.raw)

        assert bench.confirmed == 1

    async def test_it_is_confirmed_again(self, bench: KeysWorkbench) -> None:
        """Again, it is confirmed again."""
        for times in (1, 2):
            await _confirmer(bench).confirm(bench.subscription().raw)

            assert bench.confirmed == times

    async def test_nothing_else_is_confirmed(self, bench: KeysWorkbench) -> None:
        """Any other delivery leads to no request."""
        for one in (bench.signed(), bench.strange(), Delivery({}, b"\xff{")):
            await _confirmer(bench).confirm(one.raw)

        assert (bench.confirmed, bench.asked) == (0, 0)

    async def test_an_answer_that_is_not_taken(self, bench: KeysWorkbench) -> None:
        """A provider that does not answer is Unavailable."""
        await bench.go_away(away=True)

        await raised(Unavailable, _confirmer(bench).confirm(bench.subscription().raw))

        assert bench.confirmed == 0


def _learner(bench: KeysWorkbench) -> LearnsKeys:
    assert isinstance(bench.checks, LearnsKeys)
    return bench.checks


def _confirmer(bench: KeysWorkbench) -> ConfirmsSubscriptions:
    assert isinstance(bench.checks, ConfirmsSubscriptions)
    return bench.checks
