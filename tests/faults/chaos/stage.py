"""One run's stage: a database, a provider that judges, web and worker processes."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from signal import SIGALRM, SIGKILL, SIGTERM
from typing import Any, Final

import psycopg
from attrs import define, evolve, field, frozen
from tests.faults.chaos import campaign
from tests.faults.chaos.campaign import Campaign
from tests.faults.chaos.mutants import Mutant
from tests.faults.chaos.nursery import Nursery
from tests.faults.chaos.points import CRASH_AT
from tests.faults.chaos.scale import Scale, read_scale, times_here
from tests.faults.chaos.servers import Stores
from tests.faults.chaos.worker import settings_of

from outreach.domain.ids import tenant_id
from outreach.entrypoints.engine import Urls, open_engine
from outreach.entrypoints.intake import load_files
from outreach.entrypoints.sandbox import Sandbox

__all__ = ["BEGIN", "KNOBS", "QUIET", "Stage", "World", "opened_stage"]

_ENDING_S: Final = 60.0
_SECRET: Final = "chaos-webhook-secret"
BEGIN: Final = datetime(2026, 3, 3, 10, 40, tzinfo=UTC)
"""A Tuesday, 12:40 in Bucharest; in Auckland the day ends 20 minutes later."""

KNOBS: Final[Mapping[str, Any]] = {
    "rate_limited": 0.03,
    "retry_after_s": 1,
    "unavailable": 0.03,
    "lost_before": 0.02,
    "lost_after": 0.04,
    "stalled": 0.02,
    "stall_s": 2.0,
    "edge_refused": 0.02,
    "slow": 0.05,
    "slow_longest_s": 0.15,
    "sure_by": 60,
    "reply_to_first": 0.2,
    "reply_to_followup": 0.1,
    "reply_median_engine_s": 120.0,
    "reply_latest_engine_s": 900.0,
    "webhook_repeated": 0.4,
    "webhook_most_repeats": 3,
    "webhook_late": 0.2,
    "webhook_late_engine_s": 300.0,
    "webhook_timeout_s": 2.0,
    "webhook_gap_s": 0.3,
}
QUIET: Final[Mapping[str, Any]] = dict.fromkeys(
    (
        *("rate_limited", "unavailable", "lost_before", "lost_after"),
        *("stalled", "edge_refused", "slow", "requests_per_s"),
    ),
    0,
)
"""What the provider does once faults stop."""


@frozen
class World:
    """How a run is set up.

    Attributes:
        times: of the scale.
        lines: the stores and the provider are reached over bad lines.
    """

    seed: int
    times: float = field(factory=times_here)
    workers: int = 3
    plan: campaign.Plan = field(factory=campaign.Plan)
    knobs: Mapping[str, Any] = field(factory=dict)
    begin: datetime = BEGIN
    mutant: Mutant | None = None
    lines: bool = False


@define(eq=False)
class Stage:
    """Everything of one run, and what became of its processes."""

    world: World
    stores: Stores
    nursery: Nursery
    folder: Path
    url: str
    campaign: Campaign
    box: Sandbox
    web_port: int
    reach: Mapping[str, str]
    scale: Scale = field(init=False)
    tenant: str = str(tenant_id("default"))
    workers: list[int] = field(factory=list, init=False)
    rules: dict[int, str] = field(factory=dict, init=False)
    struck: Counter[str] = field(factory=Counter, init=False)
    web: int = field(default=0, init=False)
    counts: Counter[str] = field(factory=Counter, init=False)
    _born: int = field(default=0, init=False)
    _ended_by_us: set[int] = field(factory=set, init=False)

    @property
    def database(self) -> str:
        return self.url.partition("?")[0].rpartition("/")[2]

    @property
    def webhook_path(self) -> str:
        return f"/webhooks/timelinesai/{_SECRET}"

    @property
    def log(self) -> Path:
        return self.folder / "processes.log"

    def connect(self) -> psycopg.Connection[Any]:
        """To the run's database, as the superuser."""
        return self.stores.connect(self.database)

    def start_clock(self) -> None:
        """From here on engine time runs at its scale."""
        with self.connect() as connection:
            connection.execute(
                """
                UPDATE engine_clock SET position = engine_now(), speed = %s,
                       ticked_at = clock_timestamp()
                """,
                (self.world.times,),
            )
            self.scale = read_scale(connection)

    def bear_worker(self, rule: str = "") -> int:
        """One more worker, with a crash point."""
        pid = self._bear("worker", {CRASH_AT: rule})
        self.workers.append(pid)
        self.rules[pid] = rule
        return pid

    def bear_web(self, rule: str = "") -> int:
        """The web app, where it was before."""
        self.web = self._bear("web", {CRASH_AT: rule})
        self.rules[self.web] = rule
        return self.web

    def _bear(self, role: str, env: Mapping[str, str]) -> int:
        self._born += 1
        mutant = self.world.mutant
        options = {
            **self.reach,
            "api_key": self.box.token,
            "web_port": self.web_port,
            "webhook_secret": _SECRET,
            "times": self.world.times,
            "seed": f"{self.world.seed} {self._born}",
            "mutants": sorted(mutant.python) if mutant else [],
            "env": env,
        }
        if role == "web":
            options |= {"database_url": self.url, "redis_url": self.stores.redis_url}
        return self.nursery.bear(role, options, self.log)

    def kill(self, pid: int) -> None:
        """SIGKILL, counted by whoever asks."""
        self._ended_by_us.add(pid)
        self.nursery.signal(pid, SIGKILL)

    def look_after(self) -> list[int]:
        """Note who ended, and answer who has stopped at a point of its own."""
        stopped = []
        for change in self.nursery.changes():
            if change.stopped:
                stopped.append(change.pid)
                continue
            rule = self.rules.pop(change.pid, "")
            if change.pid in self.workers:
                self.workers.remove(change.pid)
            if change.pid == self.web:
                self.web = 0
            if change.pid in self._ended_by_us:
                continue
            name: dict[int, str] = {SIGKILL: "point kill", SIGALRM: "self-fence"}
            what = name.get(change.by, "gave up")
            self.counts[what] += 1
            if what == "point kill":
                self.struck[_short(rule)] += 1
        return stopped

    def stopped_itself(self, pid: int) -> None:
        """Note that a worker stopped at its point."""
        self.counts["point stop"] += 1
        self.struck[_short(self.rules.get(pid, ""))] += 1

    def end_processes(self) -> None:
        """Ask every process to end, in its own time, and wait for it."""
        for pid in [*self.workers, *filter(None, [self.web])]:
            self._ended_by_us.add(pid)
            self.nursery.signal(pid, SIGTERM)
        end = time.monotonic() + _ENDING_S
        while self.workers or self.web:
            self.look_after()
            assert time.monotonic() < end, "processes do not end when asked to"
            time.sleep(0.01)

    def lines_met(self) -> dict[str, int]:
        """How often each fault of a bad line was met."""
        told = self.folder / "lines.json"
        if not told.exists():
            return {}
        met: Counter[str] = Counter()
        for counts in json.loads(told.read_text()).values():
            met.update(counts)
        return dict(met)


