"""What goes wrong, drawn from a seed, one thing after the other."""

from __future__ import annotations

import asyncio
import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from random import Random
from signal import SIGCONT, SIGSTOP
from typing import Any, Final
from uuid import uuid4

import psycopg
import redis
from attrs import define, field
from tests.faults.chaos.points import Rule
from tests.faults.chaos.stage import QUIET, Stage

from outreach.adapters.arq import connect_bell
from outreach.adapters.arq.jobs import LOOK, queue_of

__all__ = ["MAIL_MIX", "MAIL_POINTS", "MIX", "POINTS", "Nemesis"]

MIX: Final[Mapping[str, float]] = {
    "kill": 4.0,
    "stop": 2.0,
    "flush": 1.0,
    "half": 0.6,
    "backends": 0.5,
    "bells": 0.3,
    "opt-out": 1.0,
    "switch": 0.4,
    "web": 0.5,
    "limit": 0.2,
    "postgres": 0.0,
    "redis": 0.0,
}
"""Weights; restarts of servers are counted out by the run instead."""
MAIL_MIX: Final[Mapping[str, float]] = {
    **MIX,
    "kill": 2.0,
    "stop": 1.0,
    "flush": 0.6,
    "half": 0.3,
    "mail-out": 1.0,
    "link": 1.0,
    "breaker": 0.3,
}
"""The same where there is mail: all cold mail goes by one lane, which must get on."""

POINTS: Final = (
    *("CLAIM.after", "RESERVE.before", "RESERVE.after"),
    *("T1.before", "T1.during", "T1.after"),
    *("CALL.before", "CALL.during", "CALL.after"),
    *("T2.before", "T2.during", "T2.after", "SETTLE.before"),
    *("TAKE.after", "MATCH.after", "APPLY.before", "APPLY.during", "APPLY.after"),
    *("GIVE_UP.after", "DOUBTS.after", "RESOLVE.before", "RESOLVE.after"),
    *("DUTY.after", "DONE.before", "PUT_OFF.before", "REBUILD.before"),
)
MAIL_POINTS: Final = (
    *("BULK.before", "BULK.during", "BULK.after", "HOST.before", "HOST.during"),
    *("HOST.after", "HOSTED.before", "HOSTED.after", "STOP.before", "STOP.during"),
    *("STOP.after", "STOPPED.before", "STOPPED.after", "TRIED.before"),
    *("LOOKS.before", "LOOKS.after", "REPEAT.before", "REPEAT.after"),
)
"""Where there is mail, beside those."""
WEB_POINTS: Final = ("STORE.before", "STORE.during", "STORE.after")

_LATEST_PASSING: Final = 3
_MOST_LEFT: Final = 12
_BEGUN: Final = 30
"""Messages of a campaign that were armed before its breaker is opened by hand."""
_SUCCESS: Final = range(200, 300)
_LINK: Final = re.compile(r"http://127\.0\.0\.1:\d+/u/[\w./=~-]+")
_MOST_OUT: Final = 40
"""Opt-outs by hand; more would leave nothing to send."""


