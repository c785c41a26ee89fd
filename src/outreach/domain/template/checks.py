"""What is wrong with a template, before anything is sent with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from outreach.domain.errors import TemplateError
from outreach.domain.template.links import links
from outreach.domain.template.text import (
    LEAD_FIELDS,
    MADE_FIELDS,
    WHATSAPP_LIMIT,
    Template,
    Variable,
    parse,
)
from outreach.domain.template.tree import Choice, Nodes, Optional, Text

__all__ = ["MINIMUM_VARIANTS", "check"]

MINIMUM_VARIANTS: Final = 8
"""Different texts a template must give unless the tenant says otherwise."""

# A link may be put together from several pieces: so many whole texts are looked at.
_WAYS_TRIED: Final = 64


def check(
    content: str,
    declared: Sequence[Variable],
    *,
    minimum_variants: int = MINIMUM_VARIANTS,
    limit: int = WHATSAPP_LIMIT,
    links_allowed: bool = True,
) -> Sequence[str]:
    """What is wrong with a template, one line each; nothing: fit to send.

    Args:
        content: as written.
        declared: the variables declared with it.
        minimum_variants: different texts it must give, also to a lead for whom
            every variable that may be empty is.
        limit: characters of the longest text.
        links_allowed: False for a first WhatsApp message, unless the tenant
            allows links there. Every piece is looked at, and up to 64 whole texts;
            values are not, so ask :func:`links` again about what is to be sent.
    """
    try:
        template = parse(content)
    except TemplateError as error:
        return (str(error),)
    return (
        *_about_variables(template, declared),
        *_about_variants(template, declared, minimum_variants),
        *_about_length(template, limit),
        *(() if links_allowed else _about_links(template)),
    )


def _about_variables(
    template: Template,
    declared: Sequence[Variable],
) -> Iterator[str]:
    seen: set[str] = set()
    for variable in declared:
        name = variable.name
        if name in seen:
            yield f"variable {name!r} is declared twice: keep one"
        elif name not in template.variables:
            yield f"variable {name!r} is declared and not used: remove it, or use it"
        elif variable.default == "" and name in template.bare:
            yield (
                f"variable {name!r} may be empty and stands outside an optional part: "
                f"write [... {{{{{name}}}}} ...], or give it a default"
            )
        seen.add(name)
    for name in sorted(template.variables - seen - LEAD_FIELDS - MADE_FIELDS):
        yield (
            f"variable {name!r} is neither declared nor a field every lead has: "
            "declare it"
        )


def _about_variants(
    template: Template,
    declared: Sequence[Variable],
    minimum: int,
) -> Iterator[str]:
    way_out = "add alternatives, as in {Good day|Hello|Hi}"
    full = template.variants()
    empty = template.may_be_empty(declared)
    least = template.variants(empty=empty)
    if full < minimum:
        yield f"gives {full} different texts, {minimum} are needed: {way_out}"
    elif least < minimum:
        lacking = ", ".join(sorted(empty))
        yield (
            f"gives {least} different texts to a lead without {lacking}, "
            f"{minimum} are needed: {way_out} outside the optional parts"
        )


def _about_length(template: Template, limit: int) -> Iterator[str]:
    longest = template.longest()
    if longest > limit:
        yield (
            f"the longest text has {longest} characters before any value, {limit} are "
            "allowed: shorten it"
        )


def _about_links(template: Template) -> Iterator[str]:
    whole = (_way(template.nodes, turn) for turn in range(_ways(template.nodes)))
    found = dict.fromkeys(chain.from_iterable(map(links, whole)))
    for link in chain.from_iterable(map(links, _pieces(template.nodes))):
        if not any(link in known for known in found):
            found[link] = None
    for link in found:
        yield f"holds the link {link!r}, not allowed in a first message: remove it"


def _pieces(nodes: Nodes) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, Text):
            yield node.text
        elif isinstance(node, Choice):
            for alternative in node.alternatives:
                yield from _pieces(alternative)
        elif isinstance(node, Optional):
            yield from _pieces(node.body)


def _ways(nodes: Nodes) -> int:
    """Turns after which every alternative of every choice has had one, at most 64."""
    widest = 1
    for node in nodes:
        if isinstance(node, Choice):
            inner = max(map(_ways, node.alternatives))
            widest = max(widest, len(node.alternatives) * inner)
        elif isinstance(node, Optional):
            widest = max(widest, _ways(node.body))
    return min(widest, _WAYS_TRIED)


def _way(nodes: Nodes, turn: int) -> str:
    """The text in which every choice takes its *turn*, counted round."""
    text = ""
    for node in nodes:
        if isinstance(node, Text):
            text += node.text
        elif isinstance(node, Choice):
            inner, taken = divmod(turn, len(node.alternatives))
            text += _way(node.alternatives[taken], inner)
        elif isinstance(node, Optional):
            text += _way(node.body, turn)
        else:
            text += node.name
    return text
