"""Plays the campaign: the shipped engine in memory, day after working day."""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from outreach.adapters.memory import MemoryAlerts
from outreach.adapters.memory.rows import Standing
from outreach.domain.capacity import DAILY_LIMIT, Demand, Plan, plan
from outreach.domain.errors import Misconfigured
from outreach.domain.new_sender import NewSender
from outreach.domain.pacing import GAP
from outreach.domain.sender import SendClass
from outreach.domain.sequence import Override
from outreach.domain.window import MONDAY_TO_FRIDAY, Window, local_day
from outreach.entrypoints.campaign_file import CampaignFile, read_campaign
from outreach.entrypoints.container import put
from outreach.entrypoints.engine import Engine
from outreach.entrypoints.in_memory import InMemory, open_in_memory
from outreach.entrypoints.intake import enroll_file, import_file
from outreach.entrypoints.settings import Settings
from outreach.entrypoints.simulated.asked import Asked
from outreach.entrypoints.simulated.crowd import PROVIDER, Crowd
from outreach.ports.decisions import PhoneDay, Summary

__all__ = ["Day", "Played", "by_the_record", "play"]

_FIRST_PHONE: Final = 740_000_000
_FIRST_LEAD: Final = 721_000_000
_LONG: Final = timedelta(days=10_000)
_STEP: Final = """
[[step]]
channel = "WHATSAPP"
delay = {{ days = {days} }}
template = "{number}"

[[template]]
name = "{number}"
channel = "WHATSAPP"
content = "Mesajul {number}. Scrieți STOP dacă nu."
"""


@frozen
class Day:
    """A working day, at its close.

    Attributes:
        limit: new contacts that all phones together may have.
        capacity: sends that they could make, by the closed formula.
        waiting: leads that have not been written to.
        due: follow-ups whose time has come.
        oldest: working days that the oldest of these has been due.
        able: phones that may write to new contacts.
    """

    day: date
    new: int
    followups: int
    limit: int
    capacity: float
    waiting: int
    due: int
    oldest: float
    able: int


@frozen
class Played:
    """What came of it.

    Attributes:
        plan: by the closed formulas, for these phones and leads.
        broken: rules that did not hold; empty: all did.
    """

    asked: Asked
    plan: Plan
    days: tuple[Day, ...]
    phones: tuple[PhoneDay, ...]
    summary: Summary
    accepted: int
    broken: tuple[str, ...]


Tell = Callable[[int, int], None]


async def play(asked: Asked, settings: Settings, tell: Tell) -> Played:
    """Play all of it; the same asked for gives the same.

    Args:
        settings: of the tenant: zone, country, language.
        tell: days played, of how many.

    Raises:
        Misconfigured: the sequence file is wrong, or says nothing on WhatsApp.
    """
    phones = [f"+40{_FIRST_PHONE + number}" for number in range(asked.phones)]
    crowd = Crowd(asked, phones, lambda: asked.begin)
    memory = open_in_memory(
        settings, {PROVIDER: crowd}, begin=asked.begin, seed=asked.seed
    )
    crowd.now = lambda: memory.clock.engine
    rows, tenant = memory.store.tenants, memory.engine.tenant
    rows[tenant] = evolve(rows[tenant], hours=asked.window)
    memory.hear(PROVIDER, crowd)
    memory.audits = False  # once, over all of it, when it is over
    put(memory.engine.container, {"alerts": MemoryAlerts()})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        campaign = read_campaign(
            asked.sequence or _made_up(asked.followups, folder)
        ).of(tenant)
        await _prepare(memory.engine, campaign, asked, phones, folder)
    found = plan(_demand(asked, campaign))
    days = []
    zone = settings.tenant.time_zone
    window = Window(zones=(zone,), hours=asked.window, country=settings.tenant.country)
    for number, (opens, closes) in enumerate(_days(asked, window, memory.engine)):
        await _until(memory, crowd, opens)
        crowd.begin_day()
        await _until(memory, crowd, closes)
        days.append(await _closed(memory, asked, found, local_day(opens, zone)))
        tell(number + 1, asked.days)
    engine = memory.engine
    by_phone = tuple(await engine.container.decisions().days(engine.tenant))
    counted = Counter[date]()
    followed = Counter[date]()
    for one in by_phone:
        counted[one.day] += one.new
        followed[one.day] += one.followups
    return Played(
        asked,
        found,
        tuple(
            evolve(one, new=counted[one.day], followups=followed[one.day])
            for one in days
        ),
        by_phone,
        await engine.container.decisions().summary(engine.tenant),
        len(crowd.accepted),
        (*await _audited(engine), *by_the_record(crowd, asked, zone)),
    )


async def _prepare(
    engine: Engine,
    campaign: CampaignFile,
    asked: Asked,
    phones: list[str],
    folder: Path,
) -> None:
    zone = engine.settings.tenant.time_zone
    senders = [
        NewSender(number=one, provider=PROVIDER, time_zone=zone) for one in phones
    ]
    await engine.container.senders().import_(engine.tenant, senders)
    file = folder / "leads.csv"
    rows = (f"Firma {n} SRL;0{_FIRST_LEAD + n};Ion {n}\n" for n in range(asked.leads))
    file.write_text("Denumire;Telefon;Contact\n" + "".join(rows), "utf-8")
    await import_file(engine, file, folder / "rejects.csv")
    anyway = Override("a simulation", "outreach simulate")
    enrolled = await enroll_file(engine, campaign, anyway)
    if not enrolled.enrolled:
        why = ", ".join(f"{n} {reason}" for reason, n in enrolled.skipped.items())
        message = (
            f"nobody can be written to by phones in {campaign.sequence.name!r} ({why}):"
            " a simulation has phones only, so give a sequence with WhatsApp texts"
        )
        raise Misconfigured(message)


