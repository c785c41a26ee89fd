"""Say what is wrong with a sequence's texts, and which leads would get none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final
from uuid import UUID, uuid5

from attrs import define, field, frozen

from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured, TemplateError
from outreach.domain.intro import FULL, may_introduce, must_introduce, with_intro
from outreach.domain.lead import Profile
from outreach.domain.link import LINK_FIELD, MAIL
from outreach.domain.sequence import MessageTemplate
from outreach.domain.sequence import Sequence as Steps
from outreach.domain.template import (
    MAIL_LIMIT,
    MINIMUM_VARIANTS,
    WHATSAPP_LIMIT,
    check,
    parse,
    seed,
)

__all__ = ["CheckTemplates", "TemplateReport", "first_messages", "refuse_links"]

_NAMED: Final = 5
_SPACE: Final = UUID("b3f1d0f4-6a0e-5b43-8f0a-52f7f5f4a9d2")


@define
class TemplateReport:
    """What was found of one template, or of one version of it.

    Attributes:
        variants: different texts it gives to a lead that has every value; least: to
            one that has none it may lack.
        problems: what is wrong, one line each.
        intro: whether its text has a place for an intro, and waits for one: ``MUST``;
            or says something else until one is approved: ``MAY``; empty: neither.
        failed: leads that would get no text, by reason; rows: the first few of each.
    """

    template: MessageTemplate
    variants: int
    least: int
    problems: tuple[str, ...]
    intro: str = ""
    looked_at: int = 0
    failed: Counter[str] = field(factory=Counter)
    rows: dict[str, list[str]] = field(factory=dict)

    @property
    def fits(self) -> bool:
        """It may be sent, and every lead that was looked at gets a text."""
        return not self.problems and not self.failed


def first_messages(
    sequence: Steps, templates: Iterable[MessageTemplate]
) -> frozenset[str]:
    """Names of the texts that may be the first a lead gets by WhatsApp."""
    by_name = {one.name: one for one in templates}
    found: set[str] = set()
    for step in sequence.steps:
        for name in (step.template, step.fallback_template):
            text = by_name.get(name or "")
            if text is not None and text.channel is Channel.WHATSAPP:
                found.add(text.name)
        if (step.channel or sequence.primary_channel) is Channel.WHATSAPP:
            break  # whoever is reached by it has had its first message now
    return frozenset(found)


def refuse_links(sequence: Steps, templates: Sequence[MessageTemplate]) -> None:
    """No link in a first message by WhatsApp.

    Raises:
        Misconfigured: names the template, the link and the way out.
    """
    firsts = first_messages(sequence, templates)
    for one in templates:
        if one.name not in firsts:
            continue
        for line in chain.from_iterable(map(_links, one.texts)):
            message = (
                f"template {one.name!r} {line}, or allow it with "
                "links_in_first = true under [tenant]"
            )
            raise Misconfigured(message)


def _links(text: MessageTemplate) -> Sequence[str]:
    fine = check(text.content, text.variables)
    strict = check(text.content, text.variables, links_allowed=False)
    return strict[len(fine) :]


@frozen
class CheckTemplates:
    """Checks texts one by one, and against leads as they pass by.

    Attributes:
        minimum: different texts that a template must give.
        links_in_first: whether a first WhatsApp message may hold links.
    """

    minimum: int = MINIMUM_VARIANTS
    links_in_first: bool = False

    def texts(
        self, sequence: Steps, templates: Sequence[MessageTemplate]
    ) -> Sequence[TemplateReport]:
        """One report per template, and per version of it, in their order; no lead was
        looked at yet.
        """
        firsts = first_messages(sequence, templates)
        return [self._text(one, firsts) for each in templates for one in each.texts]

    def _text(self, one: MessageTemplate, firsts: frozenset[str]) -> TemplateReport:
        problems = list(
            check(
                one.content,
                one.variables,
                minimum_variants=self.minimum,
                limit=_limit(one),
                links_allowed=self.links_in_first or one.name not in firsts,
            )
        )
        try:
            read = parse(one.content)
        except TemplateError:
            return TemplateReport(one, 0, 0, tuple(problems))
        if one.subject:
            problems += [
                f"its subject: {line}"
                for line in check(
                    one.subject, (), minimum_variants=1, limit=_limit(one)
                )
            ]
        return TemplateReport(
            template=one,
            variants=read.variants(),
            least=read.variants(empty=read.may_be_empty(one.variables)),
            problems=tuple(problems),
            intro=_intro(one),
        )

    def lead(
        self, reports: Iterable[TemplateReport], named: str, values: Mapping[str, str]
    ) -> None:
        """Look at one lead, and note for each text whether it would get it.

        Args:
            named: how people find it: its row, or its id.
        """
        for report in reports:
            report.looked_at += 1
            why = _fails(report.template, named, values)
            if why:
                report.failed[why] += 1
                rows = report.rows.setdefault(why, [])
                if len(rows) < _NAMED:
                    rows.append(named)

    def leads(
        self, reports: Sequence[TemplateReport], found: Iterable[tuple[str, Profile]]
    ) -> None:
        """As `lead`, for many."""
        for named, lead in found:
            self.lead(reports, named, lead.variables)


def _intro(one: MessageTemplate) -> str:
    if must_introduce(one):
        return "MUST"
    return "MAY" if may_introduce(one) else ""


def _fails(one: MessageTemplate, named: str, values: Mapping[str, str]) -> str:
    """Why a lead gets no text; empty: it gets one."""
    drawn = seed(uuid5(_SPACE, named), one.id, one.version)
    values = with_intro(one, values, FULL)  # one is written once it is enrolled
    if one.channel in MAIL:
        values = {**values, LINK_FIELD: "https://"}  # it will have one when it is sent
    for content in (one.content, one.subject):
        try:
            if content:
                parse(content).render(
                    values, declared=one.variables, seed=drawn, limit=_limit(one)
                )
        except TemplateError as error:
            return str(error)
    return ""


def _limit(one: MessageTemplate) -> int:
    return WHATSAPP_LIMIT if one.channel is Channel.WHATSAPP else MAIL_LIMIT
