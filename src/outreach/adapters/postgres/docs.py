"""Facts to JSON documents and back: what the SQL functions take and answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any, Final
from uuid import UUID

from attrs import evolve
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from psycopg.types.json import Jsonb

from outreach.adapters.postgres.grounds import grounds_doc, grounds_of
from outreach.domain.address import AddressKey
from outreach.domain.allowance import PlanBudget
from outreach.domain.analysis import Analysis
from outreach.domain.channel import Channel
from outreach.domain.consent import Consent, ConsentKind, Standing
from outreach.domain.decision import Decision
from outreach.domain.drafting import Draft
from outreach.domain.grounds import bare
from outreach.domain.ids import ConsentId, LeadId
from outreach.domain.provider_campaign import CampaignHold, Hosting
from outreach.domain.review import ReviewItem

__all__ = [
    "consent",
    "decision",
    "decision_doc",
    "doc",
    "hosting",
    "jsonb",
    "plan_of",
    "review",
    "review_doc",
    "said",
    "standing",
    "times",
]

_TIME: Final = "$time"


def _plain(value: object) -> Any:
    """A value of a flip, with times marked so that they read back."""
    if isinstance(value, datetime):
        return {_TIME: value.isoformat()}
    if isinstance(value, Enum):
        return value.value
    if value == ():
        return []
    return value


def _value(stored: Any, _: object) -> object:
    if isinstance(stored, Mapping) and _TIME in stored:
        return datetime.fromisoformat(stored[_TIME])
    return () if stored == [] else stored


def _converter() -> Converter:
    made = Converter(detailed_validation=False)
    made.register_unstructure_hook(UUID, str)
    made.register_structure_hook(UUID, lambda text, _: UUID(text))
    made.register_unstructure_hook(datetime, datetime.isoformat)
    made.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    made.register_unstructure_hook(date, date.isoformat)
    made.register_structure_hook(date, lambda text, _: date.fromisoformat(text))
    made.register_unstructure_hook(timedelta, timedelta.total_seconds)
    made.register_structure_hook(timedelta, lambda s, _: timedelta(seconds=s))
    made.register_unstructure_hook(AddressKey, str)
    made.register_structure_hook(AddressKey, lambda text, _: AddressKey.of(text))
    made.register_unstructure_hook_func(lambda kind: kind is object, _plain)
    made.register_structure_hook_func(lambda kind: kind is object, _value)
    return made


_CONVERTER: Final = _converter()
_DECISION: Final = make_dict_unstructure_fn(
    Decision, _CONVERTER, grounds=override(omit=True)
)
_REVIEW: Final = make_dict_structure_fn(ReviewItem, _CONVERTER)


def jsonb(value: Any) -> Jsonb:
    """A parameter of type jsonb; UUIDs and times as text."""
    return Jsonb(value, dumps=_dumps)


def _dumps(value: Any) -> str:
    return json.dumps(value, default=_json, ensure_ascii=False)


def _json(value: object) -> Any:
    if isinstance(value, UUID | AddressKey):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, frozenset | set):
        return sorted(value)
    message = f"{type(value).__name__} has no JSON form"
    raise TypeError(message)


def doc(fact: Any) -> Any:
    """A fact as plain JSON values."""
    return _CONVERTER.unstructure(fact)


def decision_doc(made: Decision) -> Any:
    """A decision as it is stored."""
    stored: dict[str, Any] = _DECISION(made)
    grounds = bare(made)
    if grounds is not None:
        stored["grounds"] = grounds_doc(grounds)
    return stored


def decision(stored: Mapping[str, Any]) -> Decision:
    """A stored decision."""
    made = _CONVERTER.structure({**stored, "grounds": None}, Decision)
    kept = stored.get("grounds")
    return made if kept is None else evolve(made, grounds=grounds_of(kept))


def said(stored: Mapping[str, Any]) -> tuple[Analysis, Draft | None]:
    """What was made of a reply, and what was drafted, as ``hear`` keeps them."""
    drafted = stored.get("draft")
    draft = None if drafted is None else _CONVERTER.structure(drafted, Draft)
    return _CONVERTER.structure(stored, Analysis), draft


def review_doc(item: ReviewItem) -> dict[str, Any]:
    """A review item as it is stored."""
    stored: dict[str, Any] = _CONVERTER.unstructure(item, ReviewItem)
    return stored | {"confidence": item.confidence}


def review(stored: Mapping[str, Any]) -> ReviewItem:
    """A stored review item."""
    return _REVIEW(stored, ReviewItem)


def times(text: str | None) -> datetime | None:
    """A time of a document; None stays None."""
    return None if text is None else datetime.fromisoformat(text)


def consent(doc: Mapping[str, Any]) -> Consent:
    """From ``consent_doc``."""
    return Consent(
        id=ConsentId(UUID(doc["id"])),
        lead=LeadId(UUID(doc["lead"])),
        channel=Channel(doc["channel"]),
        kind=ConsentKind(doc["kind"]),
        address=doc["address"],
        text=doc["text"],
        source=doc["source"],
        by=doc["by"],
        asked_at=datetime.fromisoformat(doc["asked_at"]),
        confirmed_at=times(doc["confirmed_at"]),
        withdrawn_at=times(doc["withdrawn_at"]),
    )


def standing(doc: Mapping[str, Any], reach: Sequence[str]) -> Standing:
    """What the policy looks at, from ``case_doc``.

    Args:
        reach: what the lead is reached by on the message's channel.
    """
    return Standing(
        country=doc["lead"]["country"],
        address=reach[0] if reach else "",
        legal_basis=doc["lead"]["legal_basis"],
        consents=tuple(map(consent, doc["consents"])),
    )


def hosting(doc: Mapping[str, Any]) -> Hosting:
    """From ``hosting_doc``."""
    hold = doc["hold"]
    return Hosting(
        ref=doc["ref"],
        hold=None if hold is None else CampaignHold(hold),
        says=doc["says"],
        until=times(doc["until"]),
    )


def plan_of(doc: Mapping[str, Any]) -> PlanBudget:
    """How far an account's plan is used, as plan_doc() writes it."""
    end = datetime.fromisoformat(doc["ends_at"])
    return PlanBudget(doc["key"], doc["used"], doc["limit"], end)
