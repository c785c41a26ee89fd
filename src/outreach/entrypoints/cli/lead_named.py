"""The one lead that a person means by a few words."""

from __future__ import annotations

import click

from outreach.domain.errors import NotFound
from outreach.domain.lead import LeadSummary
from outreach.domain.usecases.find_lead import FindLead
from outreach.entrypoints.engine import Engine

__all__ = ["lead_named"]


async def lead_named(engine: Engine, words: str) -> LeadSummary:
    """By id or its start, phone in any writing, address or CUI.

    Raises:
        NotFound: nobody is meant.
        BadParameter: several are.
    """
    parts = engine.container
    find = FindLead(parts.leads(), parts.contacts())
    region = engine.settings.tenant.country
    found = await find(engine.tenant, words, region=region)
    if not found:
        message = (
            f"no lead is meant by {words!r}: give an id or its start (4 or more "
            "characters), a phone, an address or a CUI"
        )
        raise NotFound(message)
    if len(found) > 1:
        ids = ", ".join(str(one.id)[:13] for one in found)
        message = f"{words!r} means {len(found)} leads: give one of {ids}"
        raise click.BadParameter(message, param_hint="LEAD")
    return found[0]
