"""A run over three channels on files never seen before, with answers by mail that a
person approves: every provider's own log is what the summary says.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import frozen
from tests.e2e.command_line import command_line
from tests.e2e.invented_site import Invented, invent
from tests.e2e.running import outreach, rows

from outreach.entrypoints.sandbox.journal import read_lines

SPEED: Final = 4000
KNOBS: Final = (
    *("cold_mail_reply=0.5", "replies={question=1}", "languages={ro=1}"),
    *("reply_to_first=0.2", "reply_to_answer=0", "burst_of_replies=0"),
    *("mail_bounced=0", "mail_soft_bounced=0", "mail_out_of_office=0"),
    *("mail_complained=0", "mail_unsubscribed=0", "mail_left=0", "mail_scanned=0"),
    # the vendor of cold mail tells of no reply to what was not sent by a campaign
    "warm_mail_reply=0",
    *("wrong_number=0", "not_on_whatsapp=0", "sure_by=0"),
    # what is lost on the way is another test's; here every answer is to be counted
    *("lost_before=0", "lost_after=0", "stalled=0", "edge_refused=0"),
)
ATTEMPTS: Final = """
    SELECT p.provider, a.channel, a.outcome, a.external_ref AS ref, s.number AS sender,
           g.recipient AS "to"
      FROM attempts a
      JOIN senders s ON s.id = a.sender_id
      JOIN provider_accounts p ON p.id = s.account_id
      JOIN gold_communication_log g ON g.id = a.id AND g.created_at = a.called_at
"""
FORGET: Final = """
    UPDATE conversations v SET thread = '' FROM contact_points c
     WHERE c.lead_id = v.lead_id AND c.value IN ({})
 RETURNING v.lead_id
"""
ANSWERED: Final = 4
Line = dict[str, Any]


@frozen
class Site:
    """A folder, two stores, and the runs on them."""

    folder: Path
    files: Invented
    env: dict[str, str]

    def run_until(self, until: str) -> Line:
        """The summary of a run to this hour of the day."""
        summary = self.folder / "summary.json"
        with outreach(
            *("run", "--leads", self.files.leads, "--sequence", self.files.sequence),
            *("--senders", self.files.senders, "--speed", SPEED, "--json", summary),
            *("--from", "2026-03-03T09:00", "--until", f"2026-03-03T{until}"),
            *(part for knob in KNOBS for part in ("--knob", knob)),
            words=self.folder,
            env=self.env,
        ) as run:
            assert run.status() == 0, run.err
        found: Line = json.loads(summary.read_text())
        return found

    def answer(self) -> list[str]:
        """Approve answers to some who wrote by mail; to whom.

        Of half of them the conversation is forgotten, as by a vendor that does not
        name it: their answers cannot leave by the mailbox they wrote to.
        """
        with command_line(**self.env) as call:
            waiting = [
                one
                for one in call("reviews", "list", "--json").json()
                if "@" in (one["recipient"] or "") and one["suggested"]
            ][:ANSWERED]
            whom = [one["recipient"] for one in waiting]
            half = ", ".join(f"'{one}'" for one in whom[::2])
            rows(self.env["OUTREACH_DATABASE_URL"], FORGET.format(half))
            for item in waiting:
                done = call(
                    *("reviews", "approve", item["id"], "--by", "ana", "--json"),
                    *("--fingerprint", item["fingerprint"]),
                )
                assert done.status == 0, done.err
        return whom

    @property
    def accepted(self) -> list[Line]:
        """What the vendors accepted, by their own log."""
        return read_lines(self.folder / "data" / "sandbox" / "accepted.jsonl")

    @property
    def written(self) -> Counter[str]:
        """Replies that people wrote, by the vendors' own log."""
        events = self.folder / "data" / "sandbox" / "accepted.jsonl.events.jsonl"
        return Counter(
            line["kind"]
            for line in read_lines(events)
            if line["kind"] in {"reply", "mail_reply"}
        )


@pytest.mark.parametrize("seed", [1, 2])
def test_each_providers_own_log_agrees_with_the_summary(
    tmp_path: Path, fresh_postgres_url: str, empty_redis_url: str, seed: int
) -> None:
    env = {
        "OUTREACH_DATABASE_URL": fresh_postgres_url,
        "OUTREACH_REDIS_URL": empty_redis_url,
        "OUTREACH_DATA_DIR": str(tmp_path / "data"),
    }
    files = invent(tmp_path, seed)
    site = Site(tmp_path, files, env)

    before = site.run_until("15:30")
    answered = site.answer()
    after = site.run_until("17:55")
    with command_line(**env) as call:
        audit = call("audit", "--json")
    sends = rows(fresh_postgres_url, ATTEMPTS)

    _counts_the_files(before, files)
    _agrees(after, site, sends)
    _wrote_to_whom_it_may(site.accepted, files, answered)
    assert audit.status == 0, audit.out


def _counts_the_files(summary: Line, files: Invented) -> None:
    leads = len(files.by_phone) + len(files.by_mail) + len(files.untouchable)
    assert summary["rows"] == leads + files.broken
    assert (summary["imported"], summary["rejected"]) == (leads, files.broken)
    assert summary["skipped"] == {"NO_CONSENT": len(files.untouchable)}
    assert summary["enrolled"] == len(files.by_phone) + len(files.by_mail)


def _agrees(summary: Line, site: Site, sends: list[Line]) -> None:
    """Provider by provider: the log, the ledger's ids, and the summary's counts."""
    accepted = site.accepted
    logged = Counter(line["wire"] for line in accepted)
    sent = summary["sent"]
    replied = sum(line["kind"] == "emails/reply" for line in accepted)
    assert sent["WHATSAPP"] == logged["timelinesai"]
    assert sent["EMAIL_COLD"] == logged["instantly"] - replied
    assert sent["EMAIL_WARM"] == replied + logged["resend"] == ANSWERED
    assert replied == logged["resend"] == ANSWERED // 2
    assert sum(sent.values()) == len(accepted)
    assert summary["unknown"] == 0
    assert summary["replies"] == site.written.total()
    assert set(site.written) == {"reply", "mail_reply"}
    for provider in ("timelinesai", "instantly", "resend"):
        theirs = {line["message_uid"] for line in accepted if line["wire"] == provider}
        ours = {
            one["ref"]
            for one in sends
            if one["provider"] == provider and one["outcome"] == "ACCEPTED"
        }
        assert theirs == ours != set(), provider
    by_phone = Counter(
        line["from"] for line in accepted if line["wire"] == "timelinesai"
    )
    said = {one["phone"]: one["new"] + one["followups"] for one in summary["phones"]}
    assert said == {phone: by_phone[phone] for phone in site.files.phones}


def _wrote_to_whom_it_may(
    accepted: list[Line], files: Invented, answered: list[str]
) -> None:
    to: dict[str, list[str]] = {}
    for line in accepted:
        warm = line["wire"] == "resend" or line["kind"] == "emails/reply"
        to.setdefault("warm" if warm else line["wire"], []).append(line["to"].lower())
    cold = Counter(to["instantly"])
    by_phone = Counter(to["timelinesai"])
    assert set(cold) == files.by_mail
    assert set(by_phone) == files.by_phone
    assert max([*cold.values(), *by_phone.values()]) <= files.steps
    assert Counter(to["warm"]) == Counter(answered)
    senders = {line["from"] for line in accepted if line["wire"] == "resend"}
    assert senders <= files.warm
    texts = Counter((line["to"], line["text"]) for line in accepted)
    assert max(texts.values()) == 1
