"""What every `Switches` owes its callers.

Subclass `SwitchesContract` in a test module, with a fixture ``world`` that gives a
fresh `World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final
from uuid import uuid4

from attrs import evolve

from outreach.domain.address import AddressKey, AddressKind, email_keys
from outreach.domain.channel import State
from outreach.domain.decision import Reason, Verdict
from outreach.domain.lead_file import ImportId
from outreach.domain.message import Armed, NotArmed, WhyNotArmed
from outreach.domain.sender import SendClass
from outreach.domain.suppression import (
    Suppression,
    SuppressionReason,
    Switch,
    SwitchScope,
)
from outreach.testing import invented
from outreach.testing.arming import why
from outreach.testing.world import HOUR, World

__all__ = ["SwitchesContract"]

MANY: Final = 5
APPROVED: Final = SendClass.APPROVED


async def _throw(world: World, scope: SwitchScope, of: str = "") -> Switch:
    return await world.switches.throw(world.tenant, scope, of, reason="test", by="ana")


async def _lift(world: World, scope: SwitchScope, of: str = "") -> bool:
    return await world.switches.lift(world.tenant, scope, of, reason="ok", by="ana")


class SwitchesContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_nothing_covered_is_armed(self, world: World) -> None:
        """Nothing a thrown switch covers is armed after its commit."""
        phone, _ = await world.phone_with()
        covering = [
            (SwitchScope.ALL, ""),
            (SwitchScope.TENANT, ""),
            (SwitchScope.CHANNEL, "WHATSAPP"),
            (SwitchScope.SENDER, str(phone.id)),
        ]
        reasons = []

        for scope, of in covering:
            claim = await world.claim()
            await _throw(world, scope, of)
            reasons.append(str(why(await world.arm(claim))))
            reasons.append(str(len(await world.claims())))
            await _lift(world, scope, of)

        assert reasons == ["SWITCHED_OFF", "0"] * len(covering)
        assert (await world.arm()).armed

    async def test_what_is_not_covered_goes_on(self, world: World) -> None:
        await world.phone_with()
        (theirs,) = await world.phones(tenant=world.stranger)

        for scope, of in (
            (SwitchScope.CHANNEL, "EMAIL_COLD"),
            (SwitchScope.SENDER, str(theirs.id)),
        ):
            await _throw(world, scope, of)
        await world.switches.throw(
            world.stranger, SwitchScope.TENANT, "", reason="test", by="eva"
        )

        assert (await world.arm()).armed

    async def test_throwing_twice_keeps_the_first_reason(self, world: World) -> None:
        """Throwing twice keeps the first reason."""
        scope, tenant = SwitchScope.TENANT, world.tenant

        first = await world.switches.throw(tenant, scope, "", reason="one", by="ana")
        second = await world.switches.throw(tenant, scope, "", reason="two", by="eva")

        assert first == second
        assert (first.scope, first.of) == (scope, "")
        assert (first.reason, first.by) == ("one", "ana")
        assert list(await world.switches.thrown(tenant)) == [first]

    async def test_thrown_tells_what_concerns_the_tenant(self, world: World) -> None:
        everything = await world.switches.throw(
            world.stranger, SwitchScope.ALL, "", reason="test", by="operator"
        )
        await world.advance_engine(timedelta(seconds=1))
        ours = await _throw(world, SwitchScope.CHANNEL, "WHATSAPP")

        assert list(await world.switches.thrown(world.tenant)) == [everything, ours]
        assert list(await world.switches.thrown(world.stranger)) == [everything]

    async def test_lifting_wakes_what_was_stopped(self, world: World) -> None:
        """Lifting wakes what the switch had stopped."""
        _, (lead,) = await world.phone_with()
        await world.quiet()
        await _throw(world, SwitchScope.TENANT)
        stopped = await world.lanes.next_wake()

        lifted = await _lift(world, SwitchScope.TENANT)
        again = await _lift(world, SwitchScope.TENANT)
        woken = await world.lanes.next_wake()

        assert (lifted, again) == (True, False)
        assert (stopped, woken) == (None, timedelta())
        assert list(await world.switches.thrown(world.tenant)) == []
        assert await world.offered() == [lead]

    async def test_one_of_two_switches_is_not_enough(self, world: World) -> None:
        await world.phone_with()
        await world.quiet()
        await _throw(world, SwitchScope.TENANT)
        await _throw(world, SwitchScope.CHANNEL, "WHATSAPP")

        await _lift(world, SwitchScope.TENANT)

        assert await world.lanes.next_wake() is None

    async def test_an_open_breaker_stops_its_campaign(self, world: World) -> None:
        """An open breaker stops its campaign and nothing else."""
        (phone,) = await world.phones()
        (lead,) = await world.line(phone, mail=True, within=8 * HOUR)
        mail = await world.mail(phone, lead)
        reply = await world.mail(phone, lead, enrolment=None, send_class=APPROVED)
        claim = await world.claim()
        cases = {case.intent.id: case for case in claim.cases}
        campaign = cases[mail].campaign
        assert campaign is not None
        drafts = [world.draft(claim, cases[one]) for one in (mail, reply)]

        await _throw(world, SwitchScope.CAMPAIGN, str(campaign))
        refused, armed = await world.intents.arm(claim, drafts)
        (switch,) = await world.switches.thrown(world.tenant)

        assert isinstance(refused, NotArmed)
        assert refused.why is WhyNotArmed.SWITCHED_OFF
        assert isinstance(armed, Armed)
        assert (switch.scope, switch.of) == (SwitchScope.CAMPAIGN, str(campaign))

    async def test_a_breaker_of_mail_lets_the_rest_go(self, world: World) -> None:
        """One that opened by what became of its mail stops its mail alone."""
        (phone,) = await world.phones()
        leads = await world.line(phone, 2, mail=True)
        mail = await world.mail(phone, leads[0])
        claims = await world.claims()
        cases = [case for claim in claims for case in claim.cases]
        for claim in claims:
            await world.lanes.free(claim)
        (campaign,) = {str(case.campaign) for case in cases}
        scope, sent = SwitchScope.CAMPAIGN, {}
        for by in ("ana", "engine"):
            await world.switches.throw(world.tenant, scope, campaign, reason="x", by=by)
            for claim in await world.claims():
                case = claim.cases[0]
                (verdict,) = await world.intents.arm(
                    claim, [world.draft(claim, evolve(case, switches=()))]
                )
                name = "mail" if case.intent.id == mail else "first"
                sent[by, name] = isinstance(verdict, Armed)
            await world.switches.lift(world.tenant, scope, campaign, reason="", by=by)

        assert sent["engine", "mail"] is False
        assert sent["engine", "first"] is True
        assert not any(went for (by, _), went in sent.items() if by == "ana")

    async def test_a_breaker_is_what_a_decision_sees(self, world: World) -> None:
        (phone,) = await world.phones()
        (lead,) = await world.line(phone, mail=True, within=8 * HOUR)
        mail = await world.mail(phone, lead)
        claim = await world.claim()
        (campaign,) = {case.campaign for case in claim.cases}
        await world.lanes.free(claim)

        await _throw(world, SwitchScope.CAMPAIGN, str(campaign))
        claim = await world.claim()
        case = next(one for one in claim.cases if one.intent.id == mail)
        made = world.decide(case, claim)
        await world.lanes.free(claim)
        await _lift(world, SwitchScope.CAMPAIGN, str(campaign))

        assert (made.verdict, made.binding) == (Verdict.HOLD, Reason.BREAKER_OPEN)
        assert (await world.call_for(mail)).armed

    async def test_nothing_for_a_suppressed_address(self, world: World) -> None:
        """Nothing is armed for a suppressed address after its commit."""
        _, (lead,) = await world.phone_with()
        claim = await world.claim()
        (key,) = claim.cases[0].addresses
        said = Suppression(key, SuppressionReason.OPT_OUT, "ana", claim.now)

        new = await world.switches.suppress(world.tenant, [said])
        call = await world.arm(claim)
        again = await world.switches.suppress(world.tenant, [said])
        await world.advance_engine(HOUR)
        known = await world.known(lead)

        assert (new, again) == (1, 0)
        assert str(why(call)) == "SUPPRESSED"
        assert await world.offered() == []
        assert known.journey.opted_out
        assert known.journey.state is State.DEAD
        assert known.waiting == ()

    async def test_a_bounce_is_no_opt_out(self, world: World) -> None:
        _, (lead,) = await world.phone_with()
        claim = await world.claim()
        (key,) = claim.cases[0].addresses
        said = Suppression(key, SuppressionReason.BOUNCE, "provider", claim.now)

        await world.switches.suppress(world.tenant, [said])
        await world.lanes.free(claim)
        known = await world.known(lead)

        assert not known.journey.opted_out
        assert known.waiting == ()
        assert await world.offered() == []

    async def test_a_domain_suppresses_its_addresses(self, world: World) -> None:
        """A suppressed domain suppresses its addresses."""
        (phone,) = await world.phones()
        await world.line(phone, mail=True)
        claim = await world.claim()
        keys = claim.cases[0].addresses
        (domain,) = [key for key in keys if key.kind is AddressKind.DOMAIN]
        said = Suppression(domain, SuppressionReason.PERSON, "ana", claim.now)

        await world.switches.suppress(world.tenant, [said])
        call = await world.arm(claim)

        assert str(why(call)) == "SUPPRESSED"

    async def test_an_address_suppresses_its_sub_addresses(self, world: World) -> None:
        """A suppressed address suppresses its sub-addresses."""
        phone, (other,) = await world.phone_with()
        number = invented.new_lead(900, mail=True)
        (mail,) = number.emails
        sub = evolve(mail, address=mail.address.replace("@", "+oferte@"))
        run = ImportId(uuid4())
        row = evolve(number, emails=(sub,))
        (stored,) = await world.leads.store(world.tenant, [row], run=run)
        lead = stored.lead
        (intent,) = await world.enrolled([lead])
        await world.allocations.allocate(world.tenant, {intent: phone.id})
        campaign, _ = await world.campaign(name="another")
        claim = await world.claim()
        await world.lanes.free(claim)
        key = AddressKey(AddressKind.EMAIL, mail.address)
        said = Suppression(key, SuppressionReason.PERSON, "ana", claim.now)

        await world.switches.suppress(world.tenant, [said])
        page = await world.campaigns.enrollable(world.tenant, campaign, None, 10)

        assert (await world.known(lead)).waiting == ()
        assert (await world.known(other)).waiting != ()
        assert {one.lead: one.suppressed for one in page} == {other: False, lead: True}

    async def test_a_send_to_a_sub_address_is_not_armed(self, world: World) -> None:
        (phone,) = await world.phones()
        await world.line(phone, mail=True)
        claim = await world.claim()
        case = claim.cases[0]
        (mail,) = [one for one in case.addresses if one.kind is AddressKind.EMAIL]
        said = Suppression(mail, SuppressionReason.PERSON, "ana", claim.now)
        keys = email_keys(mail.value.replace("@", "+oferte@"))

        await world.switches.suppress(world.stranger, [evolve(said, everywhere=True)])
        call = await world.arm(claim, addresses=keys)

        assert str(why(call)) == "SUPPRESSED"

    async def test_the_list_is_the_tenants_and_the_global_one(
        self, world: World
    ) -> None:
        now = await world.now()
        keys = [AddressKey.of(f"phone:+4073000000{n}") for n in range(3)]
        own, foreign, everywhere = [
            Suppression(key, SuppressionReason.PERSON, "ana", now) for key in keys
        ]
        everywhere = evolve(everywhere, everywhere=True)

        await world.switches.suppress(world.tenant, [own])
        await world.switches.suppress(world.stranger, [foreign, everywhere])

        ours = {one.key for one in await world.switches.suppressed(world.tenant)}
        theirs = {one.key for one in await world.switches.suppressed(world.stranger)}
        assert ours == {own.key, everywhere.key}
        assert theirs == {foreign.key, everywhere.key}
        listed = await world.switches.suppressed(world.tenant)
        assert [one.everywhere for one in listed if one.key == keys[2]] == [True]

    async def test_the_same_address_at_once_counts_once(self, world: World) -> None:
        now = await world.now()
        key = AddressKey.of("phone:+40730000000")
        said = Suppression(key, SuppressionReason.PERSON, "ana", now)

        answers = await asyncio.gather(
            *(world.switches.suppress(world.tenant, [said]) for _ in range(MANY))
        )

        assert sum(answers) == 1
