"""Defects of the protocol, planted one at a time in worlds where nothing hides them.

Redundant layers hide each other's absence. So a world of a mutant lacks the other
layers that would save it (`stage`), and must be without a breach until the defect is
planted (`plant`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final
from unittest.mock import patch

from attrs import evolve, field, frozen

from outreach.adapters.memory import (
    MemoryAllocations,
    MemoryDuties,
    MemoryInbox,
    MemoryIntents,
    MemoryLanes,
    arming,
    ending,
    suppressing,
)
from outreach.adapters.memory.rows import Lease
from outreach.domain.budget import HARD_LIMIT
from outreach.domain.errors import AnswerLost
from outreach.domain.ids import Incarnation
from outreach.domain.invariants import Invariant
from outreach.domain.message import NotAccepted, Outcome, UnknownOutcome
from outreach.domain.pacing import Pacing
from outreach.domain.timing import Timing
from outreach.domain.usecases.send_next import SendNext
from outreach.ports.gateway import CannotTell
from outreach.ports.lanes import ALONE
from outreach.testing.simulation.parts import Parts, open_guard
from outreach.testing.simulation.seam import Kind, Op, suspend
from outreach.testing.simulation.weather import Layer, Weather
from outreach.testing.simulation.world import Change

__all__ = ["MUTANTS", "Mutant", "unfenced"]

Patch = tuple[Any, str, Any]


@frozen
class Mutant:
    """A defect, and the worlds it is judged in.

    Attributes:
        breaks: one of these must be seen broken.
        facts: of the weather.
        stage, off: take off layers in these worlds, mutated or not.
        plant: changes the parts; stage too.
        patches: (module, name, what is there instead); off too.
        worlds: seeds it must be caught within.
    """

    name: str
    breaks: frozenset[Invariant]
    facts: dict[str, Any]
    plant: Change | None = None
    stage: Change | None = None
    patches: tuple[Patch, ...] = ()
    off: tuple[Patch, ...] = ()
    worlds: int = 4

    def weather(self, seed: int) -> Weather:
        """A small, hard world."""
        return evolve(SMALL, seed=seed, **self.facts)

    @contextmanager
    def bare(self) -> Iterator[Change]:
        """These worlds without the defect."""
        with _patched(*self.off):
            yield self._staged

    @contextmanager
    def planted(self) -> Iterator[Change]:
        """These worlds with it."""
        with _patched(*self.off, *self.patches):
            yield self._planted

    def _staged(self, parts: Parts) -> None:
        if self.stage is not None:
            self.stage(parts)

    def _planted(self, parts: Parts) -> None:
        self._staged(parts)
        if self.plant is not None:
            self.plant(parts)


@contextmanager
def _patched(*patches: Patch) -> Iterator[None]:
    with ExitStack() as stack:
        for one in patches:
            stack.enter_context(patch.object(*one))
        yield


SMALL: Final = Weather(
    seed=0,
    start=datetime(2026, 3, 2, 7, 30, tzinfo=UTC),
    days=2,
    phones=2,
    leads=20,
    steps=2,
    echoed=0.9,
    late=0.0,
    repeated=0.0,
    answering=0.0,
    leaving=0.0,
    absent=0.0,
    delay_h=9.0,
)
_HOUR: Final = timedelta(hours=1)
_NO_BUDGET: Final = Timing(call_budget=_HOUR)
MUTANTS: Final[dict[str, Mutant]] = {}


def _mutant(name: str, *breaks: Invariant, **parts: Any) -> None:
    MUTANTS[name] = Mutant(name, frozenset(breaks), **parts)


# --- sent twice


@frozen
class _Around:
    port: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.port, name)


@frozen
class _Retrying(_Around):
    async def send(self, parcel: Any, within: Any) -> Any:
        answer = await self.port.send(parcel, within)
        if isinstance(answer, UnknownOutcome):
            answer = await self.port.send(parcel, within)
        return answer


def _retrying(parts: Parts) -> None:
    parts.provider = _Retrying(parts.provider)


_mutant(
    "retry-on-unknown",
    Invariant.ONE_SEND_PER_STEP,
    facts={"silent": 0.2},
    plant=_retrying,
)


def _lost_is_released(store: Any, attempt: Any) -> Any:
    result = ending._result(attempt, Outcome.RELEASED)
    return ending.settle(store, evolve(result, gap=store.timing.rest))


_mutant(
    "retry-after-crash",
    Invariant.ONE_SEND_PER_STEP,
    facts={"crash": 0.2, "crash_at": frozenset({"send+"})},
    patches=((ending, "lose_call", _lost_is_released),),
)

_real_settle = ending.settle


def _settle_again(store: Any, result: Any) -> Any:
    attempt = store.attempts[result.attempt]
    if attempt.outcome in {Outcome.CALLING, Outcome.UNKNOWN}:
        return _real_settle(store, result)
    ending._rest(store, attempt, result)
    store.unknown[result.attempt] = None
    ending._learn(store, attempt, result)
    return ending.left(store, attempt)


@frozen
class _Refusing(_Around):
    """Refuses the lane at the first of five calls, and the message at the second."""

    calls: count[int] = field(factory=count)

    async def send(self, parcel: Any, within: Any) -> Any:
        n = next(self.calls) % 5
        if n > 1:
            return await self.port.send(parcel, within)
        return NotAccepted(lane=n == 0, detail="not now", retry_after=timedelta())


class _LosesAnswers(MemoryIntents):
    """T2 happens, its answer is lost, and when it is asked again it takes so long
    that the message was tried again meanwhile.
    """

    async def settle(self, results: Any) -> Any:
        (result,) = results
        attempt = self.store.attempts[result.attempt]
        if attempt.outcome is Outcome.CALLING:
            lefts = await super().settle(results)
            if not result.lane_refused:
                return lefts
            message = "settle: lost"
            raise AnswerLost(message)
        row = self.store.intents[attempt.intent]
        if attempt.outcome is Outcome.RELEASED:
            for _ in range(720):
                if row.attempts[-1] != result.attempt:
                    break
                await suspend(5.0)
        return await super().settle(results)


class _LosesUncounted(_LosesAnswers):
    async def arm(self, claim: Any, drafts: Any) -> Any:
        free = [(evolve(draft, limit=HARD_LIMIT), made) for draft, made in drafts]
        return await super().arm(claim, free)


def _is_blind(parts: Parts) -> bool:
    return Layer.LEDGER in parts.weather.off


def _refusing(parts: Parts) -> None:
    """Nothing but the least gap lies between an attempt and the next."""
    parts.intents = (_LosesUncounted if _is_blind(parts) else _LosesAnswers)(
        parts.store
    )
    parts.provider = _Refusing(parts.provider)
    for lane in parts.store.lanes.values():
        lane.sender = evolve(lane.sender, pacing=Pacing(jitter=timedelta()))


_mutant(
    "t2-without-state-check",
    Invariant.ONE_SEND_PER_STEP,
    Invariant.UNITS_AGREE,
    Invariant.ATTEMPT_FIRST,
    facts={},
    stage=_refusing,
    patches=((ending, "settle", _settle_again),),
    worlds=8,
)

# --- past the limit


class _SeesNoUnits(MemoryLanes):
    async def claim(
        self, who: Any, room: Any, limit: int, after: Any = None, many: Any = ALONE
    ) -> Any:
        claims = await super().claim(who, room, limit, after, many)
        return [
            evolve(claim, cases=tuple(map(_unused, claim.cases))) for claim in claims
        ]


def _unused(case: Any) -> Any:
    return evolve(case, ledger=evolve(case.ledger, used=0))


def _blind(parts: Parts) -> None:
    parts.lanes = _SeesNoUnits(parts.store)


@frozen
class _GoesBack(_Around):
    """A guard that is now and then as it was a while ago, and does not know it."""

    parts: Parts
    saved: list[object] = field(factory=list)

    async def reserve(self, asks: Any) -> Any:
        redis, rng = self.parts.redis, self.parts.rng
        self.saved.append(redis.save())
        if len(self.saved) > 4 and rng.random() < 0.3:
            (slot,) = (ask.slot for ask in asks)
            now = len(await redis.held(slot))
            redis.restore(self.saved.pop(0))
            if now and not await redis.held(slot):
                redis.restore(self.saved[-1])
        del self.saved[:-5]
        return await self.port.reserve(asks)


class _GivesAway(MemoryAllocations):
    """Phones get more leads than they have units for."""

    async def rooms(self, tenant: Any) -> Any:
        return [evolve(room, units=HARD_LIMIT) for room in await super().rooms(tenant)]


def _goes_back(parts: Parts) -> None:
    parts.guard = _GoesBack(parts.guard, parts)
    parts.allocations = _GivesAway(parts.store)


_mutant(
    "redis-only",
    Invariant.LIMIT_PER_DAY,
    facts={"limit": 8, "leads": 30, "delay_h": 20.0},
    stage=_goes_back,
    plant=_blind,
    patches=((arming, "_no_unit", lambda *_: None),),
    worlds=8,
)


def _unguarded(parts: Parts) -> None:
    parts.guard = open_guard()


_mutant(
    "ledger-only",
    Invariant.LIMIT_PER_DAY,
    facts={"off": frozenset({Layer.LEDGER}), "limit": 4},
    plant=_unguarded,
)


class _Believing(SendNext):
    async def _settle(self, results: Any) -> Any:
        lefts = await super()._settle(results)
        not_sent = {Outcome.RELEASED, Outcome.REFUSED}
        return [
            evolve(left, spent=left.spent and result.outcome not in not_sent)
            for left, result in zip(lefts, results, strict=True)
        ]


def _believing(parts: Parts) -> None:
    parts.sends = _Believing


_mutant(
    "release-by-belief",
    Invariant.LIMIT_PER_DAY,
    facts={
        "off": frozenset({Layer.LEDGER}),
        "phones": 1,
        "leads": 3,
        "steps": 1,
        "limit": 2,
    },
    stage=_refusing,
    plant=_believing,
    worlds=8,
)


def _in_utc(parts: Parts) -> None:
    for lane in parts.store.lanes.values():
        lane.sender = evolve(lane.sender, time_zone="UTC")


_mutant(
    "quota-day-in-utc",
    Invariant.LIMIT_PER_DAY,
    facts={
        "start": datetime(2026, 3, 2, 7, 50, tzinfo=UTC),
        "phone_zones": ("America/Los_Angeles",),
        "limit": 8,
        "leads": 40,
        "delay_h": 20.0,
    },
    plant=_in_utc,
)

_real_note = ending._note


def _unknown_is_free(store: Any, attempt: Any, result: Any) -> None:
    _real_note(store, attempt, result)
    if attempt.outcome is Outcome.UNKNOWN:
        ending._give_unit_back(store, attempt, result)


_mutant(
    "unknown-gives-back",
    Invariant.UNITS_AGREE,
    facts={"silent": 0.3},
    patches=((ending, "_note", _unknown_is_free),),
)

_real_give_back = ending._give_unit_back


def _kept_when_late(store: Any, attempt: Any, result: Any) -> None:
    if attempt.overdue_at is None:
        _real_give_back(store, attempt, result)


_mutant(
    "not-sent-keeps-its-unit",
    Invariant.UNITS_AGREE,
    facts={
        "bad": 0.4,
        "stall": 0.5,
        "stall_at": frozenset({"settle-"}),
        "shortest_stall": 36.0,
        "longest_stall": 54.0,
    },
    patches=((ending, "_give_unit_back", _kept_when_late),),
)

# --- too soon after another


class _Unfenced(MemoryIntents):
    async def arm(self, claim: Any, drafts: Any) -> Any:
        lane = self.store.lanes[claim.lane]
        for_ever = self.store.machine + timedelta(days=1)
        if not lane.calling:
            lane.lease = Lease(Incarnation("nobody"), for_ever)
        return await super().arm(evolve(claim, token=lane.token), drafts)


def unfenced(parts: Parts) -> None:
    """T1 believes whoever asks."""
    parts.intents = _Unfenced(parts.store)


_mutant(
    "no-fence",
    Invariant.GAP,
    facts={
        "off": frozenset({Layer.ALARM}),
        "timing": _NO_BUDGET,
        "stall": 0.3,
        "stall_at": frozenset({"arm-"}),
        "shortest_stall": 125.0,
        "longest_stall": 200.0,
    },
    plant=unfenced,
    worlds=8,
)


def _no_grace(parts: Parts) -> None:
    parts.store.timing = evolve(parts.store.timing, grace=timedelta())


_mutant(
    "no-grace",
    Invariant.GAP,
    facts={
        "off": frozenset({Layer.ALARM}),
        "timing": _NO_BUDGET,
        "stall": 0.3,
        "stall_at": frozenset({"arm-"}),
        "shortest_stall": 61.0,
        "longest_stall": 95.0,
    },
    stage=unfenced,
    plant=_no_grace,
)


def _patient(parts: Parts) -> None:
    def made(**ports: Any) -> SendNext:
        return SendNext(
            **{**ports, "timing": evolve(ports["timing"], call_budget=_HOUR)}
        )

    parts.sends = made


_mutant(
    "no-call-budget",
    Invariant.GAP,
    facts={
        "off": frozenset({Layer.ALARM}),
        "stall": 0.3,
        "stall_at": frozenset({"arm+"}),
        "shortest_stall": 160.0,
        "longest_stall": 230.0,
    },
    plant=_patient,
)


def _no_alarm(parts: Parts) -> None:
    parts.alarm = None


_mutant(
    "no-alarm",
    Invariant.GAP,
    facts={
        "stall": 0.3,
        "stall_at": frozenset({"send-"}),
        "shortest_stall": 160.0,
        "longest_stall": 230.0,
    },
    plant=_no_alarm,
)


class _FromTheStart(MemoryIntents):
    async def settle(self, results: Any) -> Any:
        store = self.store
        early = [
            evolve(
                one, gap=one.gap - (store.now - store.attempts[one.attempt].called_at)
            )
            for one in results
        ]
        return await super().settle(early)


def _from_the_start(parts: Parts) -> None:
    parts.intents = _FromTheStart(parts.store)


_mutant(
    "gap-from-the-start",
    Invariant.GAP,
    facts={"slow": 24.0},
    plant=_from_the_start,
)


class _Forgiving(dict[Any, Any]):
    def __delitem__(self, key: Any) -> None:
        self.pop(key, None)


def _late_frees(store: Any, result: Any) -> Any:
    attempt = store.attempts[result.attempt]
    late = attempt.outcome is Outcome.UNKNOWN
    left = _real_settle(store, result)
    if late:
        lane = store.lanes[attempt.parcel.sender]
        lane.lease, lane.calling = None, _Forgiving()
    return left


class _LateT2(MemoryIntents):
    """Some T2 land when the lane's next call is under way."""

    async def settle(self, results: Any) -> Any:
        (result,) = results
        attempt = self.store.attempts[result.attempt]
        lane = self.store.lanes[attempt.parcel.sender]
        if attempt.token % 3 == 0:
            for _ in range(600):
                if lane.calling and result.attempt not in lane.calling:
                    break
                await suspend(2.0)
        return await super().settle(results)


