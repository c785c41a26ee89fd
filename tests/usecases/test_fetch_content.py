"""A reply whose text stays at the provider until it is asked for."""

from __future__ import annotations

import pytest
from attrs import evolve
from tests.usecases.engine import DAY, MINUTE, SECOND, Engine
from tests.usecases.test_take_in_events import contacted, event_of

from outreach.domain.channel import State
from outreach.domain.errors import Misconfigured, NeedsPerson
from outreach.domain.event import EventType
from outreach.domain.ids import LeadId
from outreach.domain.review import ReviewReason
from outreach.domain.sender import Sender
from outreach.domain.usecases.send_next import Step
from outreach.domain.usecases.take_in_events import PARK_AFTER
from outreach.testing.world import A


async def partly(text: str | None) -> tuple[Engine, Sender, LeadId]:
    """A lead was written to and answers; its provider has *text*, or nothing."""
    here, phone, lead = await contacted()
    event = event_of(here, phone, lead, EventType.REPLY, ref="in-1", incomplete=True)
    if text is not None:
        here.gateway.letters["in-1"] = text
    await here.arrives(event)
    return here, phone, lead


def triggers(here: Engine) -> list[str]:
    return [item.trigger for item in here.items()]


async def test_it_is_fetched_before_it_is_analysed() -> None:
    here, _, lead = await partly("Cât costă?")

    assert await here.take() == 1

    assert triggers(here) == ["Cât costă?"]
    assert here.journey(lead).state is State.WARM_REPLY


async def test_an_opt_out_that_had_to_be_fetched_opts_out() -> None:
    here, phone, lead = await contacted()
    event = event_of(here, phone, lead, EventType.REPLY, ref="in-1", incomplete=True)
    here.gateway.letters["in-1"] = "stop"
    await here.arrives(event)

    await here.take()

    assert here.journey(lead).opted_out


async def test_while_the_provider_is_away_it_waits_and_uses_no_try() -> None:
    here, phone, lead = await partly("Da")
    (other,) = await here.world.line(phone)
    here.gateway.is_reachable = False
    for _ in range(PARK_AFTER * 2):
        assert await here.take() == 1
        here.pass_time(30 * SECOND)
    here.gateway.is_reachable = True

    sent = await here.send()  # nobody else waits for that provider
    here.pass_time(30 * SECOND)
    await here.take()

    assert sent is Step.ACCEPTED
    assert here.gateway.accepted[-1].intent == here.intents_of(other)[0].intent.id
    assert here.journey(lead).reply_count == 1
    assert here.told() == []
    assert [row.tries for row in here.store.events.values()] == [0]


async def test_nothing_goes_to_the_lead_meanwhile() -> None:
    here, _, _ = await partly("Da")
    here.gateway.is_reachable = False
    await here.take()

    here.pass_time(10 * DAY)

    assert Step.ACCEPTED not in await here.run()


async def test_a_mail_that_is_gone_is_for_a_person_to_look_at() -> None:
    here, _, lead = await partly(None)

    await here.take()

    assert [item.reason for item in here.items()] == [ReviewReason.MEDIA_ONLY]
    assert here.journey(lead).reply_count == 1


@pytest.mark.parametrize("error", [Misconfigured, NeedsPerson])
async def test_what_cannot_be_fetched_is_put_before_a_person(
    error: type[Exception],
) -> None:
    here, _, lead = await partly("Da")
    take_in = here.take_in
    if error is NeedsPerson:
        take_in = evolve(take_in, fetchers={})
    here.gateway.accepts_us = False

    for _ in range(PARK_AFTER):
        with pytest.raises(error):
            await take_in(A)
        here.pass_time(MINUTE + SECOND)
    await take_in(A)

    assert [item.reason for item in here.items()] == [ReviewReason.EVENT_PARKED]
    assert [item.lead for item in here.items()] == [lead]