def _demand(asked: Asked, campaign: CampaignFile) -> Demand:
    return Demand(
        senders=asked.phones,
        new=min(float(DAILY_LIMIT), asked.leads / asked.phones),
        followups=campaign.sequence.followups,
        stop_rate=asked.reply_rate,
        hours=asked.length,
        batch=asked.leads,
    )


def _days(
    asked: Asked, window: Window, engine: Engine
) -> Iterator[tuple[datetime, datetime]]:
    """Opening and closing of the working days to come."""
    at = asked.begin
    calendar = engine.container.calendar()
    for _ in range(asked.days):
        off = frozenset[date]().union(
            *(
                calendar.holidays(window.country, year)
                for year in (at.year, at.year + 1)
            )
        )
        open_days = evolve(window, holidays=off)
        opens = open_days.next_open(at)
        assert opens is not None, "hours of every working day open some time"
        closes = open_days.closes(opens)
        yield opens, closes
        at = closes


async def _until(memory: InMemory, crowd: Crowd, end: datetime) -> None:
    """Work up to *end*, and hear what comes in on the way at its time."""
    inbox = memory.engine.container.inbox()
    while True:
        for arrival in crowd.arrivals():
            await inbox.put(arrival)
        coming = crowd.next_at()
        await memory.work(end if coming is None else min(end, coming))
        if memory.clock.engine >= end and (coming is None or coming > end):
            return


async def _closed(memory: InMemory, asked: Asked, found: Plan, day: date) -> Day:
    """What waits now; counts of sends follow when all is known."""
    now, waiting, due, oldest = memory.clock.engine, 0, 0, 0.0
    for row in memory.store.intents.values():
        if row.standing is not Standing.WAITING or row.intent.due_at > now:
            continue
        if row.intent.send_class is SendClass.NEW:
            waiting += 1
        elif row.intent.send_class is SendClass.FOLLOWUP:
            due += 1
            oldest = max(oldest, _working_days(row.intent.due_at, now, asked))
    uses = await memory.engine.container.senders().all(memory.engine.tenant)
    able = [use.sender for use in uses if use.sender.may(SendClass.NEW)]
    return Day(
        day=day,
        new=0,
        followups=0,
        limit=sum(one.daily_limit for one in able),
        capacity=found.capacity_per_sender_day * len(able),
        waiting=waiting,
        due=due,
        oldest=oldest,
        able=len(able),
    )


def _working_days(since: datetime, now: datetime, asked: Asked) -> float:
    """Of Monday to Friday, at the close of a day; holidays count as days here."""
    whole = sum(
        (since + timedelta(days=n)).weekday() in MONDAY_TO_FRIDAY
        for n in range(1, (now.date() - since.date()).days + 1)
    )
    opened = now - asked.length
    today = since if since.date() == now.date() else opened
    return whole - (whole > 0) + (now - max(today, opened)) / asked.length


async def _audited(engine: Engine) -> list[str]:
    """The invariants over the ledger, as `outreach audit` checks them."""
    now = await engine.container.clock().now()
    made = await engine.container.audit_ledger()(
        engine.tenant, now - _LONG, by="outreach simulate"
    )
    return [f"{one.invariant}: {one.subject}: {one.says}" for one in made.breaches]


def by_the_record(crowd: Crowd, asked: Asked, zone: str) -> Iterator[str]:
    """The same by the provider's own record: nobody's bookkeeping is believed."""
    seen = Counter((one.to, one.text) for one in crowd.accepted)
    for (to, _), times in seen.items():
        if times > 1:
            yield f"INV-1: {to} was sent the same message {times} times"
    known: defaultdict[tuple[str, date], set[str]] = defaultdict(set)
    met: set[str] = set()
    of_phone: defaultdict[str, list[datetime]] = defaultdict(list)
    local = ZoneInfo(zone)
    for one in crowd.accepted:
        at = one.at.astimezone(local)
        if one.to not in met:
            met.add(one.to)
            known[one.phone, at.date()].add(one.to)
        of_phone[one.phone].append(one.at)
        opens = datetime.combine(at.date(), asked.window.opens, local)
        if not opens <= at < opens + asked.length:
            yield f"INV-4: {one.phone} sent at {at:%a %H:%M}"
    for (phone, day), new in known.items():
        if len(new) > DAILY_LIMIT:
            yield f"INV-2: {phone} wrote to {len(new)} new contacts on {day}"
    for phone, moments in of_phone.items():
        short = sum(after - before < GAP for before, after in pairwise(moments))
        if short:
            yield f"INV-3: {phone} sent {short} times within {GAP.seconds} s"


def _made_up(followups: int, folder: Path) -> Path:
    """A sequence with follow-ups a day apart."""
    file = folder / "sequence.toml"
    steps = (_STEP.format(days=min(n, 1), number=n + 1) for n in range(followups + 1))
    file.write_text('[sequence]\nname = "made up"\n' + "".join(steps), "utf-8")
    return file
