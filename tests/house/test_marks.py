"""What may be silenced, skipped or searched differently, and how often."""

from __future__ import annotations

import ast

import pytest
from tests.house import rules
from tests.house.tree import ALLOWED, ROOT, pyproject, sources


def found() -> dict[str, int]:
    counts = {"type-ignore": 0, "noqa": 0}
    for path in sources("src", "tests"):
        for kind, number in rules.silencers(path.read_text("utf-8")).items():
            counts[kind] += number
    contracts = pyproject()["tool"]["importlinter"]["contracts"]
    ignored = sum(len(contract.get("ignore_imports", ())) for contract in contracts)
    return counts | {"ignore-imports": ignored}


@pytest.mark.parametrize("kind", ["type-ignore", "noqa", "ignore-imports"])
def test_silenced_checks_only_get_fewer(kind: str) -> None:
    number, allowed = found()[kind], ALLOWED[kind]

    assert number <= allowed, f"{number} of {kind}, {allowed} allowed: mend the cause"
    assert number == allowed, f"lower {kind} in tests/house/allowed.toml to {number}"


def test_a_test_skips_only_for_a_platform_a_vendors_file_or_node() -> None:
    skipping = [
        f"{path.relative_to(ROOT)}:{fault}"
        for path in sources("tests", "src/outreach/testing")
        if str(path.relative_to(ROOT)) not in ALLOWED["skips"]
        for fault in rules.skips(ast.parse(path.read_text("utf-8")))
    ]

    assert skipping == []


def test_only_conftest_says_how_long_to_search() -> None:
    searching = [
        f"{path.relative_to(ROOT)}:{fault}"
        for path in sources("tests", "src/outreach/testing")
        if path != ROOT / "tests/conftest.py"
        for fault in rules.own_profiles(ast.parse(path.read_text("utf-8")))
    ]

    assert searching == []


@pytest.mark.parametrize(
    "source",
    [
        "@pytest.mark.skip\ndef test_x(): pass",
        "@pytest.mark.xfail(strict=True)\ndef test_x(): pass",
        "@pytest.mark.skipif(not REDIS, reason='')\ndef test_x(): pass",
        "pytest.importorskip('redis')",
        "pytest.skip('later')",
    ],
)
def test_a_skip_is_seen(source: str) -> None:
    assert list(rules.skips(ast.parse(source))) != []


def test_a_platform_is_a_reason_to_skip() -> None:
    source = "@pytest.mark.skipif(sys.platform == 'darwin', reason='')\ndef f(): pass"

    assert list(rules.skips(ast.parse(source))) == []


@pytest.mark.parametrize(
    "source",
    [
        "from hypothesis import settings\n@settings(max_examples=3)\ndef f(): pass",
        "import hypothesis\nhypothesis.settings.load_profile('x')",
    ],
)
def test_settings_of_ones_own_are_seen(source: str) -> None:
    assert list(rules.own_profiles(ast.parse(source))) != []


def test_silencers_are_counted_in_comments_only() -> None:
    silenced = "x = 1  # " + "noqa: X\ny = 2  # type" + ": ignore[x]\nz = '# no" + "qa'"

    assert rules.silencers(silenced) == {"type-ignore": 1, "noqa": 1}
