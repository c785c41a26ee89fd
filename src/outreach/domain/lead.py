"""Leads: what is known of a company, and the keys that say which one it is.

Identity. A lead is known by its keys: ``cui:123``, ``phone:+40712345678`` and
``email:a@b.ro`` (the last two are the text of its address keys). A key belongs to
one lead of a tenant, and never leaves it. How rows merge: `outreach.domain.lead_merge`;
what a file is: `outreach.domain.lead_file`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid5

from attrs import field, fields, frozen

from outreach.domain.address import AddressKey, email_keys, phone_key
from outreach.domain.ids import LeadId, TenantId

__all__ = [
    "TEXT_FIELDS",
    "Email",
    "Flaw",
    "Lead",
    "LeadSummary",
    "NewLead",
    "Phone",
    "Problem",
    "Profile",
    "lead_id",
    "meant",
    "summary",
]

_HEX: Final = re.compile(r"[0-9a-f]{4,32}")
_NAMESPACE: Final = UUID("0d7a3c1e-52c4-5e0b-9a64-3f6f1f6c8b11")


@frozen
class Problem:
    """Why a cell is no phone or no address, in words for people, without its value."""

    reason: str


@frozen
class Phone:
    """A number that can exist.

    Attributes:
        e164: such as ``+40712345678``.
        region: ISO 3166 alpha-2 of the number; empty if it belongs to no country.
        zones: IANA names that the number's prefix may be in; for a country with one
            zone, that one.
        mobile: None where the number does not tell (as in North America).
    """

    e164: str
    region: str
    zones: tuple[str, ...]
    mobile: bool | None

    @property
    def key(self) -> str:
        """Identity of the number."""
        return f"phone:{self.e164}"


@frozen
class Email:
    """An address of valid syntax.

    Attributes:
        address: lower case, domain in IDNA form.
        role: the address is an office (``info@``), not a person.
        country: of the domain's ending (``RO`` of ``.ro``); empty if it tells none.
    """

    address: str
    role: bool
    country: str = ""

    @property
    def key(self) -> str:
        """Identity of the address."""
        return f"email:{self.address}"


@frozen
class Flaw:
    """Something in an imported row that was left out, cut or doubtful.

    Attributes:
        column: header of the column; empty if it is the row as a whole.
        reason: from a small set of texts, never with a value in it.
    """

    column: str
    reason: str


@frozen(kw_only=True)
class Profile:
    """What is known of a lead; the names are those of SPEC section 11.

    Attributes:
        cui: company register id without a leading ``RO``.
        phones: the first is the one written to; the others identify the lead.
        emails: likewise.
        time_zone: IANA name; empty: not known, or the country has several.
        zones: all zones of the country where `time_zone` is empty.
        country: ISO 3166 alpha-2 or empty.
        custom_fields: by a name fit for templates.
    """

    company_name: str = ""
    contact_name: str = field(default="", repr=False)
    cui: str = ""
    caen: str = ""
    county: str = ""
    city: str = ""
    phones: tuple[Phone, ...] = field(default=(), repr=False)
    emails: tuple[Email, ...] = field(default=(), repr=False)
    email_status: str = ""
    phone_status: str = ""
    time_zone: str = ""
    zones: tuple[str, ...] = ()
    country: str = ""
    language: str = ""
    source: str = ""
    legal_basis: str = ""
    tags: tuple[str, ...] = ()
    custom_fields: Mapping[str, str] = field(factory=dict, repr=False, hash=False)

    @property
    def phone(self) -> str:
        """E.164 of the phone written to, or empty."""
        return self.phones[0].e164 if self.phones else ""

    @property
    def email(self) -> str:
        """The address written to, or empty."""
        return self.emails[0].address if self.emails else ""

    @property
    def keys(self) -> tuple[str, ...]:
        """Identity, strongest first."""
        cui = (f"cui:{self.cui}",) if self.cui else ()
        phones = tuple([phone.key for phone in self.phones])
        return cui + phones + tuple([email.key for email in self.emails])

    @property
    def addresses(self) -> tuple[AddressKey, ...]:
        """What a suppression of any contact point would name."""
        phones = [phone_key(phone.e164) for phone in self.phones]
        mails = [key for email in self.emails for key in email_keys(email.address)]
        return tuple(dict.fromkeys(phones + mails))

    @property
    def variables(self) -> Mapping[str, str]:
        """Values for templates: custom fields and the named fields."""
        named = {name: getattr(self, name) for name in TEXT_FIELDS}
        return {
            **self.custom_fields,
            **named,
            "phone": self.phone,
            "email": self.email,
            "tags": ", ".join(self.tags),
        }


TEXT_FIELDS: Final = tuple(
    item.name for item in fields(Profile) if item.type in {str, "str"}
)
"""Fields of a profile that hold plain text."""


@frozen(kw_only=True)
class NewLead(Profile):
    """A clean row, ready to be stored; it has at least one contact point.

    Attributes:
        row: number in the file, for people.
        warnings: what was left out, cut or doubtful.
    """

    row: int
    warnings: tuple[Flaw, ...] = ()


@frozen(kw_only=True)
class Lead(Profile):
    """A stored lead.

    Attributes:
        other_cuis: of rows folded into this lead that named another CUI.
        version: grows by one with every change, from 1.
    """

    id: LeadId
    other_cuis: tuple[str, ...] = ()
    version: int = 1

    @property
    def keys(self) -> tuple[str, ...]:
        """Identity, strongest first, with that of folded rows."""
        return super().keys + tuple([f"cui:{cui}" for cui in self.other_cuis])


@frozen
class LeadSummary:
    """A lead in a list of search results."""

    id: LeadId
    company_name: str
    contact_name: str = field(repr=False)
    cui: str
    city: str
    phone: str = field(repr=False)
    email: str = field(repr=False)
    version: int


def lead_id(tenant: TenantId, key: str) -> LeadId:
    """Id of the lead that a row with this strongest key makes.

    Derived, so that the same file gives the same leads in every store. A key never
    leaves its lead, so no two living leads derive the same id.
    """
    return LeadId(uuid5(_NAMESPACE, f"{tenant}/{key}"))


def summary(lead: Lead) -> LeadSummary:
    """What a list of leads shows of one."""
    return LeadSummary(
        id=lead.id,
        company_name=lead.company_name,
        contact_name=lead.contact_name,
        cui=lead.cui,
        city=lead.city,
        phone=lead.phone,
        email=lead.email,
        version=lead.version,
    )


def meant(words: str) -> tuple[tuple[str, ...], str]:
    """Keys that *words* may be, and the start of an id (hex digits) or ``""``.

    >>> meant("RO123")
    (('phone:RO123', 'email:ro123', 'cui:123'), '')
    """
    plain = words.strip()
    lower = plain.casefold()
    cui = lower.removeprefix("ro").lstrip(" 0").upper()
    hexed = lower.replace("-", "")
    start = hexed if _HEX.fullmatch(hexed) else ""
    return (f"phone:{plain}", f"email:{lower}", f"cui:{cui}"), start
