"""Every interleaving of a small world, up to a bound, instead of some of a large one.

Two workers, one phone, two leads. A run follows a list of choices, one per point; where
the list ends it takes the first choice, which is to go on. Coroutines cannot be copied,
so each run begins anew; a state that was seen before with as much still to spend is not
gone on from.

Points are the first suspensions of verbs (nothing happens between the second one of a
call and the first one of the next) while a claim is held, and after each effect whether
its answer is lost. Deviations: another worker goes on; the worker crashes and is born
again; it stalls for 50 s, less than its alarm; an answer is lost. Time stands still but
for stalls, and when nobody has anything to do.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta
from enum import Enum
from typing import Any, Final

from attrs import define, evolve, field, frozen

from outreach.adapters.memory.rows import Standing
from outreach.domain.errors import AnswerLost, RetryLater
from outreach.domain.ids import EnrolmentId, Incarnation
from outreach.domain.invariants import Breach, Invariant
from outreach.domain.usecases.dispatch import Dispatch
from outreach.domain.usecases.enroll import Enroll
from outreach.domain.usecases.look_for_doubts import Recover
from outreach.domain.usecases.signal_sender import SignalSender
from outreach.domain.usecases.watch_senders import WatchSenders
from outreach.testing.judge import judge
from outreach.testing.simulation.evidence import record
from outreach.testing.simulation.parts import HOME, TENANT
from outreach.testing.simulation.place import campaign
from outreach.testing.simulation.seam import AFTER, IDLE, Kind, Op, Seam, suspend
from outreach.testing.simulation.weather import Weather
from outreach.testing.simulation.world import Change, World

__all__ = ["Bound", "Explored", "explore"]

STALL_S: Final = 50.0
STEP_S: Final = 30.0
"""Time goes on by so much when nobody has anything to do."""
LONGEST_S: Final = 1_200.0
"""By then two messages are sent, whatever two faults did."""


class Deviation(Enum):
    """What may happen at a point beside going on."""

    SWITCH = "another goes on"
    CRASH = "crash"
    STALL = "stall"
    LOSE = "answer lost"


FAULTS: Final = frozenset({Deviation.CRASH, Deviation.STALL, Deviation.LOSE})


@frozen
class Bound:
    """How much a run may deviate."""

    faults: int
    switches: int


@frozen
class Explored:
    """What an exploration found.

    Attributes:
        runs: from the start to the end; pruned: points not gone on from.
        outcomes: how attempts ended, over all runs.
    """

    runs: int
    pruned: int
    breaches: tuple[tuple[tuple[int, ...], Breach], ...]
    outcomes: Counter[str]


@define(eq=False)
class _Worker:
    """One incarnation after the other.

    Attributes:
        told: a running hash of all it was answered, which is all it knows.
    """

    number: int
    coroutine: Coroutine[Any, Any, Any]
    at: Op | None = None
    told: int = 0
    life: int = 1
    idle: bool = False
    claims: bool = False
    until: float = 0.0
    error: Exception | None = None


@define(eq=False)
class _Run:
    """One run along a list of choices."""

    prefix: tuple[int, ...]
    bound: Bound
    world: World
    taken: list[int] = field(factory=list)
    points: list[tuple[int, tuple[Deviation | None, ...], Bound]] = field(factory=list)
    workers: list[_Worker] = field(factory=list)
    seen: Callable[[object], bool] = lambda _: False
    pruned: bool = False

    def __attrs_post_init__(self) -> None:
        self.left = self.bound
        _prepare(self.world)
        for number in (0, 1):
            self.workers.append(_Worker(number, self._program(number, 1)))

    left: Bound = field(init=False)
    _active: int = 0

    # --- the program of a worker

    def _program(self, number: int, life: int) -> Coroutine[Any, Any, Any]:
        return _work(self, number, Incarnation(f"worker/{number}/{life}"))

    def op(self, verb: str, mark: str, kind: Kind) -> Op:
        return Op(f"{verb}{mark}", kind, mark == AFTER, 0.0)

    # --- the run

    def play(self) -> list[Breach]:
        """To its end."""
        clock = self.world.clock
        while clock.seconds < LONGEST_S and not self.pruned:
            worker = self._next()
            if worker is None:
                if self._done():
                    break
                clock.turn(clock.seconds + STEP_S)
                for one in self.workers:
                    one.idle = False
                continue
            self._turn(worker)
        return [] if self.pruned else self._judged()

    def _next(self) -> _Worker | None:
        now = self.world.clock.seconds
        ready = [one for one in self.workers if not one.idle and one.until <= now]
        if not ready:
            return None
        return next((one for one in ready if one.number == self._active), ready[0])

    def _turn(self, worker: _Worker) -> None:
        self._active = worker.number
        error, worker.error = worker.error, None
        try:
            sends = (
                worker.coroutine.send(None)
                if error is None
                else worker.coroutine.throw(error)
            )
        except StopIteration:  # pragma: no cover - a worker never ends
            raise AssertionError from None
        if sends is IDLE:
            worker.idle, worker.at = True, None
            return
        worker.at = sends
        self._decide(worker, sends)

    def _decide(self, worker: _Worker, op: Op) -> None:
        options = tuple(self._options(worker, op))
        if len(options) == 1:
            return
        here = len(self.taken)
        if here < len(self.prefix):
            choice = self.prefix[here]
        else:
            choice = 0
            self.points.append((here, options, self.left))
            if self.seen((self._state(), self.left)):
                self.pruned = True
                return
        self.taken.append(choice)
        self._deviate(worker, op, options[choice])

    def _options(self, worker: _Worker, op: Op) -> Iterator[Deviation | None]:
        yield None
        if not worker.claims:
            return
        if op.after:
            if self.left.faults and (op.kind is not Kind.GUARD):
                yield Deviation.LOSE
            return
        if self.left.switches and self._other(worker):
            yield Deviation.SWITCH
        if self.left.faults:
            yield Deviation.CRASH
            yield Deviation.STALL

    def _other(self, worker: _Worker) -> bool:
        now = self.world.clock.seconds
        return any(
            one is not worker and not one.idle and one.until <= now
            for one in self.workers
        )

    def _deviate(self, worker: _Worker, op: Op, what: Deviation | None) -> None:
        if what is None:
            return
        if what in FAULTS:
            self.left = evolve(self.left, faults=self.left.faults - 1)
        else:
            self.left = evolve(self.left, switches=self.left.switches - 1)
        other = 1 - worker.number
        match what:
            case Deviation.SWITCH:
                self._active = other
            case Deviation.CRASH:
                GRAVE.append(worker.coroutine)
                worker.life += 1
                worker.coroutine = self._program(worker.number, worker.life)
                worker.claims, worker.told = False, 0
                self._active = other
            case Deviation.STALL:
                worker.until = self.world.clock.seconds + STALL_S
                self._active = other
            case Deviation.LOSE:
                worker.error = AnswerLost(op.name)

    def _state(self) -> object:
        """All that what comes next depends on."""
        store = self.world.parts.store
        redis = self.world.parts.redis
        return (
            self.world.clock.seconds,
            self._active,
            tuple(
                (one.at and one.at.name, one.told, one.idle, one.until)
                for one in self.workers
            ),
            tuple(
                (name, str(row.outcome), row.evidence)
                for name, row in store.attempts.items()
            ),
            tuple(
                (row.standing, row.intent.due_at, row.intent.armed)
                for row in store.intents.values()
            ),
            tuple(
                (
                    lane.token,
                    lane.gate_at,
                    lane.lease and lane.lease.until,
                    len(lane.calling),
                )
                for lane in store.lanes.values()
            ),
            tuple(tuple(unit.ids) for unit in store.units.values()),
            tuple(tuple(held.since) for held in redis._store.budgets.values()),
            len(self.world.provider.sent),
        )

    # --- the end

    def _done(self) -> bool:
        store = self.world.parts.store
        return not store.calling and all(
            row.standing in {Standing.SENT, Standing.CANCELLED}
            for row in store.intents.values()
        )

    def _judged(self) -> list[Breach]:
        found = judge(record(self.world))
        if not self._done():
            rows = self.world.parts.store.intents.values()
            says = f"after {LONGEST_S:.0f} s: {[str(row.standing) for row in rows]}"
            found.append(Breach(Invariant.NOTHING_LOST, "two leads", says))
        return found


GRAVE: Final[deque[Coroutine[Any, Any, Any]]] = deque()
"""A crashed coroutine is kept until its exploration ends."""


def _prepare(world: World) -> None:
    """The leads are enrolled and given to the phone; the guard is rebuilt."""
    parts = world.parts
    enroll = Enroll(
        campaigns=parts.campaigns,
        senders=parts.senders,
        tenant_zone=HOME,
        enrolment_ids=lambda: EnrolmentId(parts.store.ids()),
    )
    _now(enroll(TENANT, *campaign(world.weather), name="agri"))
    _now(Dispatch(parts.allocations)(TENANT))


def _now(coroutine: Coroutine[Any, Any, Any]) -> None:
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError


async def _work(run: _Run, number: int, who: Incarnation) -> None:
    """Recover, claim, send; again and again."""
    parts = run.world.parts

    def seam(port: Any, kind: Kind) -> Any:
        told = _Telling(port, lambda: run.workers[number])
        return Seam(told, lambda verb, mark: run.op(verb, mark, kind))

    lanes, intents = seam(parts.lanes, Kind.STORE), seam(parts.intents, Kind.STORE)
    gateway = seam(parts.provider, Kind.PROVIDER)
    signal = SignalSender(parts.senders, parts.duties, run.world.clock, parts.alerts)
    send = parts.sends(
        lanes=lanes,
        intents=intents,
        guard=seam(parts.guard, Kind.GUARD),
        gateways=dict.fromkeys(parts.store.accounts, gateway),
        calendar=parts.calendar,
        clock=run.world.clock,
        watch=WatchSenders(parts.watch, parts.senders, signal, parts.alerts, ()),
        reviewers=parts.reviewers,
        rng=_Least(),
        timing=parts.store.timing,
    )
    recover = Recover(intents)
    while True:
        worker = run.workers[number]
        worker.claims, worker.told = False, 0
        try:
            await recover()
            began = run.world.clock.monotonic()
            claims = await lanes.claim(who, {}, 1)
            worker.claims = True
            for claim in claims:
                await send(claim, began)
            if claims:
                continue
        except RetryLater:
            pass
        worker.claims, worker.told = False, 0
        await suspend(IDLE)


class _Least(random.Random):
    """Always the shortest gap, which is the hardest."""

    def random(self) -> float:
        return 0.0


@define(eq=False)
class _Telling:
    """Notes what a worker was answered."""

    port: Any
    worker: Callable[[], _Worker]

    def __getattr__(self, verb: str) -> Any:
        there = getattr(self.port, verb)

        async def call(*args: Any) -> Any:
            answer = await there(*args)
            worker = self.worker()
            worker.told = hash((worker.told, verb, repr(answer)))
            return answer

        return call


def explore(
    bound: Bound, change: Change | None = None, most: int = 1_000_000
) -> Explored:
    """Every run within *bound*; stops after *most* of them, or at the first breach."""
    weather = Weather(seed=1, phones=1, leads=2, steps=1, limit=5, start=START)
    open_: list[tuple[int, ...]] = [()]
    known: set[object] = set()
    runs = pruned = 0
    outcomes: Counter[str] = Counter()
    breaches: list[tuple[tuple[int, ...], Breach]] = []

    def seen(state: object) -> bool:
        if state in known:
            return True
        known.add(state)
        return False

    while open_ and runs < most and not breaches:
        run = _Run(open_.pop(), bound, World(weather, change), seen=seen)
        found = run.play()
        GRAVE.extend(worker.coroutine for worker in run.workers)
        runs += 1
        pruned += run.pruned
        breaches += [(tuple(run.taken), one) for one in found]
        outcomes.update(
            str(row.outcome) for row in run.world.parts.store.attempts.values()
        )
        for here, options, _ in run.points:
            if here < len(run.taken) or not run.pruned:
                before = tuple(run.taken[:here])
                open_ += [(*before, other) for other in range(1, len(options))]
    while GRAVE:
        GRAVE.pop().close()
    return Explored(runs, pruned, tuple(breaches), outcomes)


START: Final = Weather(seed=0).start + timedelta(hours=4)
