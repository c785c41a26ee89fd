"""What every `Contacts` owes its callers.

Subclass `ContactsContract` in a test module, with a fixture ``contacts``.
"""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from outreach.domain.lead import Email, Phone, Problem
from outreach.ports.contacts import Contacts

__all__ = ["AWKWARD", "ContactsContract"]

AWKWARD: Final = (
    "",
    " ",
    "\x00",
    "\ud800",
    "+",
    "00",
    "@",
    "@@",
    "a@",
    "@b.ro",
    "0" * 1_000,
    "+" * 1_000,
    "9" * 300,
    "a" * 5_000 + "@b.ro",
    "a@" + "b." * 2_000 + "ro",
    "xn--a@xn--a.xn--a",
    "\u202e0722123456",
    "a@b\u3002ro",
    "İ@İ.ro",
    "٠٧٢٢١٢٣٤٥٦",
    "=1+1",
)
"""Texts that have broken readers of contact points."""

_NUMBERS: Final = (
    # Region, national writing, E.164, mobile.
    ("RO", "0722123456", "+40722123456", True),
    ("RO", "0256123456", "+40256123456", False),
    ("DE", "015123456789", "+4915123456789", True),
    ("GB", "07400123456", "+447400123456", True),
    ("HU", "06201234567", "+36201234567", True),
    ("US", "2025550123", "+12025550123", None),
)


