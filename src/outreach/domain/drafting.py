"""Drafted answers: what may be drafted from, and what may be made of a draft.

A draft names a template of the tenant's and fills the slots it declares. A slot is a
declared variable whose name begins with ``ai_``. What a model wrote goes out only if
it holds nothing that the tenant's own templates do not: no link, phone, address,
number, price, promise or name. The rest of the text is the approved template's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from attrs import evolve, field, frozen

from outreach.domain.analysis import Doubt
from outreach.domain.channel import Channel
from outreach.domain.errors import TemplateError
from outreach.domain.sequence import MessageTemplate
from outreach.domain.template import (
    INTRO_FIELD,
    MAIL_LIMIT,
    WHATSAPP_LIMIT,
    links,
    parse,
)
from outreach.domain.wording import SLOT_PREFIX, Flaw, flaws

__all__ = [
    "SLOT_LIMIT",
    "SUGGESTION_LIMIT",
    "Composed",
    "Draft",
    "Offered",
    "Request",
    "composed",
    "kept",
    "offer",
]

SLOT_LIMIT: Final = 200
"""Characters of one slot."""
SUGGESTION_LIMIT: Final = 600
"""Characters of a free text for a person to look at."""

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@frozen
class Offered:
    """A template that a draft may use.

    Attributes:
        text: as its author wrote it, without links.
        slots: names that a draft may fill.
    """

    name: str
    text: str
    slots: tuple[str, ...] = ()


@frozen
class Request:
    """What an answer is drafted to.

    Attributes:
        reply: as the prospect wrote it.
        language: BCP 47 tag.
    """

    reply: str = field(repr=False)
    language: str
    offered: tuple[Offered, ...]


@frozen
class Draft:
    """What was drafted; nothing of it is checked yet.

    Attributes:
        template: None: none of those offered fits.
        suggestion: free text, for a person only.
        by: who drafted it, with model and version.
        doubt: why there is none; then nothing automatic comes of it.
        raw: what a model answered, word by word.
    """

    template: str | None = None
    slots: Mapping[str, str] = field(default=_NOTHING, repr=False)
    suggestion: str = field(default="", repr=False)
    by: str = ""
    doubt: Doubt | None = None
    raw: str = field(default="", repr=False)


@frozen
class Composed:
    """A text made from a draft.

    Attributes:
        text: what may be suggested; empty: nothing.
        flaws: why it must not go out without a person.
    """

    text: str = field(repr=False)
    flaws: tuple[Flaw, ...] = ()


def offer(template: MessageTemplate) -> Offered:
    """Show a template to whoever drafts."""
    text = template.content
    for link in links(text):
        text = text.replace(link, "...")
    slots = (one.name for one in template.variables if _is_slot(one.name))
    return Offered(template.name, text, tuple(slots))


def kept(draft: Draft, request: Request) -> Draft:
    """The draft, or a doubt: it may only use what was offered."""
    by_name = {one.name: one for one in request.offered}
    if draft.template is None and not draft.slots:
        return draft
    chosen = by_name.get(draft.template or "")
    if chosen is None or not set(draft.slots) <= set(chosen.slots):
        return Draft(by=draft.by, doubt=Doubt.INCONSISTENT, raw=draft.raw)
    return draft


def composed(
    draft: Draft | None,
    template: MessageTemplate | None,
    *,
    fields: Mapping[str, str],
    library: Sequence[MessageTemplate],
    language: str,
    seed: bytes,
) -> Composed:
    """The text that answers, by the template that was chosen.

    Args:
        draft: None: nobody drafts, and the template's own defaults stand.
        template: the one that is used, None if none fits.
        fields: the lead's own.
        library: all approved templates of the tenant.
        seed: what decides the alternatives of the text.
    """
    plain = _rendered(template, fields, {}, seed)
    if draft is None:
        return Composed(plain or "", () if plain else (Flaw.EMPTY,))
    if draft.doubt is not None:
        return Composed(plain or "", (Flaw.DOUBT,))
    if template is None or draft.template != template.name:
        return _free(draft, plain, fields, library, language)
    if not set(draft.slots) <= set(offer(template).slots):
        return Composed(plain or "", (Flaw.DOUBT,))
    found = tuple(
        flaw
        for text in draft.slots.values()
        if text.strip()
        for flaw in flaws(
            text, library, own=fields, language=language, limit=SLOT_LIMIT
        )
    )
    if found:
        # What is wrong is not offered for approval by one click either.
        return Composed(plain or "", tuple(dict.fromkeys(found)))
    whole = _rendered(template, fields, draft.slots, seed)
    return Composed(whole or plain or "", () if whole else (Flaw.EMPTY,))


def _free(
    draft: Draft,
    plain: str | None,
    fields: Mapping[str, str],
    library: Sequence[MessageTemplate],
    language: str,
) -> Composed:
    """Free text is for a person, and only where it is clean."""
    text = draft.suggestion.strip()
    wrong = flaws(text, library, own=fields, language=language, limit=SUGGESTION_LIMIT)
    if wrong:
        return Composed(plain or "", (*wrong, Flaw.DOUBT))
    return Composed(text, (Flaw.DOUBT,))


def _rendered(
    template: MessageTemplate | None,
    fields: Mapping[str, str],
    slots: Mapping[str, str],
    seed: bytes,
) -> str | None:
    if template is None:
        return None
    # A column of an imported file does not fill a slot, whatever it is called.
    own = {name: value for name, value in fields.items() if not _is_slot(name)}
    values = {**own, INTRO_FIELD: ""}
    # A slot that is left out or not declared with a default would stop the text.
    declared = tuple(
        evolve(one, default=one.default or "") if _is_slot(one.name) else one
        for one in template.variables
    )
    try:
        return (
            parse(template.content)
            .render(
                {**values, **slots},
                declared=declared,
                seed=seed,
                limit=WHATSAPP_LIMIT
                if template.channel is Channel.WHATSAPP
                else MAIL_LIMIT,
            )
            .text
        )
    except TemplateError:
        # The lead lacks what the template needs: the reviewer writes the answer.
        return None


def _is_slot(name: str) -> bool:
    # An intro is approved by a person before it is used, and is no answer's.
    return name.startswith(SLOT_PREFIX) and name != INTRO_FIELD
