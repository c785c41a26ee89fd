"""Versions of one text that run beside each other, and which of them a lead gets."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import log
from typing import Final

from attrs import field, frozen, validators

from outreach.domain.ids import LeadId, TemplateId

__all__ = ["PLAIN", "TextUsed", "Version", "draw"]

PLAIN: Final = "A"
"""Label of a template's only text."""

_BYTES: Final = 8
_WHOLE: Final = 1 << (8 * _BYTES)


@frozen
class Version:
    """One of several texts of a template.

    Attributes:
        label: what people call it; a corrected text keeps it.
        weight: its share of new leads, beside the weights of the others.
        number: of its text, unique in the template; 0 before it is stored.
    """

    label: str = field(validator=validators.min_len(1))
    content: str
    subject: str = ""
    weight: int = field(default=1, validator=validators.ge(1))
    number: int = 0


@frozen
class TextUsed:
    """Which text a message was made of.

    Attributes:
        number: of the version's text.
        variant: the alternatives taken in it; see `Rendered.variant`.
    """

    template: TemplateId
    label: str
    number: int
    variant: str = ""


def draw(lead: LeadId, template: TemplateId, versions: Sequence[Version]) -> Version:
    """The version that a lead gets which was never sent this template.

    The same whoever asks. Each version has a distance from each lead, exponential with
    its weight as rate, and the nearest one is taken: so shares are as the weights, a
    greater weight only draws leads in and a new version takes leads for itself alone
    (rendezvous hashing; weights after Schindelhauer and Schomaker, *Weighted
    Distributed Hash Tables*, 2005).
    """
    return min(versions, key=lambda one: (_distance(lead, template, one), one.label))


def _distance(lead: LeadId, template: TemplateId, version: Version) -> float:
    digest = blake2b(
        version.label.encode(),
        digest_size=_BYTES,
        key=template.bytes,
        salt=lead.bytes,
        person=b"version",
    ).digest()
    uniform = (int.from_bytes(digest, "big") + 1) / _WHOLE
    return -log(uniform) / version.weight
