"""Make the lead files of this folder: invented companies, always the same ones.

Run ``python make_leads.py`` to write them again. Needs the standard library only.
Names are put together from lists; phone numbers are valid in form and drawn, so that
one of them may belong to somebody: these files are for the sandbox. Addresses end in
``.example``, which nobody can own.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

__all__ = ["Made", "big", "small"]


def _listed(text: str) -> tuple[str, ...]:
    return tuple([" ".join(item.split()) for item in text.split(",")])


HEADERS: Final = (
    "Denumire firmă",
    "CUI",
    "Cod CAEN",
    "Județ",
    "Localitate",
    "Telefon",
    "E-mail",
    "Persoană de contact",
    "Suprafață (ha)",
    "Observații",
    "Temei legal",
)
_NAME, _CUI, _CAEN, _COUNTY, _CITY, _PHONE, _MAIL, _PERSON, _LAND, _NOTE = range(10)
_BASIS: Final = 10

_KINDS: Final = _listed("""
    Agro, Ferma, Agricola, Cereal, Agroprod, Pomicola, Zootehnica, Legumicola,
    Agrovit, Bioferma, Semințe, Livada, Stupina, Apicola, Oieria, Lactoferm, Terra,
    Agromec, Holda, Rod
""")
_PLACES: Final = _listed("""
    Lunca Verde, Câmpia Albă, Dealul Viei, Valea Țarinei, Șesul Mare, Poiana Stânii,
    Izvorul Rece, Movila Înaltă, Gura Pârâului, Coasta Lungă, Balta Șerpilor, Crângu
    Nou, Fântâna Doamnei, Hotarul Vechi, Piatra Roșie, Ogorul Bun, Grindul Mic,
    Stejarul Înalt, Salcia Bătrână, Drumul Sării, Miezul Verii, Spicul Auriu, Brazda
    Nouă, Steaua Câmpului, Trei Mori, Șapte Nuci, Podul Înalt, Răsăritul, Țarcul
    Oilor, Vatra Satului, Zăvoiul, Grâul de Aur, Pământul Bun, Ploaia de Mai, Roua
    Dimineții, Căruța Veche, Plugul, Secera, Moara Veche, Pădurea Mică
""")
_FORMS: Final = ("SRL", "SRL", "SRL", "S.R.L.", "SA", "PFA", "II", "Coop")
_COUNTIES: Final = (
    ("Timiș", "256"),
    ("Arad", "257"),
    ("Călărași", "242"),
    ("Ialomița", "243"),
    ("Brăila", "239"),
    ("Constanța", "241"),
    ("Teleorman", "247"),
    ("Olt", "249"),
    ("Dolj", "251"),
    ("Iași", "232"),
    ("Botoșani", "231"),
    ("Vaslui", "235"),
    ("Galați", "236"),
    ("Buzău", "238"),
    ("Bihor", "259"),
    ("Satu Mare", "261"),
    ("Mureș", "265"),
    ("Cluj", "264"),
    ("Bistrița-Năsăud", "263"),
    ("Sălaj", "260"),
)
_VILLAGES: Final = _listed("""
    Valea Lată, Câmpeni de Jos, Șoimești, Țigănașu Nou, Lunca Mică, Poienița,
    Izvoarele Noi, Movilița de Sus, Fântânești, Gârla Veche, Stejaru Mic, Rădvani,
    Hoțopeni, Băltăreț
""")
_FIRST: Final = _listed("""
    Ion, Gheorghe, Ștefan, Ana, Elena, Vasile, Țuța, Mărioara, Dănuț, Ilinca
""")
_LAST: Final = _listed("""
    Brăzdaru, Țarinescu, Șesureanu, Plugaru, Câmpanu, Holdeanu, Moraru-Vale,
    Stânescu-Deal
