"""Rows that name their own columns: JSON lines and mappings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from outreach.adapters.files import MappingRows, open_table
from outreach.adapters.files.delimited import MOST_COLUMNS
from outreach.domain.lead_file import RawRow

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(text: str) -> Path:
        path = tmp_path / "leads.jsonl"
        path.write_text(text, "utf-8")
        return path

    return put


def read(path: Path) -> tuple[list[str], list[RawRow]]:
    with open_table(path) as table:
        rows = list(table)
        return list(table.columns), rows


def test_json_lines_are_a_table(write: Write) -> None:
    text = (
        '{"firma": "Agro", "telefon": 722123456, "tags": ["a", "b"]}\n'
        "\n"
        '{"telefon": "0722123457", "ha": 12.50, "x": null, "deep": {"a": [1]}}\n'
        "not json\n"
        '["a list"]\n'
        '{"telefon": 7.22123456E+08, "ok": true}\n'
        "{}\n"
    )

    columns, rows = read(write(text))

    assert columns == ["firma", "telefon", "tags", "ha", "x", "deep", "ok"]
    assert [row.number for row in rows] == [1, 3, 4, 5, 6]
    assert rows[0].cells[:3] == ("Agro", "722123456", "a, b")
    assert rows[1].cells[1:] == ("0722123457", "", "12.50", "", '{"a": ["1"]}')
    assert [row.problem for row in rows[2:4]] == ["not a JSON object on one line"] * 2
    assert rows[4].cells[1] == "7.22123456E+08"
    assert rows[4].cells[-1] == "true"


def test_deeply_nested_json_is_a_broken_row(write: Write) -> None:
    deep = '{"a": ' + "[" * 30_000 + "]" * 30_000 + "}"

    _, rows = read(write('{"telefon": "0722123456"}\n' + deep + "\n"))

    assert [row.problem for row in rows] == ["", "not a JSON object on one line"]


def test_mappings_are_a_table_and_new_names_new_columns() -> None:
    late = {"phone": "0722123457", "late": 5}
    table = MappingRows.of([{"phone": "0722123456"}] * 150 + [{}, late])

    before = list(table.columns)
    rows = list(table)

    assert before == ["phone"]
    assert list(table.columns) == ["phone", "late"]
    assert rows[-1] == RawRow(152, ("0722123457", "5"))
    assert len(rows) == 151


def test_a_mapping_of_endless_names_stops_growing() -> None:
    rows = [{"phone": "0722123456", f"c{n}": "x"} for n in range(MOST_COLUMNS + 50)]

    table = MappingRows.of(rows)
    last = list(table)[-1]

    assert len(table.columns) == MOST_COLUMNS
    assert "more than 500 columns" in last.problem
    assert last.cells[0] == "0722123456"
