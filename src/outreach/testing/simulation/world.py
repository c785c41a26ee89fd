"""A whole world of one seed: engine, provider, people, and all that goes wrong."""

from __future__ import annotations

import gc
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from attrs import define, field

from outreach.adapters.memory.analyst import ScriptedAnalyst
from outreach.adapters.memory.links import MemoryLinks
from outreach.domain.errors import RetryLater
from outreach.domain.ids import EnrolmentId, Incarnation
from outreach.domain.message import Outcome, Parcel
from outreach.domain.usecases.answer_review import AnswerReview
from outreach.domain.usecases.enroll import Enroll
from outreach.domain.usecases.look_for_doubts import LookForDoubts, Recover
from outreach.domain.usecases.signal_sender import SignalSender
from outreach.domain.usecases.watch_senders import WatchSenders
from outreach.ports.lanes import Claim
from outreach.testing.invented import PROVIDER
from outreach.testing.judge import Heard, Sent
from outreach.testing.simulation.chores import Chores, duties_of, gateways_of
from outreach.testing.simulation.clock import VirtualClock
from outreach.testing.simulation.folk import ANALYSES, Operators, Prospects
from outreach.testing.simulation.mail_world import MailWorld
from outreach.testing.simulation.parts import HOME, TENANT, Parts, parts_of
from outreach.testing.simulation.place import (
    RUN,
    campaign,
    now,
    numbers_of,
    phones_of,
    rows_of,
)
from outreach.testing.simulation.post import Post
from outreach.testing.simulation.provider import Line, Provider
from outreach.testing.simulation.readers import LINKS
from outreach.testing.simulation.schedule import Life, Schedule
from outreach.testing.simulation.seam import AFTER, Kind, Op, Seam, suspend
from outreach.testing.simulation.trouble import Trouble
from outreach.testing.simulation.wake import Wake
from outreach.testing.simulation.watch import watched
from outreach.testing.simulation.weather import Layer, Weather
from outreach.testing.simulation.worker import Engine, Worker

__all__ = ["Change", "World"]

Change = Callable[[Parts], None]
"""Plants a defect, or takes a layer off, before the engine is made of its parts."""

_LEAVING: Final = frozenset({"send-", "send_many-", "may_repeat+", "repeat-"})
_STORE_S: Final = 0.008
_GUARD_S: Final = 0.002


