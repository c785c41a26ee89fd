"""Input that a run cannot use: one clear line, exit status 2, nothing stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from attrs import frozen
from tests.e2e.campaign_files import CampaignFiles, write_campaign
from tests.e2e.command_line import CommandLine, Said, command_line
from tests.e2e.running import outreach, rows, until


@frozen
class Site:
    """Good files, and calls on stores and a provider that nothing is sent by."""

    files: CampaignFiles
    env: dict[str, str]
    call: CommandLine

    def run(self) -> Said:
        return self.call("run", *self.files.options, "--speed", 10)

    def stored(self) -> list[dict[str, int]]:
        """How many phones, leads and sequences the database holds."""
        return rows(
            self.env["OUTREACH_DATABASE_URL"],
            """
            SELECT (SELECT count(*) FROM wa_phone_numbers) AS phones,
                   (SELECT count(*) FROM leads) AS leads,
                   (SELECT count(*) FROM outreach_sequences) AS sequences
            """,
        )


@pytest.fixture
def site(
    tmp_path: Path, fresh_postgres_url: str, empty_redis_url: str
) -> Iterator[Site]:
    env = {
        "OUTREACH_DATABASE_URL": fresh_postgres_url,
        "OUTREACH_REDIS_URL": empty_redis_url,
        "OUTREACH_DATA_DIR": str(tmp_path / "data"),
        "OUTREACH_WEB_PORT": "0",
        "OUTREACH_TIMELINESAI_API_KEY": "key",
        "OUTREACH_TIMELINESAI_BASE_URL": "http://127.0.0.1:9",
    }
    files = write_campaign(tmp_path, leads=3, phones=2, limit=10, follow_up_minutes=60)
    with command_line(**env) as call:
        yield Site(files, env, call)


BROKEN: Final = {
    "a sequence that names no template": (
        "sequence.toml",
        'template = "second"',
        'template = "thrid"',
        "no template 'thrid'",
    ),
    "a sequence that names no channel": (
        "sequence.toml",
        'channel = "WHATSAPP"',
        'channel = "WHATSUP"',
        "WHATSUP",
    ),
    "a sequence with an unknown key": (
        "sequence.toml",
        "primary_channel",
        "primary_chanel",
        "primary_chanel",
    ),
    "a template that cannot be read": (
        "sequence.toml",
        "{Bună ziua|",
        "{{Bună|",
        "first",
    ),
    "senders with an unknown key": (
        "phones.toml",
        "daily_limit",
        "dayly_limit",
        "dayly_limit",
    ),
    "senders above the hard limit": ("phones.toml", "= 10", "= 201", "201"),
    "senders without a number": ("phones.toml", '"+4', '"fon" # ', "'fon'"),
    "leads without a contact column": (
        "leads.csv",
        "Telefon",
        "Fax și altele",
        "leads.csv",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_is_wrong_is_named_with_what_is_wrong_in_it(
    site: Site, tmp_path: Path, case: str
) -> None:
    name, good, bad, words = BROKEN[case]
    file = tmp_path / name
    text = file.read_text("utf-8")
    assert good in text
    file.write_text(text.replace(good, bad), "utf-8")

    said = site.run()

    complaint = said.err.splitlines()[-1]
    assert said.status == 2
    assert complaint.startswith("outreach: ")
    assert name in complaint
    assert words in complaint
    assert "Traceback" not in said.err
    assert said.out == ""
    assert site.stored() == [{"phones": 0, "leads": 0, "sequences": 0}]


def test_leads_that_are_no_table_are_refused_before_anything_is_stored(
    site: Site,
) -> None:
    site.files.leads.write_bytes(bytes(range(256)) * 40)

    said = site.run()

    assert said.status == 2
    assert "leads.csv" in said.err.splitlines()[-1]
    assert site.stored() == [{"phones": 0, "leads": 0, "sequences": 0}]


def test_more_than_the_phones_can_follow_up_is_enrolled_by_name_and_reason_alone(
    site: Site, tmp_path: Path
) -> None:
    files = write_campaign(
        tmp_path / "many", leads=400, phones=2, limit=200, follow_up_minutes=60
    )

    said = site.call("run", *files.options, "--speed", 10)
    stored = site.stored()
    forced = site.call(
        *("enroll", "--sequence", files.sequence),
        *("--override-capacity", "phones come tomorrow", "--by", "ana"),
    )

    assert said.status == 1
    assert "400 leads on 2 phones are 200 new a day each" in said.err
    assert "need 370.0 sends of a phone a day, and it has 360" in said.err
    assert "3 phones would do. To enrol anyway: --override-capacity" in said.err
    assert stored == [{"phones": 2, "leads": 400, "sequences": 0}]
    assert forced.status == 0
    assert rows(
        site.env["OUTREACH_DATABASE_URL"],
        "SELECT name, override_reason, override_by FROM campaigns",
    ) == [
        {
            "name": "grain",
            "override_reason": "phones come tomorrow",
            "override_by": "ana",
        }
    ]


def test_a_second_run_on_the_same_folder_says_that_one_is_there(
    site: Site, tmp_path: Path
) -> None:
    with outreach("run", words=tmp_path, env=site.env) as first:
        lock = tmp_path / "data" / "run.lock"
        until(lambda: (lock.exists() and lock.read_text()) or not first.runs)

        second = site.call("run")

        assert first.runs, first.err
    assert second.status == 2
    assert "another outreach run uses" in second.err.splitlines()[-1]
    assert "OUTREACH_DATA_DIR" in second.err.splitlines()[-1]
