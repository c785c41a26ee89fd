"""The facts of a decision as they are kept beside it: what is usual is left out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from cattrs import Converter

from outreach.domain.address import AddressKey
from outreach.domain.decision import Grounds

__all__ = ["grounds_doc", "grounds_of"]


def _converter() -> Converter:
    made = Converter(
        detailed_validation=False,
        omit_if_default=True,
        unstruct_collection_overrides={frozenset: sorted},
    )
    made.register_unstructure_hook(UUID, str)
    made.register_structure_hook(UUID, lambda text, _: UUID(text))
    for kind in (datetime, date, time):
        made.register_unstructure_hook(kind, kind.isoformat)
        made.register_structure_hook(kind, lambda text, of: of.fromisoformat(text))
    made.register_unstructure_hook(timedelta, timedelta.total_seconds)
    made.register_structure_hook(timedelta, lambda s, _: timedelta(seconds=s))
    made.register_unstructure_hook(AddressKey, str)
    made.register_structure_hook(AddressKey, lambda text, _: AddressKey.of(text))
    return made


_CONVERTER: Final = _converter()


def grounds_doc(grounds: Grounds) -> dict[str, Any]:
    """As JSON values."""
    stored: dict[str, Any] = _CONVERTER.unstructure(grounds, Grounds)
    return stored


def grounds_of(stored: Mapping[str, Any]) -> Grounds:
    """As they were."""
    return _CONVERTER.structure(stored, Grounds)