@frozen
class _Forgetful(_Around):
    """A provider that tells nothing of what it was given."""

    async def look(self, *_: Any) -> Any:
        return CannotTell("no answer")


def _late_t2(parts: Parts) -> None:
    parts.provider = _Forgetful(parts.provider)
    parts.intents = _LateT2(parts.store)


_mutant(
    "late-t2-frees-a-newer-claim",
    Invariant.GAP,
    facts={"slow": 24.0, "echoed": 0.6},
    stage=_late_t2,
    patches=((ending, "settle", _late_frees),),
    worlds=8,
)

# --- to somebody who said stop, or at night

_real_refused = arming._refused


def _never_suppressed(store: Any, lane: Any, claim: Any, draft: Any) -> Any:
    return _real_refused(store, lane, claim, evolve(draft, addresses=()))


_AIMED: Final = {"aimed": 0.3, "leads": 40, "limit": 20}
_NOT_CANCELLED: Final = ((suppressing, "cancel_waiting", lambda *_: None),)
"""What waits for somebody who said stop is found by T1, or by nobody."""
_mutant(
    "opt-out-only-when-planning",
    Invariant.OPT_OUT,
    facts=_AIMED,
    off=_NOT_CANCELLED,
    patches=((arming, "_refused", _never_suppressed),),
)
_WAIT: Final = Op("lock", Kind.STORE, after=False, longest=0.05)


