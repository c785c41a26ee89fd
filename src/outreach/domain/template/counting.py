"""How many texts a template gives, and how long they get, without expanding it."""

from __future__ import annotations

from typing import Final, TypeAlias

from outreach.domain.template.tree import Choice, Node, Nodes, Optional, Text, Value

__all__ = ["VARIANTS_CAP", "choices", "longest", "variants"]

VARIANTS_CAP: Final = 10_000
"""Where counting stops."""

# The texts a piece of template gives, in a form equal for pieces that give the same.
_Shape: TypeAlias = "tuple[str | Value | frozenset[_Shape], ...]"


def variants(nodes: Nodes, empty: frozenset[str]) -> int:
    """Different texts of *nodes*, at most VARIANTS_CAP; see ``Template.variants``."""
    return _count(_shape(nodes, empty))


def longest(nodes: Nodes) -> int:
    """Characters of the longest text of *nodes*, values left out."""
    total = 0
    for node in nodes:
        if isinstance(node, Text):
            total += len(node.text)
        elif isinstance(node, Choice):
            total += max(map(longest, node.alternatives))
        elif isinstance(node, Optional):
            total += longest(node.body)
    return total


def choices(nodes: Nodes) -> int:
    """How many choices stand in *nodes*, nested ones too."""
    total = 0
    for node in nodes:
        if isinstance(node, Choice):
            total += 1 + sum(map(choices, node.alternatives))
        elif isinstance(node, Optional):
            total += choices(node.body)
    return total


def _shape(nodes: Nodes, empty: frozenset[str]) -> _Shape:
    """*nodes* in a form that is equal for pieces that give the same texts."""
    flat: list[str | Value | frozenset[_Shape]] = []
    for node in nodes:
        for piece in _pieces(node, empty):
            if isinstance(piece, str) and flat and isinstance(flat[-1], str):
                flat[-1] += piece
            elif piece != "":
                flat.append(piece)
    return tuple(flat)


def _pieces(node: Node, empty: frozenset[str]) -> _Shape:
    if isinstance(node, Text):
        return (node.text,)
    if isinstance(node, Value):
        return () if node.name in empty else (node,)
    if isinstance(node, Optional):
        return () if empty.intersection(node.own) else _shape(node.body, empty)
    options: set[_Shape] = set()
    for alternative in node.alternatives:
        shape = _shape(alternative, empty)
        if len(shape) == 1 and isinstance(shape[0], frozenset):
            options |= shape[0]
        else:
            options.add(shape)
    return next(iter(options)) if len(options) == 1 else (frozenset(options),)


def _count(shape: _Shape) -> int:
    total = 1
    for piece in shape:
        if isinstance(piece, frozenset):
            total = min(VARIANTS_CAP, total * sum(map(_count, piece)))
    return total