@define(eq=False)
class Nemesis:
    """Harms a stage, and keeps the number of workers that are awake.

    Attributes:
        rules: crash points for the workers it bears; drawn from POINTS if empty.
        armed: share of the workers born with a crash point.
        pause_s: longest wait between two blows at 40 times; half of it on average.
        sleep: how many leases a stopped worker sleeps.
    """

    stage: Stage
    mix: Mapping[str, float] = field(factory=lambda: MIX)
    rules: tuple[str, ...] = ()
    armed: float = 0.5
    pause_s: float = 0.5
    sleep: tuple[float, float] = (1.1, 3.0)
    rng: Random = field(init=False)
    _waking: list[tuple[float, int]] = field(factory=list, init=False)
    _deck: list[str] = field(factory=list, init=False)
    _thrown: list[float] = field(factory=list, init=False)
    _limited_until: float = field(default=0.0, init=False)

    @rng.default
    def _seeded(self) -> Random:
        return Random(f"nemesis {self.stage.world.seed}")

    def strike_for(
        self, seconds: float, *, until: Callable[[], bool] = lambda: False
    ) -> None:
        """Strike for so long, or until a condition holds."""
        end = time.monotonic() + seconds
        names, weights = list(self.mix), list(self.mix.values())
        while time.monotonic() < end and not until():
            self.tend()
            self.strike(self.rng.choices(names, weights)[0])
            time.sleep(self.rng.uniform(0, self.pause_s * self.stage.scale.slower))
        self.tend()

    def strike(self, name: str) -> None:
        """One blow; a store that is away at this moment spares it."""
        blow = getattr(self, f"_{name.replace('-', '_')}")
        with suppress(psycopg.Error, redis.RedisError, OSError):
            if blow():
                self.stage.counts[name] += 1

    def tend(self) -> None:
        """Wake who has slept long enough, and replace the dead."""
        stage, now = self.stage, time.monotonic()
        for pid in stage.look_after():
            if pid not in {one for _, one in self._waking}:
                stage.stopped_itself(pid)
                self._wake_later(pid)
        for due, pid in list(self._waking):
            if due <= now:
                self._waking.remove((due, pid))
                stage.nursery.signal(pid, SIGCONT)
        asleep = {pid for _, pid in self._waking}
        awake = sum(pid not in asleep for pid in stage.workers)
        for _ in range(stage.world.workers - awake):
            stage.bear_worker(self._rule())
        if not stage.web:
            stage.bear_web(self._web_rule())
        if self._thrown and self._thrown[0] <= now:
            self._thrown.pop(0)
            self._lift()
            with suppress(redis.RedisError, OSError):
                asyncio.run(_ring(stage.stores.redis_url, times=1))
        if self._limited_until and self._limited_until <= now:
            self._limited_until = 0.0
            with suppress(OSError):
                stage.box.change(requests_per_s=0.0)

    def rest(self) -> None:
        """No more blows: lift all, stop the provider's faults, and give every process
        a successor without a crash point.
        """
        stage = self.stage
        stage.box.change(**QUIET)
        for _, pid in self._waking:
            stage.nursery.signal(pid, SIGCONT)
        self._waking.clear()
        self._thrown.clear()
        self._limited_until = 0.0
        self._lift()
        self.armed = 0.0
        self.rules = ()
        self._deck.clear()
        for pid in [*stage.workers, *filter(None, [stage.web])]:
            stage.kill(pid)
        self.tend()

    def _rule(self) -> str:
        """Dealt from a shuffled deck, so that each has its turn."""
        if not self.rules and self.rng.random() >= self.armed:
            return ""
        if not self._deck:
            self._deck = list(self.rules or self._any_rule())
            self.rng.shuffle(self._deck)
        return self._deck.pop()

    def _any_rule(self) -> Iterator[str]:
        for point in (*POINTS, *(MAIL_POINTS if self.stage.mails else ())):
            for action in ("kill", "stop", "lost"):
                if action != "lost" or _may_lose(point):
                    passing = self.rng.randint(1, _LATEST_PASSING)
                    yield str(Rule(point, passing, action))

    def _web_rule(self) -> str:
        if self.rng.random() >= self.armed:
            return ""
        return str(Rule(self.rng.choice(WEB_POINTS), self.rng.randint(1, 8), "kill"))

    def _wake_later(self, pid: int) -> None:
        lease = self.stage.scale.timing.lease.total_seconds()
        wait = self.rng.uniform(*self.sleep) * lease
        self._waking.append((time.monotonic() + wait, pid))

    def _any_worker(self) -> int | None:
        asleep = {pid for _, pid in self._waking}
        awake = [pid for pid in self.stage.workers if pid not in asleep]
        return self.rng.choice(awake) if awake else None

    # --- blows; each answers whether it struck

    def _tend(self) -> bool:
        """No blow: the crash points do it all."""
        return False

    def _kill(self) -> bool:
        if not self.stage.workers:
            return False
        self.stage.kill(self.rng.choice(self.stage.workers))
        return True

    def _stop(self) -> bool:
        pid = self._any_worker()
        if pid is None:
            return False
        self._wake_later(pid)
        self.stage.nursery.signal(pid, SIGSTOP)
        return True

    def _flush(self) -> bool:
        with self.stage.stores.redis() as store:
            store.flushall()
        return True

    def _half(self) -> bool:
        with self.stage.stores.redis() as store:
            for key in sorted(store.scan_iter()):
                if self.rng.random() < 0.5:
                    store.delete(key)
        return True

    def _backends(self) -> bool:
        with self.stage.stores.connect("postgres") as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND pid <> pg_backend_pid()",
                (self.stage.database,),
            )
        return True

    def _postgres(self) -> bool:
        self.stage.stores.restart_postgres()
        return True

    def _redis(self) -> bool:
        self.stage.stores.restart_redis()
        return True

    def _bells(self) -> bool:
        asyncio.run(_ring(self.stage.stores.redis_url, times=20))
        return True

    def _web(self) -> bool:
        if not self.stage.web:
            return False
        self.stage.kill(self.stage.web)
        return True

    def _limit(self) -> bool:
        self.stage.box.change(requests_per_s=10.0, burst=2)
        self._limited_until = time.monotonic() + 0.5
        return True

    def _opt_out(self) -> bool:
        return self._suppress("opt-out", "phone", "WHATSAPP")

    def _mail_out(self) -> bool:
        return self._suppress("mail-out", "email", "EMAIL_COLD")

    def _suppress(self, blow: str, kind: str, channel: str) -> bool:
        """Suppress somebody who is about to be written to, best while a worker has
        their lane in its hand; where nobody is, somebody whose turn will come.
        """
        if self.stage.counts[blow] >= _MOST_OUT:
            return False
        with self.stage.connect() as connection, connection.transaction():
            self._set_tenant(connection)
            found = connection.execute(
                """
                SELECT c.value, engine_now(),
                       CASE WHEN l.calling IS NOT NULL OR i.due_at > engine_now()
                                 OR i.due_at > (SELECT min(o.due_at) FROM intents o
                                    WHERE o.lane_id = i.lane_id
                                      AND o.status = 'WAITING'
                                      AND o.send_class = i.send_class) THEN 0
                            WHEN l.owner IS NULL THEN 1 ELSE 2 END AS near
                  FROM intents i
                  JOIN lanes l ON l.id = i.lane_id
                  JOIN contact_points c ON c.lead_id = i.lead_id AND c.kind = %s
                 WHERE i.status = 'WAITING' AND i.channel = %s
                 ORDER BY near DESC, c.value
                """,
                (kind, channel),
            ).fetchall()
            if not found:
                return False
            nearest = [row for row in found if row[2] == found[0][2]]
            address, now, _ = self.rng.choice(nearest)
            one = {
                "key": f"{kind}:{address}",
                "reason": "OPT_OUT",
                "by": "chaos",
                "at": now.isoformat(),
                "everywhere": self.rng.random() < 0.3,
            }
            connection.execute("SELECT suppress(%s)", (json.dumps([one]),))
        return True

    def _breaker(self) -> bool:
        """Open the breaker of the campaign that spoils, once it has begun: by hand, in
        case its bounces are slower.
        """
        with self.stage.connect() as connection, connection.transaction():
            self._set_tenant(connection)
            found = connection.execute(
                """
                SELECT throw_switch('CAMPAIGN', c.id::text, 'chaos', 'chaos')
                  FROM campaigns c JOIN outreach_sequences q ON q.id = c.sequence_id
                 WHERE q.name = 'spoiled'
                   AND (SELECT count(*) FROM attempts a
                          JOIN intents i ON i.id = a.intent_id
                          JOIN sequence_enrollments e ON e.id = i.enrollment_id
                         WHERE e.campaign_id = c.id) > %s
                   AND NOT EXISTS (SELECT FROM switches s
                                    WHERE s.covers = c.id::text)
                """,
                (_BEGUN,),
            )
            return found.rowcount > 0

    def _link(self) -> bool:
        """Follow the link in a mail that was taken, as its reader does."""
        left = set(self.stage.left)
        mails = [
            (line["to"], found[0])
            for line in self.stage.box.accepted()
            if line["to"] not in left and (found := _LINK.search(line["text"]))
        ]
        if not mails or len(left) >= _MOST_LEFT:
            return False
        address, url = self.rng.choice(mails)
        with urllib.request.urlopen(url, b"", timeout=5) as answer:
            if answer.status not in _SUCCESS:
                return False
        self.stage.left.append(address)
        return True

    def _switch(self) -> bool:
        with self.stage.connect() as connection, connection.transaction():
            self._set_tenant(connection)
            scope, of = self.rng.choice([("TENANT", ""), ("CHANNEL", "WHATSAPP")])
            connection.execute(
                "SELECT throw_switch(%s, %s, 'chaos', 'chaos')", (scope, of)
            )
        wait = self.rng.uniform(0.1, 0.4) * self.stage.scale.slower
        self._thrown.append(time.monotonic() + wait)
        return True

    def _lift(self) -> None:
        with (
            suppress(psycopg.Error),
            self.stage.connect() as connection,
            connection.transaction(),
        ):
            self._set_tenant(connection)
            for scope, of in (("TENANT", ""), ("CHANNEL", "WHATSAPP")):
                connection.execute(
                    "SELECT lift_switch(%s, %s, 'chaos', 'chaos')", (scope, of)
                )

    def _set_tenant(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(
            "SELECT set_config('app.tenant', %s, true)", (self.stage.tenant,)
        )


def _may_lose(point: str) -> bool:
    """Points of verbs that the use cases expect to lose the answer of."""
    name, _, moment = point.partition(".")
    return moment == "after" and name in {"T1", "T2", "APPLY", "RESOLVE"}


async def _ring(url: str, *, times: int) -> None:
    """Bells without their own ids: nothing keeps them from piling up."""
    pool = connect_bell(url)
    try:
        for _ in range(times):
            await pool.enqueue_job(
                LOOK, _job_id=str(uuid4()), _queue_name=queue_of("outreach")
            )
    finally:
        await pool.aclose()