class _OneSnapshot(MemoryIntents):
    async def arm(self, claim: Any, drafts: Any) -> Any:
        store = self.store
        before = {of: dict(found) for of, found in store.suppressions.items()}
        await suspend(_WAIT)
        after, store.suppressions = store.suppressions, before
        try:
            return await super().arm(claim, drafts)
        finally:
            store.suppressions = after


def _one_snapshot(parts: Parts) -> None:
    parts.intents = _OneSnapshot(parts.store)


_mutant(
    "t1-as-one-snapshot",
    Invariant.OPT_OUT,
    facts=_AIMED,
    off=_NOT_CANCELLED,
    plant=_one_snapshot,
)


class _PhonesHours(MemoryLanes):
    async def claim(
        self, who: Any, room: Any, limit: int, after: Any = None, many: Any = ALONE
    ) -> Any:
        claims = await super().claim(who, room, limit, after, many)
        return [
            evolve(one, cases=tuple(map(_of_the_phone, one.cases))) for one in claims
        ]


def _of_the_phone(case: Any) -> Any:
    return evolve(case, window=evolve(case.window, zones=(case.sender.time_zone,)))


def _phones_hours(parts: Parts) -> None:
    parts.lanes = _PhonesHours(parts.store)


_mutant(
    "window-in-the-phones-zone",
    Invariant.WINDOW,
    facts={"phone_zones": ("America/Los_Angeles", "Asia/Tokyo")},
    plant=_phones_hours,
)

