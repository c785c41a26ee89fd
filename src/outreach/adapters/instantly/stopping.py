"""Takes back what the vendor holds: a lead, an address, a campaign."""

from __future__ import annotations

from outreach.adapters.instantly import leads, running
from outreach.adapters.instantly.acceptance import Body, body_of
from outreach.adapters.instantly.api import Api, read
from outreach.adapters.instantly.looking import named
from outreach.adapters.instantly.words import address_of, plain
from outreach.domain.errors import Misconfigured, NotFound, RetryLater
from outreach.domain.stop import Stop, StopKind
from outreach.ports.gateway import Again, Confirmed

__all__ = ["stop"]


async def stop(api: Api, told: Stop) -> Confirmed | Again:
    """See `TakesBack.stop`."""
    try:
        match told.kind:
            case StopKind.WITHDRAW:
                return await _withdraw(api, told)
            case StopKind.BLOCK:
                return await _block(api, told)
            case StopKind.PAUSE:
                return await running.pause(api, told.about, told.ref)
    except (RetryLater, Misconfigured, NotFound) as error:
        wait = error.retry_after if isinstance(error, RetryLater) else None
        return Again(str(error), wait)


async def _withdraw(api: Api, told: Stop) -> Confirmed | Again:
    """Delete the lead; its mail that left already is no more its business.

    A webhook can have told us of a message before its call was answered: then what we
    hold as its id is our own, and the lead is looked for.
    """
    refs = [told.ref] if told.ref and told.ref != told.about else []
    if not refs:
        address = address_of(told.to)
        if not address:
            return Again("neither the lead nor its address is known")
        found = await named(api, [address])
        refs = [one.id for one in found if one.attempt == told.about]
    for ref in refs:
        try:
            await api.thing(leads.delete_request(ref), "lead")
        except NotFound:
            continue
    return Confirmed() if refs else Confirmed("the vendor has no such lead")


async def _block(api: Api, told: Stop) -> Confirmed | Again:
    """Put the address on the list; one that may be there already is looked for."""
    address = address_of(told.to)
    if not address:
        return Again("no address to block")
    reply = await api.fetch(leads.block_request(address), "block list")
    if body_of(reply) is not Body.ERROR or reply.status not in {400, 409, 422}:
        read(reply, "block list")
        return Confirmed()
    there = await api.listed(
        lambda after: leads.blocked_request(address, after), "block list"
    )
    if any(plain(one.get("bl_value")).strip().lower() == address for one in there):
        return Confirmed("it is on the list already")
    return Again(f"the vendor does not take the address: {reply.status}")
