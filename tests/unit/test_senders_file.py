"""Senders from a file: further budgets in TOML and CSV, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from outreach.adapters.contacts import LibraryContacts
from outreach.domain.errors import Misconfigured
from outreach.domain.limits import Limits
from outreach.domain.sender import NewSender
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
