"""Looks for what was handed over: leads by our message's id, replies by their text.

A lead bears the ids of its attempt and of its intent. It is the intent that may be sent
once: a lead that an earlier attempt brought, and that a look did not see then, is the
message that a later attempt hands over again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from outreach.adapters._http import HttpRequest
from outreach.adapters.instantly.api import PAGE, Api
from outreach.adapters.instantly.leads import There, leads_request
from outreach.adapters.instantly.replies import ref_of, sent_request
from outreach.adapters.instantly.words import address_of, thread_parts
from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured, NotFound, RetryLater
from outreach.domain.message import Parcel
from outreach.ports.gateway import Absent, CannotTell, Found

__all__ = ["Stranger", "Whose", "look_many", "named", "whose"]

_CLOCK_ROOM: Final = timedelta(minutes=1)
"""By which the vendor's clock may be behind ours."""


@frozen
class Stranger:
    """The address is in the campaign, and not for this message."""


Whose = Found | Stranger | Absent | CannotTell


async def look_many(
    api: Api, parcels: Sequence[Parcel], since: datetime
) -> Sequence[Found | Absent | CannotTell]:
    """See `LooksUpMany.look_many`. A message's id is used once, so that the time at
    which it was handed over says nothing more.
    """
    cold = [one for one in parcels if one.permit.channel is Channel.EMAIL_COLD]
    found = dict(
        zip((one.attempt for one in cold), await whose(api, cold), strict=True)
    )
    answers: list[Found | Absent | CannotTell] = []
    for parcel in parcels:
        if parcel.permit.channel is not Channel.EMAIL_COLD:
            answers.append(await _reply(api, parcel, since))
            continue
        one = found[parcel.attempt]
        answers.append(Absent() if isinstance(one, Stranger) else one)
    return answers


async def whose(api: Api, parcels: Sequence[Parcel]) -> Sequence[Whose]:
    """For each whether it is in its campaign, and whether as this very message."""
    by_campaign: dict[str, list[Parcel]] = defaultdict(list)
    for parcel in parcels:
        by_campaign[parcel.campaign].append(parcel)
    there: dict[tuple[str, str], list[There]] = defaultdict(list)
    troubles: dict[str, str] = {"": "no campaign of the vendor is named"}
    for campaign, of_it in by_campaign.items():
        if not campaign:
            continue
        try:
            emails = dict.fromkeys(address_of(one.to) for one in of_it)
            for lead in await named(api, list(filter(None, emails)), campaign):
                there[campaign, lead.email].append(lead)
        except (RetryLater, Misconfigured, NotFound) as error:
            troubles[campaign] = str(error)
    return [
        CannotTell(troubles[one.campaign])
        if one.campaign in troubles
        else _among(there[one.campaign, address_of(one.to)], one)
        for one in parcels
    ]


async def named(api: Api, emails: Sequence[str], campaign: str = "") -> list[There]:
    """The leads with these addresses, of one campaign or of all.

    For what is raised see `outreach.adapters.instantly.api.read`.
    """
    found: list[There] = []
    for start in range(0, len(emails), PAGE):
        some = emails[start : start + PAGE]

        def page(after: str, some: Sequence[str] = some) -> HttpRequest:
            return leads_request(some, campaign, after)

        found += map(There.read, await api.listed(page, "leads"))
    # The vendor's filters are not relied on: a lead of another campaign is no proof.
    return [one for one in found if not campaign or one.campaign in {"", campaign}]


def _among(there: Sequence[There], parcel: Parcel) -> Whose:
    ours = [one for one in there if one.intent == str(parcel.intent)]
    if ours:
        return Found(ours[0].id) if ours[0].id else CannotTell("a lead without an id")
    return Stranger() if there else Absent()


async def _reply(api: Api, parcel: Parcel, since: datetime) -> Found | CannotTell:
    if thread_parts(parcel.thread) is None:
        return CannotTell("the thread is none of this vendor")
    try:
        # One page: these lists have a limit of their own, of 20 a minute.
        said = await api.thing(sent_request(parcel, since - _CLOCK_ROOM), "mails")
    except (RetryLater, Misconfigured, NotFound) as error:
        return CannotTell(str(error))
    ref = ref_of(said.get("items"), parcel)
    # The shared inbox shows a mail some time after it left.
    return Found(ref, parcel.thread) if ref else CannotTell("not in the inbox so far")
