"""Senders from a file: further budgets in TOML and CSV, and what is wrong with them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from attrs import evolve

from outreach.adapters.contacts import LibraryContacts
from outreach.domain.errors import Misconfigured
from outreach.domain.limits import Limits
from outreach.domain.new_sender import NewSender
from outreach.domain.pacing import Pacing
from outreach.entrypoints.senders_file import read_senders

LIMITS = Limits(
    total_per_day=150,
    unanswered_per_month=2000,
    company_per_month=3,
    domain_per_day=20,
    campaign_new_per_day=50,
)
TOML = """
[[sender]]
phone = "+40712345678"
total_per_day = 150
unanswered_per_month = 2000
company_per_month = 3
domain_per_day = 20
campaign_new_per_day = 50

[[sender]]
phone = "+40712345679"
"""
CSV = (
    "phone;total_per_day;unanswered_per_month;company_per_month;domain_per_day;"
    "campaign_new_per_day\n+40712345678;150;2000;3;20;50\n+40712345679;;;;;\n"
)


def read(folder: Path, name: str, text: str) -> tuple[NewSender, ...]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_senders(path, LibraryContacts(), region="RO", time_zone="UTC")


@pytest.mark.parametrize(("name", "text"), [("s.toml", TOML), ("s.csv", CSV)])
def test_further_budgets_are_read_and_off_unless_set(
    tmp_path: Path, name: str, text: str
) -> None:
    limited, free = read(tmp_path, name, text)

    assert limited.limits == LIMITS
    assert free.limits == Limits()


@pytest.mark.parametrize("setting", Limits.names())
@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("0", "give 1 or more, or leave it out"),
        ("-1", "give 1 or more, or leave it out"),
        ('"many"', "must be int, not 'many'"),
        ("1.5", "must be int, not 1.5"),
        ("true", "must be int, not True"),
    ],
)
def test_a_wrong_limit_is_named_with_its_sender(
    tmp_path: Path, setting: str, value: str, says: str
) -> None:
    text = f'[[sender]]\nphone = "+40712345678"\n{setting} = {value}\n'

    with pytest.raises(Misconfigured) as caught:
        read(tmp_path, "s.toml", text)

    message = str(caught.value)
    assert "s.toml: sender 1" in message
    assert setting in message
    assert says in message


def test_a_wrong_limit_in_a_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="total_per_day must be a whole number"):
        read(tmp_path, "s.csv", "phone,total_per_day\n+40712345678,many\n")


def test_a_misspelt_limit_names_those_there_are(tmp_path: Path) -> None:
    text = '[[sender]]\nphone = "+40712345678"\nper_day = 3\n'

    with pytest.raises(Misconfigured, match=r"unknown key 'per_day'.*total_per_day"):
        read(tmp_path, "s.toml", text)


MAILBOXES = """
[[sender]]
channel = "EMAIL_COLD"
provider = "instantly"

[[sender]]
channel = "EMAIL_COLD"
provider = "smtp"
address = "Ion@Firma.ro"
label = "Ion"

[[sender]]
channel = "EMAIL_WARM"
address = "ana@firma.ro"
daily_limit = 300
"""
MAILBOX_CSV = (
    "channel,provider,address,label,daily_limit\n"
    "EMAIL_COLD,instantly,,,\nEMAIL_COLD,smtp,Ion@Firma.ro,Ion,\n"
    "EMAIL_WARM,resend,ana@firma.ro,,300\n"
)


@pytest.mark.parametrize(
    ("name", "text"), [("s.toml", MAILBOXES), ("s.csv", MAILBOX_CSV)]
)
def test_senders_of_mail_are_read_with_what_is_usual_for_them(
    tmp_path: Path, name: str, text: str
) -> None:
    account, cold, warm = read(tmp_path, name, text)

    assert (account.number, account.channel) == ("instantly/default", "EMAIL_COLD")
    assert (account.limits, account.pacing.mean) == (Limits(), timedelta())
    assert (cold.number, cold.label) == ("ion@firma.ro", "Ion")
    assert cold.limits == Limits(total_per_day=50)
    assert cold.pacing == Pacing(timedelta(minutes=5), timedelta(minutes=10))
    assert (warm.number, warm.provider, warm.channel) == (
        "ana@firma.ro",
        "resend",
        "EMAIL_WARM",
    )
    assert warm.limits == Limits(total_per_day=300)
    assert (account.answers, cold.answers, warm.answers) == (True, True, False)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ('channel = "EMAIL_WARM"\nprovider = "instantly"', "write channel EMAIL_COLD"),
        ('channel = "EMAIL_COLD"\nprovider = "resend"', "write channel EMAIL_WARM"),
        ('channel = "EMAIL_COLD"\nprovider = "ses"', "by provider 'ses'"),
        ('channel = "EMAIL_COLD"\nprovider = "sendgrid"', "by provider 'sendgrid'"),
        ('channel = "WHATSAPP"\nprovider = "resend"', "channel 'WHATSAPP'"),
        ('provider = "smtp"\naddress = "a@b.ro"', "write channel EMAIL_COLD"),
        ('provider = "wamm"\nphone = "+40712345678"', "needs an account_ref"),
        ('channel = "EMAIL_WARM"\nprovider = "wamm"', "by provider 'wamm'"),
        ('channel = "EMAIL_WARM"', "address ''"),
        ('channel = "EMAIL_WARM"\naddress = "ana"', "address 'ana'"),
        ('channel = "EMAIL_COLD"\nphone = "+40712345678"', "phone '+40712345678' is"),
        ('phone = "+40712345678"\naddress = "a@b.ro"', "correct the channel"),
        ('channel = "EMAIL_COLD"\nwarm_up_days = 3', "warm_up_days 3 is not for"),
        ('channel = "PHONE"', "channel 'PHONE' has no senders; allowed: WHATSAPP"),
        ('channel = "EMAIL_COLD"\ndaily_limit = 3\ntotal_per_day = 4', "leave one out"),
        ('channel = "EMAIL_COLD"\ndaily_limit = 0', "give 1 or more"),
    ],
)
def test_a_pair_that_cannot_be_is_refused_with_its_row(
    tmp_path: Path, rows: str, says: str
) -> None:
    with pytest.raises(Misconfigured) as caught:
        read(tmp_path, "s.toml", f"[[sender]]\n{rows}\n")

    assert "s.toml: sender 1: " in str(caught.value)
    assert says in str(caught.value)


def test_one_address_is_one_sender(tmp_path: Path) -> None:
    row = '[[sender]]\nchannel = "EMAIL_WARM"\naddress = "{}"\n'
    text = row.format("ana@firma.ro") + row.format("Ana@FIRMA.ro")

    with pytest.raises(Misconfigured, match=r"ana@firma\.ro is that of sender 1"):
        read(tmp_path, "s.toml", text)


def test_ses_takes_the_place_of_resend_by_one_line(tmp_path: Path) -> None:
    text = '[[sender]]\nchannel = "EMAIL_WARM"\naddress = "ana@firma.ro"\n'

    (before,) = read(tmp_path, "s.toml", text)
    (after,) = read(tmp_path, "s.toml", f'{text}provider = "ses"\n')

    assert (before.provider, after.provider) == ("resend", "ses")
    assert evolve(after, provider="resend") == before
