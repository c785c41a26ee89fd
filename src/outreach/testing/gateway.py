"""What every gateway owes its callers: a suite per ability, for any adapter.

Give a class of yours the suites that your adapter claims, and a fixture `bench`::

    class TestMine(GatewayContract, LooksUpContract):
        @pytest.fixture
        async def bench(self) -> AsyncIterator[Workbench]: ...

The tests are coroutines: anyio's pytest plugin (``anyio_mode = "auto"``) runs them.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import evolve

from outreach.domain.errors import Unavailable
from outreach.domain.message import (
    Accepted,
    MessageStatus,
    NotAccepted,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal
from outreach.ports.gateway import (
    Absent,
    CannotTell,
    Found,
    LooksUp,
    PollsStatus,
)
from outreach.testing.gateway_accounts import (
    ListsAccountsContract,
    ReceivesWebhooksContract,
    ReplaysLostContract,
    TellsHistoryContract,
    TellsUseContract,
)
from outreach.testing.gateway_bench import (
    OURS,
    THEIRS,
    WAIT,
    RegistersWorkbench,
    Situation,
    Workbench,
    parcel,
    raised,
)

__all__ = [
    "OURS",
    "THEIRS",
    "WAIT",
    "GatewayContract",
    "ListsAccountsContract",
    "LooksUpByContentContract",
    "LooksUpContract",
    "PollsStatusContract",
    "ReceivesWebhooksContract",
    "RegistersWorkbench",
    "ReplaysLostContract",
    "Situation",
    "TellsHistoryContract",
    "TellsUseContract",
    "Workbench",
    "parcel",
]

_AMPLE: Final = timedelta(seconds=10)
_SHORT: Final = timedelta(milliseconds=400)
_SLACK: Final = timedelta(seconds=2)
_PASSING: Final = (
    Situation.RATE_LIMITED,
    Situation.RATE_LIMITED_SOMEHOW,
    Situation.BUSY,
    Situation.UNREACHABLE,
    Situation.TURNED_AWAY,
    Situation.KEY_REVOKED,
)
_DOUBTFUL: Final = (
    Situation.BUSY_SOMEWHERE,
    Situation.BROKEN,
    Situation.SILENT,
    Situation.CUT_OFF,
    Situation.RUBBISH,
    Situation.LOST,
)


class GatewayContract:
    """Every promise of `Gateway`."""

    async def test_an_accepted_message_has_an_id_of_its_own(
        self, bench: Workbench
    ) -> None:
        first = await bench.gateway.send(parcel("one"), _AMPLE)
        second = await bench.gateway.send(parcel("two"), _AMPLE)

        assert isinstance(first, Accepted), first
        assert isinstance(second, Accepted), second
        assert first.ref
        assert first.ref != second.ref
        assert list(bench.accepted) == ["one", "two"]

    async def test_a_slow_answer_that_comes_in_time_is_an_answer(
        self, bench: Workbench
    ) -> None:
        await bench.arrange(Situation.SLOW)

        assert isinstance(await bench.gateway.send(parcel(), _AMPLE), Accepted)

    async def test_one_request_per_call_whatever_becomes_of_it(
        self, bench: Workbench
    ) -> None:
        for situation in Situation:
            await bench.arrange(situation)
            before = bench.arrivals

            await bench.gateway.send(parcel(situation.name), _within(situation))

            expected = 0 if situation is Situation.UNREACHABLE else 1
            assert bench.arrivals - before == expected, situation

    async def test_nothing_the_provider_or_the_network_does_is_raised(
        self, bench: Workbench
    ) -> None:
        for situation in Situation:
            await bench.arrange(situation)

            answer = await bench.gateway.send(
                parcel(situation.name), _within(situation)
            )

            known = Accepted | Refused | NotAccepted | UnknownOutcome
            assert isinstance(answer, known), (situation, answer)

    async def test_what_may_have_been_accepted_is_unknown(
        self, bench: Workbench
    ) -> None:
        for situation in _DOUBTFUL:
            await bench.arrange(situation)

            answer = await bench.gateway.send(
                parcel(situation.name), _within(situation)
            )

            assert isinstance(answer, UnknownOutcome), (situation, answer)

    async def test_what_was_accepted_is_never_called_not_accepted(
        self, bench: Workbench
    ) -> None:
        reached = 0
        for situation in Situation:
            await bench.arrange(situation)
            before = len(bench.accepted)

            answer = await bench.gateway.send(
                parcel(situation.name), _within(situation)
            )

            if len(bench.accepted) > before:
                reached += 1
                assert isinstance(answer, Accepted | UnknownOutcome), situation
        assert reached >= len(_DOUBTFUL), "the bench accepts too little to prove it"

    async def test_what_is_documented_as_refused_for_good_is_refused(
        self, bench: Workbench
    ) -> None:
        await bench.arrange(Situation.NOBODY_THERE)

        answer = await bench.gateway.send(parcel(), _AMPLE)

        assert isinstance(answer, Refused), answer
        assert answer.kind is Refusal.INVALID_RECIPIENT

    async def test_refused_for_now_is_not_accepted_for_the_lane(
        self, bench: Workbench
    ) -> None:
        for situation in _PASSING:
            await bench.arrange(situation)

            answer = await bench.gateway.send(parcel(situation.name), _AMPLE)

            assert isinstance(answer, NotAccepted), (situation, answer)
            assert answer.lane, (situation, answer)
        assert not bench.accepted

    async def test_the_wait_asked_for_is_passed_on(self, bench: Workbench) -> None:
        waits = {Situation.RATE_LIMITED: WAIT, Situation.RATE_LIMITED_SOMEHOW: None}
        for situation, wait in waits.items():
            await bench.arrange(situation)

            answer = await bench.gateway.send(parcel(), _AMPLE)

            assert isinstance(answer, NotAccepted), answer
            assert answer.retry_after == wait, situation

    async def test_only_a_refused_key_is_an_authentication_failure(
        self, bench: Workbench
    ) -> None:
        for situation in _PASSING:
            await bench.arrange(situation)

            answer = await bench.gateway.send(parcel(), _AMPLE)

            assert isinstance(answer, NotAccepted), answer
            failed = answer.signal is SenderSignal.AUTH_FAILED
            assert failed is (situation is Situation.KEY_REVOKED), situation

    async def test_a_call_ends_within_its_time(self, bench: Workbench) -> None:
        await bench.arrange(Situation.SILENT)
        started = time.monotonic()

        await bench.gateway.send(parcel(), _SHORT)

        assert time.monotonic() - started < (_SHORT + _SLACK).total_seconds()

    async def test_what_comes_after_trouble_is_as_before_it(
        self, bench: Workbench
    ) -> None:
        for situation in Situation:
            await bench.arrange(situation)
            await bench.gateway.send(parcel(situation.name), _within(situation))
            await bench.arrange(Situation.WELL)

            answer = await bench.gateway.send(parcel(), _AMPLE)

            assert isinstance(answer, Accepted), (situation, answer)

    async def test_no_answer_quotes_a_number_or_a_text(self, bench: Workbench) -> None:
        for situation in Situation:
            await bench.arrange(situation)

            answer = await bench.gateway.send(parcel("hush"), _within(situation))

            shown = repr(answer)
            for secret in ("hush", THEIRS.removeprefix("+"), OURS[0][1:]):
                assert secret not in shown, situation


class LooksUpContract:
    """Every promise of `LooksUp`."""

    async def test_an_accepted_message_without_an_answer_is_found(
        self, bench: Workbench
    ) -> None:
        since = _now()
        await bench.arrange(Situation.SILENT)
        await bench.gateway.send(parcel("lost answer"), _SHORT)
        await bench.arrange(Situation.WELL)

        found = await _looker(bench).look(parcel("lost answer"), since)

        assert isinstance(found, Found), found
        assert found.ref

    async def test_a_message_that_never_arrived_is_absent(
        self, bench: Workbench
    ) -> None:
        since = _now()
        await bench.gateway.send(parcel("another"), _AMPLE)
        await bench.arrange(Situation.LOST)
        await bench.gateway.send(parcel("never arrived"), _AMPLE)
        await bench.arrange(Situation.WELL)

        assert await _looker(bench).look(parcel("never arrived"), since) == Absent()

    async def test_nobody_ever_written_to_has_no_message(
        self, bench: Workbench
    ) -> None:
        assert await _looker(bench).look(parcel(), _now()) == Absent()

    async def test_who_cannot_ask_cannot_tell(self, bench: Workbench) -> None:
        await bench.gateway.send(parcel(), _AMPLE)
        for situation in (Situation.UNREACHABLE, Situation.KEY_REVOKED):
            await bench.arrange(situation)

            found = await _looker(bench).look(parcel(), _now())

            assert isinstance(found, CannotTell), situation


class LooksUpByContentContract:
    """What `LooksUp` owes where a message is known by its text and conversation, and
    not by an id of ours that went with it.
    """

    async def test_another_senders_message_is_not_ours(self, bench: Workbench) -> None:
        since = _now()
        await bench.gateway.send(parcel(), _AMPLE)

        elsewhere = evolve(parcel(), sender_number=OURS[1])

        assert await _looker(bench).look(elsewhere, since) == Absent()

    async def test_the_same_text_of_long_ago_is_not_it(self, bench: Workbench) -> None:
        await bench.gateway.send(parcel(), _AMPLE)

        found = await _looker(bench).look(parcel(), _now() + timedelta(hours=1))

        assert found == Absent()

    async def test_a_known_thread_is_looked_into(self, bench: Workbench) -> None:
        since = _now()
        await bench.gateway.send(parcel("first"), _AMPLE)
        first = await _looker(bench).look(parcel("first"), since)
        assert isinstance(first, Found), first
        await bench.gateway.send(parcel("second", thread=first.thread), _AMPLE)

        again = parcel("second", thread=first.thread)
        found = await _looker(bench).look(again, since)

        assert isinstance(found, Found), found
        assert found.thread == first.thread
        assert found.ref != first.ref


class PollsStatusContract:
    """Every promise of `PollsStatus`."""

    async def test_one_answer_per_message_that_the_provider_knows(
        self, bench: Workbench
    ) -> None:
        refs = []
        for text in ("one", "two"):
            answer = await bench.gateway.send(parcel(text), _AMPLE)
            assert isinstance(answer, Accepted), answer
            refs.append(answer.ref)

        found = await _poller(bench).statuses([*refs, "no-such-message", refs[0]])

        assert [status.ref for status in found] == refs
        for status in found:
            assert status.status is not MessageStatus.UNKNOWN
            assert status.sender in {"", OURS[0]}

    async def test_a_provider_that_cannot_be_asked_is_unavailable(
        self, bench: Workbench
    ) -> None:
        await bench.arrange(Situation.UNREACHABLE)

        error = await raised(_poller(bench).statuses(["a-message"]))

        assert type(error) is Unavailable, error


def _within(situation: Situation) -> timedelta:
    """Only where no answer comes is it worth not to wait for one."""
    return _SHORT if situation is Situation.SILENT else _AMPLE


def _now() -> datetime:
    return datetime.now(UTC)


def _looker(bench: Workbench) -> LooksUp:
    assert isinstance(bench.gateway, LooksUp)
    return bench.gateway


def _poller(bench: Workbench) -> PollsStatus:
    assert isinstance(bench.gateway, PollsStatus)
    return bench.gateway
