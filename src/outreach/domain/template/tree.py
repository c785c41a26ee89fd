"""The text tree of a template: what a rendering walks.

A tree is a tuple of nodes; :func:`source` writes it as a person would.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

from attrs import Factory, define, field, frozen

__all__ = [
    "Choice",
    "Node",
    "Nodes",
    "Optional",
    "Page",
    "Text",
    "Value",
    "names",
    "own_names",
    "source",
]

_DRAW_BITS: Final = 64
_SPECIAL: Final = re.compile(r"[\\{}\[\]|]")


@define
class Page:
    """What one rendering has written so far.

    Attributes:
        values: cleaned value of every variable of the template.
        draws: one 64-bit number per choice, by its index.
        parts: pieces of the text, in order.
        path: number of the alternative taken, for each choice met.
    """

    values: dict[str, str]
    draws: Sequence[int]
    parts: list[str] = field(factory=list)
    path: list[int] = field(factory=list)


@frozen
class Text:
    """Literal text, without escapes."""

    text: str

    def write(self, page: Page) -> None:
        page.parts.append(self.text)


@frozen
class Value:
    """The place of a variable."""

    name: str

    def write(self, page: Page) -> None:
        page.parts.append(page.values[self.name])


@frozen
class Choice:
    """One of at least two alternatives, each as likely as the others.

    Attributes:
        index: which of the template's choices this is, from 0.
        alternatives: as written; the same text twice is twice as likely.
        first: for each alternative the number of the first one equal to it.
    """

    index: int
    alternatives: tuple[Nodes, ...]
    first: tuple[int, ...] = field(
        init=False,
        eq=False,
        repr=False,
        default=Factory(lambda self: _first_equal(self.alternatives), takes_self=True),
    )

    def write(self, page: Page) -> None:
        # A product and a shift: off from even by less than 2**-47.
        taken = page.draws[self.index] * len(self.alternatives) >> _DRAW_BITS
        page.path.append(self.first[taken])
        for node in self.alternatives[taken]:
            node.write(page)


@frozen
class Optional:
    """A part that vanishes when one of its own variables is empty.

    Attributes:
        body: what it holds.
        own: its variables, those of optional parts inside it left out.
    """

    body: Nodes
    own: tuple[str, ...] = field(
        init=False,
        eq=False,
        repr=False,
        default=Factory(
            lambda self: tuple(sorted(own_names(self.body))),
            takes_self=True,
        ),
    )

    def write(self, page: Page) -> None:
        kept = len(page.parts)
        # Written even when it vanishes: the path must not depend on values.
        for node in self.body:
            node.write(page)
        for name in self.own:
            if not page.values[name]:
                del page.parts[kept:]
                return


Node: TypeAlias = Text | Value | Choice | Optional
Nodes: TypeAlias = tuple[Node, ...]


def source(nodes: Nodes) -> str:
    """The template as a person would write it; ``read(source(n)) == n``."""
    return "".join(_written(node) for node in nodes)


def names(nodes: Nodes) -> frozenset[str]:
    """Every variable in *nodes*."""
    found: set[str] = set()
    _collect(nodes, found, inner=True)
    return frozenset(found)


def own_names(nodes: Nodes) -> frozenset[str]:
    """The variables in *nodes* that stand in no optional part of it."""
    found: set[str] = set()
    _collect(nodes, found, inner=False)
    return frozenset(found)


def _written(node: Node) -> str:
    if isinstance(node, Text):
        return _SPECIAL.sub(r"\\\g<0>", node.text)
    if isinstance(node, Value):
        return "{{" + node.name + "}}"
    if isinstance(node, Choice):
        return "{" + "|".join(source(each) for each in node.alternatives) + "}"
    return "[" + source(node.body) + "]"


def _collect(nodes: Nodes, found: set[str], *, inner: bool) -> None:
    for node in nodes:
        if isinstance(node, Value):
            found.add(node.name)
        elif isinstance(node, Choice):
            for alternative in node.alternatives:
                _collect(alternative, found, inner=inner)
        elif isinstance(node, Optional) and inner:
            _collect(node.body, found, inner=inner)


def _first_equal(alternatives: tuple[Nodes, ...]) -> tuple[int, ...]:
    seen: dict[Nodes, int] = {}
    return tuple(seen.setdefault(each, n) for n, each in enumerate(alternatives))