@define(eq=False)
class World:
    """Made of its weather; `run` plays it to its end.

    Attributes:
        seen: what happened how often.
        mail: what it has beside phones.
        known: who wrote to whom without us, see `outreach.testing.judge.Heard`.
    """

    weather: Weather
    change: Change | None = None
    trace: Callable[[str, str, float], None] | None = None
    seen: Counter[str] = field(factory=Counter)
    known: list[Heard] = field(factory=list)
    schedule: Schedule = field(init=False)
    wake: Wake = field(init=False)
    clock: VirtualClock = field(init=False)
    parts: Parts = field(init=False)
    provider: Provider = field(init=False)
    post: Post = field(init=False)
    engine: Engine = field(init=False)
    rng: random.Random = field(init=False)
    _people: Life = field(factory=lambda: Life("people", mortal=False), init=False)
    _lives: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        """Everything in its place, nothing begun."""
        weather = self.weather
        self.rng = random.Random(f"world {weather.seed}")
        self.clock = VirtualClock(weather.start)
        numbers = numbers_of(weather)
        bad = frozenset(n for n in numbers if self.rng.random() < weather.bad)
        self.provider = Provider(
            self.clock, weather, self.rng, self.seen, bad, self._accepted
        )
        self.parts = parts = parts_of(
            weather, self.clock, self.rng, self.provider, self.seen
        )
        self._settle_in(parts)
        self.wake = Wake(parts.store, weather.start)
        self.schedule = Schedule(
            clock=self.clock,
            rng=self.rng,
            calm=weather.calm,
            stall=self._stall,
            wake=self.wake,
            seen=self.seen,
            trace=self.trace,
        )
        post = Post(
            self.clock, self.schedule, weather, self.rng, self.seen, parts.inbox
        )
        self.post = post
        self.mail = MailWorld.of(weather, self.schedule, post, parts, self.seen)
        if self.change is not None:
            self.change(parts)
        self.schedule.alarm = parts.alarm
        self.schedule.slow = Layer.ALARM in weather.off
        watched(parts)
        inbox = post.inbox = self._seam(parts.inbox, Kind.STORE)
        self._prospects = Prospects(
            weather, self.rng, self.schedule, self.post, self._unsaid, self.seen
        )
        self._trouble = Trouble(
            weather,
            self.rng,
            self.schedule,
            parts.redis,
            self.provider,
            self.post,
            self.seen,
        )
        self._wire(parts, inbox, numbers)

    _prospects: Prospects = field(init=False)
    _trouble: Trouble = field(init=False)
    _operators: Operators = field(init=False)
    _enroll: Enroll = field(init=False)
    mail: MailWorld | None = field(default=None, init=False)

    @property
    def sent(self) -> tuple[Sent, ...]:
        """What every provider accepted."""
        phones = tuple(self.provider.sent)
        if self.mail is None:
            return phones
        return (*phones, *self.mail.campaigner.sent, *self.mail.warm)

    # --- the place

    def _settle_in(self, parts: Parts) -> None:
        """Phones and leads, by the ports themselves."""
        phones = phones_of(self.weather)
        now(parts.senders.import_(TENANT, phones))
        self.provider.lines = {phone.number: Line.UP for phone in phones}
        now(parts.leads.store(TENANT, rows_of(self.weather), run=RUN))

    # --- the seams

    def _seam(self, port: Any, kind: Kind) -> Any:
        changed = self.wake.changed if kind is Kind.STORE else None
        return Seam(port, lambda verb, mark: self._op(verb, mark, kind), changed)

    def _op(self, verb: str, mark: str, kind: Kind) -> Op:
        weather = self.weather
        name, after = f"{verb}{mark}", mark == AFTER
        slow = weather.slow / 2
        longest = {Kind.STORE: _STORE_S, Kind.GUARD: _GUARD_S, Kind.PROVIDER: slow}[
            kind
        ]

        def chance(of: float, where: frozenset[str] | None) -> float:
            return of if where is None or name in where else 0.0

        crash = chance(weather.crash, weather.crash_at)
        stall = chance(weather.stall, weather.stall_at)
        if name == "release-" and Layer.LEDGER in weather.off:
            # A release that comes late may give back what another has taken since:
            # the guard alone is never enough.
            stall = 0.0
        error = chance(weather.error, weather.error_at)
        return Op(
            name, kind, after, longest, crash, crash + stall, crash + stall + error
        )

    def _stall(self, op: Op) -> float:
        weather = self.weather
        longest = weather.longest_stall
        if op.name in _LEAVING and Layer.ALARM in weather.off:
            # What no layer but the alarm can stop, and docs/ say so.
            longest = min(longest, 20.0)
        return self.rng.uniform(min(weather.shortest_stall, longest), longest)

    def _wire(self, parts: Parts, inbox: Any, numbers: tuple[str, ...]) -> None:
        store = {
            name: self._seam(getattr(parts, name), Kind.STORE)
            for name in (
                "lanes",
                "intents",
                "journeys",
                "duties",
                "switches",
                "senders",
                "reviews",
                "allocations",
                "campaigns",
                "watch",
                "bounds",
                "stops",
                "hosted",
                "audit",
            )
        }
        clock = self._seam(self.clock, Kind.STORE)
        guard = self._seam(self._trouble.on_the_way_to(parts.guard), Kind.GUARD)
        gateways = gateways_of(parts, lambda one: self._seam(one, Kind.PROVIDER))
        timing = parts.store.timing
        signal = SignalSender(store["senders"], store["duties"], clock, parts.alerts)
        watch = WatchSenders(
            store["watch"], store["senders"], signal, parts.alerts, gateways.phones
        )
        send = parts.sends(
            lanes=store["lanes"],
            intents=store["intents"],
            guard=guard,
            gateways=gateways.send,
            bulk=gateways.hosts,
            hosts=gateways.hosts,
            calendar=parts.calendar,
            clock=self.clock,
            watch=watch,
            reviewers=parts.reviewers,
            rng=self.rng,
            timing=timing,
            links=MemoryLinks(),
        )
        take_in = parts.takes(
            inbox=inbox,
            journeys=store["journeys"],
            senders=store["senders"],
            campaigns=store["campaigns"],
            analyst=ScriptedAnalyst(ANALYSES),
            signal=signal,
            clock=clock,
            alerts=parts.alerts,
            readers=dict.fromkeys((PROVIDER, *parts.mail, LINKS), self.post),
            reviewers=parts.reviewers,
        )
        look = LookForDoubts(
            store["intents"],
            guard,
            gateways.phones,
            parts.reviewers,
            timing,
            gateways.repeats,
            gateways.hosts,
        )
        duties = duties_of(parts, store, signal, watch, guard, gateways)
        chores = Chores(parts.store, Recover(store["intents"]), take_in, look, duties)
        self.engine = Engine(
            lanes=store["lanes"],
            clock=self.clock,
            send=send,
            lane_due=lambda: self.wake.lanes() <= self.schedule.now,
            chores=chores.due,
            many={}
            if self.mail is None
            else dict.fromkeys(gateways.hosts, self.mail.mail.many),
        )
        self._enroll = Enroll(
            campaigns=store["campaigns"],
            senders=store["senders"],
            tenant_zone=HOME,
            enrolment_ids=lambda: EnrolmentId(parts.store.ids()),
            hours=self.weather.hours,
        )
        self._operators = Operators(
            weather=self.weather,
            rng=self.rng,
            schedule=self.schedule,
            parts=parts,
            post=self.post,
            seen=self.seen,
            switches=store["switches"],
            senders=store["senders"],
            reviews=store["reviews"],
            answer_review=AnswerReview(store["journeys"], _Bell(self.schedule), timing),
            signal=signal,
            numbers=numbers,
            wrote=self._wrote,
            life=self._people,
        )
        if self.mail is not None:
            switches, people = store["switches"], self._people
            self.mail.people(self.weather, switches, people, self.seen)

    # --- what happens

    def run(self) -> World:
        """Play it to its end.

        Raises:
            Defect: a process raised what it may not.
        """
        for n in range(self.weather.workers):
            self._work(n, 1.0 + n)
        self._spawn(self._enrol())
        self._operators.start()
        self._trouble.start()
        if self.mail is not None:
            self.mail.start()
        self.schedule.call(self.weather.calm, self._calm_down)
        with _uncollected():
            self.schedule.run(self.weather.end)
        return self

    def _work(self, n: int, at: float) -> None:
        self._lives += 1
        who = Incarnation(f"worker/{n}/{self._lives}")
        life = Life(who, reborn=lambda at: self._work(n, at))
        claimed = self._claimed
        worker = Worker(who, life, self.schedule, self.engine, self._step, claimed)
        worker.start(at)

    def _claimed(self, claim: Claim) -> None:
        self._operators.claimed(claim)
        if self.mail is not None and self.mail.keepers is not None:
            self.mail.keepers.claimed(claim)

    def _step(self, step: str) -> None:
        self.seen[f"step {step}"] += 1

    def _spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.schedule.spawn(self._people, coroutine, "people")

    async def _enrol(self) -> None:
        """By the real use case, until it is done; the leads come in one batch."""
        while True:
            try:
                await self._enroll(TENANT, *campaign(self.weather), name="agri")
            except RetryLater:
                await suspend(1.0)
            else:
                break
        self.schedule.ring()

    def _unsaid(self, sent: Sent) -> bool:
        store = self.parts.store
        outcomes = {store.attempts[one].outcome for one in store.hashes[sent.hash]}
        return not outcomes.isdisjoint({Outcome.CALLING, Outcome.UNKNOWN})

    def _accepted(self, parcel: Parcel, sent: Sent) -> None:
        self._prospects.reached(parcel, sent)

    def _wrote(self, phone: str, number: str) -> None:
        self.known.append(Heard(phone, number, self.clock.machine))

    def _calm_down(self) -> None:
        self.provider.calm = True
        if self.mail is not None:
            self.mail.calm_down()
        self.schedule.ring()


@contextmanager
def _uncollected() -> Iterator[None]:
    """A world leaves no cycles before its end, and looking for some takes a tenth of
    its time, in a large process more.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@define(eq=False)
class _Bell:
    """Implements `outreach.ports.bell.Bell`."""

    schedule: Schedule

    async def ring(self, after: timedelta = timedelta()) -> None:
        """Wake the sleepers."""
        del after
        self.schedule.ring()
