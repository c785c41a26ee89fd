"""A sentence about a lead, written ahead by a model and approved by a person.

A template asks for one by ``{{ai_intro}}``. It is written from the lead's own row long
before the message is sent, never while it is. What a model wrote is a proposal: it
stands in a message only once a person approved it, and then for good.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Final
from unicodedata import category

from attrs import evolve, field, frozen

from outreach.domain.analysis import RAW_LIMIT, Doubt
from outreach.domain.drafting import offer
from outreach.domain.errors import Refused, TemplateError
from outreach.domain.ids import IntentId, IntroId, LeadId, TemplateId, intro_id
from outreach.domain.injection import suspicion
from outreach.domain.link import spoken
from outreach.domain.sequence import MessageTemplate
from outreach.domain.template import INTRO_FIELD, LEAD_FIELDS, links, parse
from outreach.domain.wording import SLOT_PREFIX, Flaw, flaws_of_intro, flaws_of_person

__all__ = [
    "FULL",
    "INTRO_LIMIT",
    "PASSING",
    "Asked",
    "Intro",
    "IntroState",
    "Written",
    "approved",
    "asked_for",
    "batch_print",
    "edited",
    "intro_of",
    "may_introduce",
    "must_introduce",
    "rejected",
    "suspect",
    "with_intro",
]

INTRO_LIMIT: Final = 240
"""Characters of an intro."""
FULL: Final = "x" * INTRO_LIMIT
"""Stands for an intro where only the length of a text is looked at."""
PASSING: Final = frozenset(
    {
        Doubt.UNREACHABLE,
        Doubt.TIMED_OUT,
        Doubt.LIMITED,
        Doubt.FAILED,
        Doubt.BUDGET,
    }
)
"""Doubts that say nothing of the lead: its intro is asked for again later."""

_FACTS: Final = 20
"""Facts of a row that are shown to whoever writes."""
_LONGEST_FACT: Final = 200
"""Characters; a longer value is left out."""
_ABOUT: Final = ("company_name", "contact_name", "city", "county", "country", "caen")
"""Fields of every lead that say something about it; the others reach or file it."""
_ADDRESS: Final = re.compile(r"@|\d[\d\s().-]{4,}\d")
_PRINT_BYTES: Final = 16


class IntroState(StrEnum):
    """How far an intro has come; it is used only when it is APPROVED."""

    PROPOSED = "PROPOSED"
    UNFIT = "UNFIT"
    """Nothing that could be proposed was written: a person writes it."""
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


@frozen
class Intro:
    """The intro of one message, for one number of its text.

    Attributes:
        text: what would stand in the message; empty if it is UNFIT.
        label: of the version of the template.
        flaws: what is wrong with what a model wrote; that itself is only in ``raw``.
        doubt: why nothing was written.
        by: who wrote it: a model with its version, or a person.
        raw: what a model answered, word by word.
        decided_by, decided_at: who approved or rejected it, and when (engine time).
    """

    id: IntroId
    intent: IntentId
    lead: LeadId
    template: TemplateId
    version: int
    state: IntroState
    made_at: datetime
    text: str = field(default="", repr=False)
    label: str = ""
    flaws: tuple[Flaw, ...] = ()
    doubt: Doubt | None = None
    by: str = ""
    raw: str = field(default="", repr=False)
    decided_by: str = ""
    decided_at: datetime | None = None

    @property
    def said(self) -> str:
        """What the message says; empty until a person approved it."""
        return self.text if self.state is IntroState.APPROVED else ""


@frozen
class Asked:
    """What an intro is written from.

    Attributes:
        facts: of the lead's own row, by column; a stranger may have written them.
        language: BCP 47 tag.
        around: the text that it will stand in, without links.
    """

    facts: Mapping[str, str] = field(repr=False)
    language: str
    around: str = field(repr=False)


@frozen
class Written:
    """What was written; nothing of it is checked yet.

    Attributes:
        by: who wrote it, with model and version.
        doubt: why there is nothing.
        raw: what a model answered, word by word.
    """

    text: str = field(default="", repr=False)
    by: str = ""
    doubt: Doubt | None = None
    raw: str = field(default="", repr=False)


def may_introduce(template: MessageTemplate) -> bool:
    """Whether the text has a place for an intro."""
    try:
        return INTRO_FIELD in parse(template.content).variables
    except TemplateError:
        return False


def must_introduce(template: MessageTemplate) -> bool:
    """Whether the text cannot go without one: it says nothing that could stand in."""
    if INTRO_FIELD not in template.content:
        return False  # most texts: nothing is parsed for them
    try:
        return INTRO_FIELD in parse(template.content).required(template.variables)
    except TemplateError:
        return False


def with_intro(
    template: MessageTemplate, fields: Mapping[str, str], text: str
) -> Mapping[str, str]:
    """The values of a text that may have an intro; no column of a file fills it."""
    if INTRO_FIELD not in template.content:
        return fields
    return {**fields, INTRO_FIELD: text}


def asked_for(template: MessageTemplate, fields: Mapping[str, str]) -> Asked:
    """What an intro for this text is written from."""
    language = spoken(template.language, fields.get("language", ""))
    return Asked(_facts(fields), language, offer(template).text)


def _facts(fields: Mapping[str, str]) -> dict[str, str]:
    """What says something about the lead, and is no way to reach it."""
    own = sorted(
        name
        for name in fields
        if name not in LEAD_FIELDS and not name.startswith(SLOT_PREFIX)
    )
    found = {}
    for name in (*_ABOUT, *own):
        value = " ".join(fields.get(name, "").split())
        if value and len(value) <= _LONGEST_FACT and not _reaches(value):
            found[name] = value
    return dict(list(found.items())[:_FACTS])


def _reaches(value: str) -> bool:
    """Whether it holds an address, or what nobody sees; nothing needs to be said of
    it, and it could be meant to be repeated.
    """
    hidden = any(category(one).startswith("C") for one in value)
    return hidden or bool(_ADDRESS.search(value)) or bool(links(value))


def suspect(asked: Asked) -> bool:
    """Whether the row seems to instruct its reader: then nobody is asked to write."""
    values = [*asked.facts, *asked.facts.values()]
    return any(suspicion(one) is not None for one in (*values, "\n".join(values)))


def intro_of(
    intent: IntentId,
    lead: LeadId,
    template: MessageTemplate,
    asked: Asked,
    written: Written,
    *,
    library: Sequence[MessageTemplate],
    at: datetime,
) -> Intro:
    """What becomes of what was written: a proposal if nothing is wrong with it."""
    found: tuple[Flaw, ...] = ()
    if written.doubt is None:
        found = flaws_of_intro(
            written.text,
            library,
            own=asked.facts,
            language=asked.language,
            limit=INTRO_LIMIT,
        )
    fit = written.doubt is None and not found
    return Intro(
        id=intro_id(intent, template.id, template.version),
        intent=intent,
        lead=lead,
        template=template.id,
        version=template.version,
        state=IntroState.PROPOSED if fit else IntroState.UNFIT,
        made_at=at,
        text=" ".join(written.text.split()) if fit else "",
        label=template.label,
        flaws=found,
        doubt=written.doubt,
        by=written.by,
        raw=written.raw[:RAW_LIMIT],
    )


def approved(intro: Intro, by: str, at: datetime) -> Intro:
    """A person wants it sent as it is.

    Raises:
        Refused: it is no proposal.
    """
    if intro.state is not IntroState.PROPOSED:
        ways = {
            IntroState.UNFIT: "holds nothing to approve: write it yourself, by edit",
            IntroState.APPROVED: "is approved already, and stays as it is",
            IntroState.REJECTED: "was rejected: write it yourself, by edit",
        }
        message = f"intro {intro.id} {ways[intro.state]}"
        raise Refused(message)
    return evolve(intro, state=IntroState.APPROVED, decided_by=by, decided_at=at)


def rejected(intro: Intro, by: str, at: datetime) -> Intro:
    """A person does not want it.

    Raises:
        Refused: it is approved, which is for good.
    """
    _not_approved(intro)
    return evolve(intro, state=IntroState.REJECTED, decided_by=by, decided_at=at)


def edited(intro: Intro, text: str, by: str, at: datetime) -> Intro:
    """A person wrote it, and wants that sent.

    Raises:
        Refused: it is approved, which is for good; or the text cannot be sent.
    """
    _not_approved(intro)
    wrong = flaws_of_person(text, limit=INTRO_LIMIT)
    if wrong:
        message = (
            f"the intro is refused ({', '.join(wrong)}): write 1 to {INTRO_LIMIT} "
            "characters in one line, without links"
        )
        raise Refused(message)
    return evolve(
        intro,
        state=IntroState.APPROVED,
        text=" ".join(text.split()),
        flaws=(),
        doubt=None,
        by=by,
        decided_by=by,
        decided_at=at,
    )


def _not_approved(intro: Intro) -> None:
    if intro.state is IntroState.APPROVED:
        message = f"intro {intro.id} is approved, and stays as it is"
        raise Refused(message)


def batch_print(intros: Sequence[Intro]) -> str:
    """Names what somebody was shown: these intros, with these texts."""
    digest = blake2b(digest_size=_PRINT_BYTES)
    for one in sorted(intros, key=lambda intro: intro.id):
        digest.update(f"{one.id}\x00{one.state}\x00{one.text}\x00".encode())
    return digest.hexdigest()
