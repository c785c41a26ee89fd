"""Who counts as the same lead, and how a row is folded into it.

A row that holds a key of a lead *is* that lead, also if its CUI differs: one phone
is never two leads. The first value that is not empty wins; later rows fill holes, and
add contact points, tags and custom fields.

A row that names two stored leads is folded into the one its strongest key names (CUI,
then phones, then addresses, in the order written). Contact points of the other one
stay there, and the row carries a warning. Two stored leads are never joined, since
both may have a conversation.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, TypeVar

from attrs import asdict, evolve, frozen

from outreach.domain.ids import LeadId, TenantId
from outreach.domain.lead import (
    TEXT_FIELDS,
    Email,
    Flaw,
    Lead,
    NewLead,
    Phone,
    Profile,
    lead_id,
)

__all__ = [
    "FOREIGN",
    "FULL",
    "MOST_CONTACTS",
    "OTHER_CUI",
    "Folded",
    "claims",
    "fold",
    "made",
]

MOST_CONTACTS: Final = 50
"""Phones, addresses, further CUIs and tags that one lead may hold, of each."""

FOREIGN: Final = Flaw("", "names a contact point of another lead, where it stays")
FULL: Final = Flaw("", f"the lead has {MOST_CONTACTS} contact points: no more kept")
OTHER_CUI: Final = Flaw("", "another CUI at the same contact point: the first stays")

_FILLED: Final = tuple(
    name
    for name in TEXT_FIELDS
    if name not in {"country", "time_zone", "phone_status", "email_status"}
)


_Contact = TypeVar("_Contact", Phone, Email)


@frozen
class Folded:
    """A lead with a row folded into it."""

    lead: Lead
    changed: bool
    warnings: tuple[Flaw, ...]


def claims(
    row: Profile, owners: Mapping[str, LeadId]
) -> tuple[LeadId | None, frozenset[str]]:
    """Which stored lead a row is, and which of its keys belong to other leads.

    Args:
        row: the row.
        owners: the lead of each of its keys that belongs to one.
    """
    found = [key for key in row.keys if key in owners]
    if not found:
        return None, frozenset()
    target = owners[found[0]]
    return target, frozenset([key for key in found if owners[key] != target])


def made(tenant: TenantId, row: NewLead) -> Lead:
    """The lead of a row that holds no key of a stored one.

    More than `MOST_CONTACTS` contact points of one kind are not kept.
    """
    facts = asdict(row, recurse=False)
    del facts["row"], facts["warnings"]
    facts["phones"] = row.phones[:MOST_CONTACTS]
    facts["emails"] = row.emails[:MOST_CONTACTS]
    return Lead(id=lead_id(tenant, row.keys[0]), **facts)


def fold(lead: Lead, row: Profile, foreign: AbstractSet[str] = frozenset()) -> Folded:
    """Merge *row* into *lead*; folding the same row again changes nothing.

    Args:
        lead: the stored lead.
        row: a row that holds one of its keys.
        foreign: keys of the row that belong to other leads and stay there.
    """
    changes: dict[str, Any] = {
        name: value
        for name in _FILLED
        if not getattr(lead, name) and (value := getattr(row, name))
    }
    changes |= _place(lead, row)
    phones = _added(lead.phones, row.phones, foreign)
    emails = _added(lead.emails, row.emails, foreign)
    tags = tuple(dict.fromkeys(lead.tags + row.tags))
    cuis = lead.other_cuis
    warnings = [FOREIGN] if foreign else []
    if lead.cui and row.cui and row.cui != lead.cui:
        warnings.append(OTHER_CUI)
        cuis = tuple(dict.fromkeys((*cuis, row.cui)))
    if len(phones) > MOST_CONTACTS or len(emails) > MOST_CONTACTS:
        warnings.append(FULL)
    custom = {**row.custom_fields, **lead.custom_fields}
    changes |= {
        "phones": phones[:MOST_CONTACTS],
        "emails": emails[:MOST_CONTACTS],
        "tags": tags[:MOST_CONTACTS],
        "other_cuis": cuis[:MOST_CONTACTS],
        "custom_fields": custom,
    }
    merged = evolve(lead, **changes)
    merged = evolve(merged, **_statuses(merged, row))
    if merged == lead:
        return Folded(lead, changed=False, warnings=tuple(warnings))
    merged = evolve(merged, version=lead.version + 1)
    return Folded(merged, changed=True, warnings=tuple(warnings))


def _added(
    old: tuple[_Contact, ...], new: tuple[_Contact, ...], foreign: AbstractSet[str]
) -> tuple[_Contact, ...]:
    known = foreign | {contact.key for contact in old}
    return old + tuple([contact for contact in new if contact.key not in known])


def _place(lead: Lead, row: Profile) -> dict[str, Any]:
    """Country and zone, which belong together: never a zone of another country."""
    if lead.country and row.country and lead.country != row.country:
        return {}
    changes: dict[str, Any] = {"country": lead.country or row.country}
    if not lead.time_zone and row.time_zone:
        changes |= {"time_zone": row.time_zone, "zones": ()}
    elif not lead.time_zone and not lead.zones:
        changes["zones"] = row.zones
    return changes


def _statuses(lead: Lead, row: Profile) -> dict[str, Any]:
    """A status speaks of the first contact point: only taken for the same one."""
    changes: dict[str, Any] = {}
    if not lead.phone_status and lead.phone == row.phone:
        changes["phone_status"] = row.phone_status
    if not lead.email_status and lead.email == row.email:
        changes["email_status"] = row.email_status
    return changes
