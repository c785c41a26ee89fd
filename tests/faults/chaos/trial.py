"""One run from its stage to its verdict: blows, then rest, then the judge."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from attrs import evolve, field, frozen
from tests.faults.chaos import checker, ledger
from tests.faults.chaos.campaign import Plan
from tests.faults.chaos.deliveries import Deliveries, replies, shuffled
from tests.faults.chaos.mail_checker import figures
from tests.faults.chaos.mutants import Mutant
from tests.faults.chaos.nemesis import MIX, Nemesis
from tests.faults.chaos.nursery import Nursery
from tests.faults.chaos.servers import Stores
from tests.faults.chaos.stage import QUIET, Stage, World, opened_stage, three_channels
from tests.faults.chaos.worker import scale_engine, settings_of

from outreach.domain.auditing import Audited
from outreach.domain.budget import UnitSlot
from outreach.domain.ids import SenderId
from outreach.domain.invariants import Breach, Invariant
from outreach.entrypoints.engine import Urls, open_engine

__all__ = ["Blows", "Verdict", "deliver", "hunt", "tell", "trial"]

_SETTLED_WITHIN_S: Final = 90.0
"""Generous: a loaded machine is slow, and slowness is no breach."""
_TAIL: Final = 60
HUNTED_FOR_S: Final = 60.0
"""The budget of a mutant at 40 times; most are caught within a few seconds."""
DELIVERY_MIX: Final[Mapping[str, float]] = {
    "kill": 2.0,
    "web": 2.0,
    "stop": 1.0,
    "backends": 0.7,
    "flush": 0.5,
}
_SURELY_S: Final = 1.5
"""Between two kills that are no matter of chance."""
_LOOKED_EVERY_S: Final = 1.0
_NO_JITTER: Final = timedelta()
CALM: Final[Mapping[str, Any]] = {
    **QUIET,
    "sure_by": 0,
    "wrong_number": 0,
    "not_on_whatsapp": 0,
}
"""A provider that does what it is asked: the mutant is to be seen, not the weather."""


@frozen
class Blows:
    """How a stage is harmed.

    Attributes:
        seconds: of blows, at 40 times.
        restarts: of each server, spread over them.
        enough: whether this share of them has been; ends the blows earlier.
        mix, rules, armed, pause_s: see `Nemesis`.
    """

    seconds: float
    restarts: int = 0
    mix: Mapping[str, float] = field(factory=lambda: MIX)
    rules: tuple[str, ...] = ()
    armed: float = 0.6
    pause_s: float = 0.5
    enough: Callable[[Stage, float], bool] = lambda *_: False


@frozen
class Verdict:
    """What became of a run.

    Attributes:
        mail: see `mail_checker.figures`; empty: only WhatsApp was spoken.
        smallest_gap: between two accepted sends of a phone, over the least allowed.
        settled_s: machine time from the last blow until nothing was overdue.
        tail: the end of the processes' log.
    """

    seed: int
    times: float
    injected: Mapping[str, int]
    struck: Mapping[str, int]
    faults: Mapping[str, int]
    accepted: int
    steps: Mapping[int, int]
    unknown: int
    opted_out: int
    events: int
    smallest_gap: float
    settled_s: float
    seconds: float
    breaches: Sequence[Breach]
    tail: Sequence[str] = field(repr=False)
    mail: Mapping[str, int] = field(factory=dict)

    def count(self, invariant: Invariant) -> int:
        return sum(one.invariant is invariant for one in self.breaches)

    def line(self) -> str:
        """As one line of JSON."""
        return json.dumps(
            {
                "seed": self.seed,
                "times": round(self.times, 1),
                "seconds": round(self.seconds, 1),
                "injected": dict(sorted(self.injected.items())),
                "struck": dict(sorted(self.struck.items())),
                "provider": dict(sorted(self.faults.items())),
                "accepted": self.accepted,
                "steps": dict(sorted(self.steps.items())),
                "unknown": self.unknown,
                "opted_out": self.opted_out,
                "webhooks_stored": self.events,
                "doubles": self.count(Invariant.ONE_SEND_PER_STEP),
                "over_quota": self.count(Invariant.LIMIT_PER_DAY),
                "gaps_too_small": self.count(Invariant.GAP),
                "smallest_gap": round(self.smallest_gap, 3),
                "orphans": self.count(Invariant.NOTHING_LOST)
                + self.count(Invariant.ATTEMPT_FIRST),
                "settled_s": round(self.settled_s, 1),
                "mail": dict(self.mail),
                "breaches": [str(one) for one in self.breaches],
            },
            ensure_ascii=False,
        )

    def __str__(self) -> str:
        """For whoever must find out why: the seed, and the last words."""
        return "\n".join([self.line(), *(self.tail if self.breaches else ())])


def trial(
    stores: Stores, nursery: Nursery, folder: Path, world: World, blows: Blows
) -> Verdict:
    """Set up, harm, let settle, judge."""
    began = time.monotonic()
    with opened_stage(stores, nursery, folder, world) as stage:
        nemesis = Nemesis(
            stage, blows.mix, blows.rules, armed=blows.armed, pause_s=blows.pause_s
        )
        _harm(stage, nemesis, blows)
        nemesis.rest()
        settled, late = _settle(stage, nemesis)
        stage.end_processes()
        guard, audited = asyncio.run(_reconciled(stage))
        record = checker.read_record(stage, guard)
        found = [*checker.breaches(record), *checker.overdue(late), *audited]
        return _verdict(stage, record, found, settled, time.monotonic() - began)


def hunt(
    stores: Stores, nursery: Nursery, folder: Path, mutant: Mutant, *, seed: int
) -> tuple[Sequence[Breach], str]:
    """Run a mutant until it is caught, or for its budget.

    Answers the breaches of what it is to break, and what was seen in one line.
    """
    plan = Plan(
        leads=mutant.leads,
        phones=mutant.phones,
        limit=mutant.limit,
        mails=mutant.mails,
        mailboxes=mutant.mailboxes,
        spoiled=mutant.spoiled,
        jitter=_NO_JITTER,
    )
    world = World(seed, workers=3, plan=plan, knobs={**CALM, **mutant.knobs})
    if mutant.mails:
        world = evolve(world, times=three_channels(seed).times)
    if mutant.times is not None:
        world = evolve(world, times=mutant.times)
    began = time.monotonic()
    with opened_stage(stores, nursery, folder, evolve(world, mutant=mutant)) as stage:
        nemesis = Nemesis(
            stage,
            mutant.nemesis,
            mutant.rules,
            armed=0.0,
            pause_s=mutant.pause_s,
            sleep=mutant.sleep,
        )
        found: Sequence[Breach] = ()
        record = None
        end = time.monotonic() + HUNTED_FOR_S * stage.scale.slower
        while not found and time.monotonic() < end:
            nemesis.strike_for(_LOOKED_EVERY_S)
            record = checker.read_record(stage)
            found = [
                one
                for one in checker.breaches(record, at_rest=False)
                if one.invariant in mutant.breaks
            ]
        assert record is not None
        said = (
            f"{mutant.name}: {time.monotonic() - began:.1f} s, seed {seed}, "
            f"{world.times:.0f} times, "
            f"{len(record.sent)} accepted, {dict(stage.counts)}, "
            f"first: {found[0] if found else 'survived'}"
        )
    return found, said


def deliver(
    stores: Stores,
    nursery: Nursery,
    folder: Path,
    *,
    seed: int,
    events: int,
    least: int = 1,
    most: int,
    mix: Mapping[str, float] = DELIVERY_MIX,
) -> tuple[Sequence[Breach], dict[str, int]]:
    """Post each of *events* *least* to *most* times, in any order, under blows.

    Answers what is broken, and the figures: deliveries answered 2xx, refused tries,
    events stored and applied.
    """
    plan = Plan(leads=40, phones=2, limit=0)
    world = World(seed, workers=2, plan=plan, knobs=CALM)
    with opened_stage(stores, nursery, folder, world) as stage:
        nemesis = Nemesis(stage, mix, armed=0.4, pause_s=2.5)
        posted = replies(
            events,
            numbers=stage.campaign.numbers,
            phone=next(iter(stage.campaign.zones)),
            seed=seed,
        )
        poster = Deliveries(stage.web_port, stage.webhook_path)
        copies = shuffled(posted, least=least, most=most, seed=seed)
        posting = threading.Thread(target=poster.post_all, args=[copies])
        posting.start()
        sure = cycle(("web", "kill"))
        while posting.is_alive():
            nemesis.strike_for(_SURELY_S, until=lambda: not posting.is_alive())
            nemesis.strike(next(sure))
        nemesis.rest()
        settled, late = _settle(stage, nemesis)
        stage.end_processes()
        record = evolve(
            checker.read_record(stage),
            answered=frozenset(event.key for event in posted),
        )
        found = [*checker.breaches(record), *checker.overdue(late)]
        figures = {
            "events": len(posted),
            "deliveries": len(copies),
            "answered": poster.answered,
            "refused": poster.refused,
            "stored": len(record.events),
            "applied": sum(row["applied"] for row in record.events),
            "heard": sum(row["heard"] for row in record.events),
            "settled_ms": round(settled * 1000),
            **stage.counts,
        }
    return found, figures


def tell(*what: object) -> None:
    """Show figures to whoever runs the tests with ``-s``, and after a failure."""
    sys.stdout.write(" ".join(map(str, what)) + "\n")
    sys.stdout.flush()


def _harm(stage: Stage, nemesis: Nemesis, blows: Blows) -> None:
    turns = blows.restarts + 1
    for turn in range(turns):
        seconds = blows.seconds / turns * stage.scale.slower
        share = (turn + 1) / turns
        nemesis.strike_for(seconds, until=partial(blows.enough, stage, share))
        if turn < blows.restarts:
            for name in nemesis.rng.sample(["postgres", "redis"], 2):
                nemesis.strike(name)


def _settle(stage: Stage, nemesis: Nemesis) -> tuple[float, list[Any]]:
    """Wait until nothing is overdue; answers how long that took, and what still is."""
    began = time.monotonic()
    limits = checker.limits(stage.scale)
    least = 2 * stage.scale.recovery.total_seconds()
    while True:
        nemesis.tend()
        with stage.connect() as connection:
            late = ledger.undone(connection, **limits)
        passed = time.monotonic() - began
        patience = _SETTLED_WITHIN_S * max(1.0, stage.scale.slower)
        if (not late and passed > least) or passed > patience:
            return passed, late
        time.sleep(0.1)


async def _reconciled(
    stage: Stage,
) -> tuple[dict[tuple[str, date], frozenset[str]], Sequence[Breach]]:
    """What the guard holds of each day once it was brought to what the ledger holds;
    and what the shipped audit finds, which knows the budgets of every channel.
    """
    with stage.connect() as connection:
        slots = [
            UnitSlot(SenderId(UUID(str(row["phone_id"]))), row["day"])
            for row in ledger.read(connection, ledger.UNITS)
        ]
    urls = Urls(stage.url, stage.stores.redis_url)
    given = {"database_url": urls.database, "redis_url": urls.redis}
    settings = settings_of({**stage.reach, **given})
    async with open_engine(settings, urls) as engine:
        scale_engine(engine, stage.scale)
        guard = engine.container.guard()
        await guard.rebuild(await engine.container.intents().units(slots))
        held = {
            (str(slot.sender), slot.day): frozenset(
                str(one) for one in await guard.held(slot)
            )
            for slot in slots
        }
        audit = engine.container.audit_ledger()
        made: Audited = await audit(engine.tenant, stage.world.begin, by="chaos")
        return held, made.breaches


def _verdict(
    stage: Stage,
    record: checker.Record,
    found: Sequence[Breach],
    settled: float,
    seconds: float,
) -> Verdict:
    faults: dict[str, int] = {}
    for line in stage.box.events():
        if line.get("of") in {"send", "gate"}:
            faults[line["kind"]] = faults.get(line["kind"], 0) + 1
    steps: dict[int, int] = {}
    for sent in record.sent:
        steps[sent.step] = steps.get(sent.step, 0) + 1
    tail = stage.log.read_text(errors="replace").splitlines()[-_TAIL:]
    return Verdict(
        seed=stage.world.seed,
        times=stage.world.times,
        injected={
            **stage.counts,
            **{f"line {k}": v for k, v in stage.lines_met().items()},
        },
        struck=dict(stage.struck),
        faults=faults,
        accepted=len(record.sent),
        steps=steps,
        unknown=sum(row["outcome"] == "UNKNOWN" for row in record.attempts),
        opted_out=len(record.opt_outs),
        events=len(record.events),
        smallest_gap=checker.smallest_gap(record),
        settled_s=settled,
        seconds=seconds,
        breaches=found,
        tail=tail,
        mail={} if record.mail is None else figures(record.mail),
    )
