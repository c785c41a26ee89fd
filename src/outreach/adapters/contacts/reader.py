"""Reads numbers and addresses by the libraries that know their rules."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import phonenumbers
from email_validator import (
    SPECIAL_USE_DOMAIN_NAMES,
    EmailNotValidError,
    validate_email,
)
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType
from phonenumbers.timezone import time_zones_for_number

from outreach.adapters.contacts.countries import country_code, zone_name, zones_of
from outreach.adapters.contacts.mailboxes import COUNTRY_ENDINGS, DISPOSABLE, ROLES
from outreach.domain.lead import Email, Phone, Problem

__all__ = ["LibraryContacts"]

_MOBILE: Final = {
    PhoneNumberType.MOBILE: True,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: None,
}
_UNPARSED: Final = {
    NumberParseException.INVALID_COUNTRY_CODE: "its country code does not exist",
    NumberParseException.NOT_A_NUMBER: "no phone number in it",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too short for a phone number",
    NumberParseException.TOO_SHORT_NSN: "too short for a phone number",
    NumberParseException.TOO_LONG: "too long for a phone number",
}
_IMPOSSIBLE: Final = {
    phonenumbers.ValidationResult.TOO_SHORT: "too short for a phone number",
    phonenumbers.ValidationResult.TOO_LONG: "too long for a phone number",
    phonenumbers.ValidationResult.INVALID_LENGTH: "no number has this many digits",
    phonenumbers.ValidationResult.INVALID_COUNTRY_CODE: (
        "its country code does not exist"
    ),
}
# Addresses that email-validator takes as they are, told at a tenth of its cost; a test
# holds this to the library's verdict.
_ORDINARY: Final = re.compile(
    r"(?=[^@]{1,64}@)[a-z0-9_+-]++(?:\.[a-z0-9_+-]++)*+"
    r"@(?:(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+"
    rf"(?!(?:{'|'.join(map(re.escape, SPECIAL_USE_DOMAIN_NAMES))})$)[a-z]{{2,63}}",
    re.IGNORECASE | re.ASCII,
)
_LONGEST_ADDRESS: Final = 254
_NOWHERE: Final = "001"
_LONGEST: Final = 250


class LibraryContacts:
    """Contacts by phonenumbers, email-validator and tzdata."""

    def phone(self, text: str, *, region: str) -> Phone | Problem:
        """See `outreach.ports.contacts.Contacts`."""
        text = text.strip()[:_LONGEST]
        for whole in _with_country_code(text, region):
            found = self._phone(whole, region)
            if isinstance(found, Phone):
                return found
        return self._phone(text, region)

    def email(self, text: str) -> Email | Problem:
        """See `outreach.ports.contacts.Contacts`."""
        text = text.strip()
        if _ORDINARY.fullmatch(text) and len(text) <= _LONGEST_ADDRESS:
            local, _, domain = text.lower().partition("@")
        else:
            try:
                valid = validate_email(
                    text, check_deliverability=False, allow_smtputf8=False
                )
            except EmailNotValidError:
                return Problem(_why(text))
            local, domain = valid.local_part.lower(), valid.ascii_domain.lower()
        if _is_disposable(domain):
            return Problem("an address that is thrown away after use")
        return Email(f"{local}@{domain}", role=local in ROLES, country=_ending(domain))

    def country(self, text: str) -> str:
        """See `outreach.ports.contacts.Contacts`."""
        return country_code(text)

    def zones(self, country: str) -> tuple[str, ...]:
        """See `outreach.ports.contacts.Contacts`."""
        return zones_of(country)

    def zone(self, text: str) -> str:
        """See `outreach.ports.contacts.Contacts`."""
        return zone_name(text)

    def _phone(self, text: str, region: str) -> Phone | Problem:
        try:
            number = phonenumbers.parse(text, region or None)
        except NumberParseException as error:
            return Problem(_UNPARSED.get(error.error_type, "no phone number in it"))
        # One call tells both whether the number is valid and of what kind it is.
        kind = phonenumbers.number_type(number)
        if kind == PhoneNumberType.UNKNOWN:
            fault = phonenumbers.is_possible_number_with_reason(number)
            return Problem(_IMPOSSIBLE.get(fault, "no number of this kind is in use"))
        number.extension = None
        code = phonenumbers.region_code_for_number(number) or _NOWHERE
        where = "" if code == _NOWHERE else code
        national = phonenumbers.national_significant_number(number)
        return Phone(
            e164=f"+{number.country_code}{national}",
            region=where,
            zones=_phone_zones(number, where),
            mobile=_MOBILE.get(kind, False),
        )


def _with_country_code(text: str, region: str) -> list[str]:
    """Writings of a number that may be an international one without its plus.

    Before the national one: in countries with numbers of any length (Germany) an
    international number without the plus would be a national one too.
    """
    if text.startswith("00"):
        return ["+" + text[2:].lstrip(" -.()")]
    code = phonenumbers.country_code_for_region(region)
    return ["+" + text] if code and text.startswith(str(code)) else []


def _phone_zones(number: PhoneNumber, region: str) -> tuple[str, ...]:
    zones = zones_of(region)
    if len(zones) == 1:
        return zones
    names = [zone_name(name) for name in time_zones_for_number(number)]
    return tuple([name for name in names if name])


def _why(text: str) -> str:
    """The library's own words hold parts of the address, so they are not used."""
    local, _, domain = text.rpartition("@")
    if "@" not in text:
        return "no @ in it"
    if "@" in local:
        return "more than one @ in it"
    if not local:
        return "nothing before the @"
    if "." not in domain.strip("."):
        return "no domain after the @"
    if not local.isascii():
        return "letters before the @ that mail servers do not take"
    return "not an e-mail address"


@lru_cache(maxsize=4096)
def _is_disposable(domain: str) -> bool:
    labels = domain.split(".")
    return any(".".join(labels[at:]) in DISPOSABLE for at in range(len(labels) - 1))


def _ending(domain: str) -> str:
    ending = domain.rpartition(".")[2]
    if ending in COUNTRY_ENDINGS:
        return COUNTRY_ENDINGS[ending]
    return country_code(ending) if len(ending) == len("ro") else ""
