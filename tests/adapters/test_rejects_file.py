"""The file of refused rows."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from outreach.adapters.files import RejectsFile, open_table
from outreach.domain.errors import Misconfigured
from outreach.domain.lead_columns import Columns
from outreach.domain.lead_file import RawRow, Rejected

COLUMNS = ("Firma", "Telefon")
BROKEN = Rejected(RawRow(7, ("Agro", "+40722")), "Telefon", "+40722", "too short")


def listed(path: Path, delimiter: str = ";") -> list[list[str]]:
    text = path.read_bytes().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def test_a_refused_row_is_written_with_its_reason_and_its_cells(
    tmp_path: Path,
) -> None:
    with RejectsFile.beside(tmp_path / "leads.csv") as rejects:
        rejects.add(BROKEN, COLUMNS)

    assert rejects.path == str(tmp_path / "leads.rejects.csv")
    assert listed(Path(rejects.path)) == [
        [
            "rejected_row",
            "rejected_column",
            "rejected_value",
            "rejected_reason",
            "Firma",
            "Telefon",
        ],
        ["7", "Telefon", "'+40722", "too short", "Agro", "'+40722"],
    ]


def test_excel_sees_unicode(tmp_path: Path) -> None:
    with RejectsFile.beside(tmp_path / "leads.csv") as rejects:
        rejects.add(BROKEN, COLUMNS)

    assert (tmp_path / "leads.rejects.csv").read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(tmp_path: Path, cell: str) -> None:
    with RejectsFile.beside(tmp_path / "leads.csv") as rejects:
        rejects.add(Rejected(RawRow(2, (cell, "a")), "Firma", cell, "x"), COLUMNS)

    row = listed(tmp_path / "leads.rejects.csv")[1]
    assert row[2] == row[4] == f"'{cell}"


def test_without_a_refused_row_there_is_no_file(tmp_path: Path) -> None:
    old = tmp_path / "leads.rejects.csv"
    with RejectsFile.beside(tmp_path / "leads.csv") as rejects:
        rejects.add(BROKEN, COLUMNS)
    assert old.exists()

    with RejectsFile.beside(tmp_path / "leads.csv") as rejects:
        pass

    assert rejects.path is None
    assert not old.exists()


def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "important.csv"
    target.write_text("a;b\n", "utf-8")

    with pytest.raises(Misconfigured, match=r"important\.csv exists and is not one"):
        RejectsFile(target)

    assert target.read_text("utf-8") == "a;b\n"


def test_the_file_being_read_is_not_written_over(tmp_path: Path) -> None:
    source = tmp_path / "leads.csv"
    source.write_text("Telefon\n", "utf-8")

    with pytest.raises(Misconfigured, match="is the file being read"):
        RejectsFile(tmp_path / "." / "leads.csv", source=source)

    assert source.read_text("utf-8") == "Telefon\n"


def test_a_folder_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"r\.csv: no such file or directory"):
        RejectsFile(tmp_path / "none" / "r.csv")


def test_a_mended_file_can_be_imported_as_it_is(tmp_path: Path) -> None:
    with RejectsFile.beside(tmp_path / "leads.csv") as rejects:
        rejects.add(BROKEN, COLUMNS)

    with open_table(tmp_path / "leads.rejects.csv") as table:
        columns = Columns.of(list(table.columns))
        rows = list(table)

    assert columns.unknown == ()
    assert rows[0].cells[columns.fields["phone"][0]] == "'+40722"
