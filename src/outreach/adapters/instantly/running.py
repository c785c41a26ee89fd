"""Makes a campaign, starts it, and says why it sends or does not.

Nothing here is done twice in one call: a status that is no good is told, and the next
call looks again. Whether a campaign is as planned is read from the vendor's own answer
to a question, never taken from the answer to a write.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from outreach.adapters.instantly import campaigns as of
from outreach.adapters.instantly.api import Api, read
from outreach.adapters.instantly.campaigns import Campaign, Wanted
from outreach.adapters.instantly.words import COMPLETED, DRAFT, PAUSED, Json
from outreach.domain.errors import (
    Misconfigured,
    NotFound,
    RetryLater,
    Unavailable,
)
from outreach.domain.provider_campaign import (
    TAKES_LEADS,
    CampaignCounts,
    CampaignHold,
    CampaignPlan,
)
from outreach.ports.gateway import Again, Confirmed, Held, Running

__all__ = ["counts", "ensure", "pause", "resume", "state"]

Stands = Running | Held | Again

_AT_ONCE: Final = 50
"""Campaigns asked about in one request: their ids stand in the address."""
_QUIET: Final = frozenset({DRAFT, PAUSED, COMPLETED})
_CAMPAIGN: Final = "campaign"
_STARTED_BY_US: Final = frozenset({DRAFT, COMPLETED})
"""A completed one had no leads left; it is started again for new ones."""


async def ensure(api: Api, plan: CampaignPlan, ref: str, today: date) -> Stands:
    """See `RunsCampaigns.ensure`; Running also where it waits for its hours, a limit
    or leads, which `state` tells apart.
    """
    try:
        return await _ensure(api, plan, ref, today)
    except (RetryLater, Misconfigured, NotFound) as error:
        return _again(error)


async def state(api: Api, ref: str) -> Stands:
    """See `RunsCampaigns.state`."""
    try:
        return await _state(api, ref)
    except NotFound:
        return Held(ref, CampaignHold.OTHER, "the campaign is gone")
    except (RetryLater, Misconfigured) as error:
        return _again(error)


async def resume(api: Api, ref: str) -> Stands:
    """See `RunsCampaigns.resume`."""
    try:
        return await _start(api, ref)
    except NotFound:
        return Held(ref, CampaignHold.OTHER, "the campaign is gone")
    except (RetryLater, Misconfigured) as error:
        return _again(error)


async def counts(api: Api, refs: Sequence[str]) -> Sequence[CampaignCounts]:
    """See `RunsCampaigns.counts`."""
    asked = list(dict.fromkeys(filter(_is_id, refs)))
    found: list[CampaignCounts] = []
    for start in range(0, len(asked), _AT_ONCE):
        some = asked[start : start + _AT_ONCE]
        try:
            reply = await api.fetch(of.counts_request(some), "counts of campaigns")
            told = of.read_counts(read(reply, "counts of campaigns"), set(some))
        except (Misconfigured, NotFound) as error:
            raise Unavailable(str(error)) from error
        if told is None:
            message = "instantly's counts of campaigns cannot be read"
            raise Unavailable(message)
        found += told
    return [one for one in found if one.contacted]


async def pause(api: Api, about: str, ref: str) -> Confirmed | Again:
    """Pause the vendor's campaign *ref*, or every one that was made for ours, which
    bears its id at the end of its name; confirmed once its status says so.
    """
    try:
        if ref:
            return await _pause(api, ref)
        for there in await _search(api, about):
            if there.name.startswith(of.NAME_BEGINS) and there.name.endswith(about):
                answer = await _pause(api, there.id)
                if isinstance(answer, Again):
                    return answer
    except (RetryLater, Misconfigured, NotFound) as error:
        return Again(str(error), _wait(error))
    return Confirmed()


async def _pause(api: Api, ref: str) -> Confirmed | Again:
    if not _is_id(ref):
        return Again("the stop names no campaign of this vendor")
    try:
        if not _sends(await _campaign(api, ref)):
            return Confirmed()
        await api.thing(of.pause_request(ref), _CAMPAIGN)
        if not _sends(await _campaign(api, ref)):
            return Confirmed()
    except NotFound:
        return Confirmed("the campaign is gone")
    return Again("the campaign is not paused yet")


def _sends(there: Campaign) -> bool:
    """Whether it may send by itself, now or when its mailboxes are well again."""
    return there.status not in _QUIET


async def _ensure(api: Api, plan: CampaignPlan, ref: str, today: date) -> Stands:
    planned = of.wanted(plan, today)
    if planned is None:
        says = (
            f"no zone of the vendor has an hour a day inside {plan.opens:%H:%M}-"
            f"{plan.closes:%H:%M} in {plan.zone} all the year: widen the window"
        )
        return Held(ref, CampaignHold.OTHER, says)
    there = await _found(api, planned, str(plan.campaign), ref)
    if there is None:
        made = await api.thing(of.create_request(planned), _CAMPAIGN)
        there = await _campaign(api, Campaign.read(made).id)
    there = await _mended(api, there, _differing(there, planned))
    if differs := there.differs(planned):
        says = f"not as planned, and cannot be set: {', '.join(differs)}"
        return Held(there.id, CampaignHold.OTHER, says)
    active = of.mailboxes(await api.listed(of.accounts_request, "mailboxes"))
    if not active:
        return Held(there.id, CampaignHold.SENDERS, "no mailbox is active")
    if there.mailboxes() != set(active):
        there = await _mended(api, there, {"email_list": active})
        if there.mailboxes() != set(active):
            says = "the active mailboxes cannot be given to it"
            return Held(there.id, CampaignHold.SENDERS, says)
    if there.status in _STARTED_BY_US:
        return _passing(await _start(api, there.id))
    hold = of.hold_of(there.status)
    if hold is not None:
        return Held(there.id, hold, f"status {there.status}")
    return _passing(await _state(api, there.id))


async def _found(api: Api, planned: Wanted, ours: str, ref: str) -> Campaign | None:
    """The campaign by the vendor's id, else by its very name, the oldest first."""
    if _is_id(ref):
        try:
            return await _campaign(api, ref)
        except NotFound:
            pass  # somebody deleted it
    named = [one for one in await _search(api, ours) if one.name == planned.name]
    if not named:
        return None
    first = min(named, key=lambda one: (one.made_at, one.id))
    return await _campaign(api, first.id)


