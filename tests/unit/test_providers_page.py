"""The tables at the head of docs/providers.md say what the code can, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import pytest
from attrs import evolve
from tests.house.tree import ROOT
from tests.unit.test_providers import CAN, DIALECT_CAN, GATEWAY, HISTORIES, TABLES

from outreach.domain.channel import Channel
from outreach.entrypoints.providers import PROVIDERS, Provider, as_set
from outreach.entrypoints.settings import Settings
from outreach.ports.gateway import Acknowledges, ReplaysLost
from outreach.ports.history import TellsHistory
from outreach.ports.mailboxes import ReadsMailboxes
from outreach.testing.kit.promises import ABILITIES

PAGE: Final = (ROOT / "docs" / "providers.md").read_text("utf-8")
COLUMNS: Final = {
    "TimelinesAI": ("timelinesai", ""),
    "baileys-api": ("baileys", "baileys-api"),
    "WAHA": ("baileys", "waha"),
    "Evolution": ("baileys", "evolution"),
    "Wamm": ("wamm", ""),
    "Instantly": ("instantly", ""),
    "SMTP + IMAP": ("smtp", ""),
    "Resend": ("resend", ""),
    "SES": ("ses", ""),
    "SendGrid": ("sendgrid", ""),
}
"""Heads of the table: the provider's name, and the dialect of those with several."""
FILED: Final = {
    "SendsMany": "bulk",
    "RepeatsSafely": "repeats",
    "LooksUp": "look",
    "LooksUpMany": "look_many",
    "PollsStatus": "poll",
    "TakesBack": "takers",
    "RunsCampaigns": "hosts",
    "ListsAccounts": "lists",
    "ChecksDomains": "domains",
    "FetchesContent": "fetch",
    "ReceivesWebhooks": "webhooks",
    "ReplaysLost": "replays",
    "TellsUse": "tells",
    "Acknowledges": "acknowledges",
}
"""An ability, and the field of `Gateways` under which who has it is filed."""
BESIDE_THE_KIT: Final = (Acknowledges.__name__, ReadsMailboxes.__name__)
ALL: Final = (*ABILITIES, *BESIDE_THE_KIT)


def rows_below(head: str) -> list[list[str]]:
    """The table whose first line begins with *head*, that line first."""
    lines = PAGE.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(head))
    found = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    del found[1]
    return found


def cells() -> Mapping[tuple[str, str], str]:
    """What the table says, by ability and head of the column."""
    (_, *heads), *rows = rows_below("| ability |")
    return {
        (names(first)[0], head): cell
        for first, *rest in rows
        for head, cell in zip(heads, rest, strict=True)
    }


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def can(head: str) -> set[str]:
    """The abilities that the code gives to a column."""
    provider, dialect = made(head)
    fields = DIALECT_CAN[dialect] if dialect else CAN[provider.name]
    found = {"Gateway", *(ability for ability in FILED if FILED[ability] in fields)}
    if provider.name in HISTORIES:  # filed together with who knows what was lost
        found = found - {ReplaysLost.__name__} | {TellsHistory.__name__}
    if provider.channels == {Channel.EMAIL_WARM}:
        found.add("WarmOnly")
    if provider.reader is not None:
        found.add("Reads")
    if provider.signs is not None:
        found.add("Authenticates")
    if provider.signs_in:
        found.add("ReadsMailboxes")
    return found


def made(head: str) -> tuple[Provider, str]:
    name, dialect = COLUMNS[head]
    if not dialect:
        return PROVIDERS[name], ""
    table = evolve(GATEWAY, dialect=dialect)
    return as_set(Settings(baileys=table))[name], dialect


def says(head: str) -> set[str]:
    """The abilities that the page gives to it."""
    return {
        ability for (ability, column), cell in cells().items() if column == head
        if cell != "-"
    }  # fmt: skip


def switches() -> Iterator[tuple[str, str, str]]:
    _, *rows = rows_below("| from |")
    for old, new, lost, _ in rows:
        yield old, new, lost


def test_every_provider_has_its_column_and_every_ability_its_row() -> None:
    (_, *heads), *_ = rows_below("| ability |")
    shown = {ability for ability, _ in cells()}

    assert heads == list(COLUMNS)
    assert {name for name, _ in COLUMNS.values()} == PROVIDERS.built_in == TABLES.keys()
    assert {dialect for _, dialect in COLUMNS.values()} - {""} == DIALECT_CAN.keys()
    assert shown == set(ALL)


def test_every_ability_that_a_gateway_is_filed_under_is_looked_at() -> None:
    filed = set().union(*CAN.values(), *DIALECT_CAN.values())

    assert filed == set(FILED.values())


@pytest.mark.parametrize("head", COLUMNS)
def test_a_provider_can_what_the_page_says_and_nothing_else(head: str) -> None:
    assert says(head) == can(head)


def test_every_proof_is_a_word_of_the_legend() -> None:
    _, *legend = rows_below("| word |")
    known = {word for row in legend for word in names(row[0])}
    used = {word for cell in cells().values() for word in cell.split(", ")}

    assert used == known


def test_what_is_lost_by_a_switch_is_what_one_can_and_the_other_cannot() -> None:
    shown = {(old, new): set(names(lost)) for old, new, lost in switches()}

    assert shown == {(old, new): can(old) - can(new) for old, new in shown}
    assert {("TimelinesAI", "baileys-api"), ("TimelinesAI", "Wamm")} <= shown.keys()
    assert {("Resend", "SES"), ("Resend", "SendGrid")} <= shown.keys()
    assert ("Instantly", "SMTP + IMAP") in shown
