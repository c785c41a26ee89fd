"""The page of guarantees names, for each invariant, tests that are there."""

from __future__ import annotations

import ast
import re
from typing import Final

from tests.house.tree import ROOT

from outreach.domain.invariants import MEANING, Invariant

PAGE: Final = ROOT / "docs" / "guarantees.md"
SECTION: Final = re.compile(
    r"^### (INV-\d+)[^\n]*\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL
)
NAMED: Final = re.compile(r"`((?:tests|src)/[\w/]+\.py)::(\w+)`")


def sections() -> dict[str, str]:
    return dict(SECTION.findall(PAGE.read_text("utf-8")))


def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_every_invariant_has_its_meaning_and_tests_on_the_page() -> None:
    found = sections()

    lacking = [one for one in Invariant if not NAMED.search(found.get(one, ""))]

    assert lacking == []
    assert set(MEANING) == set(Invariant)


def test_every_test_that_the_page_names_is_there() -> None:
    named = NAMED.findall(PAGE.read_text("utf-8"))

    gone = [
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).is_file() or name not in functions_of(path)
    ]

    assert named
    assert gone == []
