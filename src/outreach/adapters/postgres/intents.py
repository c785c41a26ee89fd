"""T1, T2 and what is not known, over SQL functions."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from attrs import asdict, field, frozen

from outreach.adapters.postgres import facts
from outreach.adapters.postgres.docs import decision_doc, jsonb, review_doc
from outreach.adapters.postgres.pool import Database
from outreach.adapters.postgres.together import Together
from outreach.domain.budget import Units, UnitSlot, effective_limit
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.decision import Decision
from outreach.domain.ids import (
    AccountId,
    AttemptId,
    Incarnation,
    IntentId,
    LeadId,
    SenderId,
    TenantId,
)
from outreach.domain.message import (
    Aftermath,
    Armed,
    Draft,
    Left,
    NotArmed,
    Outcome,
    Parcel,
    Result,
    WhyNotArmed,
)
from outreach.domain.sender import SendClass
from outreach.domain.timing import Timing
from outreach.ports.intents import Doubt, Resolution
from outreach.ports.lanes import Claim

__all__ = ["PostgresIntents"]


_Settling = Sequence[Mapping[str, Any]]
"""What one call of `settle` asks for: results of one tenant."""


@frozen
class _Arming:
    """What one call of `arm` asks for."""

    claim: Claim
    drafts: Sequence[Mapping[str, Any]]


@frozen
class PostgresIntents:
    """Implements `outreach.ports.intents.Intents`; see functions/send.sql.

    Calls of `arm` and of `settle` that come together are carried by one commit each.
    """

    database: Database
    timing: Timing = Timing()
    _arming: Together[_Arming, Sequence[str]] = field(init=False, eq=False)
    _settling: Together[_Settling, Sequence[Left]] = field(init=False, eq=False)

    @_arming.default
    def _one_t1(self) -> Together[_Arming, Sequence[str]]:
        return Together(self._arm_lanes, self._arm, lambda one: one.claim.tenant)

    @_settling.default
    def _one_t2(self) -> Together[_Settling, Sequence[Left]]:
        return Together(self._settle_calls, self._settle, _tenant_of)

    async def arm(
        self, claim: Claim, drafts: Sequence[tuple[Draft, Decision]]
    ) -> Sequence[Armed | NotArmed]:
        docs = [_draft_doc(draft, made) for draft, made in drafts]
        answers = await self._arming.ask(_Arming(claim, docs))
        return [
            _not_armed(why) if why else Armed(draft.parcel.attempt)
            for why, (draft, _) in zip(answers, drafts, strict=True)
        ]

    async def _arm(self, one: _Arming) -> Sequence[str]:
        timing = self.timing
        answers: Sequence[str] = await self.database.value(
            "SELECT arm(%s, %s, %s, %s, %s, %s)",
            (
                one.claim.lane,
                one.claim.token,
                timing.arm_margin,
                timing.doubtful,
                timing.inbox_behind,
                jsonb(one.drafts),
            ),
        )
        return answers

    async def _arm_lanes(
        self, several: Sequence[_Arming]
    ) -> Sequence[Sequence[str] | None]:
        timing = self.timing
        asked = [
            {"lane": one.claim.lane, "token": one.claim.token, "drafts": one.drafts}
            for one in several
        ]
        return await self.database.values(
            "SELECT arm_lanes(%s, %s, %s, %s)",
            (timing.arm_margin, timing.doubtful, timing.inbox_behind, jsonb(asked)),
        )

    async def settle(self, results: Sequence[Result]) -> Sequence[Left]:
        if len({result.tenant for result in results}) != 1:
            return await self._settle(_docs(results))
        return await self._settling.ask(_docs(results))

    async def _settle(self, results: _Settling) -> Sequence[Left]:
        docs = await self.database.values(
            "SELECT settle(%s, %s, %s)",
            (jsonb(results), self.timing.first_look, self.timing.give_up),
        )
        return [_left(doc) for doc in docs if doc is not None]

    async def _settle_calls(
        self, several: Sequence[_Settling]
    ) -> Sequence[Sequence[Left] | None]:
        answers = await self.database.values(
            "SELECT settle_calls(%s, %s, %s)",
            (jsonb(several), self.timing.first_look, self.timing.give_up),
        )
        return [
            None if docs is None else [_left(doc) for doc in docs if doc is not None]
            for docs in answers
        ]

    async def give_up(self, limit: int) -> Sequence[Left]:
        timing = self.timing
        docs = await self.database.values(
            "SELECT give_up(%s, %s, %s, %s)",
            (limit, timing.rest, timing.first_look, timing.give_up),
        )
        return [_left(doc) for doc in docs if doc is not None]

    async def doubtful(self, who: Incarnation, limit: int) -> Sequence[Doubt]:
        docs = await self.database.values(
            "SELECT doubtful(%s, %s, %s)", (who, limit, self.timing.lease)
        )
        return [_doubt(doc) for doc in docs]

    async def may_repeat(self, doubt: Doubt) -> bool:
        may: bool = await self.database.value(
            "SELECT may_repeat(%s, %s, %s)",
            (doubt.tenant, doubt.parcel.attempt, self.timing.inbox_behind),
        )
        return may

    async def resolve(self, resolutions: Sequence[Resolution]) -> Sequence[Left]:
        docs = await self.database.values(
            "SELECT resolve(%s)", (jsonb([_resolution_doc(r) for r in resolutions]),)
        )
        return [_left(doc) for doc in docs if doc is not None]

    async def hurry(self) -> int:
        """Make every look due now: a run that ends asks once more about each."""
        return len(
            await self.database.values(
                """
                UPDATE duties SET due_at = least(due_at, engine_now())
                 WHERE kind = 'LOOK' AND owner IS NULL RETURNING key
                """
            )
        )

    async def units(
        self, slots: Sequence[UnitSlot], budgets: Sequence[str] = ()
    ) -> Sequence[Units]:
        docs = await self.database.values(
            """
            SELECT slot_units(l.tenant_id, l.id, s.day, %s)
              FROM unnest(%s::uuid[], %s::date[]) WITH ORDINALITY AS s (id, day, n)
              JOIN lanes l ON l.id = s.id ORDER BY s.n
            """,
            (
                list(budgets),
                [slot.sender for slot in slots],
                [slot.day for slot in slots],
            ),
        )
        return [_units(doc) for doc in docs]

    async def epoch(self, store_id: str) -> int:
        """The ledger's epoch; a new one if the guard has another store than before.

        Args:
            store_id: names the guard's store; another one after its data was lost.
        """
        epoch: int = await self.database.value("SELECT guard_epoch(%s)", (store_id,))
        return epoch


def _not_armed(said: str) -> NotArmed:
    """The reason, and what it is about."""
    why, _, detail = said.partition(" ")
    return NotArmed(WhyNotArmed(why), detail)


def _tenant_of(results: _Settling) -> Hashable:
    tenant: Hashable = results[0]["tenant"]
    return tenant


def _docs(results: Sequence[Result]) -> _Settling:
    return [_result_doc(result) for result in results]


def _draft_doc(draft: Draft, made: Decision) -> dict[str, Any]:
    parcel = draft.parcel
    return {
        "attempt": parcel.attempt,
        "intent": parcel.intent,
        "lead": draft.lead,
        "n": draft.n,
        "class": int(draft.send_class),
        "channel": parcel.permit.channel,
        "day": None if draft.unit is None else draft.unit.day,
        "limit": draft.limit,
        "counted_on": None if draft.counted is None else draft.counted.day,
        "shares": [
            {"key": share.key, "limit": share.limit, "ends_at": share.ends_at}
            for share in draft.shares
        ],
        "lead_version": draft.lead_version,
        "states": sorted(draft.states),
        "addresses": sorted(map(str, draft.addresses)),
        "valid_until": draft.valid_until,
        "automatic": draft.automatic,
        "hash": parcel.hash,
        "to": parcel.to,
        "text": parcel.text,
        "subject": parcel.subject,
        "thread": parcel.thread,
        "unsubscribe": parcel.unsubscribe,
        "campaign": parcel.campaign,
        "sender_number": parcel.sender_number,
        "aftermath": _aftermath_doc(draft.aftermath),
        "decision": decision_doc(made),
        "used": None if draft.used is None else asdict(draft.used),
    }


def _aftermath_doc(after: Aftermath | None) -> dict[str, Any] | None:
    if after is None:
        return None
    step = after.next_step
    return {
        "move_to": after.move_to,
        "ends_in": after.ends_in,
        "next": None
        if step is None
        else {
            "intent": step.intent,
            "step": step.step,
            "number": step.number,
            "channel": step.channel,
            "delay": step.delay,
        },
    }


def _result_doc(result: Result) -> dict[str, Any]:
    return {
        "attempt": result.attempt,
        "tenant": result.tenant,
        "outcome": result.outcome,
        "gap": result.gap,
        "ref": result.ref,
        "thread": result.thread,
        "detail": result.detail,
        "rest": result.rest,
        "lane_refused": result.lane_refused,
        "keep_unit": result.keep_unit,
        "retry_in": result.retry_in,
        "fall_back_to": result.fall_back_to,
        "nobody_there": result.nobody_there,
        "review": None if result.review is None else review_doc(result.review),
        "signal": result.signal,
        "signal_until": result.signal_until,
        "heard": result.heard,
    }


def _resolution_doc(made: Resolution) -> dict[str, Any]:
    return {
        "attempt": made.doubt.parcel.attempt,
        "tenant": made.doubt.tenant,
        "outcome": made.outcome,
        "ref": made.ref,
        "thread": made.thread,
        "again_at": made.again_at,
        "detail": made.detail,
        "review": None if made.review is None else review_doc(made.review),
    }


def _left(doc: Mapping[str, Any]) -> Left:
    day = doc["day"]
    slot = None
    if day is not None:
        slot = UnitSlot(SenderId(UUID(doc["sender"])), date.fromisoformat(day))
    return Left(
        attempt=AttemptId(UUID(doc["attempt"])),
        intent=IntentId(UUID(doc["intent"])),
        outcome=Outcome(doc["outcome"]),
        spent=doc["spent"],
        slot=slot,
    )


def _units(doc: Mapping[str, Any]) -> Units:
    sender, day = facts.sender(doc["phone"]), date.fromisoformat(doc["day"])
    return Units(
        slot=UnitSlot(sender.id, day),
        ids=tuple(IntentId(UUID(text)) for text in doc["ids"]),
        external=doc["external"],
        effective=effective_limit(sender.daily_limit, sender.warm_up, day),
        epoch=doc["epoch"],
        expires_in=timedelta(seconds=float(doc["expires_in"])),
        budgets=tuple(
            (key, tuple(IntentId(UUID(text)) for text in held))
            for key, held in doc["budgets"].items()
        ),
    )


def _doubt(doc: Mapping[str, Any]) -> Doubt:
    channel = Channel(doc["channel"])
    return Doubt(
        parcel=Parcel(
            attempt=AttemptId(UUID(doc["attempt"])),
            intent=IntentId(UUID(doc["intent"])),
            # The permit was proven at T1; the lead may have moved on since.
            permit=Permit(channel, State.COLD)
            if channel is not Channel.EMAIL_WARM
            else Permit(channel, State.WARM_REPLY),
            account=AccountId(UUID(doc["account"])),
            sender=SenderId(UUID(doc["sender"])),
            sender_number=doc["sender_number"],
            to=doc["to"],
            text=doc["text"],
            subject=doc["subject"] or "",
            thread=doc["thread"],
            unsubscribe=doc["unsubscribe"],
            campaign=doc["campaign"],
        ),
        tenant=TenantId(UUID(doc["tenant"])),
        lead=LeadId(UUID(doc["lead"])),
        send_class=SendClass(doc["class"]),
        called_at=datetime.fromisoformat(doc["called_at"]),
        called_on=datetime.fromisoformat(doc["called_on"]),
        now=datetime.fromisoformat(doc["now"]),
        looks=doc["looks"],
        overdue=doc["overdue"],
    )