class ContactsContract:
    """One test or more per promise of the port."""

    def test_every_writing_of_a_number_is_the_same_phone(
        self, contacts: Contacts
    ) -> None:
        for region, national, e164, mobile in _NUMBERS:
            writings = (national, e164, "00" + e164[1:], e164[1:], f"  {e164} ")
            for text in writings:
                phone = contacts.phone(text, region=region)

                assert isinstance(phone, Phone), text
                assert (phone.e164, phone.region) == (e164, region)
                assert phone.mobile is mobile

    def test_a_dropped_leading_zero_does_not_matter(self, contacts: Contacts) -> None:
        for region, national, e164, _ in _NUMBERS:
            text = national.removeprefix("06" if region == "HU" else "0")
            phone = contacts.phone(text, region=region)

            assert isinstance(phone, Phone), text
            assert phone.e164 == e164

    def test_what_was_read_is_read_again_as_the_same(self, contacts: Contacts) -> None:
        for _, _, e164, _ in _NUMBERS:
            once = contacts.phone(e164, region="RO")
            assert isinstance(once, Phone)
            assert contacts.phone(once.e164, region="DE") == once
        for text in ("Ion.Pop+x@Fermă.RO", "OFFICE@b.ro"):
            mail = contacts.email(text)
            assert isinstance(mail, Email)
            assert contacts.email(mail.address) == mail

    def test_a_number_that_cannot_exist_is_a_problem_without_its_value(
        self, contacts: Contacts
    ) -> None:
        for text in ("0722", "07221234567890", "0000000000", "+99912345", "telefon"):
            problem = contacts.phone(text, region="RO")

            assert isinstance(problem, Problem), text
            assert problem.reason
            assert text not in problem.reason

    def test_an_address_that_cannot_exist_is_a_problem_without_its_value(
        self, contacts: Contacts
    ) -> None:
        for text in (
            "ferma.ro",
            "ion@",
            "@ferma.ro",
            "ion@ferma",
            "ion@@ferma.ro",
            "ion..pop@ferma.ro",
            "ion@-ferma.ro",
            "ion@ferma..ro",
            "ion pop@ferma.ro",
            "ion@ferma.test",
            "șef@ferma.ro",
        ):
            problem = contacts.email(text)

            assert isinstance(problem, Problem), text
            assert problem.reason
            assert text not in problem.reason

    def test_an_address_is_in_lower_case_with_its_domain_in_idna_form(
        self, contacts: Contacts
    ) -> None:
        mail = contacts.email(" Ion.Pop@FERMĂ.ro ")

        assert isinstance(mail, Email)
        assert mail.address == "ion.pop@xn--ferm-3sa.ro"

    def test_offices_are_flagged_and_people_are_not(self, contacts: Contacts) -> None:
        roles = {}
        for local in ("office", "Contact", "secretariat", "ion.pop", "info2pop"):
            mail = contacts.email(f"{local}@ferma.ro")
            assert isinstance(mail, Email)
            roles[local] = mail.role

        assert [local for local, role in roles.items() if role] == [
            "office",
            "Contact",
            "secretariat",
        ]

    def test_addresses_that_are_thrown_away_are_a_problem(
        self, contacts: Contacts
    ) -> None:
        for domain in ("mailinator.com", "YOPMAIL.com", "x.mailinator.com"):
            assert isinstance(contacts.email(f"ion@{domain}"), Problem)
        assert isinstance(contacts.email("ion@notmailinator.com"), Email)

    def test_a_mistyped_address_is_not_mended(self, contacts: Contacts) -> None:
        mail = contacts.email("ion@gmial.com")

        assert isinstance(mail, Email)
        assert mail.address == "ion@gmial.com"

    def test_the_ending_of_an_address_tells_its_country_if_it_does(
        self, contacts: Contacts
    ) -> None:
        told = {}
        for domain in ("b.ro", "b.co.uk", "b.com", "b.io", "b.eu", "b.xn--p1ai"):
            mail = contacts.email(f"ion@{domain}")
            assert isinstance(mail, Email)
            told[domain] = mail.country

        assert told == {
            "b.ro": "RO",
            "b.co.uk": "GB",
            "b.com": "",
            "b.io": "",
            "b.eu": "",
            "b.xn--p1ai": "",
        }

    def test_a_country_is_found_by_its_codes_and_names(
        self, contacts: Contacts
    ) -> None:
        for text in ("RO", "ro", "ROU", "Romania", " românia ", "ROMÂNIA"):
            assert contacts.country(text) == "RO", text
        assert contacts.country("Germania") == "DE"
        assert contacts.country("Republica Moldova") == "MD"
        assert contacts.country("United Kingdom") == "GB"
        assert contacts.country("Atlantis") == ""

    def test_zones_of_a_country_keep_different_time(self, contacts: Contacts) -> None:
        assert contacts.zones("RO") == ("Europe/Bucharest",)
        assert len(contacts.zones("DE")) == 1
        assert set(contacts.zones("ES")) == {"Europe/Madrid", "Atlantic/Canary"}
        assert contacts.zones("XX") == ()
        assert contacts.zones("") == ()

    def test_the_zones_of_a_number_exist_and_hold_its_place(
        self, contacts: Contacts
    ) -> None:
        for text, zone in (
            ("+40722123456", "Europe/Bucharest"),
            ("+12125550123", "America/New_York"),
            ("+34922123456", "Atlantic/Canary"),
        ):
            phone = contacts.phone(text, region="RO")
            assert isinstance(phone, Phone)
            assert zone in phone.zones
            assert [ZoneInfo(name).key for name in phone.zones] == list(phone.zones)

    def test_a_zone_is_known_in_any_case_and_an_unknown_one_is_not(
        self, contacts: Contacts
    ) -> None:
        assert contacts.zone("europe/BUCHAREST") == "Europe/Bucharest"
        assert contacts.zone("America/New York") == "America/New_York"
        assert contacts.zone("Europe/Atlantis") == ""
        assert contacts.zone("../../etc/passwd") == ""

    def test_any_text_is_answered(self, contacts: Contacts) -> None:
        for text in AWKWARD:
            assert isinstance(contacts.phone(text, region="RO"), Phone | Problem)
            assert isinstance(contacts.email(text), Email | Problem)
            assert isinstance(contacts.country(text), str)
            assert contacts.zone(text) == ""
            assert contacts.zones(text) == ()
