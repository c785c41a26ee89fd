"""What a gateway owes whose provider works by campaigns of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from typing import Final, Protocol
from uuid import UUID

from attrs import evolve

from outreach.domain.errors import Unavailable
from outreach.domain.ids import AccountId, CampaignId, StepId
from outreach.domain.provider_campaign import CampaignHold, CampaignPlan
from outreach.ports.gateway import Again, Held, Running, RunsCampaigns
from outreach.testing.gateway_bench import Situation, Workbench

__all__ = ["PLAN", "CampaignsWorkbench", "RunsCampaignsContract"]

PLAN: Final = CampaignPlan(
    account=AccountId(UUID("0d2b7c0e-64a5-5f0f-8d0c-5f3d1c9f7a11")),
    campaign=CampaignId(UUID("5c2f0b5e-52a7-5c69-8f4e-3f0d5b7c1a22")),
    step=StepId(UUID("5c2f0b5e-52a7-5c69-8f4e-3f0d5b7c1a23")),
    sequence="agri",
    number=2,
    zone="Europe/Bucharest",
    opens=time(9),
    closes=time(18),
)
_STOPPED: Final = (
    CampaignHold.BOUNCES,
    CampaignHold.SENDERS,
    CampaignHold.SUSPENDED,
    CampaignHold.PAUSED,
)


class CampaignsWorkbench(Workbench, Protocol):
    """A workbench whose provider works by campaigns."""

    @property
    def started(self) -> Sequence[str]:
        """Names of the campaigns that send."""
        ...

    @property
    def made(self) -> Sequence[str]:
        """Names of all campaigns, one entry each."""
        ...

    async def make(self, plan: CampaignPlan) -> str:
        """Somebody else makes the campaign of that plan, and does not start it."""
        ...

    async def spoil(self) -> None:
        """From now on the provider keeps something else than it is asked for."""
        ...

    async def stop(self, ref: str, why: CampaignHold) -> None:
        """The provider stops a campaign by itself."""
        ...


def _runner(bench: Workbench) -> RunsCampaigns:
    assert isinstance(bench.gateway, RunsCampaigns)
    return bench.gateway


async def _running(bench: CampaignsWorkbench, plan: CampaignPlan = PLAN) -> str:
    answer = await _runner(bench).ensure(plan)
    assert isinstance(answer, Running), answer
    return answer.ref


class RunsCampaignsContract:
    """Every promise of `RunsCampaigns`."""

    async def test_asked_again(self, bench: CampaignsWorkbench) -> None:
        """Asked again for the same plan, it makes no second campaign."""
        ref = await _running(bench)

        again = [
            await _runner(bench).ensure(PLAN),
            await _runner(bench).ensure(PLAN, ref),
        ]
        other = evolve(PLAN, number=3)
        await _running(bench, other)

        assert again == [Running(ref), Running(ref)]
        assert list(bench.made) == [PLAN.name, other.name]
        assert sorted(bench.started) == sorted(bench.made)

    async def test_one_that_is_there(self, bench: CampaignsWorkbench) -> None:
        """A campaign that is there already is found by its name, whoever made it."""
        ref = await bench.make(PLAN)

        answer = await _runner(bench).ensure(PLAN)

        assert answer == Running(ref)
        assert len(bench.made) == 1

    async def test_a_lost_answer(self, bench: CampaignsWorkbench) -> None:
        """Nothing is written again before it was looked for."""
        await bench.arrange(Situation.CUT_OFF)
        lost = await _runner(bench).ensure(PLAN)
        await bench.arrange(Situation.WELL)

        await _running(bench)

        assert isinstance(lost, Again), lost
        assert len(bench.made) == 1

    async def test_one_that_is_otherwise(self, bench: CampaignsWorkbench) -> None:
        """It is started only after it was read back as planned."""
        await bench.spoil()

        answers = [await _runner(bench).ensure(PLAN) for _ in range(2)]

        assert all(isinstance(one, Held) for one in answers), answers
        assert list(bench.started) == []
        assert len(bench.made) == 1

    async def test_one_that_was_stopped(self, bench: CampaignsWorkbench) -> None:
        """One that the provider stopped (bounces, senders, suspended) is not
        started.
        """
        for number, why in enumerate(_STOPPED, 1):
            plan = evolve(PLAN, number=number)
            ref = await _running(bench, plan)
            await bench.stop(ref, why)

            answers = [
                await _runner(bench).ensure(plan, ref),
                await _runner(bench).state(ref),
            ]

            assert [type(one) for one in answers] == [Held, Held], (why, answers)
            assert [one.hold for one in answers if isinstance(one, Held)] == [why] * 2
            assert plan.name not in bench.started

    async def test_a_person_starts_it_again(self, bench: CampaignsWorkbench) -> None:
        ref = await _running(bench)
        await bench.stop(ref, CampaignHold.PAUSED)

        answer = await _runner(bench).resume(ref)

        assert answer == Running(ref)
        assert list(bench.started) == [PLAN.name]

    async def test_running_raises_nothing(self, bench: CampaignsWorkbench) -> None:
        """Nothing the provider or the network does is raised."""
        ref = await _running(bench)
        for situation in Situation:
            await bench.arrange(situation)
            for answer in (
                await _runner(bench).ensure(evolve(PLAN, number=4)),
                await _runner(bench).ensure(PLAN, ref),
                await _runner(bench).state(ref),
                await _runner(bench).resume(ref),
            ):
                assert isinstance(answer, Running | Held | Again), (situation, answer)

    async def test_counts_of_nothing(self, bench: CampaignsWorkbench) -> None:
        ref = await _running(bench)

        counts = list(await _runner(bench).counts([ref]))
        await bench.arrange(Situation.UNREACHABLE)
        raised = None
        try:
            await _runner(bench).counts([ref])
        except Unavailable as error:
            raised = error

        assert [one.ref for one in counts if one.contacted or one.bounced] == []
        assert raised is not None
