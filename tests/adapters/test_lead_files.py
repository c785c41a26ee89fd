"""Files as people have them: encodings, dialects, broken rows, and what is no table."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.adapters.files import open_table
from outreach.adapters.files.delimited import MOST_COLUMNS, Delimited
from outreach.adapters.files.encoding import LONGEST_LINE_BYTES, detect, lines
from outreach.adapters.files.records import CUT, STRAY, Records
from outreach.domain.errors import Misconfigured
from outreach.domain.lead_file import NotATable, RawRow

Write = Callable[[bytes | str], Path]

HEADER = "Denumire;Județ;Telefon\n"
TEXT = HEADER + "Agro Țarina;Timiș;0722123456\nȘerban & Fiii;Iași;0722123457\n"
OLD_TEXT = TEXT.translate(str.maketrans("ȘșȚț", "ŞşŢţ"))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(data: bytes | str) -> Path:
        path = tmp_path / "leads.csv"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return put


def read(
    path: Path, *, encoding: str = "", delimiter: str = ""
) -> tuple[list[str], list[RawRow]]:
    with open_table(path, encoding=encoding, delimiter=delimiter) as table:
        return list(table.columns), list(table)


def cells(path: Path) -> list[tuple[str, ...]]:
    return [row.cells for row in read(path)[1]]


def silent(_read: int, _size: int) -> None:
    return


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]
)
def test_unicode_is_told_by_its_bytes(write: Write, encoding: str) -> None:
    columns, rows = read(write(TEXT.encode(encoding)))

    assert columns == ["Denumire", "Județ", "Telefon"]
    assert rows[0] == RawRow(2, ("Agro Țarina", "Timiș", "0722123456"))
    assert rows[1].cells[0] == "Șerban & Fiii"


@pytest.mark.parametrize("encoding", ["cp1250", "iso8859-2"])
def test_older_encodings_are_told_by_their_bytes(write: Write, encoding: str) -> None:
    columns, rows = read(write(OLD_TEXT.encode(encoding)))

    assert columns == ["Denumire", "Judeţ", "Telefon"]
    assert [row.cells[0] for row in rows] == ["Agro Ţarina", "Şerban & Fiii"]


def test_where_the_older_encodings_differ_words_and_quotes_tell(write: Write) -> None:
    czech = "Firma;Telefon\nVšetín a Košťálová;0722123456\n"
    quotes = "Firma;Telefon\n„Țară”;0722123456\n".replace("Ț", "Ţ")

    assert cells(write(czech.encode("iso8859-2")))[0][0] == "Všetín a Košťálová"
    assert cells(write(czech.encode("cp1250")))[0][0] == "Všetín a Košťálová"
    assert cells(write(quotes.encode("cp1250")))[0][0] == "„Ţară”"


def test_a_file_pasted_together_of_two_encodings_is_read_line_by_line(
    write: Write,
) -> None:
    data = TEXT.encode() + "Agro Ţarină;Braşov;0722123458\n".encode("cp1250")

    assert [row[0] for row in cells(write(data))] == [
        "Agro Țarina",
        "Șerban & Fiii",
        "Agro Ţarină",
    ]


def test_an_encoding_that_shows_only_far_down_is_found(write: Write) -> None:
    filler = "Agro;Arad;0722123456\n" * 20_000
    data = (HEADER.replace("ț", "t") + filler).encode() + "Țarină;X;1\n".replace(
        "Ț", "Ţ"
    ).encode("cp1250")

    assert cells(write(data))[-1][0] == "Ţarină"


def test_an_encoding_that_is_told_is_believed(write: Write) -> None:
    path = write("Firma;Telefon\nÉté Ñandú;0722123456\n".encode("cp1252"))

    assert read(path, encoding="cp1252")[1][0].cells[0] == "Été Ñandú"


def test_an_unknown_encoding_is_named_with_a_way_out(write: Write) -> None:
    with pytest.raises(Misconfigured, match=r"no encoding 'utf-9'.*cp1250"):
        read(write(TEXT), encoding="utf-9")


@pytest.mark.parametrize("mark", [";", ",", "\t", "|", "^", "~"])
def test_the_separator_is_found(write: Write, mark: str) -> None:
    columns, rows = read(write(TEXT.replace(";", mark)))

    assert columns == ["Denumire", "Județ", "Telefon"]
    assert rows[0].cells == ("Agro Țarina", "Timiș", "0722123456")


def test_the_separator_is_not_the_one_inside_values(write: Write) -> None:
    text = "Denumire;Telefon\nA, B, C;0722123456\nD, E, F;0722123457\n"

    assert cells(write(text))[0] == ("A, B, C", "0722123456")


def test_the_line_that_tells_excel_the_separator_is_no_row(write: Write) -> None:
    columns, rows = read(write("sep=#\nFirma#Telefon\nAgro#0722123456\n"))

    assert columns == ["Firma", "Telefon"]
    assert rows == [RawRow(3, ("Agro", "0722123456"))]


def test_a_separator_that_is_told_is_believed(write: Write) -> None:
    columns, _ = read(write("Firma:Telefon\nAgro:0722123456\n"), delimiter=":")

    assert columns == ["Firma", "Telefon"]


def test_a_separator_of_two_characters_is_refused(write: Write) -> None:
    with pytest.raises(Misconfigured, match=r"delimiter ';;'.*one character"):
        read(write(TEXT), delimiter=";;")


def test_titles_above_the_header_are_left_out_and_named(write: Write) -> None:
    path = write("Lista firmelor 2026;;\n\n" + TEXT)

    with open_table(path) as table:
        rows = list(table)

    assert list(table.columns) == ["Denumire", "Județ", "Telefon"]
    assert [row.number for row in rows] == [4, 5]
    assert table.notes == ("2 lines above the header are left out",)


def test_rows_are_numbered_as_a_spreadsheet_counts(write: Write) -> None:
    text = 'Firma;Telefon\nA;1\n\n;\nB;"2\n3"\nC;4\n   \n"";""\nD;5'

    _, rows = read(write(text))

    assert [(row.number, row.cells[0]) for row in rows] == [
        (2, "A"),
        (5, "B"),
        (6, "C"),
        (9, "D"),
    ]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_end_of_line_is_one(write: Write, newline: str) -> None:
    _, rows = read(write(TEXT.replace("\n", newline)))

    assert [row.cells[2] for row in rows] == ["0722123456", "0722123457"]


def test_nul_bytes_do_not_stop_a_file(write: Write) -> None:
    path = write("Firma;Telefon\nAg\x00ro;0722123456\nB;0722123457\n" * 3)

    assert [row.cells[0] for row in read(path)[1]][:2] == ["Ag\x00ro", "B"]


def test_a_list_of_phones_alone_is_a_table(write: Write) -> None:
    columns, rows = read(write("Telefon\n0722123456\n0722123457\n"))

    assert columns == ["Telefon"]
    assert [row.cells for row in rows] == [("0722123456",), ("0722123457",)]


def test_empty_headers_at_the_end_are_no_columns(write: Write) -> None:
    columns, rows = read(write("Firma;Telefon;;\nA;1;;\nB;2;x;\n"))

    assert columns == ["Firma", "Telefon"]
    assert [row.problem for row in rows] == [
        "",
        "more values than columns: a value may hold the separator",
    ]


def test_a_header_over_two_lines_is_one_name(write: Write) -> None:
    columns, _ = read(write('"Denumire\nfirmă";Telefon\nA;1\n'))

    assert columns == ["Denumire firmă", "Telefon"]


def test_short_rows_are_rows(write: Write) -> None:
    _, rows = read(write("Telefon;Firma;Oraș\n0722123456\n0722123457;B\n"))

    assert [row.cells for row in rows] == [("0722123456",), ("0722123457", "B")]
    assert not any(row.problem for row in rows)


@pytest.mark.parametrize(
    ("line", "parsed", "problem"),
    [
        ('"SC "Doi Frați" SRL";X;1', ('SC "Doi Frați" SRL', "X", "1"), STRAY),
        ('"SC Doi;X;1', ('"SC Doi', "X", "1"), STRAY),
        ('SC 5" țeavă;X;1', ('SC 5" țeavă', "X", "1"), ""),
        ('"SC ""Doi""";X;1', ('SC "Doi"', "X", "1"), ""),
        (' "A;B" ; "X";"1" ', ("A;B ", "X", "1 "), ""),
        ('"A\nB";X;1', ("A\nB", "X", "1"), ""),
        ('A;"X\nY;Z\nW";1', ("A", "X\nY;Z\nW", "1"), ""),
        ('A;"X\nY"', ("A", "X\nY"), ""),
    ],
)
def test_quotation_marks_do_what_people_mean(
    write: Write, line: str, parsed: tuple[str, ...], problem: str
) -> None:
    path = write(f"{HEADER}{line}\nNext;Arad;0722123456\n")

    _, rows = read(path)

    assert (rows[0].cells, rows[0].problem) == (parsed, problem)
    assert [row.cells[0] for row in rows[1:]] == ["Next"]