# --- lost


class _SeenFirst(MemoryInbox):
    async def put(self, arrival: Any) -> bool:
        key = (arrival.provider, arrival.account, arrival.key)
        if key in self.store.event_keys:
            return False
        self.store.event_keys.add(key)
        await suspend(_STORING)
        self.store.event_keys.discard(key)
        return await super().put(arrival)


_STORING: Final = Op("store", Kind.STORE, False, 0.05, 0.3, 0.3, 0.3)
_TALKATIVE: Final = {"answering": 0.3, "echoed": 0.5}


def _seen_first(parts: Parts) -> None:
    parts.inbox = _SeenFirst(parts.store)


_mutant(
    "seen-before-stored",
    Invariant.EVENTS_APPLIED_ONCE,
    facts={**_TALKATIVE, "crash": 0.1, "crash_at": frozenset({"put-", "put+"})},
    plant=_seen_first,
)


class _Fetching(MemoryInbox):
    async def take(self, who: Any, limit: int) -> Any:
        taken = await super().take(who, limit)
        for one in taken:
            del self.store.arrived[one.id]
        return taken


def _fetching(parts: Parts) -> None:
    parts.inbox = _Fetching(parts.store)


_mutant(
    "cursor-moved-at-fetch",
    Invariant.EVENTS_APPLIED_ONCE,
    facts={**_TALKATIVE, "crash": 0.1, "crash_at": frozenset({"match-", "take+"})},
    plant=_fetching,
)


class _DoneWhenTaken(MemoryDuties):
    async def take(self, who: Any, limit: int) -> Any:
        taken = await super().take(who, limit)
        for duty in taken:
            if duty.kind != "DISPATCH":
                del self.store.duties[duty.kind, duty.key]
        return taken


def _done_when_taken(parts: Parts) -> None:
    parts.duties = _DoneWhenTaken(parts.store)


_mutant(
    "duty-done-when-taken",
    Invariant.NOTHING_LOST,
    facts={
        "steps": 1,
        "days": 3,
        "crash": 0.3,
        "crash_at": frozenset({"take+", "enrolled-"}),
    },
    plant=_done_when_taken,
)
