"""One run's stage: a database, a provider that judges, web and worker processes."""

from __future__ import annotations

import asyncio
import json
import socket
import time
import urllib.request
from base64 import urlsafe_b64encode
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
from tests.faults.chaos.scale import LEAST_TIMES, Scale, read_scale, times_here
from tests.faults.chaos.servers import Stores
from tests.faults.chaos.worker import settings_of

from outreach.adapters.resend.words import EVENTS
from outreach.domain.ids import tenant_id
from outreach.entrypoints.engine import Urls, open_engine
from outreach.entrypoints.intake import load_files
from outreach.entrypoints.registering import register_webhooks
from outreach.entrypoints.sandbox import Sandbox
from outreach.entrypoints.settings import Secret

__all__ = ["BEGIN", "KNOBS", "QUIET", "Stage", "World", "opened_stage"]
__all__ += ["three_channels"]

_ENDING_S: Final = 60.0
_SECRET: Final = "chaos-webhook-secret"
_LINK_KEY: Final = urlsafe_b64encode(b"chaos" * 6 + b"ok").decode()
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
MAIL_KNOBS: Final[Mapping[str, Any]] = {
    "lost_after": 0.1,
    "cold_mail_reply": 0.5,
    "warm_mail_reply": 0.2,
    "mail_bounced": 0.0,
    "mail_soft_bounced": 0.0,
    "mail_unsubscribed": 0.05,
    "resend_requests_per_s": 50,
    "instantly_mail_lists_per_min": 0,
}
"""Beside the others, where there is mail: dead addresses are those of one campaign."""
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


def three_channels(seed: int, **more: Any) -> World:
    """A world with mail. It runs half as fast as others: many messages must be armed
    within one call budget.
    """
    times = max(LEAST_TIMES, times_here() / 2)
    return World(seed, times=times, plan=campaign.THREE_CHANNELS, **more)


@define(eq=False)
class Stage:
    """Everything of one run, and what became of its processes.

    Attributes:
        left: addresses whose link was followed, once that was answered 2xx.
    """

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
    person: int = field(default=0, init=False)
    left: list[str] = field(factory=list, init=False)
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
        if self.mails:
            self.box.set_clock(self.scale.engine(datetime.now(UTC)))

    @property
    def mails(self) -> bool:
        """Whether mail is sent, beside WhatsApp."""
        return bool(self.world.plan.mails)

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

    def bear_person(self) -> None:
        """Somebody who answers replies; nobody strikes them."""
        if not self.person:
            self.person = self._bear("person", {})

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
            if change.pid == self.person:
                self.person = 0
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
        for pid in [*self.workers, *filter(None, [self.web, self.person])]:
            self._ended_by_us.add(pid)
            self.nursery.signal(pid, SIGTERM)
        end = time.monotonic() + _ENDING_S
        while self.workers or self.web or self.person:
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
    knobs = {**KNOBS, **(MAIL_KNOBS if files.mailboxes else {}), **world.knobs}
    with Sandbox.start(
        folder / "accepted.jsonl",
        seed=world.seed,
        speed=world.times,
        accounts=list(files.zones),
        mailboxes=files.mailboxes,
        domains=files.domains,
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
        if stage.mails:
            stage.reach = {**stage.reach, **_mail_reach(stage)}
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
                    "UPDATE senders SET jitter = %s WHERE channel = 'WHATSAPP'",
                    (world.plan.jitter,),
                )
                # All warm mail goes by the vendor that knows idempotency keys.
                connection.execute("UPDATE senders SET answers = false")
            if world.lines:
                stage.reach = _bad_lines(stage)
            stage.start_clock()
            stage.bear_web()
            if stage.mails:
                stage.bear_person()
            yield stage
        finally:
            nursery.empty()
            stores.drop(url)


async def _take_in(stage: Stage) -> None:
    settings = settings_of(
        {
            **stage.reach,
            "api_key": stage.box.token,
            "web_port": stage.web_port,
            "webhook_secret": _SECRET,
        }
    )
    urls = Urls(stage.url, stage.stores.redis_url)
    async with open_engine(settings, urls, reach_providers=True) as engine:
        if stage.campaign.spoiled is not None:
            await load_files(engine, stage.campaign.spoiled, lambda _: None)
        await load_files(engine, stage.campaign, lambda _: None)
        secret = (Secret(_SECRET),)
        tokens = {"timelinesai": secret, "instantly": secret}
        await register_webhooks(engine, settings.public, tokens)


def _mail_reach(stage: Stage) -> dict[str, str]:
    """Where the vendors of mail are; one of them makes the secret it signs with."""
    hook = {
        "endpoint": f"http://127.0.0.1:{stage.web_port}/webhooks/resend",
        "events": sorted(EVENTS),
    }
    request = urllib.request.Request(
        f"{stage.box.resend_url}/webhooks",
        json.dumps(hook).encode(),
        {"authorization": f"Bearer {stage.box.token}", "user-agent": "chaos"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        signing = json.load(answer)["signing_secret"]
    return {
        "instantly_url": stage.box.instantly_url,
        "resend_url": stage.box.resend_url,
        "resend_secret": signing,
        "link_key": _LINK_KEY,
    }


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