""")
_CAENS: Final = ("0111", "0113", "0121", "0124", "0141", "0145", "0149", "0150", "0161")
# Cold mail asks for one of the first two; who has another gets none.
_BASES: Final = ("client existent", "consimțământ", "interes legitim", "")
_OF_BASES: Final = (60, 30, 7, 3)
_NOTES: Final = (
    "",
    "",
    "",
    "",
    "sună după ora 17",
    'a zis „revin eu"',
    "ferma; depozit; siloz",
    "vorbește și maghiară",
    "client vechi\nplătește la timp",
)
_HOLES: Final = ("", "", "", "-", "lipsă")
_BROKEN_PHONES: Final = (
    "0722 12",
    "7.22001E+08",
    "nu răspunde",
    "07XX XXX XXX",
    "0722 000 123 45",
    "0000000000",
)
_BROKEN_MAILS: Final = (
    "ferma.example",
    "ion@",
    "ion@@ferma.example",
    "a@mailinator.com",
)
_ABROAD: Final = (
    ("+36 20 {}", 1_000_000, 9_999_999),
    ("+373 69 {}", 100_000, 999_999),
    ("0049 1512 {}", 1_000_000, 9_999_999),
    ("+359 88 {}", 1_000_000, 9_999_999),
)
_WITH_MAIL: Final = 0.45
_CUI_KEY: Final = "753217532"

# The six writings of a Romanian number, from its nine digits.
_WRITINGS: Final[tuple[Callable[[str], str], ...]] = (
    lambda n: f"0{n}",
    lambda n: f"0{n[:3]} {n[3:6]} {n[6:]}",
    lambda n: f"+40 {n[:3]}-{n[3:6]}-{n[6:]}",
    lambda n: f"0040{n}",
    lambda n: f"(0{n[:3]}) {n[3:]}",
    lambda n: f"0{n[:3]}.{n[3:6]}.{n[6:]}",
)
_PLAIN: Final = str.maketrans("ăâîșțĂÂÎȘȚ ", "aaistAAIST-")
_CEDILLA: Final = str.maketrans("ȘșȚț", "ŞşŢţ")


class Made:
    """Rows, and what an import of them must count."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.imported = 0
        self.merged = 0
        self.rejected = 0


class _Maker:
    def __init__(self, seed: str) -> None:
        self.rng = Random(seed)
        self.bases = Random(f"{seed} bases")
        self.taken: set[str] = set()
        self.made = Made()
        self.good: list[list[str]] = []

    def fresh(self, draw: Callable[[], str]) -> str:
        """Something not drawn before."""
        while (text := draw()) in self.taken:
            pass
        self.taken.add(text)
        return text

    def number(self) -> str:
        rng = self.rng
        return self.fresh(
            lambda: f"7{rng.randint(20, 79)}0{rng.randint(1, 99_999):05d}"
        )

    def cui(self) -> str:
        body = self.fresh(lambda: str(self.rng.randint(1_500_000, 4_999_999)))
        pairs = zip(body, _CUI_KEY[-len(body) :], strict=True)
        total = sum(int(a) * int(b) for a, b in pairs)
        return f"{body}{total * 10 % 11 % 10}"

    def name(self) -> str:
        rng = self.rng
        return self.fresh(
            lambda: f"{rng.choice(_KINDS)} {rng.choice(_PLACES)} {rng.choice(_FORMS)}"
        )

    def row(self) -> list[str]:
        """A company without any contact point."""
        rng = self.rng
        county, _ = rng.choice(_COUNTIES)
        person = f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"
        cui = self.cui()
        row = [""] * len(HEADERS)
        name = self.name()
        row[_NAME] = rng.choice([name, name, name.upper()])
        row[_CUI] = rng.choice([cui, cui, f"RO{cui}", f"RO {cui}", ""])
        row[_CAEN] = rng.choice(_CAENS)
        row[_COUNTY] = rng.choice([county, county, county.upper(), ""])
        row[_CITY] = rng.choice([*_VILLAGES, ""])
        row[_PHONE] = rng.choice(_HOLES)
        row[_MAIL] = rng.choice(_HOLES)
        row[_PERSON] = rng.choice([person, person, person, ""])
        row[_LAND] = rng.choice(
            ["", str(rng.randint(3, 900)), f"{rng.randint(1, 9)}.250"]
        )
        row[_NOTE] = rng.choice(_NOTES)
        return row

    def address(self, row: list[str]) -> str:
        rng = self.rng
        host = row[_NAME].rsplit(" ", 1)[0].lower().translate(_PLAIN).replace(".", "")
        local = rng.choice(["office", "contact", "ferma", "secretariat", "comenzi"])
        if row[_PERSON] and rng.choice([True, False]):
            local = row[_PERSON].lower().translate(_PLAIN).replace("-", ".")
        return self.fresh(lambda: f"{local}@{host}{rng.randint(1, 99)}.example")

    def company(self) -> None:
        rng, row = self.rng, self.row()
        kind = rng.choices(
            ["mobile", "fixed and mobile", "two", "mail", "abroad", "half"],
            [60, 6, 6, 22, 3, 3],
        )[0]
        number = self.number()
        row[_PHONE] = rng.choice(_WRITINGS)(number)
        if kind == "fixed and mobile":
            code = rng.choice(_COUNTIES)[1]
            fixed = self.fresh(lambda: f"0{code}/4{rng.randint(0, 99_999):05d}")
            row[_PHONE] = f"{fixed}, mobil {row[_PHONE]}"
        elif kind == "two":
            row[_PHONE] += f" / 0{self.number()}"
        elif kind == "mail":
            row[_PHONE] = rng.choice(_HOLES)
        elif kind == "abroad":
            shape, low, high = rng.choice(_ABROAD)
            row[_PHONE] = self.fresh(lambda: shape.format(rng.randint(low, high)))
        elif kind == "half":
            row[_MAIL] = rng.choice(_BROKEN_MAILS)
        if kind == "mail" or (kind != "half" and rng.random() < _WITH_MAIL):
            row[_MAIL] = self.address(row)
        # Drawn apart, so that the rest of the list is what it was without it.
        row[_BASIS] = self.bases.choices(_BASES, _OF_BASES)[0]
        self.good.append(row)
        self.made.rows.append(row)
        self.made.imported += 1

    def repeat(self) -> None:
        """The same company again: another writing, or a row that fills its holes."""
        rng = self.rng
        first = rng.choice(self.good)
        row = list(first)
        kind = rng.choice(["as it is", "name", "filled"])
        if kind == "name":
            row[_NAME] = row[_NAME].upper().translate(_PLAIN).replace("-", " ")
            row[_NOTE] = "din lista veche"
        elif kind == "filled":
            row[_CITY] = row[_CITY] or rng.choice(_VILLAGES)
            row[_LAND] = row[_LAND] or "120"
        at = next(i for i, other in enumerate(self.made.rows) if other is first)
        self.made.rows.insert(rng.randint(at + 1, len(self.made.rows)), row)
        self.made.merged += 1

    def broken(self) -> None:
        """A row of which no contact point remains."""
        rng, row = self.rng, self.row()
        row[_PHONE] = rng.choice([*_HOLES, *_BROKEN_PHONES])
        row[_MAIL] = rng.choice([*_HOLES, *_BROKEN_MAILS])
        self.made.rows.insert(rng.randint(0, len(self.made.rows)), row)
        self.made.rejected += 1


