"""What files are called, how long they get, and what never stands in one."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest
from tests.house import rules
from tests.house.tree import ROOT, committed, sources, text_of

LINES_AT_MOST = 400
NAMES_NOTHING = {"utils", "util", "helpers", "common", "manager", "base", "service"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")
# in pieces, so that this file does not name what it looks for
REGISTRIES = re.compile(
    "|".join(
        [
            r"py" + r"pi\.org",
            r"python" + r"hosted\.org",
            r"registry\." + r"npmjs\.",
            r"deb\." + r"debian\.org",
            r"crates" + r"\.io",
            r"proxy\.golang" + r"\.org",
            r"find" + r"-links|extra-" + r"index-url",
        ]
    )
)
SHARED = ".." + "/shared"
TOO_SHORT_TO_TELL = {"/", "/tmp/", "/home/", "/opt/", "/srv/", "/var/", "/usr/src/"}
LUA_HEADER = re.compile(
    r"\A--\[\[\n.+?\bKEYS\b.+?\bARGV\b.+?\bReturns\b.+?\]\]", re.DOTALL
)


def lines_with(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in paths
        for number, line in enumerate((text_of(path) or "").splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_source_file_is_two_files() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sources("src")
        if (lines := len(path.read_text("utf-8").splitlines())) > LINES_AT_MOST
    }

    assert long == {}


def test_every_module_is_called_after_what_it_is() -> None:
    nameless = [
        str(path.relative_to(ROOT))
        for path in sources("src", "tests")
        if NAMES_NOTHING & {path.stem.strip("_"), path.parent.name}
    ]

    assert nameless == []


def test_nothing_is_left_unfinished() -> None:
    folders = (ROOT / "src", ROOT / "lua")
    paths = [p for p in committed() if any(p.is_relative_to(f) for f in folders)]

    assert lines_with(UNFINISHED, paths) == []


def test_every_public_module_says_what_it_offers() -> None:
    silent = [
        f"{path.relative_to(ROOT)}:{fault}"
        for path in sources("src")
        if not re.match(r"_(?!_init_)", path.stem)
        for fault in rules.missing_all(ast.parse(path.read_text("utf-8")))
    ]

    assert silent == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sources("src", "tests")
        if not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]

    assert silent == []


def test_every_lua_command_begins_with_its_contract() -> None:
    commands = [path for path in committed() if path.suffix == ".lua"]

    bare = [
        str(path.relative_to(ROOT))
        for path in commands
        if not LUA_HEADER.match(path.read_text("utf-8"))
    ]

    assert all(path.is_relative_to(ROOT / "lua") for path in commands)
    assert bare == []


def test_no_file_names_a_registry() -> None:
    assert lines_with(REGISTRIES, list(committed())) == []


def test_no_file_names_a_path_of_this_machine() -> None:
    places = {f"{ROOT.parent}/", f"{os.environ.get('HOME', '')}/"} - TOO_SHORT_TO_TELL
    paths = "|".join(map(re.escape, sorted(places))) or "(?!)"
    pattern = re.compile(rf"(?<![\w.-])(?:{paths})")

    assert lines_with(pattern, list(committed())) == []


def test_only_ci_knows_what_lies_beside_the_repository() -> None:
    others = [path for path in committed() if path != ROOT / ".ci/run"]

    assert lines_with(re.compile(re.escape(SHARED)), others) == []


@pytest.mark.parametrize(
    "source", ["def f(): ...", "__all__ = ['g']\ndef f(): ...", "class A: ..."]
)
def test_a_module_that_hides_what_it_offers_is_seen(source: str) -> None:
    assert list(rules.missing_all(ast.parse(source))) != []


@pytest.mark.parametrize(
    "source",
    [
        "__all__ = ['f']\ndef f(): ...\ndef _g(): ...",
        "__all__ = ['x']\nfrom y import z as x",
        "__all__ = ['A']\nA: int = 3",
        "__all__ = ['Late']\ndef __getattr__(name): ...",
        "CONSTANT = 3",
    ],
)
def test_a_module_that_says_what_it_offers_is_fine(source: str) -> None:
    assert list(rules.missing_all(ast.parse(source))) == []


def test_a_lua_header_needs_all_its_parts() -> None:
    whole = "--[[\n  Reserve.\n\n  KEYS[1] slot\n  ARGV[1] id\n\n  Returns code\n]]\n"

    assert LUA_HEADER.match(whole)
    assert not LUA_HEADER.match(whole.replace("ARGV", "arguments"))
    assert not LUA_HEADER.match("return 1 -- KEYS ARGV Returns")
