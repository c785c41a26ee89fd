"""What reaches a terminal: no control, however it was written."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.sla import Priority
from outreach.entrypoints.cli.screen import (
    as_json,
    complain,
    local,
    safe,
    safe_lines,
    say,
    table,
)

HARMFUL = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Agro Ștefan SRL 🙏", "Agro Ștefan SRL 🙏"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("\x9b31mred", r"\x9b31mred"),
        ("line\rover", r"line\rover"),
        ("abc\u202exe.txt", r"abc\u202exe.txt"),
        ("two\nlines", r"two\nlines"),
        ("no\xa0break", "no\xa0break"),
        ("👨\u200d🌾", "👨\u200d🌾"),
    ],
)
def test_only_what_can_be_seen_is_shown_as_it_is(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.text())
def test_no_text_can_control_a_terminal(text: str) -> None:
    categories = {unicodedata.category(c) for c in safe(text).replace("\u200d", "")}

    assert not categories & HARMFUL


@given(st.text())
def test_lines_stay_lines_and_are_harmless(text: str) -> None:
    shown = safe_lines(text)

    assert shown.split("\n") == [safe(line) for line in text.splitlines()] or not text


def test_a_lead_cannot_write_markup_or_escapes_into_a_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table("Leads", ("company",), [["[bold red]Agro[/] \x1b[31m :smile:"]])

    shown = capsys.readouterr().out
    assert r"[bold red]Agro[/] \x1b[31m :smile:" in shown
    assert "\x1b" not in shown


def test_a_table_fits_into_80_columns_and_loses_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [f"word{n}" for n in range(60)]

    table("Long", ("#n", "text", "more"), [(1, " ".join(words), "x" * 90)])

    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert all(word in shown for word in words)
    assert shown.count("x") == 91  # and the one of the header text


def test_a_table_without_rows_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    table("Phones", ("phone",), [])

    assert capsys.readouterr().out == "Phones: none\n"


def test_data_and_complaints_go_different_ways(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say("data")
    complain("no \x1b[31mgood")

    shown = capsys.readouterr()
    assert shown.out == "data\n"
    assert shown.err == "outreach: no \\x1b[31mgood\n"


def test_json_is_ascii_and_reads_back() -> None:
    written = as_json(
        {
            "name": "Ștefan \x9b31m",
            "at": datetime(2026, 3, 4, 10, tzinfo=UTC),
            "day": date(2026, 3, 4),
            "id": UUID(int=7),
            "priority": Priority.HIGH,
        }
    )

    assert written.isascii()
    assert json.loads(written) == {
        "name": "Ștefan \x9b31m",
        "at": "2026-03-04T10:00:00+00:00",
        "day": "2026-03-04",
        "id": str(UUID(int=7)),
        "priority": "HIGH",
    }


def test_what_has_no_form_in_json_is_refused_and_not_guessed() -> None:
    with pytest.raises(TypeError, match="set has no form"):
        as_json({"a": {1, 2}})


def test_a_time_is_told_in_the_zone_asked_for() -> None:
    assert local(datetime(2026, 3, 5, 7, tzinfo=UTC), "Europe/Bucharest") == (
        "Thu 5 Mar 09:00"
    )
    assert local(None, "Europe/Bucharest") == "-"
