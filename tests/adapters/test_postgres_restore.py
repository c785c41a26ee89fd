"""Databases that are copied, set back in time, crashed and restarted, for real."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from attrs import define
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tests.contract.postgres_world import TENANT, empty, world_over
from tests.servers import NewDatabase

from outreach.adapters.memory import MemoryAlerts, MemoryWitness
from outreach.adapters.postgres.migrate import migrate
from outreach.adapters.postgres.pool import Database
from outreach.adapters.system.witness import FileWitness
from outreach.domain.errors import OutreachError
from outreach.domain.usecases.watch_instance import ABOUT, ALERT, WatchInstance
from outreach.entrypoints.embedded import Servers, start
from outreach.testing.world import World


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[World]:
    """A process that looks at every connection of its pool."""
    database = Database(url)
    world = world_over(database)
    await database.open()
    try:
        yield world
    finally:
        await database.close()


async def held(world: World) -> bool:
    switches = await world.switches.thrown(TENANT)
    return [one.of for one in switches] == ["restored"]


async def beat(world: World, kept: MemoryWitness, times: int = 3) -> None:
    for _ in range(times):
        await WatchInstance(world.instance, [kept], MemoryAlerts())()


async def reconnected(world: World) -> None:
    """Wait until the pool has given up what was cut off."""
    for _ in range(100):
        try:
            await world.now()
        except OutreachError:
            await asyncio.sleep(0.1)
        else:
            return
    pytest.fail("the pool did not connect again")


async def test_a_clone_is_held_before_anybody_uses_it(
    new_database: NewDatabase, fresh_postgres_url: str
) -> None:
    empty(fresh_postgres_url)
    kept = MemoryWitness()
    async with opened(fresh_postgres_url) as world:
        await world.phone_with()
        await beat(world, kept)
    clone = new_database(urlsplit(fresh_postgres_url).path.lstrip("/"))

    async with opened(clone) as world:
        assert await held(world)
        assert await world.claims() == []
        await world.instance.confirm(reason="a clone", by="ana")
        assert not await held(world)
    async with opened(clone) as world:
        assert not await held(world)
        assert len(await world.claims()) == 1
    async with opened(fresh_postgres_url) as world:
        await beat(world, kept)
        assert not await held(world)


async def test_a_clone_of_what_was_never_in_use_is_a_beginning(
    new_database: NewDatabase, migrated_template: str
) -> None:
    async with opened(new_database(migrated_template)) as world:
        assert (await world.instance.meet({}, beat=True)).held == ""


@define
class Cluster:
    """A server of its own at an address that stays, as a real one's does."""

    data: Path
    servers: Servers | None = None

    def start(self) -> str:
        """Its URL."""
        self.servers = start(self.data, durable=True)
        at = conninfo_to_dict(self.servers.postgres_url)
        link = self.data.parent / "s"
        link.unlink(missing_ok=True)
        link.symlink_to(str(at["host"]))
        return make_conninfo(self.servers.postgres_url, host=str(link))

    def stop(self) -> None:
        if self.servers is not None:
            self.servers.stop()

    @property
    def files(self) -> Path:
        return self.data / "postgres"

    def copy(self, source: Path, to: Path) -> None:
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(source, to, symlinks=True)
        owner = source.stat()
        for path in (to, *to.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)


@pytest.fixture
def cluster(data_dir: Path) -> Iterator[Cluster]:
    made = Cluster(data_dir)
    made.start()
    try:
        assert made.servers is not None
        migrate(made.servers.postgres_url)
        empty(made.servers.postgres_url)
        yield made
    finally:
        made.stop()


async def test_a_cluster_set_back_under_a_running_worker_is_held(
    cluster: Cluster, tmp_path: Path
) -> None:
    kept, alerts, backup = MemoryWitness(), MemoryAlerts(), tmp_path / "backup"
    cluster.stop()
    async with opened(cluster.start()) as world:
        await world.phone_with(2)
        await beat(world, kept)
        cluster.stop()
        cluster.copy(cluster.files, backup)
        cluster.start()
        await reconnected(world)
        assert not await held(world)
        call = await world.send()
        await beat(world, kept)
        cluster.stop()
        cluster.copy(backup, cluster.files)
        url = cluster.start()
        await reconnected(world)

        # Before anybody has looked: the first connection did.
        assert await held(world)
        assert await world.claims() == []
        met = await WatchInstance(world.instance, [kept], alerts)()
        assert met.held
        assert [(one.kind, one.about) for one in alerts.told] == [(ALERT, ABOUT)]
    async with opened(url) as fresh:
        assert await held(fresh)
        await fresh.instance.confirm(reason="looked at it", by="ana")
        (claim,) = await fresh.claims()
        assert claim.epoch == call.claim.epoch + 1


async def test_a_cluster_set_back_while_nobody_worked_is_known_by_the_file(
    cluster: Cluster, tmp_path: Path
) -> None:
    file, backup = FileWitness(tmp_path / "instance.json"), tmp_path / "backup"
    for folders in ((cluster.files, backup), (backup, cluster.files)):
        cluster.stop()
        async with opened(cluster.start()) as world:
            met = await WatchInstance(world.instance, [file], MemoryAlerts())()
            assert not met.held
        cluster.stop()
        cluster.copy(*folders)

    async with opened(cluster.start()) as world:
        before = await held(world)
        await WatchInstance(world.instance, [file], MemoryAlerts())()

        assert not before
        assert await held(world)


async def test_restarts_and_crashes_are_no_restore(cluster: Cluster) -> None:
    kept = MemoryWitness()
    cluster.stop()
    async with opened(cluster.start()) as world:
        await world.phone_with()
        for crash in (False, True, True):
            await beat(world, kept)
            if crash:
                pid = (cluster.files / "postmaster.pid").read_text().split()[0]
                os.kill(int(pid), signal.SIGQUIT)  # at once, without a checkpoint
            cluster.stop()
            cluster.start()
            await reconnected(world)
            await beat(world, kept)
            assert not await held(world)
        assert len(await world.claims()) == 1
