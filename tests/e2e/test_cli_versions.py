"""`outreach templates stats` and `pick`, and files with versions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.e2e.command_line import CommandLine, command_line

SEQUENCE = """\
[sequence]
name = "Spring"
[[step]]
channel = "WHATSAPP"
template = "intro"
[[template]]
name = "intro"
variables = [{ name = "oferta" }]
[[template.version]]
label = "A"
content = "{Salut|Bună} {a|b} {c|d}, {{oferta}}!"
[[template.version]]
label = "B"
weight = 2
content = "{Bună ziua|Salutare} {a|b}, {{oferta}}!"
"""
ANYWAY = ("--override-capacity", "phones come later")
LEADS = "denumire;telefon;oferta\nAgro Unu SRL;0740000101;gratis\n"


@pytest.fixture
def call(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh_postgres_url: str,
    empty_redis_url: str,
) -> Iterator[CommandLine]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sequence.toml").write_text(SEQUENCE, encoding="utf-8")
    (tmp_path / "leads.csv").write_text(LEADS, encoding="utf-8")
    urls = {
        "OUTREACH_DATABASE_URL": fresh_postgres_url,
        "OUTREACH_REDIS_URL": empty_redis_url,
        "OUTREACH_DATA_DIR": str(tmp_path / "data"),
    }
    with command_line(**urls) as opened:
        assert opened("migrate").status == 0
        yield opened


def counted(url: str, **sums: tuple[int, int]) -> None:
    """As if each version had been sent so often, with so many replies."""
    with psycopg.connect(url, options="-c search_path=outreach") as connection:
        for label, (sent, replies) in sums.items():
            connection.execute(
                """
                INSERT INTO version_counts (tenant_id, template_id, version_number,
                  stripe, sent, opens, replies, positive, conversions)
                SELECT tenant_id, template_id, version_number, 0, %s, 0, %s, 0, 0
                  FROM template_texts WHERE version_label = %s
                """,
                (sent, replies, label),
            )


def test_versions_are_shown_judged_and_picked(
    call: CommandLine, fresh_postgres_url: str
) -> None:
    call("leads", "import", "leads.csv")
    none = call("templates", "stats")
    enrolled = call("enroll", "--sequence", "sequence.toml", *ANYWAY, "--json").json()
    counted(fresh_postgres_url, A=(251, 9), B=(240, 12))
    shown = call("templates", "stats", "intro")
    (plain,) = call("templates", "stats", "--json").json()
    (by,) = call("templates", "stats", "--json", "--by", "opens").json()
    unset = call("templates", "stats", OUTREACH_TENANT_VERSIONS_BY="luck")
    unknown = call("templates", "stats", "outro")
    no_label = call("templates", "pick", "intro", "C", "--by", "ana")
    picked = call("templates", "pick", "intro", "B", "--by", "ana")
    (after,) = call("templates", "stats", "--json").json()

    assert none.out == "There is no template yet.\n"
    assert enrolled["enrolled"] == 1
    assert "B has 12 replies of 240 (2.9 % to 8.5 %)" in shown.out
    assert "too early to call." in shown.out
    assert [one["version"] for one in plain["versions"]] == ["A", "B"]
    assert [one["weight"] for one in plain["versions"]] == [1, 2]
    assert [one["sent"] for one in plain["versions"]] == [251, 240]
    assert plain["winner"] is None
    assert by["by"] == "opens"
    assert by["says"].startswith("A has 0 opens of 251")
    assert unset.status == 2
    assert "'luck' is no measure" in unset.err
    assert unknown.status == 1
    assert "(there: intro)" in unknown.err
    assert no_label.status == 1
    assert "'C'" in no_label.err
    assert picked.status == 0
    assert "too early to call" in picked.out
    assert "New leads get version B of intro from now on." in picked.out
    assert (after["winner"], after["picked_by"]) == ("B", "ana")


def test_each_version_is_checked_by_itself(call: CommandLine) -> None:
    found = call("templates", "check", "sequence.toml", "--leads", "leads.csv")
    reports = call("templates", "check", "sequence.toml", "--minimum", "1", "--json")

    assert found.status == 1
    assert "intro B: gives 4 different texts, 8 are needed" in found.out
    assert "intro A:" not in found.out
    assert [
        (one["template"], one["version"], one["variants"]) for one in reports.json()
    ] == [("intro", "A", 8), ("intro", "B", 4)]


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        (
            'variables = [{ name = "oferta" }]',
            'content = "Salut {{oferta}}"\nvariables = [{ name = "oferta" }]',
            "content stands in each [[template.version]]: move it there",
        ),
        ('label = "B"', 'label = "A"', "two versions have the label 'A': rename one"),
        ("weight = 2", "weight = 0", "weight must be a whole number from 1, not 0"),
        ("weight = 2", "share = 2", "unknown key 'share'"),
        (
            SEQUENCE[SEQUENCE.index('[[template.version]]\nlabel = "B"') :],
            "",
            "write two or more [[template.version]] tables",
        ),
        ("weight = 2", 'subject = "Salut"', "remove subject 'Salut'"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    call: CommandLine, tmp_path: Path, was: str, becomes: str, says: str
) -> None:
    (tmp_path / "sequence.toml").write_text(
        SEQUENCE.replace(was, becomes, 1), encoding="utf-8"
    )

    refused = call("templates", "check", "sequence.toml")

    assert refused.status == 2
    assert says in refused.err
