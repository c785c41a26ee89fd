"""Defects planted in the real run: it proves nothing while one of them survives.

Those of SQL are patches of one function's text, made in the test's own database; those
of Python are put between the parts of a test worker. Each is judged where its check is
the only one: the others that would hide it are taken out with it, and named.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from importlib import resources
from typing import Any, Final

import psycopg
from attrs import evolve, field, frozen
from tests.faults.chaos.mails import WARM

from outreach.domain.allocation import Room
from outreach.domain.budget import HARD_LIMIT
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.event import Arrival
from outreach.domain.ids import TenantId
from outreach.domain.invariants import Invariant
from outreach.domain.message import Answer, NotAccepted, Parcel, UnknownOutcome
from outreach.domain.stop import Stop
from outreach.entrypoints.engine import Engine
from outreach.ports.gateway import Confirmed

__all__ = ["MUTANTS", "Mutant", "Patch", "plant_in_sql", "plant_in_web"]
__all__ += ["plant_in_worker"]


@frozen
class Patch:
    """A text of a SQL function, there exactly once, and what stands there instead."""

    function: str
    before: str
    after: str


_PAST_UNKNOWN: Final = (3.3, 4.5)
"""Leases, so that the lane goes on meanwhile: a call without an end and the rest after
it take three."""
_NOTHING: Final[Mapping[str, float]] = {"tend": 1.0}


@frozen
class Mutant:
    """A planted defect.

    Attributes:
        breaks: what must be seen broken.
        hidden_by: checks that are taken out with it.
        rules: crash points of each worker, one drawn per incarnation.
        knobs: of the provider.
        nemesis: weights of its blows.
        sleep: how many leases a stopped worker sleeps.
        times: of the scale; None: as the machine's load suggests.
        mails, mailboxes, spoiled: see `campaign.Plan`; without mails there is none.
    """

    name: str
    breaks: frozenset[Invariant]
    patches: tuple[Patch, ...] = ()
    python: frozenset[str] = frozenset()
    hidden_by: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    knobs: Mapping[str, Any] = field(factory=dict)
    nemesis: Mapping[str, float] = field(factory=lambda: _NOTHING)
    sleep: tuple[float, float] = (1.1, 3.0)
    pause_s: float = 0.2
    times: float | None = None
    phones: int = 8
    leads: int = 200
    limit: int = 12
    mails: int = 0
    mailboxes: int = 80
    spoiled: int = 0


_COUNTS_NOTHING: Final = (
    Patch(
        "arm_one",
        "IF NOT v_unit.used + v_unit.external_new < v_limit THEN",
        "IF false THEN",
    ),
    Patch("case_doc", "'used', coalesce(q.used, 0)", "'used', 0"),
)
_NO_FENCE: Final = Patch(
    "arm_one",
    """IF v_lane.token <> p_token OR v_lane.calling IS NOT NULL
     OR v_lane.owner IS NULL
     OR v_lane.lease_until <= clock_timestamp() + p_margin THEN""",
    "IF false THEN",
)

MUTANTS: Final = (
    Mutant(
        "Redis only: the ledger counts nothing, and a lost guard begins anew",
        frozenset({Invariant.LIMIT_PER_DAY}),
        patches=(
            *_COUNTS_NOTHING,
            Patch(
                "slot_units",
                """'ids', (SELECT coalesce(jsonb_agg(DISTINCT a.intent_id), '[]') \
FROM attempts a
             WHERE a.sender_id = p_sender AND a.unit_day = p_day AND a.unit_held)""",
                "'ids', '[]'::jsonb",
            ),
        ),
        hidden_by=("decide()'s own count", "what dispatch gives to a phone"),
        python=frozenset({"endless rooms"}),
        nemesis={"flush": 1.0},
        limit=3,
    ),
    Mutant(
        "retry after an unknown answer",
        frozenset({Invariant.ONE_SEND_PER_STEP}),
        python=frozenset({"retry unknown"}),
        knobs={"lost_after": 0.5},
    ),
    Mutant(
        "retry after a crash",
        frozenset({Invariant.ONE_SEND_PER_STEP}),
        patches=(Patch("lose_call", "'outcome', 'UNKNOWN'", "'outcome', 'RELEASED'"),),
        rules=("CALL.after:1:kill", "CALL.after:2:kill", "T2.before:2:kill"),
        phones=16,
        leads=24,
    ),
    Mutant(
        "no alarm: a worker that was stopped goes on",
        frozenset({Invariant.GAP}),
        python=frozenset({"no alarm"}),
        rules=("CALL.before:1:stop", "CALL.before:2:stop", "CALL.before:3:stop"),
        sleep=_PAST_UNKNOWN,
        times=50,
        phones=2,
    ),
    Mutant(
        "a token is not compared",
        frozenset({Invariant.TOKENS_GROW, Invariant.GAP}),
        patches=(
            _NO_FENCE,
            Patch("claim_lanes", "owner = p_who, wake_at = NULL,", "owner = p_who,"),
            Patch("case_doc", "'busy', l.calling IS NOT NULL", "'busy', false"),
        ),
        hidden_by=(
            "what is claimed is out of sight",
            "decide()'s own look at the lane",
        ),
        knobs={"slow": 1.0, "slow_longest_s": 0.1},
        phones=4,
    ),
    Mutant(
        "T2 counts a call that has ended",
        frozenset({Invariant.UNITS_AGREE}),
        patches=(
            Patch(
                "settle_one",
                """IF a.id IS NULL OR NOT (a.outcome = 'CALLING'
       OR (a.outcome = 'UNKNOWN' AND v_outcome <> 'UNKNOWN')) THEN""",
                "IF a.id IS NULL THEN",
            ),
        ),
        rules=("T2.after:2:lost", "T2.after:5:lost"),
    ),
    Mutant(
        "an opt-out is not looked for when a message is armed",
        frozenset({Invariant.OPT_OUT}),
        patches=(
            Patch(
                "arm_one",
                """IF v_journey.opted_out OR EXISTS (
       SELECT FROM jsonb_array_elements_text(d -> 'addresses') AS a (key)
         JOIN suppressions s ON s.kind = split_part(a.key, ':', 1)
          AND s.value = substr(a.key, strpos(a.key, ':') + 1)) THEN""",
                "IF false THEN",
            ),
            Patch(
                "suppress",
                "IF x.out THEN",
                "CONTINUE; IF x.out THEN",
            ),
        ),
        hidden_by=("what an opt-out cancels",),
        python=frozenset({"slow T1"}),
        nemesis={"opt-out": 1.0},
        phones=16,
        # few of each phone's are due at the same moment: whom a worker is about to
        # write to is then soon found
        leads=48,
    ),
    Mutant(
        "no gap after a call",
        frozenset({Invariant.GAP}),
        patches=(
            Patch(
                "release_lane",
                "secs => coalesce((r ->> 'gap')::double precision, 0))),",
                "secs => 0)),",
            ),
        ),
    ),
    Mutant(
        "answered before it is stored",
        frozenset({Invariant.EVENTS_APPLIED_ONCE}),
        python=frozenset({"answered unstored"}),
        nemesis={"web": 1.0},
        pause_s=1.2,
        phones=16,
    ),
    Mutant(
        "cold mail leaves by the account for warm mail",
        frozenset({Invariant.CHANNEL_GUARD}),
        python=frozenset({"cold by warm"}),
        hidden_by=("the permit that the adapter demands",),
        phones=2,
        leads=8,
        mails=20,
    ),
    Mutant(
        "a breaker is not looked for when a message is armed",
        frozenset({Invariant.BREAKER}),
        patches=(
            Patch(
                "arm_one",
                "OR (breaks(s, d ->> 'channel') AND s.covers = (",
                "OR (false AND s.covers = (",
            ),
            Patch(
                "case_doc",
                "FROM switches s WHERE s.lifted_at IS NULL)",
                "FROM switches s WHERE s.lifted_at IS NULL AND s.scope <> 'CAMPAIGN')",
            ),
        ),
        hidden_by=("decide()'s own look at the switches",),
        nemesis={"breaker": 1.0},
        pause_s=2.0,
        phones=2,
        leads=8,
        mails=8,
        spoiled=300,
    ),
    Mutant(
        "a stop counts as confirmed before the provider was asked",
        frozenset({Invariant.STOPS_CONFIRMED}),
        python=frozenset({"confirms unasked"}),
        nemesis={"link": 1.0},
        phones=2,
        leads=8,
        mails=60,
        mailboxes=4,
    ),
)


def plant_in_sql(connection: psycopg.Connection, mutant: Mutant) -> None:
    """Replace functions of a chaos database.

    Raises:
        AssertionError: the text to be patched is not there, or more than once.
    """
    texts: dict[str, str] = {}
    for patch in mutant.patches:
        text = texts.get(patch.function) or _function(patch.function)
        assert text.count(patch.before) == 1, f"{patch.function} has changed: {patch}"
        texts[patch.function] = text.replace(patch.before, patch.after)
    for text in texts.values():
        replaced = text.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
        connection.execute(replaced.encode())


def _function(name: str) -> str:
    folder = resources.files("outreach.adapters.postgres") / "functions"
    pattern = re.compile(rf"(?ms)^CREATE FUNCTION {name}\(.*?^\$\$;$")
    found: list[str] = [
        text
        for file in folder.iterdir()
        if file.name.endswith(".sql")
        for text in pattern.findall(file.read_text("utf-8"))
    ]
    assert len(found) == 1, f"{name} is there {len(found)} times"
    return found[0]


def plant_in_worker(names: Sequence[str], engine: Engine) -> frozenset[str]:
    """Change the parts of a worker; answers what the driver itself must leave out."""
    chosen = frozenset(names)
    if "retry unknown" in chosen:
        for account, gateway in list(engine.gateways.send.items()):
            engine.gateways.send[account] = _RetriesUnknown(gateway)
    if "slow T1" in chosen:
        intents = engine.container.intents
        intents.override(_SlowToArm(intents()))
    if "endless rooms" in chosen:
        allocations = engine.container.allocations
        allocations.override(_EndlessRooms(allocations()))
    if "cold by warm" in chosen:
        _send_cold_by_warm(engine)
    if "confirms unasked" in chosen:
        takers = engine.gateways.takers
        takers.update({account: _ConfirmsUnasked() for account in takers})
    return chosen & {"no alarm"}


def _send_cold_by_warm(engine: Engine) -> None:
    """As an engine would that takes the two kinds of accounts for one."""
    ways = engine.gateways
    (warm,) = (
        ways.send[account]
        for account in ways.send.keys() - ways.bulk.keys()
        if account in ways.repeats
    )
    for account in list(ways.bulk):
        del ways.bulk[account]
        ways.send[account] = _ColdByWarm(warm)


def plant_in_web(names: Sequence[str], engine: Engine) -> None:
    """Change the parts of the web app."""
    if "answered unstored" in names:
        inbox = engine.container.inbox
        inbox.override(_AnswersUnstored(inbox()))


@frozen
class _RetriesUnknown:
    """Takes whatever brought no answer for not sent."""

    gateway: Any

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        answer: Answer = await self.gateway.send(parcel, within)
        if isinstance(answer, UnknownOutcome):
            return NotAccepted(lane=True, retry_after=timedelta())
        return answer


@frozen
class _ColdByWarm:
    """Gives cold mail to the account for warm mail, with a permit that it takes."""

    warm: Any

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        permit = Permit(Channel.EMAIL_WARM, State.WARM_REPLY)
        forged = evolve(parcel, permit=permit, sender_number=WARM[0])
        answer: Answer = await self.warm.send(forged, within)
        return answer


@frozen
class _ConfirmsUnasked:
    """Takes a stop for carried out that nobody has carried out."""

    async def stop(self, _: Stop) -> Confirmed:
        return Confirmed()


@frozen
class _SlowToArm:
    """Leaves an opt-out time to come between CLAIM and T1."""

    intents: Any

    async def arm(self, *given: Any) -> Any:
        await asyncio.sleep(0.03)
        return await self.intents.arm(*given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.intents, name)


@frozen
class _EndlessRooms:
    """Lets every phone have as many new contacts as there are."""

    allocations: Any

    async def rooms(self, tenant: TenantId) -> Sequence[Room]:
        found = await self.allocations.rooms(tenant)
        return [evolve(room, units=HARD_LIMIT) for room in found]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.allocations, name)


@frozen
class _AnswersUnstored:
    """Says that it has stored what it will store in a moment."""

    inbox: Any
    tasks: set[asyncio.Task[bool]] = field(factory=set)

    async def put(self, arrival: Arrival) -> bool:
        self.tasks.add(asyncio.create_task(self._later(arrival)))
        return True

    async def _later(self, arrival: Arrival) -> bool:
        await asyncio.sleep(0.1)
        stored: bool = await self.inbox.put(arrival)
        return stored
