"""Find out what became of sends whose answer was lost; never send them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import field, frozen

from outreach.domain.budget import UnitSlot
from outreach.domain.errors import RetryLater
from outreach.domain.ids import (
    AccountId,
    Incarnation,
    IntentId,
    review_id,
)
from outreach.domain.message import Accepted, Outcome, Refused
from outreach.domain.review import (
    Priority,
    ReviewCalendar,
    ReviewItem,
    ReviewReason,
    fingerprint,
    sla_due,
)
from outreach.domain.sender import SendClass
from outreach.domain.timing import Timing
from outreach.ports.gateway import (
    Absent,
    CannotTell,
    Found,
    LooksUp,
    LooksUpMany,
    RepeatsSafely,
)
from outreach.ports.guard import Guard
from outreach.ports.intents import Doubt, Intents, Resolution

__all__ = ["LookForDoubts", "Recover"]

ONE_BY_ONE: Final = 20
TOGETHER: Final = 100
"""Doubts that are taken at a time, also where one question is about many."""


@frozen
class Recover:
    """Calls past their deadline become UNKNOWN; their lanes go on."""

    intents: Intents

    async def __call__(self, limit: int = 100) -> int:
        """Answers how many there were."""
        return len(await self.intents.give_up(limit))


@frozen
class LookForDoubts:
    """Asks the provider where it can be asked; waits for the deadline where not.

    Doubts of one campaign are asked about by one question, where a provider takes one.
    A provider that repeats safely is given the message again, with its key, for as
    long as T1 would let it go; one that was asked about many, only what is not there.
    Found is ACCEPTED. Not found is asked again until the deadline: a history that lacks
    a message proves nothing about a message that is still on its way. At the deadline
    the message counts as sent (ABANDONED); a reply to a warm lead becomes a review
    item, for a person knows what to do.
    """

    intents: Intents
    guard: Guard
    lookups: Mapping[AccountId, LooksUp]
    reviewers: ReviewCalendar
    timing: Timing = Timing()
    repeats: Mapping[AccountId, RepeatsSafely] = field(factory=dict)
    bulk: Mapping[AccountId, LooksUpMany] = field(factory=dict)

    async def __call__(self, who: Incarnation, limit: int | None = None) -> int:
        """Look at due doubts; answers how many there were."""
        most = limit or (TOGETHER if self.bulk else ONE_BY_ONE)
        doubts = await self.intents.doubtful(who, most)
        await self._each(self._batches(doubts))
        return len(doubts)

    def _batches(self, doubts: Sequence[Doubt]) -> list[list[Doubt]]:
        """Those that one question is about."""
        batches: dict[object, list[Doubt]] = {}
        for doubt in doubts:
            of: object = doubt.parcel.attempt
            account = doubt.parcel.account
            if account in self.bulk:
                of = account, doubt.parcel.campaign
            batches.setdefault(of, []).append(doubt)
        return list(batches.values())

    async def _each(self, batches: Sequence[Sequence[Doubt]]) -> None:
        """One that fails delays no other."""
        for place, batch in enumerate(batches, 1):
            try:
                await self._look(batch)
            except RetryLater:
                raise
            except Exception:
                await self._each(batches[place:])
                raise

    async def _look(self, batch: Sequence[Doubt]) -> None:
        """A look that fails is one that told nothing: the deadline holds for it too."""
        try:
            made = await self._resolve(batch)
        except Exception as error:
            failed = f"the look failed: {type(error).__name__}"
            for doubt in batch:
                # Else nothing is recorded: it is due again after its lease.
                if doubt.overdue or not isinstance(error, RetryLater):
                    await self._record(self._unsure(doubt, failed))
            raise
        for one in made:
            await self._record(one)

    async def _record(self, made: Resolution) -> None:
        for left in await self.intents.resolve([made]):
            if left.slot is not None and not left.spent:
                await self._release(left.slot, left.intent)

    async def _repeat(self, doubt: Doubt) -> Resolution | None:
        """What giving it to the provider again has proven, if it has."""
        provider = self.repeats.get(doubt.parcel.account)
        if provider is None or not await self.intents.may_repeat(doubt):
            return None
        within = self.timing.call + self.timing.connect
        answer = await provider.repeat(doubt.parcel, doubt.called_on, within)
        match answer:
            case Accepted(ref=ref, thread=thread):
                return Resolution(doubt, Outcome.ACCEPTED, ref=ref, thread=thread)
            case Refused(kind=kind):
                # The key has no other answer, so it was not taken the first time: the
                # next attempt meets the refusal, and goes on from there.
                detail = f"repeated: {kind}"
                return Resolution(doubt, Outcome.NOT_SENT, detail=detail)
            case _:
                return None  # this time it was not taken; what of the first is open

    async def _resolve(self, batch: Sequence[Doubt]) -> list[Resolution]:
        first = batch[0]
        many = self.bulk.get(first.parcel.account)
        if many is not None:
            answers = await _asked(many, batch)
            return [
                await self._weighed(doubt, seen)
                for doubt, seen in zip(batch, answers, strict=True)
            ]
        repeated = await self._repeat(first)
        if repeated is not None:
            return [repeated]
        provider = self.lookups.get(first.parcel.account)
        if provider is None:
            return [self._unsure(first, "this provider cannot be asked")]
        return [self._seen(first, await provider.look(first.parcel, first.called_on))]

    async def _weighed(
        self, doubt: Doubt, seen: Found | Absent | CannotTell
    ) -> Resolution:
        """What many were asked about at once is repeated only if it is not there, and
        not at the first look: it may just be on its way.
        """
        repeated = None
        if isinstance(seen, Absent) and doubt.looks:
            repeated = await self._repeat(doubt)
        return repeated or self._seen(doubt, seen)

    def _seen(self, doubt: Doubt, seen: Found | Absent | CannotTell) -> Resolution:
        if isinstance(seen, Found):
            return Resolution(doubt, Outcome.ACCEPTED, ref=seen.ref, thread=seen.thread)
        return self._unsure(doubt, f"looked: {type(seen).__name__}")

    def _unsure(self, doubt: Doubt, detail: str) -> Resolution:
        """Nobody can tell: again later, or at the deadline for good."""
        if doubt.overdue:
            return Resolution(
                doubt,
                Outcome.ABANDONED,
                detail=detail,
                review=self._uncertain(doubt),
            )
        again = self.timing.second_look if doubt.looks == 0 else self.timing.later_look
        return Resolution(
            doubt, Outcome.UNKNOWN, again_at=doubt.now + again, detail=detail
        )

    def _uncertain(self, doubt: Doubt) -> ReviewItem | None:
        if doubt.send_class not in {SendClass.APPROVED, SendClass.AI}:
            return None
        parcel = doubt.parcel
        return ReviewItem(
            id=review_id(f"uncertain/{parcel.attempt}"),
            tenant=doubt.tenant,
            lead=doubt.lead,
            reason=ReviewReason.SEND_UNCERTAIN,
            priority=Priority.URGENT,
            opened_at=doubt.now,
            sla_due_at=sla_due(Priority.URGENT, doubt.now, self.reviewers),
            trigger=parcel.text,
            fingerprint=fingerprint(
                parcel.to, parcel.permit.channel, parcel.text, doubt.now
            ),
        )

    async def _release(self, slot: UnitSlot, intent: IntentId) -> None:
        try:
            await self.guard.release(intent, slot)
        except RetryLater:
            return  # best effort: the guard then holds a unit too many until rebuilt


async def _asked(
    provider: LooksUpMany, batch: Sequence[Doubt]
) -> Sequence[Found | Absent | CannotTell]:
    """One answer per doubt."""
    since = min(doubt.called_on for doubt in batch)
    answers = await provider.look_many([one.parcel for one in batch], since)
    if len(answers) == len(batch):
        return answers
    # Whose answer is whose, nobody can tell.
    return [CannotTell(f"{len(answers)} answers for {len(batch)}")] * len(batch)
