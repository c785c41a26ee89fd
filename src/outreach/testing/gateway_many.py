"""What a gateway owes that sends or finds many messages at once, or sends one again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from outreach.domain.message import (
    Accepted,
    NotAccepted,
    Refused,
    UnknownOutcome,
)
from outreach.ports.gateway import (
    Absent,
    CannotTell,
    Found,
    LooksUp,
    LooksUpMany,
    RepeatsSafely,
    SendsMany,
)
from outreach.testing.gateway_bench import Situation, Workbench, parcel

__all__ = ["LooksUpManyContract", "RepeatsSafelyContract", "SendsManyContract"]

_AMPLE: Final = timedelta(seconds=10)
_SHORT: Final = timedelta(milliseconds=200)
_MANY: Final = ("one", "two", "three")
_DOUBTFUL: Final = (
    Situation.BUSY_SOMEWHERE,
    Situation.BROKEN,
    Situation.CUT_OFF,
    Situation.RUBBISH,
    Situation.LOST,
)


def _many(bench: Workbench) -> SendsMany:
    assert isinstance(bench.gateway, SendsMany)
    return bench.gateway


def _looks(bench: Workbench) -> LooksUpMany:
    assert isinstance(bench.gateway, LooksUpMany)
    return bench.gateway


def _repeats(bench: Workbench) -> RepeatsSafely:
    assert isinstance(bench.gateway, RepeatsSafely)
    return bench.gateway


class SendsManyContract:
    """Every promise of `SendsMany`."""

    async def test_one_request_and_one_answer_each(self, bench: Workbench) -> None:
        """One request for all of them, and one answer for each, in order."""
        for situation in Situation:
            await bench.arrange(situation)
            before = bench.arrivals
            parcels = [parcel(f"{situation.name} {text}") for text in _MANY]

            answers = await _many(bench).send_many(parcels, _AMPLE)

            expected = 0 if situation is Situation.UNREACHABLE else 1
            assert bench.arrivals - before == expected, situation
            assert len(answers) == len(parcels), situation

    async def test_answers_come_in_the_order_of_the_messages(
        self, bench: Workbench
    ) -> None:
        answers = await _many(bench).send_many([parcel(one) for one in _MANY], _AMPLE)

        refs = [one.ref for one in answers if isinstance(one, Accepted)]
        assert len(set(refs)) == len(_MANY)
        assert list(bench.accepted) == list(_MANY)

    async def test_sending_many_raises_nothing(self, bench: Workbench) -> None:
        """Nothing the provider or the network does is raised."""
        for situation in Situation:
            await bench.arrange(situation)
            parcels = [parcel(f"{situation.name} {text}") for text in _MANY]

            answers = await _many(bench).send_many(parcels, _AMPLE)

            known = Accepted | Refused | NotAccepted | UnknownOutcome
            assert all(isinstance(one, known) for one in answers), situation

    async def test_a_lost_answer_leaves_every_message_unknown(
        self, bench: Workbench
    ) -> None:
        """A lost answer is an UnknownOutcome for every message that may be there."""
        for situation in _DOUBTFUL:
            await bench.arrange(situation)
            parcels = [parcel(f"{situation.name} {text}") for text in _MANY]

            answers = await _many(bench).send_many(parcels, _AMPLE)

            unknown = [isinstance(one, UnknownOutcome) for one in answers]
            assert unknown == [True] * len(_MANY), situation

    async def test_one_refused_takes_no_other_with_it(self, bench: Workbench) -> None:
        """One message that is refused takes no other with it."""
        await bench.arrange(Situation.FIRST_REFUSED)

        answers = await _many(bench).send_many([parcel(one) for one in _MANY], _AMPLE)

        assert isinstance(answers[0], Refused), answers
        assert all(isinstance(one, Accepted) for one in answers[1:]), answers
        assert list(bench.accepted) == list(_MANY[1:])

    async def test_what_never_left_is_for_the_lane(self, bench: Workbench) -> None:
        """What never left is NotAccepted for the lane, for every message."""
        for situation in (Situation.UNREACHABLE, Situation.KEY_REVOKED):
            await bench.arrange(situation)

            answers = await _many(bench).send_many(
                [parcel(one) for one in _MANY], _AMPLE
            )

            assert [isinstance(one, NotAccepted) and one.lane for one in answers] == [
                True
            ] * len(_MANY), situation
        assert not bench.accepted


class LooksUpManyContract:
    """Every promise of `LooksUpMany`."""

    async def test_one_answer_each_in_order(self, bench: Workbench) -> None:
        """One answer for each message, in order."""
        since = datetime.now(UTC)
        await bench.gateway.send(parcel("first"), _AMPLE)
        await bench.gateway.send(parcel("third"), _AMPLE)

        wanted = [parcel("first"), parcel("second"), parcel("third")]
        found = await _looks(bench).look_many(wanted, since)

        assert [type(one) for one in found] == [Found, Absent, Found]
        assert await _looks(bench).look_many([], since) == []

    async def test_many_find_what_one_finds(self, bench: Workbench) -> None:
        """Looking for many finds what looking for one finds."""
        since = datetime.now(UTC)
        for situation in (Situation.SILENT, Situation.LOST, Situation.WELL):
            await bench.arrange(situation)
            await bench.gateway.send(parcel(situation.name), _SHORT)
        await bench.arrange(Situation.WELL)
        looker = bench.gateway
        assert isinstance(looker, LooksUp)

        names = (Situation.SILENT, Situation.LOST, Situation.WELL)
        wanted = [parcel(one.name) for one in names]
        together = await _looks(bench).look_many(wanted, since)
        alone = [await looker.look(one, since) for one in wanted]

        assert list(together) == alone
        assert [type(one) for one in together] == [Found, Absent, Found]

    async def test_who_cannot_ask(self, bench: Workbench) -> None:
        """Who cannot ask cannot tell of any of them."""
        since = datetime.now(UTC)
        await bench.gateway.send(parcel("sent"), _AMPLE)
        for situation in (Situation.UNREACHABLE, Situation.KEY_REVOKED):
            await bench.arrange(situation)

            wanted = [parcel("sent"), parcel("never sent")]
            found = await _looks(bench).look_many(wanted, since)

            assert [type(one) for one in found] == [CannotTell] * 2, situation

    async def test_looking_changes_nothing(self, bench: Workbench) -> None:
        """Looking for many changes nothing, and raises nothing that the network
        does.
        """
        since = datetime.now(UTC)
        for situation in Situation:
            await bench.arrange(situation)
            before = bench.arrivals, list(bench.accepted)

            found = await _looks(bench).look_many([parcel("a"), parcel("b")], since)

            known = Found | Absent | CannotTell
            assert [isinstance(one, known) for one in found] == [True] * 2, situation
            assert (bench.arrivals, list(bench.accepted)) == before, situation


class RepeatsSafelyContract:
    """Every promise of `RepeatsSafely`."""

    async def test_the_same_again_is_sent_once(self, bench: Workbench) -> None:
        """The same message again is accepted under its first id, and sent once."""
        since = datetime.now(UTC)
        first = await bench.gateway.send(parcel("once"), _AMPLE)
        await bench.arrange(Situation.CUT_OFF)
        await bench.gateway.send(parcel("lost answer"), _AMPLE)
        await bench.arrange(Situation.WELL)

        again = await _repeats(bench).repeat(parcel("once"), since, _AMPLE)
        found = await _repeats(bench).repeat(parcel("lost answer"), since, _AMPLE)

        assert again == first
        assert isinstance(found, Accepted), found
        assert list(bench.accepted) == ["once", "lost answer"]

    async def test_what_never_arrived_is_sent(self, bench: Workbench) -> None:
        """A message that never arrived is sent by its repetition."""
        since = datetime.now(UTC)
        await bench.arrange(Situation.LOST)
        await bench.gateway.send(parcel("never arrived"), _AMPLE)
        await bench.arrange(Situation.WELL)

        answers = [
            await _repeats(bench).repeat(parcel("never arrived"), since, _AMPLE)
            for _ in range(2)
        ]

        assert answers[0] == answers[1]
        assert isinstance(answers[0], Accepted), answers
        assert list(bench.accepted) == ["never arrived"]

    async def test_after_its_time_nothing_leaves(self, bench: Workbench) -> None:
        """After `repeats_for` nothing leaves the process."""
        too_long = datetime.now(UTC) - _repeats(bench).repeats_for
        before = bench.arrivals

        answer = await _repeats(bench).repeat(parcel("too late"), too_long, _AMPLE)

        assert isinstance(answer, NotAccepted), answer
        assert not answer.lane
        assert bench.arrivals == before
        assert not bench.accepted

    async def test_repeating_raises_nothing(self, bench: Workbench) -> None:
        """Nothing the provider or the network does is raised."""
        since = datetime.now(UTC)
        for situation in Situation:
            await bench.arrange(situation)

            answer = await _repeats(bench).repeat(parcel(situation.name), since, _AMPLE)

            known = Accepted | Refused | NotAccepted | UnknownOutcome
            assert isinstance(answer, known), (situation, answer)

    async def test_a_repetition_without_an_answer_is_unknown(
        self, bench: Workbench
    ) -> None:
        since = datetime.now(UTC)
        for situation in _DOUBTFUL:
            await bench.arrange(situation)

            answer = await _repeats(bench).repeat(parcel(situation.name), since, _AMPLE)

            assert isinstance(answer, UnknownOutcome), (situation, answer)
