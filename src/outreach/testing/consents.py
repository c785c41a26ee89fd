"""What every `Consents` owes its callers.

Subclass `ConsentsContract` in a test module, with a fixture ``world`` that gives a
fresh `World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from outreach.domain.channel import Channel
from outreach.domain.consent import CONFIRM_WITHIN, Consent, ConsentKind
from outreach.domain.errors import NotFound
from outreach.domain.ids import ConsentId, LeadId
from outreach.domain.message import WhyNotArmed
from outreach.testing.arming import why
from outreach.testing.errors import raised
from outreach.testing.world import World

__all__ = ["ConsentsContract"]

A_SECOND: Final = timedelta(seconds=1)
TEXT: Final = "Sunt de acord să primesc oferte pe e-mail."
SOURCE: Final = "târgul agricol, 3 martie, formularul 17"
MAIL, WHATSAPP = Channel.EMAIL_COLD, Channel.WHATSAPP


async def _asked(
    world: World, lead: LeadId, channel: Channel = MAIL, *, proven: bool = False
) -> Consent:
    kind = ConsentKind.PROVEN if proven else ConsentKind.ASKED
    return await world.consents.add(
        world.tenant, lead, channel, kind, text=TEXT, source=SOURCE, by="ana"
    )


class ConsentsContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_it_is_kept(self, world: World) -> None:
        """A consent is kept with its text, source, address and times."""
        (lead,) = await world.new_leads(mail=True)
        now, email = await world.now(), (await world.known(lead)).email

        mail = await _asked(world, lead)
        await world.advance_engine(A_SECOND)
        phone = await _asked(world, lead, WHATSAPP, proven=True)
        kept = await world.consents.of(world.tenant, lead)

        assert list(kept) == [mail, phone]
        assert (mail.lead, mail.channel, mail.address) == (lead, MAIL, email)
        assert (mail.text, mail.source, mail.by) == (TEXT, SOURCE, "ana")
        assert (mail.asked_at, mail.confirmed_at, mail.withdrawn_at) == (
            now,
            None,
            None,
        )
        assert phone.address == (await world.known(lead)).number
        assert phone.confirmed_at == phone.asked_at == now + A_SECOND

    async def test_it_counts_once_confirmed(self, world: World) -> None:
        """What was asked for counts once it is confirmed."""
        (lead,) = await world.new_leads(mail=True)
        consent = await _asked(world, lead)
        await world.advance_engine(CONFIRM_WITHIN - A_SECOND)

        done = await world.consents.confirm(world.tenant, consent.id)
        (kept,) = await world.consents.of(world.tenant, lead)

        assert done
        assert not consent.stands
        assert kept.stands
        assert kept.confirmed_at == await world.now()

    async def test_the_first_time_stays(self, world: World) -> None:
        """Confirming again keeps the first time."""
        (lead,) = await world.new_leads(mail=True)
        consent = await _asked(world, lead)
        await world.consents.confirm(world.tenant, consent.id)
        (first,) = await world.consents.of(world.tenant, lead)
        await world.advance_engine(2 * CONFIRM_WITHIN)

        again = await world.consents.confirm(world.tenant, consent.id)

        assert again
        assert list(await world.consents.of(world.tenant, lead)) == [first]

    async def test_too_late(self, world: World) -> None:
        """What was not confirmed in time cannot be any more."""
        (lead,) = await world.new_leads(mail=True)
        consent = await _asked(world, lead)
        await world.advance_engine(CONFIRM_WITHIN)

        done = await world.consents.confirm(world.tenant, consent.id)

        assert not done
        assert list(await world.consents.of(world.tenant, lead)) == [consent]

    async def test_withdrawn(self, world: World) -> None:
        """A withdrawn consent counts no more, and nothing decided before is armed."""
        _, (lead,) = await world.phone_with()
        consent = await _asked(world, lead, WHATSAPP, proven=True)
        claim = await world.claim()

        ended = await world.consents.withdraw(world.tenant, lead, WHATSAPP, by="ana")
        call = await world.arm(claim)
        (kept,) = await world.consents.of(world.tenant, lead)
        again = await world.consents.withdraw(world.tenant, lead, WHATSAPP, by="eva")

        assert (ended, again) == (1, 0)
        assert not kept.stands
        assert kept.withdrawn_at == await world.now()
        assert why(call) is WhyNotArmed.STALE
        assert not await world.consents.confirm(world.tenant, consent.id)

    async def test_mail_is_mail(self, world: World) -> None:
        (lead,) = await world.new_leads(mail=True)
        await _asked(world, lead)
        await _asked(world, lead, WHATSAPP)

        ended = await world.consents.withdraw(
            world.tenant, lead, Channel.EMAIL_WARM, by="ana"
        )

        kept = await world.consents.of(world.tenant, lead)
        assert ended == 1
        assert {one.channel for one in kept if one.withdrawn_at is None} == {WHATSAPP}

    async def test_a_case_tells(self, world: World) -> None:
        """A case says what its lead lacks."""
        _, (lead,) = await world.phone_with()
        await _asked(world, lead, WHATSAPP, proven=True)
        before = await world.claim()
        await world.lanes.free(before)

        await world.consents.withdraw(world.tenant, lead, WHATSAPP, by="ana")
        after = await world.claim()
        explained = await world.decisions.explain(world.tenant, lead)

        assert before.cases[0].consent == ""
        assert after.cases[0].consent == "the consent was withdrawn"
        assert [case.consent for case in explained.cases] == [after.cases[0].consent]

    async def test_a_page_tells(self, world: World) -> None:
        """A page of leads to enrol tells what each agreed to."""
        plain, asked = await world.new_leads(2, mail=True)
        consent = await _asked(world, asked)
        campaign, _ = await world.campaign()

        page = await world.campaigns.enrollable(world.tenant, campaign, None, 10)

        told = {one.lead: one.consents for one in page}
        assert told == {plain: (), asked: (consent,)}

    async def test_what_is_not_there(self, world: World) -> None:
        (lead,) = await world.new_leads()
        nobody = LeadId(UUID(int=404))

        assert await raised(NotFound, _asked(world, lead, MAIL))
        assert await raised(NotFound, _asked(world, nobody))
        gone = world.consents.withdraw(world.tenant, nobody, MAIL, by="ana")
        assert await raised(NotFound, gone)
        unknown = ConsentId(UUID(int=404))
        assert not await world.consents.confirm(world.tenant, unknown)
        assert list(await world.consents.of(world.tenant, nobody)) == []

    async def test_another_tenants(self, world: World) -> None:
        """The consents of another tenant are never seen."""
        (lead,) = await world.new_leads(mail=True)
        consent = await _asked(world, lead)

        seen = await world.consents.of(world.stranger, lead)
        done = await world.consents.confirm(world.stranger, consent.id)
        ended = world.consents.withdraw(world.stranger, lead, MAIL, by="eva")

        assert list(seen) == []
        assert not done
        assert await raised(NotFound, ended)
        assert list(await world.consents.of(world.tenant, lead)) == [consent]
