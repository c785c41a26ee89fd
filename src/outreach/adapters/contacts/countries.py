"""Countries and their zones, from the tz database's own tables."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from functools import lru_cache
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo

__all__ = ["country_code", "zone_name", "zones_of"]

_NAMES: Final = {
    "AL": "ALB Albania Shqiperia",
    "AT": "AUT Austria Österreich Oesterreich",
    "BA": "BIH Bosnia_and_Herzegovina Bosnia_si_Hertegovina",
    "BE": "BEL Belgium Belgia Belgique België",
    "BG": "BGR Bulgaria България",
    "BY": "BLR Belarus Bielorusia",
    "CA": "CAN Canada",
    "CH": "CHE Switzerland Elveția Schweiz Suisse",
    "CY": "CYP Cyprus Cipru",
    "CZ": "CZE Czechia Czech_Republic Cehia Česko",
    "DE": "DEU Germany Germania Deutschland",
    "DK": "DNK Denmark Danemarca Danmark",
    "EE": "EST Estonia Eesti",
    "ES": "ESP Spain Spania España",
    "FI": "FIN Finland Finlanda Suomi",
    "FR": "FRA France Franța",
    "GB": "GBR UK United_Kingdom Great_Britain England Marea_Britanie Anglia "
    "Regatul_Unit Scotland Wales Northern_Ireland",
    "GR": "GRC Greece Grecia Elláda Hellas EL",
    "HR": "HRV Croatia Croația Hrvatska",
    "HU": "HUN Hungary Ungaria Magyarország",
    "IE": "IRL Ireland Irlanda Éire",
    "IL": "ISR Israel",
    "IT": "ITA Italy Italia",
    "KZ": "KAZ Kazakhstan Kazahstan",
    "LT": "LTU Lithuania Lituania Lietuva",
    "LU": "LUX Luxembourg Luxemburg",
    "LV": "LVA Latvia Letonia Latvija",
    "MD": "MDA Moldova Republic_of_Moldova Republica_Moldova",
    "ME": "MNE Montenegro Muntenegru Crna_Gora",
    "MK": "MKD North_Macedonia Macedonia Macedonia_de_Nord",
    "MT": "MLT Malta",
    "NL": "NLD Netherlands Holland Olanda Țările_de_Jos Nederland",
    "NO": "NOR Norway Norvegia Norge",
    "PL": "POL Poland Polonia Polska",
    "PT": "PRT Portugal Portugalia",
    "RO": "ROU ROM Romania România Roumanie Rumänien",
    "RS": "SRB Serbia Srbija",
    "RU": "RUS Russia Rusia Russian_Federation Россия",
    "SE": "SWE Sweden Suedia Sverige",
    "SI": "SVN Slovenia Slovenija",
    "SK": "SVK Slovakia Slovacia Slovensko",
    "TR": "TUR Turkey Turcia Türkiye",
    "UA": "UKR Ukraine Ucraina Україна",
    "US": "USA United_States United_States_of_America Statele_Unite SUA America",
}
"""Alpha-3, native and Romanian names; the tz database has one English name each."""
_SAMPLED: Final = tuple(
    datetime(year, month, 15, 12, tzinfo=UTC)
    for year in (2020, 2022, 2024, 2026)
    for month in range(1, 13)
)
"""Instants at which clocks are compared: zones alike at all of them are one."""


def country_code(text: str) -> str:
    """ISO 3166 alpha-2 of a code or name, or empty."""
    return _codes().get(_plain(text), "")


@lru_cache(maxsize=512)
def zones_of(country: str) -> tuple[str, ...]:
    """Zones of a country that keep different time; none of an unknown one."""
    alike: dict[tuple[object, ...], str] = {}
    for name in _zones().get(country, ()):
        zone = ZoneInfo(name)
        clocks = tuple([at.astimezone(zone).utcoffset() for at in _SAMPLED])
        alike.setdefault(clocks, name)
    return tuple(alike.values())


def zone_name(text: str) -> str:
    """The zone meant, in the database's spelling, or empty."""
    return _spellings().get(text.strip().casefold().replace(" ", "_"), "")


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text).casefold()
    return "".join([c for c in apart if c.isalnum()])


@lru_cache(maxsize=1)
def _codes() -> dict[str, str]:
    codes = {}
    for line in _lines("iso3166.tab"):
        code, name = line.split("\t")[:2]
        codes[_plain(code)] = codes[_plain(name)] = code
    for code, names in _NAMES.items():
        codes |= {_plain(name): code for name in names.split()}
    return codes


@lru_cache(maxsize=1)
def _zones() -> dict[str, list[str]]:
    zones: dict[str, list[str]] = {}
    for line in _lines("zone.tab"):
        code, _, name = line.split("\t")[:3]
        zones.setdefault(code, []).append(name)
    return zones


@lru_cache(maxsize=1)
def _spellings() -> dict[str, str]:
    names = resources.files("tzdata").joinpath("zones").read_text("utf-8").split()
    return {name.casefold(): name for name in names}


def _lines(table: str) -> list[str]:
    file = resources.files("tzdata").joinpath("zoneinfo", table)
    lines = file.read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
