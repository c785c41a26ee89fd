"""Lead files as people have them, made by a seed, with what must come of them known."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from random import Random
from typing import Final

from attrs import define, field, frozen

__all__ = ["LeadFile", "make"]

_HEADERS: Final = {
    "ro": {
        "company_name": ("Denumire", "DENUMIRE FIRMĂ", "Societatea", "Nume firmă"),
        "cui": ("CUI", "Cod fiscal", "C.I.F."),
        "county": ("Județ", "JUDEŢ", "judet"),
        "city": ("Localitate", "Oraş"),
        "phone": ("Telefon", "Nr. telefon", "TELEFON MOBIL"),
        "email": ("E-mail", "Adresă e-mail", "mail"),
        "contact_name": ("Persoană de contact", "Administrator"),
        "land": ("Suprafață (ha)",),
        "note": ("Observații",),
    },
    "en": {
        "company_name": ("Company", "Company name"),
        "cui": ("CUI", "VAT number"),
        "county": ("County",),
        "city": ("City", "Town"),
        "phone": ("Phone", "Mobile phone", "Phone number"),
        "email": ("Email", "E-mail address"),
        "contact_name": ("Contact person", "Owner"),
        "land": ("Hectares",),
        "note": ("Remarks",),
    },
}
_UNKNOWN: Final = ("land", "note")
_COUNTIES: Final = ("Timiș", "Călărași", "Brăila", "Iași", "Vâlcea", "Mureș", "Ilfov")
_NAMES: Final = ("Șerban Ion", "Țepeș Ana", "Dănilă Gheorghe", "Pop Măriuța", "")
_CUI_KEY: Final = "753217532"

_WRITINGS: Final[tuple[Callable[[str], str], ...]] = (
    lambda n: f"0{n[:3]} {n[3:6]} {n[6:]}",
    lambda n: f"+40 {n[:3]}-{n[3:6]}-{n[6:]}",
    lambda n: f"0040{n}",
    lambda n: f"40{n}",
    lambda n: f"(0{n[:3]}) {n[3:]}",
    lambda n: f"0{n[:3]}.{n[3:6]}.{n[6:]}",
    lambda n: f"0{n[:3]}/{n[3:]}",
    lambda n: f"tel: 0{n}",
    lambda n: n,
    lambda n: f"{n[0]}.{n[1:]}E+08",
    lambda n: f"+40 (0) {n}",
    lambda n: f"\u202a+40{n}\u202c",
    lambda n: f"'0{n}",
)
_BROKEN_PHONES: Final = ("07221", "7.22123E+08", "nu răspunde", "0000000000", "07 12 x")
_BROKEN_MAILS: Final = ("ferma.ro", "ion@", "ion@@x.ro", "x@mailinator.com", "ion@agro")
_KINDS: Final = ("phone", "email", "both", "both", "two", "half", "mail half")
_HOLES: Final = ("", "", "-", "N/A", "lipsă")


@define
class _Row:
    cells: dict[str, str]
    truth: str  # new, merged or rejected
    lead: int = -1


@frozen
class LeadFile:
    """A file and the truth about it.

    Attributes:
        rejected_rows: their numbers, as a spreadsheet counts.
        keys: all identity keys of each lead that must be there in the end.
        unknown: headers that name no field.
    """

    name: str
    data: bytes = field(repr=False)
    rows: int
    imported: int
    merged: int
    rejected_rows: tuple[int, ...]
    keys: frozenset[frozenset[str]] = field(repr=False)
    unknown: tuple[str, ...]

    @property
    def rejected(self) -> int:
        return len(self.rejected_rows)


@define
class _Maker:
    rng: Random
    ascii_only: bool
    rows: list[_Row] = field(factory=list)
    keys: list[set[str]] = field(factory=list)
    numbers: set[str] = field(factory=set)

    def number(self) -> str:
        """Nine digits after +40, never the same twice; no zeros lost in E+08."""
        while True:
            number = f"7{self.rng.randint(20, 69)}{self.rng.randint(0, 999_999):06d}"
            if number not in self.numbers and number[-1] != "0":
                self.numbers.add(number)
                return number

    def cui(self) -> str:
        body = str(self.rng.randint(10**6, 10**8))
        while len(set(body)) == 1 or f"cui{body}" in self.numbers:
            body = str(self.rng.randint(10**6, 10**8))
        self.numbers.add(f"cui{body}")
        pairs = zip(body, _CUI_KEY[-len(body) :], strict=True)
        total = sum(int(a) * int(b) for a, b in pairs)
        return f"{body}{total * 10 % 11 % 10}"

    def text(self, text: str) -> str:
        plain = text.translate(str.maketrans("ȘșȚț", "ŞşŢţ"))
        return plain if self.ascii_only else text

    def base(self) -> dict[str, str]:
        rng = self.rng
        quoted = rng.choice(["", "", ' "Doi Frați"', "; filiala", ", Nord | Sud"])
        note = rng.choice(["", "", "sună\ndupă 17", 'zis "revin"', "=1+1", "a;b,c\td"])
        return {
            "company_name": self.text(f"SC Agro {rng.randint(1, 10**6)}{quoted} SRL"),
            "cui": "",
            "county": self.text(rng.choice(_COUNTIES)),
            "city": rng.choice(["Lunca", "Valea Mare", ""]),
            "phone": rng.choice(_HOLES) if not self.ascii_only else "",
            "email": "",
            "contact_name": self.text(rng.choice(_NAMES)),
            "land": str(rng.choice(["", 0, 12, 350])),
            "note": self.text(note),
        }

    def phone_cell(self, number: str) -> str:
        writings = _WRITINGS
        if self.ascii_only:
            writings = tuple(way for way in writings if "\u202a" not in way("7" * 9))
        return self.rng.choice(writings)(number)

    def company(self) -> None:
        """A company of its own, in one of the ways a row can be good."""
        rng, cells, keys = self.rng, self.base(), set[str]()
        kind = rng.choice(
            ["phone", "email", "both", "both", "two", "half", "mail half"]
        )
        if kind in {"phone", "both", "two", "half"}:
            number = self.number()
            keys.add(f"phone:+40{number}")
            cells["phone"] = self.phone_cell(number)
            if kind == "two":
                other = self.number()
                keys.add(f"phone:+40{other}")
                cells["phone"] = f"0{number} {rng.choice('/;,')} 0{other}"
        if kind in {"email", "both", "mail half"}:
            address = f"firma{len(self.keys)}.{rng.randint(1, 999)}@agro-test.ro"
            keys.add(f"email:{address}")
            cells["email"] = rng.choice([address, address.upper(), f"<{address}>"])
        if kind == "half":
            cells["email"] = rng.choice(_BROKEN_MAILS)
        if kind == "mail half":
            cells["phone"] = self.text(rng.choice(_BROKEN_PHONES))
        if rng.random() < 0.7:
            cui = self.cui()
            keys.add(f"cui:{cui}")
            cells["cui"] = rng.choice([cui, f"RO{cui}", f"ro {cui}"])
        self.keys.append(keys)
        self.rows.append(_Row(cells, "new", len(self.keys) - 1))

    def repeat(self) -> None:
        """A row that is a company above, somewhere below it."""
        rng = self.rng
        at = rng.choice([i for i, row in enumerate(self.rows) if row.truth == "new"])
        first = self.rows[at]
        keys = self.keys[first.lead]
        key = rng.choice(sorted(keys))
        kind, value = key.split(":", 1)
        cells = self.base()
        if rng.random() < 0.3:
            cells = dict(first.cells)
        elif kind == "phone":
            cells["phone"] = self.phone_cell(value.removeprefix("+40"))
        elif kind == "email":
            cells["email"] = value.title()
        else:
            number = self.number()
            cells["cui"] = f"RO{value}"
            cells["phone"] = self.phone_cell(number)
            keys.add(f"phone:+40{number}")
        # Below every row of the company: one that names a phone before the row that
        # brings it would be a company of its own.
        last = max(i for i, row in enumerate(self.rows) if row.lead == first.lead)
        place = rng.randint(last + 1, len(self.rows))
        self.rows.insert(place, _Row(cells, "merged", first.lead))

    def broken(self) -> None:
        """A row of which no contact point remains."""
        rng, cells = self.rng, self.base()
        kind = rng.choice(["none", "phone", "email", "both"])
        if kind in {"phone", "both"}:
            cells["phone"] = self.text(rng.choice(_BROKEN_PHONES))
        if kind in {"email", "both"}:
            cells["email"] = rng.choice(_BROKEN_MAILS)
        if rng.random() < 0.5:
            cells["cui"] = self.cui()
        self.rows.insert(rng.randint(0, len(self.rows)), _Row(cells, "rejected"))


def make(seed: int, *, companies: int = 60) -> LeadFile:
    """Draw a file."""
    rng = Random(f"leads {seed}")
    encoding = rng.choice(
        ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1250", "iso8859-2"]
    )
    maker = _Maker(rng, ascii_only=encoding in {"cp1250", "iso8859-2"})
    for _ in range(companies):
        maker.company()
    for _ in range(rng.randint(10, 40)):
        maker.repeat()
    for _ in range(rng.randint(5, 25)):
        maker.broken()
    words = _HEADERS[rng.choice(["ro", "en"])]
    fields = list(words)
    rng.shuffle(fields)
    headers = {name: maker.text(rng.choice(words[name])) for name in fields}
    lines = encoding.startswith("utf-8") and rng.random() < 0.4
    text, numbers = (_json if lines else _csv)(rng, maker.rows, headers)
    return LeadFile(
        name=f"leads-{seed}.{'jsonl' if lines else 'csv'}",
        data=text.encode(encoding),
        rows=len(maker.rows),
        imported=len(maker.keys),
        merged=sum(row.truth == "merged" for row in maker.rows),
        rejected_rows=tuple(
            number
            for number, row in zip(numbers, maker.rows, strict=True)
            if row.truth == "rejected"
        ),
        keys=frozenset(map(frozenset, maker.keys)),
        unknown=tuple(headers[name] for name in fields if name in _UNKNOWN),
    )


def _json(
    rng: Random, rows: list[_Row], headers: dict[str, str]
) -> tuple[str, list[int]]:
    lines: list[str] = []
    numbers = []
    for row in rows:
        if rng.random() < 0.05:
            lines.append("")
        numbers.append(len(lines) + 1)
        filled = {headers[name]: row.cells[name] for name in headers}
        if numbers[-1] > 1:
            filled = {name: value for name, value in filled.items() if value}
        lines.append(json.dumps(filled, ensure_ascii=rng.random() < 0.5))
    return "\n".join(lines), numbers


def _csv(
    rng: Random, rows: list[_Row], headers: dict[str, str]
) -> tuple[str, list[int]]:
    delimiter = rng.choice([";", ",", "\t", "|"])
    newline = rng.choice(["\n", "\r\n"])
    out = io.StringIO()
    writer = csv.writer(
        out,
        delimiter=delimiter,
        quoting=csv.QUOTE_ALL if rng.random() < 0.5 else csv.QUOTE_MINIMAL,
        lineterminator=newline,
    )
    above = rng.choice([0, 0, 1, 2])
    for title in ["Lista firmelor", ""][:above]:
        writer.writerow([title, *[""] * (len(headers) - 1)])
    writer.writerow(headers.values())
    count = above + 1
    numbers = []
    for row in rows:
        if rng.random() < 0.05:
            out.write(rng.choice(["", delimiter * 8, "  "]) + newline)
            count += 1
        cells = [row.cells[name] for name in headers]
        while rng.random() < 0.5 and not cells[-1]:
            cells.pop()
        writer.writerow(cells)
        count += 1
        numbers.append(count)
    return out.getvalue(), numbers
