"""One run over three channels, with an answer by mail that a person approves: every
provider's own log is what the summary says.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

from tests.e2e.command_line import command_line
from tests.e2e.running import outreach

from outreach.entrypoints.sandbox.journal import read_lines

SPEED: Final = 4000
KNOBS: Final = (
    *("cold_mail_reply=0.5", "replies={question=1}", "languages={ro=1}"),
    *("reply_to_first=0.2", "reply_to_answer=0", "burst_of_replies=0"),
    *("mail_bounced=0", "mail_soft_bounced=0", "mail_out_of_office=0"),
    *("wrong_number=0", "not_on_whatsapp=0", "sure_by=0"),
    # what is lost on the way is another test's; here every answer is to be counted
    *("lost_before=0", "lost_after=0", "stalled=0", "edge_refused=0"),
)
SEQUENCE: Final = """\
[sequence]
name = "vine"
primary_channel = "WHATSAPP"
fallback_channel = "EMAIL_COLD"

[[step]]
channel = "WHATSAPP"
template = "wa-first"
fallback_template = "mail-first"

[[template]]
name = "wa-first"
channel = "WHATSAPP"
language = "ro"
content = "{Bună ziua|Salut}! {Vindem|Avem} {altoi|viță} nobilă. {STOP|Scrieți STOP}."

[[template]]
name = "mail-first"
channel = "EMAIL_COLD"
language = "ro"
subject = "{Altoi|Viță} nobilă"
content = "{Bună ziua|Salut}! {Vindem|Avem} {altoi|viță} nobilă {de anul acesta|nouă}."

[[template]]
name = "reply-question"
channel = "EMAIL_WARM"
language = "ro"
subject = "Re"
content = "{Mulțumesc|Vă mulțumim} de {întrebare|mesaj}, {revin|răspund} {azi|mâine}."
"""
SENDERS: Final = """\
[[sender]]
phone = "+40733000001"
daily_limit = 20
[[sender]]
phone = "+40733000002"
daily_limit = 20
[[sender]]
channel = "EMAIL_COLD"
provider = "instantly"
[[sender]]
channel = "EMAIL_WARM"
provider = "resend"
address = "vlad@podgoria.example"
"""
PHONES: Final = 12
MAILS: Final = 60


def leads() -> str:
    rows = ["denumire;telefon;email;temei legal"]
    rows += [f"Via {n} SRL;07410009{n:02};;" for n in range(PHONES)]
    rows += [f"Pod {n} SRL;;birou@pod{n}.ro;consimtamant" for n in range(MAILS)]
    rows += [f"Fara {n} SRL;;birou@fara{n}.ro;" for n in range(3)]
    return "\n".join(rows) + "\n"


class Site:
    """A folder, two stores, and the runs on them."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder, self.env = folder, env
        files = (("leads.csv", leads()), ("sequence.toml", SEQUENCE))
        for name, text in (*files, ("senders.toml", SENDERS)):
            (folder / name).write_text(text, encoding="utf-8")

    def run_until(self, until: str) -> dict[str, Any]:
        """The summary of a run to this hour of the day."""
        summary = self.folder / "summary.json"
        options = [
            *("--leads", self.folder / "leads.csv"),
            *("--sequence", self.folder / "sequence.toml"),
            *("--senders", self.folder / "senders.toml"),
        ]
        with outreach(
            *("run", *options, "--speed", SPEED, "--json", summary),
            *("--from", "2026-03-03T09:00", "--until", f"2026-03-03T{until}"),
            *(part for knob in KNOBS for part in ("--knob", knob)),
            words=self.folder,
            env=self.env,
        ) as run:
            assert run.status() == 0, run.err
        found: dict[str, Any] = json.loads(summary.read_text())
        return found

    def accepted(self) -> list[dict[str, Any]]:
        return read_lines(self.folder / "data" / "sandbox" / "accepted.jsonl")


def test_each_providers_own_log_agrees_with_the_summary(
    tmp_path: Path, fresh_postgres_url: str, empty_redis_url: str
) -> None:
    env = {
        "OUTREACH_DATABASE_URL": fresh_postgres_url,
        "OUTREACH_REDIS_URL": empty_redis_url,
        "OUTREACH_DATA_DIR": str(tmp_path / "data"),
    }
    site = Site(tmp_path, env)

    before = site.run_until("17:00")
    with command_line(**env) as call:
        waiting = call("reviews", "list", "--json").json()
        asked = [
            one
            for one in waiting
            if "@" in (one["recipient"] or "") and one["suggested"]
        ][:3]
        for item in asked:
            done = call(
                *("reviews", "approve", item["id"], "--by", "ana", "--json"),
                *("--fingerprint", item["fingerprint"]),
            )
            assert done.status == 0, done.err
        audit = call("audit", "--json")
    after = site.run_until("17:55")

    wires = Counter(line["wire"] for line in site.accepted())
    sent = after["sent"]
    assert len(asked) == 3
    assert before["skipped"] == {"NO_CONSENT": 3}
    assert before["enrolled"] == PHONES + MAILS
    assert sent["WHATSAPP"] == wires["timelinesai"] >= PHONES - 2
    assert sent["EMAIL_COLD"] + sent.get("EMAIL_WARM", 0) == (
        wires["instantly"] + wires["resend"]
    )
    assert sent["EMAIL_COLD"] >= MAILS - 5
    assert sent["EMAIL_WARM"] == len(asked)
    assert after["unknown"] == 0
    assert audit.status == 0, audit.out
    texts = Counter((line["to"], line["text"]) for line in site.accepted())
    assert max(texts.values()) == 1
