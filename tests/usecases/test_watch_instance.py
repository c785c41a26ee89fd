"""A store that was set back is held; one whose witness was emptied is not."""

from __future__ import annotations

from collections.abc import Mapping

from tests.contract.memory_world import memory_world
from tests.usecases.engine import Engine, engine

from outreach.adapters.memory import MemoryAlerts, MemoryInstance, MemoryWitness
from outreach.domain.errors import Unavailable
from outreach.domain.usecases.watch_instance import ABOUT, ALERT, WatchInstance
from outreach.ports.instance import Witness


class Away:
    """A witness that is not reached."""

    async def seen(self) -> Mapping[str, int]:
        message = "no answer"
        raise Unavailable(message)

    async def saw(self, lineage: str, position: int) -> None:
        message = f"no answer about {lineage} at {position}"
        raise Unavailable(message)


def watch(here: Engine, *witnesses: Witness) -> WatchInstance:
    return WatchInstance(here.world.instance, witnesses, here.alerts)


async def test_each_look_takes_the_store_and_its_witnesses_further() -> None:
    here, file, shared = engine(), MemoryWitness(), MemoryWitness()
    look = watch(here, file, shared)

    first, second = await look(), await look()

    assert second.position == first.position + 1
    assert file.kept == shared.kept == {second.lineage: second.position}
    assert here.alerts.told == []


async def test_one_witness_that_knows_better_is_enough_and_alerts_once() -> None:
    here, file, shared = engine(), MemoryWitness(), MemoryWitness()
    met = await watch(here, file)()
    shared.kept[met.lineage] = met.position + 1

    held = await watch(here, file, shared)()
    await watch(here, file, shared)()

    assert held.held
    assert [(one.kind, one.about) for one in here.alerts.told] == [(ALERT, ABOUT)]
    assert "outreach confirm-restore" in here.alerts.told[0].says
    assert file.kept == {met.lineage: met.position}


async def test_a_witness_that_was_emptied_holds_nothing_and_learns_again() -> None:
    here, file, shared = engine(), MemoryWitness(), MemoryWitness()
    look = watch(here, file, shared)
    await look()

    for emptied in ((shared,), (file,), (file, shared)):
        for one in emptied:
            one.kept.clear()
        met = await look()
        assert not met.held
        assert file.kept == shared.kept == {met.lineage: met.position}


async def test_another_store_behind_the_same_witness_is_not_held() -> None:
    here, shared = engine(), MemoryWitness()
    for _ in range(5):
        await watch(here, shared)()
    other = memory_world()
    assert isinstance(other.instance, MemoryInstance)
    other.instance.store.instance.lineage = "another"

    met = await WatchInstance(other.instance, [shared], MemoryAlerts())()

    assert not met.held
    assert len(shared.kept) == 2


async def test_nothing_goes_further_while_a_witness_is_away() -> None:
    here, file = engine(), MemoryWitness()
    met = await watch(here, file)()

    again = await watch(here, file, Away())()

    assert (again.position, again.held) == (met.position, "")


async def test_a_witness_that_comes_back_still_knows_that_the_store_is_behind() -> None:
    here, shared = engine(), MemoryWitness()
    for _ in range(5):
        met = await watch(here, shared)()
    here.store.instance.position -= 1
    for _ in range(5):
        assert not (await watch(here, Away())()).held

    held = await watch(here, shared)()

    assert held.held
    assert shared.kept == {met.lineage: met.position}


async def test_after_a_confirmation_the_next_incident_alerts_again() -> None:
    here, shared = engine(), MemoryWitness()
    look = watch(here, shared)
    for _ in range(2):
        await look()
        here.store.instance.position -= 1
        await look()
        await here.world.instance.confirm(reason="looked", by="ana")
        assert not (await look()).held

    assert len(here.alerts.told) == 2