@contextmanager
def opened_stage(
    stores: Stores, nursery: Nursery, folder: Path, world: World
) -> Iterator[Stage]:
    """Set a run up; its processes and its database go in the end."""
    folder.mkdir(parents=True, exist_ok=True)
    files = campaign.write(folder, evolve(world.plan, seed=world.seed))
    url = stores.new_database(world.mutant)
    with stores.redis() as store:
        store.flushall()
    knobs = {**KNOBS, **world.knobs}
    with Sandbox.start(
        folder / "accepted.jsonl",
        seed=world.seed,
        speed=world.times,
        accounts=list(files.zones),
        knobs=knobs,
    ) as box:
        stage = Stage(
            world,
            stores,
            nursery,
            folder,
            url,
            files,
            box,
            _free_port(),
            {
                "database_url": url,
                "redis_url": stores.redis_url,
                "base_url": box.base_url,
                "data_dir": str(folder / "data"),
            },
        )
        try:
            with stage.connect() as connection:
                connection.execute(
                    "UPDATE engine_clock SET position = %s, speed = 1,"
                    " ticked_at = clock_timestamp()",
                    (world.begin,),
                )
            asyncio.run(_take_in(stage))
            with stage.connect() as connection:
                connection.execute(
                    "UPDATE senders SET jitter = %s", (world.plan.jitter,)
                )
            if world.lines:
                stage.reach = _bad_lines(stage)
            stage.start_clock()
            stage.bear_web()
            yield stage
        finally:
            nursery.empty()
            stores.drop(url)


async def _take_in(stage: Stage) -> None:
    settings = settings_of({**stage.reach, "api_key": stage.box.token})
    urls = Urls(stage.url, stage.stores.redis_url)
    async with open_engine(settings, urls, reach_providers=True) as engine:
        await load_files(engine, stage.campaign, lambda _: None)
        here = f"http://127.0.0.1:{stage.web_port}{stage.webhook_path}"
        for gateway in set(engine.gateways.webhooks.values()):
            await gateway.register(here)


def _short(rule: str) -> str:
    """The point and the action of a rule, as T1.after:stop."""
    point, _, rest = rule.partition(":")
    return f"{point}:{rest.rpartition(':')[2]}"


def _bad_lines(stage: Stage) -> dict[str, str]:
    """Put a proxy before the stores and the provider; answers where it listens."""
    rng = Random(f"lines {stage.world.seed}")
    ports = [_free_port(), _free_port()]
    shares = {"latency": 0.2, "cut": 0.15, "silence": 0.05, "half-close": 0.05}
    host, _, path = stage.box.base_url.removeprefix("http://").partition("/")
    to = {
        f"127.0.0.1:{ports[0]}": f"{_socket_folder(stage)}/.s.PGSQL.5432",
        f"{stage.folder}/redis.sock": f"{_socket_folder(stage)}/redis.sock",
        f"127.0.0.1:{ports[1]}": host,
    }
    lines = [
        {
            "at": at,
            "plan": {
                "to": target,
                "shares": shares,
                "seed": rng.randrange(1 << 30),
                "latency_s": 0.5 / stage.world.times,
            },
        }
        for at, target in to.items()
    ]
    told = str(stage.folder / "lines.json")
    stage.nursery.bear("line", {"lines": lines, "told": told}, stage.log)
    return {
        **stage.reach,
        "database_url": f"postgresql://postgres@127.0.0.1:{ports[0]}/{stage.database}",
        "redis_url": f"unix://{stage.folder}/redis.sock",
        "base_url": f"http://127.0.0.1:{ports[1]}/{path}",
    }


def _socket_folder(stage: Stage) -> Path:
    state = stage.stores.servers._folder.state()
    assert state is not None
    assert state.sockets is not None
    return state.sockets


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
