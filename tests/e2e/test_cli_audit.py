"""``outreach audit``: what it says of a healthy ledger, and of a broken one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.e2e.command_line import CommandLine, command_line

PHONES = '[[sender]]\nphone = "+40740000001"\nlabel = "one"\n'


@pytest.fixture
def call(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh_postgres_url: str,
    empty_redis_url: str,
) -> Iterator[CommandLine]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "phones.toml").write_text(PHONES, "utf-8")
    with command_line(
        OUTREACH_DATABASE_URL=fresh_postgres_url,
        OUTREACH_REDIS_URL=empty_redis_url,
        OUTREACH_DATA_DIR=str(tmp_path / "data"),
    ) as calls:
        assert calls("phones", "import", "phones.toml").status == 0
        yield calls


def give_units_of_nobody(url: str) -> None:
    with psycopg.connect(url, options="-c search_path=outreach") as admin:
        admin.execute(
            """
            INSERT INTO wa_quota_usage (tenant_id, phone_id, usage_date, quota_limit,
                                        used)
            SELECT tenant_id, id, (now() AT TIME ZONE time_zone)::date, 200, 3
              FROM wa_phone_numbers
            """
        )


def state(call: CommandLine) -> str:
    (phone,) = call("status", "--json").json()["phones"]
    return str(phone["state"])


def test_a_healthy_ledger_is_one_line_and_status_0(call: CommandLine) -> None:
    said = call("audit")

    assert said.status == 0, said.err
    assert said.out.strip() == "26 checks, no breach."
    assert call("audit", "--json").json() == {
        "checks": 26,
        "breaches": [],
        "not_checked": [],
    }


def test_a_breach_is_status_1_and_pauses_its_phone_once(
    call: CommandLine, fresh_postgres_url: str
) -> None:
    give_units_of_nobody(fresh_postgres_url)

    first = call("audit", "--since", "48h")
    paused = state(call)
    resumed = call("phones", "resume", "one", "--reason", "counted by hand")
    second = call("audit")

    assert (first.status, second.status) == (1, 1)
    assert "INV-10" in first.out
    assert "1 of them new; 1 phones paused" in " ".join(first.out.split())
    assert "invariant.breach" in first.err
    assert paused == "PAUSED"
    assert resumed.status == 0, resumed.err
    assert "0 of them new; 0 phones paused" in " ".join(second.out.split())
    assert "invariant.breach" not in second.err
    assert state(call) == "ACTIVE"


@pytest.mark.parametrize("since", ["yesterday", "0d", "7", "91d"])
def test_a_time_that_is_none_is_status_2(call: CommandLine, since: str) -> None:
    said = call("audit", "--since", since)

    assert said.status == 2
    assert "--since" in said.err