def test_a_mark_never_closed_does_not_swallow_the_rows_below(write: Write) -> None:
    good = [f"Agro {n};Arad;07221234{n:02d}" for n in range(60)]
    text = HEADER + '"stray;Arad;0722123400\n' + "\n".join(good) + '\nEnd;"x";1\n'

    _, rows = read(write(text))

    assert len(rows) == 62
    assert rows[0].problem == STRAY
    assert not any(row.problem for row in rows[1:])


def test_an_endless_line_is_cut_and_the_next_is_whole(write: Write) -> None:
    long = "x" * (LONGEST_LINE_BYTES * 9)

    _, rows = read(write(f"{HEADER}A;{long};0722123456\nB;Arad;0722123457\n"))

    assert [row.problem for row in rows] == [CUT, ""]
    assert [row.number for row in rows] == [2, 3]
    assert len(rows[0].cells[1]) < LONGEST_LINE_BYTES
    assert rows[1].cells[0] == "B"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\r\n  \n", "is empty"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
        (b"PK\x03\x04\x14\x00\x06\x00", "a spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old .xls format"),
        (b"\x1f\x8b\x08\x00", "a gzip archive"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"{\\rtf1\\ansi", "an RTF document"),
        (b"<!DOCTYPE html><html><table>", "HTML or XML"),
        (b'\xef\xbb\xbf <?xml version="1.0"?><a/>', "HTML or XML"),
        (bytes(range(1, 255)) * 40, "binary data"),
        (b"\x00\x01\x02\x03" * 500, "binary data"),
        (b"Buna ziua.\nVa scriem in legatura cu oferta.\nCu stima\n", "no table"),
        (b"Buna, Ion\nCe faci? Bine, da, asa\nPa\nLa, la, la\nx\n", "no table"),
        (b'{"a": \n 1}', "one object per line"),
        (b'[{"phone": "0722123456"}]', "one object per line"),
    ],
)
def test_what_is_no_table_is_told_in_one_line(
    write: Write, data: bytes, says: str
) -> None:
    path = write(data)

    with pytest.raises(NotATable, match=says) as caught:
        read(path)

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_too_many_columns_are_no_leads(write: Write) -> None:
    header = ";".join(["Telefon", *[f"c{n}" for n in range(MOST_COLUMNS)]])

    with pytest.raises(NotATable, match="501 columns, more than 500"):
        read(write(header + "\n0722123456\n"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"none\.csv: no such file"):
        read(tmp_path / "none.csv")
    with pytest.raises(Misconfigured, match="is a directory"):
        read(tmp_path)


def test_progress_is_told_by_bytes(write: Write) -> None:
    path = write(HEADER + "Agro;Arad;0722123456\n" * 50_000)
    told: list[tuple[int, int]] = []

    with open_table(path, progress=lambda *pair: told.append(pair)) as table:
        for _ in table:
            pass

    size = path.stat().st_size
    assert len(told) > 2
    assert told == sorted(told)
    assert told[-1] == (size, size)


def test_a_long_file_is_not_held_in_memory(write: Write) -> None:
    path = write(HEADER + "Agro Țarina;Timiș;0722123456\n" * 120_000)

    tracemalloc.start()
    with open_table(path) as table:
        rows = sum(1 for _ in table)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert rows == 120_000
    assert peak < path.stat().st_size / 2


@given(
    st.lists(
        st.lists(
            st.text(alphabet='ab;,"\n\t |ș', max_size=6), min_size=3, max_size=3
        ).filter(lambda row: bool(set("abș") & set("".join(row)))),
        max_size=12,
    ),
    st.sampled_from([";", ",", "\t", "|"]),
    st.sampled_from(["excel", "unix"]),
)
def test_what_a_csv_writer_wrote_is_read(
    rows: list[list[str]], mark: str, dialect: str
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, dialect, delimiter=mark, lineterminator="\n")
    writer.writerow(["Firma", "Telefon", "Oraș"])
    writer.writerows(rows)
    file = io.BytesIO(out.getvalue().encode())

    found = detect(file, name="x")
    table = Delimited.of(lines(file, found, silent), name="x", delimiter=mark)

    # Blanks around a value mean nothing; the reader may drop them.
    assert [[cell.strip() for cell in row.cells] for row in table] == [
        [cell.strip() for cell in row] for row in rows
    ]


@given(st.text(alphabet='ab;"\n ', max_size=120))
def test_any_text_is_records_and_no_line_is_lost(text: str) -> None:
    given_lines = text.split("\n")
    source = iter([(line, False) for line in given_lines])

    records = list(Records(source, ";", width=3))

    letters = [c for c in text if c in "ab"]
    found = "".join(cell for parsed, _ in records for cell in parsed)
    assert [c for c in found if c in "ab"] == letters
    assert len(records) <= len(given_lines)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_table_or_refused(data: bytes) -> None:
    file = io.BytesIO(data)
    try:
        found = detect(file, name="x")
        table = Delimited.of(lines(file, found, silent), name="x")
        rows = list(table)
    except NotATable:
        return

    assert all(isinstance(cell, str) for row in rows for cell in row.cells)
