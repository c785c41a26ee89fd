"""Templates drawn from the grammar, against their texts by plain expansion."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product
from typing import TypeAlias

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.template import Variable as Declared
from outreach.domain.template import parse

NAMES = ("a", "b", "c")
EMPTY_ALLOWED = [Declared(name, default="") for name in NAMES]


@frozen
class Literal:
    text: str


@frozen
class Variable:
    name: str


@frozen
class Either:
    alternatives: list[list[Piece]]


@frozen
class Part:
    body: list[Piece]


Piece: TypeAlias = Literal | Variable | Either | Part


def sources() -> st.SearchStrategy[list[Piece]]:
    """Templates of at most a few thousand expansions, nested at most 4 deep."""
    leaf = st.one_of(
        st.builds(Literal, st.text(alphabet="xy {}[]|\\%.", min_size=1, max_size=4)),
        st.builds(Variable, st.sampled_from(NAMES)),
    )
    pieces: st.SearchStrategy[Piece] = leaf
    for _ in range(3):
        inner = st.lists(pieces, max_size=2)
        pieces = st.one_of(
            leaf,
            st.builds(Either, st.lists(inner, min_size=2, max_size=3)),
            st.builds(
                lambda name, body: Part([Variable(name), *body]),
                st.sampled_from(NAMES),
                inner,
            ),
        )
    return st.lists(pieces, max_size=3)


def written(pieces: list[Piece]) -> str:
    """As a person would write it."""
    text = ""
    for piece in pieces:
        if isinstance(piece, Literal):
            text += re.sub(r"[\\{}\[\]|]", r"\\\g<0>", piece.text)
        elif isinstance(piece, Variable):
            text += "{{" + piece.name + "}}"
        elif isinstance(piece, Either):
            text += "{" + "|".join(map(written, piece.alternatives)) + "}"
        else:
            text += "[" + written(piece.body) + "]"
    return text


def expansions(pieces: list[Piece], values: Mapping[str, str]) -> set[str]:
    """Every text there is."""
    ways = [_of_one(piece, values) for piece in pieces]
    return {"".join(way) for way in product(*ways)}


def own(pieces: list[Piece]) -> set[str]:
    """The variables that stand in no optional part."""
    found: set[str] = set()
    for piece in pieces:
        if isinstance(piece, Variable):
            found.add(piece.name)
        elif isinstance(piece, Either):
            found.update(*map(own, piece.alternatives))
    return found


def _of_one(piece: Piece, values: Mapping[str, str]) -> set[str]:
    if isinstance(piece, Literal):
        return {piece.text}
    if isinstance(piece, Variable):
        return {values[piece.name]}
    if isinstance(piece, Either):
        return set().union(*(expansions(each, values) for each in piece.alternatives))
    if all(values[name] for name in own(piece.body)):
        return expansions(piece.body, values)
    return {""}


@given(sources())
def test_what_a_tree_writes_is_what_it_was_read_from(pieces: list[Piece]) -> None:
    content = "x" + written(pieces)

    assert str(parse(content)) == content


@given(
    sources(),
    st.fixed_dictionaries({name: st.sampled_from(["", name * 2]) for name in NAMES}),
    st.binary(max_size=16),
)
def test_a_text_is_one_of_the_expansions(
    pieces: list[Piece],
    values: dict[str, str],
    drawn: bytes,
) -> None:
    template = parse("x" + written(pieces))

    rendered = template.render(values, declared=EMPTY_ALLOWED, seed=drawn)

    possible = {("x" + text).strip() for text in expansions(pieces, values)}
    assert rendered.text in possible


@given(sources())
def test_no_fewer_variants_are_counted_than_there_are(pieces: list[Piece]) -> None:
    template = parse("x" + written(pieces))
    values = {name: f"<{name}>" for name in NAMES}

    assert template.variants() >= len(expansions(pieces, values))


@given(sources())
def test_no_fewer_variants_are_counted_where_values_are_empty(
    pieces: list[Piece],
) -> None:
    template = parse("x" + written(pieces))
    values = {"a": "", "b": "<b>", "c": ""}

    counted = template.variants(empty={"a", "c"})

    assert counted >= len(expansions(pieces, values))