async def _search(api: Api, ours: str) -> list[Campaign]:
    """Campaigns whose name has our campaign's id in it."""
    items = await api.listed(
        lambda after: of.campaigns_request(ours, after), "campaigns"
    )
    return [one for one in map(Campaign.read, items) if _is_id(one.id)]


async def _campaign(api: Api, ref: str) -> Campaign:
    if not _is_id(ref):
        message = "instantly did not tell the campaign's id"
        raise Unavailable(message)
    there = Campaign.read(await api.thing(of.campaign_request(ref), _CAMPAIGN))
    if there.id != ref or there.status is None:
        message = "instantly told another campaign, or none"
        raise Unavailable(message)
    return there


def _differing(there: Campaign, planned: Wanted) -> Json:
    return {name: planned.settings[name] for name in there.differs(planned)}


async def _mended(api: Api, there: Campaign, changes: Json) -> Campaign:
    """Set what differs, and read it back."""
    if not changes:
        return there
    await api.thing(of.mend_request(there.id, changes), _CAMPAIGN)
    return await _campaign(api, there.id)


async def _start(api: Api, ref: str) -> Stands:
    """Activate, and one look at what became of it."""
    if not _is_id(ref):
        return Held(ref, CampaignHold.OTHER, "no campaign of this vendor")
    await api.thing(of.activate_request(ref), _CAMPAIGN)
    return await _state(api, ref)


async def _state(api: Api, ref: str) -> Stands:
    if not _is_id(ref):
        return Held(ref, CampaignHold.OTHER, "no campaign of this vendor")
    told = of.reason(await api.thing(of.status_request(ref), _CAMPAIGN))
    if told is None:
        there = await _campaign(api, ref)
        told = of.hold_of(there.status), f"status {there.status}"
    hold, says = told
    return Running(ref) if hold is None else Held(ref, hold, says)


def _passing(stands: Stands) -> Stands:
    if isinstance(stands, Held) and stands.hold in TAKES_LEADS:
        return Running(stands.ref)
    return stands


def _again(error: Exception) -> Again:
    return Again(str(error), _wait(error))


def _wait(error: Exception) -> timedelta | None:
    return error.retry_after if isinstance(error, RetryLater) else None


def _is_id(ref: str) -> bool:
    try:
        UUID(ref)
    except ValueError:
        return False
    return True
