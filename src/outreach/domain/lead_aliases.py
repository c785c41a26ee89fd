"""Headers as such files have them, English and Romanian (data)."""

from __future__ import annotations

from typing import Final

__all__ = ["ALIASES", "EITHER", "HINTS", "OTHER_HINTS"]

ALIASES: Final = {
    "company_name": """company, firm, business, business name, organization,
        organisation, organization name, account name, trading name, legal name,
        denumire, denumirea, denumire firma, denumirea firmei, denumire companie,
        denumire societate, denumire operator, denumire operator economic,
        denumire agent economic, denumire comerciala, nume firma, numele firmei,
        nume companie, nume societate, nume ferma, firma, societate, societatea,
        societate comerciala, companie, compania, agent economic, operator economic,
        beneficiar, producator, exploatatie, ferma""",
    "contact_name": """contact, contact person, person, full name, representative,
        legal representative, owner, manager, ceo, director, persoana contact,
        persoana de contact, persoane de contact, nume contact, nume persoana,
        nume persoana contact, nume persoana de contact, nume si prenume,
        nume prenume, prenume nume, nume complet, nume reprezentant,
        reprezentant, reprezentant legal, administrator, nume administrator, patron,
        responsabil""",
    "first_name": "firstname, given name, forename, prenume, prenumele",
    "last_name": "surname, family name, nume de familie, nume familie",
    "cui": """cif, cui/cif, cif/cui, cui (cif), cod fiscal, cod unic,
        cod unic de inregistrare, cod unic inregistrare, cod cui,
        cod de identificare fiscala, cod identificare fiscala, cod fiscal cui,
        nr cui, numar cui, vat, vat id, vat no, vat number, vat code, tax id,
        tax number, tax code, fiscal code, company id, company number,
        company register id, registration number""",
    "caen": """cod caen, cod caen principal, caen principal, caen code, nace,
        nace code, activity, activity code, activitate, activitatea, cod activitate,
        domeniu de activitate, domeniu activitate, obiect de activitate,
        obiect activitate, industry, sic, sic code""",
    "county": """judet, judetul, jud, judet sediu, district, region, regiune,
        regiunea, state, province, provincie""",
    "city": """town, village, locality, localitate, localitatea, loc, oras, orasul,
        comuna, sat, municipiu, municipality""",
    "phone": """phones, phone number, phone numbers, telephone, telephone number, tel,
        mobile, mobile phone, mobile number, cell, cell phone, gsm, whatsapp,
        whatsapp number, telefon, telefoane, telefonul, nr telefon, nr tel,
        nr de telefon, numar telefon, numar de telefon, numar tel, telefon mobil,
        telefon fix, tel mobil, tel fix, tel mob, mob, mobil, nr mobil, numar mobil,
        contact telefonic, telefon/fax, tel/fax, tel fax, nr whatsapp""",
    "email": """emails, mail, mails, email address, mail address, adresa email,
        adresa de email, adresa mail, adresa de mail, adrese email,
        posta electronica""",
    "email_status": """status email, email verification, stare email, email valid""",
    "phone_status": """status phone, status telefon, stare telefon, telefon valid,
        phone valid""",
    "time_zone": "tz, zona orara, fus orar, fusul orar",
    "country": "country code, tara, cod tara, land",
    "language": "lang, locale, limba",
    "source": "lead source, data source, sursa, provenienta, sursa datelor",
    "legal_basis": "temei legal, temeiul legal, temei, baza legala",
    "tags": "tag, label, labels, eticheta, etichete",
}
"""Field to its headers, beside its own name."""

EITHER: Final = {
    "name": ("company_name", "contact_name"),
    "nume": ("last_name", "company_name", "contact_name"),
    "client": ("company_name", "contact_name"),
}
"""Headers that mean what no other column says; a last name only beside a first."""

HINTS: Final = {
    "phone": frozenset(
        {"phone", "telephone", "telefon", "tel", "mobile", "mobil", "whatsapp"},
    ),
    "email": frozenset({"email", "mail"}),
}
"""A header with one of these words, and no other hint, holds contact points."""

_OTHER_HINTS: Final = """status stare valid validated date data tip type cod code
    prefix operator opt in out consent consimtamant count verificat last sent name nume
    fax"""
OTHER_HINTS: Final = frozenset(_OTHER_HINTS.split())
"""Words that say a column is about contact points and holds none."""