def _make(seed: str, companies: int, repeats: int, broken: int) -> Made:
    maker = _Maker(seed)
    for _ in range(companies):
        maker.company()
    for _ in range(repeats):
        maker.repeat()
    for _ in range(broken):
        maker.broken()
    return maker.made


def big() -> tuple[bytes, Made]:
    """The list as an office exports it: semicolons, cp1250, blank lines."""
    made = _make("agri 2026", 1_280, 70, 45)
    text = _written(made, ";")
    lines = text.split("\r\n")
    for at in (1_200, 700, 90):
        # Between two records, not inside a quoted value: see `_written`.
        lines.insert(at, ";" * (len(HEADERS) - 1))
    return "\r\n".join(lines).translate(_CEDILLA).encode("cp1250"), made


def small() -> tuple[bytes, Made]:
    """A smaller list as a spreadsheet saves it today: commas, UTF-8, BOM."""
    made = _make("agri small", 150, 8, 6)
    return _written(made, ",").encode("utf-8-sig"), made


def _written(made: Made, delimiter: str) -> str:
    out = io.StringIO()
    # A line break inside a value is a bare \n, one between records is \r\n.
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(HEADERS)
    writer.writerows(made.rows)
    return out.getvalue()


def main() -> None:
    """Write both files next to this one and say what is in them."""
    folder = Path(__file__).parent
    for name, (data, made) in {
        "leads.csv": big(),
        "leads-utf8-bom.csv": small(),
    }.items():
        (folder / name).write_bytes(data)
        sys.stdout.write(
            f"{name}: {len(made.rows)} rows, {made.imported} to import, "
            f"{made.merged} to merge, {made.rejected} to reject\n"
        )


if __name__ == "__main__":
    main()
