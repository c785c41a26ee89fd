"""Turn a row of a file into a clean lead, or say why it is refused.

A row is refused only if no contact point remains. Everything else that is wrong is
left out with a warning. Of several phones the ones that are not fixed lines come
first, otherwise the order of the file stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from attrs import define, field

from outreach.domain.lead import Email, Flaw, NewLead, Phone, Problem
from outreach.domain.lead_columns import Columns, folded
from outreach.domain.lead_file import ImportOptions, RawRow, Rejected
from outreach.domain.lead_merge import FULL, MOST_CONTACTS
from outreach.domain.lead_text import (
    addresses,
    numbers,
    register_id,
    says_nothing,
    tags,
    tidy,
)
from outreach.ports.contacts import Contacts

__all__ = ["CleanRow"]

_PLAIN_FIELDS: Final = frozenset(
    {
        "company_name",
        "contact_name",
        "first_name",
        "last_name",
        "cui",
        "caen",
        "county",
        "city",
        "email_status",
        "phone_status",
        "time_zone",
        "country",
        "language",
        "source",
        "legal_basis",
    },
)
_LANGUAGE_CODE: Final = re.compile(r"([a-z]{2})(?:[-_][a-z]{2,4})?", re.IGNORECASE)
_LANGUAGES: Final = {
    "bulgara": "bg",
    "bulgarian": "bg",
    "deutsch": "de",
    "engleza": "en",
    "english": "en",
    "franceza": "fr",
    "french": "fr",
    "german": "de",
    "germana": "de",
    "hungarian": "hu",
    "italian": "it",
    "italiana": "it",
    "maghiara": "hu",
    "magyar": "hu",
    "romana": "ro",
    "romanian": "ro",
    "rusa": "ru",
    "russian": "ru",
    "spaniola": "es",
    "spanish": "es",
    "ucraineana": "uk",
    "ukrainian": "uk",
}


@define
class CleanRow:
    """Cleans the rows of one table.

    Attributes:
        columns: may grow between two rows.
    """

    contacts: Contacts
    columns: Columns
    options: ImportOptions
    _flaws: list[Flaw] = field(factory=list, init=False)
    _broken: list[tuple[str, str, str]] = field(factory=list, init=False)

    def __call__(self, row: RawRow) -> NewLead | Rejected:
        """Clean one row."""
        self._flaws, self._broken = [], []
        text = self._texts(row)
        country = self._looked_up(text, "country", self.contacts.country)
        region = country or self.options.region
        phones = self._phones(row, region)
        emails = self._emails(row)
        if not phones and not emails:
            return self._refused(row)
        if row.problem:
            self._flaws.append(Flaw("", row.problem))
        self._flaws += [Flaw(column, reason) for column, _, reason in self._broken]
        country = country or (phones[0].region if phones else "") or _country(emails)
        zone = self._looked_up(text, "time_zone", self.contacts.zone)
        zones = () if zone else self.contacts.zones(country)
        if len(zones) == 1:
            zone, zones = zones[0], ()
        cui, flaw = "", ""
        if "cui" in text:
            cui, flaw = register_id(text["cui"], country=country or region)
            self._note("cui", flaw)
        name = text.get("contact_name") or " ".join(
            [text[part] for part in ("first_name", "last_name") if part in text],
        )
        return NewLead(
            company_name=text.get("company_name", ""),
            contact_name=name,
            cui=cui,
            caen=text.get("caen", ""),
            county=text.get("county", ""),
            city=text.get("city", ""),
            phones=phones,
            emails=emails,
            email_status=text.get("email_status", ""),
            phone_status=text.get("phone_status", ""),
            time_zone=zone,
            zones=zones,
            country=country,
            language=self._language(text),
            source=text.get("source") or self.options.source,
            legal_basis=text.get("legal_basis") or self.options.legal_basis,
            tags=self._tags(row),
            custom_fields=self._custom(row),
            row=row.number,
            warnings=tuple(dict.fromkeys(self._flaws)),
        )

    def _texts(self, row: RawRow) -> dict[str, str]:
        """The plain fields that say something; the first column that does wins."""
        texts = {}
        for name, places in self.columns.fields.items():
            if name in _PLAIN_FIELDS:
                for at in places:
                    value = self._cell(row, at)
                    if value and not says_nothing(value):
                        texts[name] = value
                        break
        return texts

    def _cell(self, row: RawRow, at: int) -> str:
        if at >= len(row.cells) or not row.cells[at]:
            return ""
        value, flaw = tidy(row.cells[at])
        if flaw:
            self._flaws.append(Flaw(self.columns.headers[at], flaw))
        return value

    def _points(self, row: RawRow, name: str) -> list[tuple[str, str]]:
        """Header and text of the cells that hold contact points."""
        points = []
        for at in self.columns.fields.get(name, ()):
            if at < len(row.cells) and "\n" in row.cells[at]:
                # A line each, which `tidy` would run together.
                lines = [tidy(line)[0] for line in row.cells[at].splitlines()]
                value = ";".join(lines)
            else:
                value = self._cell(row, at)
            if value and not says_nothing(value):
                points.append((self.columns.headers[at], value))
        return points

    def _phones(self, row: RawRow, region: str) -> tuple[Phone, ...]:
        found: dict[str, Phone] = {}
        for header, value in self._points(row, "phone"):
            texts = numbers(value)
            if isinstance(texts, Problem):
                self._broken.append((header, value, texts.reason))
                continue
            for text in texts:
                phone = self.contacts.phone(text, region=region)
                if isinstance(phone, Problem):
                    self._broken.append((header, value, phone.reason))
                else:
                    found.setdefault(phone.e164, phone)
        phones = sorted(found.values(), key=lambda phone: phone.mobile is False)
        if len(phones) > MOST_CONTACTS:
            self._flaws.append(FULL)
        return tuple(phones[:MOST_CONTACTS])

    def _emails(self, row: RawRow) -> tuple[Email, ...]:
        found: dict[str, Email] = {}
        for header, value in self._points(row, "email"):
            for text in addresses(value):
                email = self.contacts.email(text)
                if isinstance(email, Problem):
                    self._broken.append((header, value, email.reason))
                else:
                    found.setdefault(email.address, email)
        if len(found) > MOST_CONTACTS:
            self._flaws.append(FULL)
        return tuple(found.values())[:MOST_CONTACTS]

    def _refused(self, row: RawRow) -> Rejected:
        if not self._broken:
            headers = [self.columns.header(name) for name in ("phone", "email")]
            column = "" if row.problem else ", ".join(filter(None, headers))
            reason = row.problem or "no phone and no e-mail address"
            return Rejected(row, column, "", reason)
        columns, values, reasons = (
            list(dict.fromkeys(part)) for part in zip(*self._broken, strict=True)
        )
        if row.problem:
            reasons.append(row.problem)
        return Rejected(row, ", ".join(columns), " / ".join(values), "; ".join(reasons))

    def _looked_up(
        self, text: dict[str, str], name: str, look_up: Callable[[str], str]
    ) -> str:
        said = text.get(name, "")
        found = look_up(said) if said else ""
        if said and not found:
            self._note(name, "not known: left out")
        return found

    def _language(self, text: dict[str, str]) -> str:
        said = text.get("language", "")
        if match := _LANGUAGE_CODE.fullmatch(said):
            return match[1].lower()
        if said and folded(said) not in _LANGUAGES:
            self._note("language", "not a language code such as 'ro': left out")
        return _LANGUAGES.get(folded(said), self.options.language)

    def _tags(self, row: RawRow) -> tuple[str, ...]:
        places = self.columns.fields.get("tags")
        if not places:
            return self.options.tags
        found = [tag for at in places for tag in tags(self._cell(row, at))]
        return tuple(dict.fromkeys([*found, *self.options.tags]))[:MOST_CONTACTS]

    def _custom(self, row: RawRow) -> dict[str, str]:
        cells = [
            (name, self._cell(row, at)) for at, name in self.columns.custom.items()
        ]
        return {name: value for name, value in cells if value}

    def _note(self, name: str, flaw: str) -> None:
        if flaw:
            self._flaws.append(Flaw(self.columns.header(name), flaw))


def _country(emails: tuple[Email, ...]) -> str:
    return emails[0].country if emails else ""
