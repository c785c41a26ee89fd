"""The files in examples/agri are what their README says."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

from outreach.adapters.contacts import LibraryContacts
from outreach.adapters.files import RejectsFile, open_table
from outreach.adapters.memory.clock import MemoryClock
from outreach.adapters.memory.leads import MemoryLeads
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.channel import Channel
from outreach.domain.consent import Standing
from outreach.domain.ids import TenantId
from outreach.domain.lead import Lead, Phone
from outreach.domain.lead_file import ImportId, ImportOptions, ImportReport
from outreach.domain.template import MINIMUM_VARIANTS, Variable, check
from outreach.domain.usecases.import_leads import ImportLeads
from outreach.entrypoints.policy_file import policy_of
from outreach.entrypoints.settings import load

FOLDER = Path(__file__).parents[2] / "examples" / "agri"
TENANT = TenantId(UUID(int=1))
CONTACTS = LibraryContacts()
FILES = {"leads.csv": "big", "leads-utf8-bom.csv": "small"}


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("agri", FOLDER / "make_leads.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def take(
    leads: MemoryLeads, name: str, rejects: Path, *, run: int
) -> ImportReport:
    with open_table(FOLDER / name) as table, RejectsFile(rejects) as file:
        return await ImportLeads(leads, CONTACTS)(
            TENANT,
            table,
            run=ImportId(UUID(int=run)),
            options=ImportOptions("RO"),
            rejects=file,
        )


def store() -> MemoryLeads:
    ids = count(1)
    return MemoryLeads(MemoryStore(MemoryClock(), lambda: UUID(int=next(ids))))


async def imported(tmp_path: Path, name: str = "leads.csv") -> list[Lead]:
    leads = store()
    await take(leads, name, tmp_path / "r.csv", run=1)
    return list(await leads.page(TENANT, after=None, limit=10_000))


def campaign(name: str = "sequence.toml") -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text("utf-8"))


MAIL = campaign("sequence-mail.toml")
MAIL_CHANNELS = ("EMAIL_COLD", "EMAIL_WARM")


@pytest.mark.parametrize("name", FILES)
def test_the_committed_list_is_the_one_that_is_made(
    maker: ModuleType, name: str
) -> None:
    data, _ = getattr(maker, FILES[name])()

    assert (FOLDER / name).read_bytes() == data


@pytest.mark.parametrize("name", FILES)
async def test_an_import_counts_what_was_made(
    maker: ModuleType, name: str, tmp_path: Path
) -> None:
    _, made = getattr(maker, FILES[name])()
    leads = store()

    first = await take(leads, name, tmp_path / "r.csv", run=1)
    again = await take(leads, name, tmp_path / "r.csv", run=2)

    assert (first.rows, first.imported, first.merged, first.rejected) == (
        len(made.rows),
        made.imported,
        made.merged,
        made.rejected,
    )
    assert (again.imported, again.merged, again.rejected) == (0, 0, made.rejected)
    assert again.unchanged == made.imported + made.merged


@pytest.mark.parametrize("name", FILES)
async def test_the_readme_says_the_counts(
    maker: ModuleType, name: str, tmp_path: Path
) -> None:
    _, made = getattr(maker, FILES[name])()
    readme = " ".join((FOLDER / "README.md").read_text("utf-8").split())

    leads = await imported(tmp_path, name)

    assert f"{len(made.rows):,} rows" in readme
    if name == "leads.csv":
        only_mail = sum(not lead.phone for lead in leads)
        assert f"{only_mail} companies with e-mail only" in readme
        assert f"{made.imported:,} imported, {made.merged} merged" in readme
        assert f"{made.rejected} rejected" in readme
        assert f"{made.imported + made.merged:,} unchanged" in readme
    else:
        counts = f"{made.imported}, {made.merged} and {made.rejected}"
        assert counts in readme


async def test_the_list_is_as_such_lists_are(tmp_path: Path) -> None:
    data = (FOLDER / "leads.csv").read_bytes()
    leads = await imported(tmp_path)

    text = data.decode("cp1250")
    with pytest.raises(UnicodeDecodeError):
        data.decode()
    writings = [
        r";07\d{8}[;/ ]",
        r";07\d\d \d{3} \d{3}",
        r"\+40 \d{3}-\d{3}-\d{3}",
        r"00407\d{8}",
        r"\(07\d\d\) \d{6}",
        r"07\d\d\.\d{3}\.\d{3}",
    ]
    assert all(re.search(shape, text) for shape in writings)
    assert len(leads) >= 1_200
    assert any("ţ" in lead.company_name or "ş" in lead.company_name for lead in leads)
    assert any(not lead.phone for lead in leads)
    assert any(not lead.cui for lead in leads)
    assert any(len(lead.phones) > 1 for lead in leads)
    assert {"RO", "HU", "MD", "DE", "BG"} <= {lead.country for lead in leads}


async def test_most_may_be_mailed_and_some_may_not(tmp_path: Path) -> None:
    policy = policy_of(load({}))

    leads = [lead for lead in await imported(tmp_path) if lead.email]
    lacking = [
        policy.lacks(
            Channel.EMAIL_COLD, Standing(lead.country, lead.email, lead.legal_basis)
        )
        for lead in leads
    ]

    assert 0.85 < lacking.count("") / len(leads) < 0.95
    assert "RO asks for prior consent on EMAIL_COLD" in lacking


async def test_every_address_belongs_to_nobody(tmp_path: Path) -> None:
    leads = await imported(tmp_path)

    domains = {
        mail.address.rpartition(".")[2] for lead in leads for mail in lead.emails
    }
    assert domains == {"example"}


async def test_the_limit_of_the_phones_binds(tmp_path: Path) -> None:
    senders = tomllib.loads((FOLDER / "phones.toml").read_text("utf-8"))["sender"]
    leads = await imported(tmp_path)

    limits = sum(sender["daily_limit"] for sender in senders)
    assert len(senders) == 20
    assert {sender["daily_limit"] for sender in senders} == {40}
    assert limits < sum(bool(lead.phone) for lead in leads) < 2 * limits


async def test_the_phones_are_valid_and_no_lead_has_one(tmp_path: Path) -> None:
    senders = tomllib.loads((FOLDER / "phones.toml").read_text("utf-8"))["sender"]
    leads = await imported(tmp_path)

    numbers = {sender["phone"] for sender in senders}
    read = [CONTACTS.phone(number, region="RO") for number in sorted(numbers)]
    assert [phone.e164 for phone in read if isinstance(phone, Phone)] == sorted(numbers)
    assert len(numbers) == len({sender["label"] for sender in senders}) == 20
    assert not numbers & {phone.e164 for lead in leads for phone in lead.phones}


def test_the_steps_name_templates_that_are_there() -> None:
    found = campaign()

    names = {template["name"] for template in found["template"]}
    assert [step["template"] for step in found["step"]] == [
        "agri-first",
        "agri-reminder",
    ]
    assert names == {
        "agri-first",
        "agri-reminder",
        "reply-interested",
        "reply-question",
    }
    assert found["step"][1]["delay"] == {"hours": 20}


@pytest.mark.parametrize("template", campaign()["template"], ids=lambda of: of["name"])
def test_a_template_is_fit_to_send(template: dict[str, Any]) -> None:
    declared = [Variable(of["name"], of["default"]) for of in template["variables"]]

    assert MINIMUM_VARIANTS >= 8
    assert list(check(template["content"], declared, links_allowed=False)) == []


def test_the_cold_texts_say_how_to_stop() -> None:
    texts = {of["name"]: of["content"] for of in campaign()["template"]}

    for name in ("agri-first", "agri-reminder"):
        assert texts[name].rpartition("{")[2].count("STOP") == 2


async def test_most_who_have_no_number_may_be_written_to_by_mail(
    tmp_path: Path,
) -> None:
    leads = await imported(tmp_path)

    without = [lead for lead in leads if not lead.phone]
    fit = [lead for lead in without if lead.legal_basis not in {"", "interes legitim"}]
    assert len(without) > len(leads) / 5
    assert all(lead.emails for lead in without)
    assert len(without) > len(fit) > len(without) * 0.8


def test_every_step_of_the_mail_campaign_has_a_mail_for_who_has_no_number() -> None:
    channels = {of["name"]: of["channel"] for of in MAIL["template"]}

    assert MAIL["sequence"]["fallback_channel"] == "EMAIL_COLD"
    for step in MAIL["step"]:
        assert channels[step["template"]] == "WHATSAPP"
        assert channels[step["fallback_template"]] == "EMAIL_COLD"
    assert list(channels.values()).count("EMAIL_WARM") == 2


def test_the_telephone_texts_of_both_campaigns_are_the_same() -> None:
    texts = {of["name"]: of["content"] for of in campaign()["template"]}

    for of in MAIL["template"]:
        if of["channel"] == "WHATSAPP":
            assert of["content"] == texts[of["name"]]


@pytest.mark.parametrize(
    "template",
    [of for of in MAIL["template"] if of["channel"] in MAIL_CHANNELS],
    ids=lambda of: of["name"],
)
def test_a_mail_is_fit_to_send_and_has_a_subject(template: dict[str, Any]) -> None:
    declared = [Variable(of["name"], of["default"]) for of in template["variables"]]

    wrong = check(template["content"], declared, links_allowed=False)
    used = [one for one in declared if one.name in template["subject"]]
    of_subject = check(template["subject"], used, minimum_variants=2)

    assert list(wrong) == list(of_subject) == []
    assert "\n" not in template["subject"]


def test_the_mail_senders_are_the_phones_an_account_and_mailboxes() -> None:
    phones = tomllib.loads((FOLDER / "phones.toml").read_text("utf-8"))["sender"]
    senders = tomllib.loads((FOLDER / "senders-mail.toml").read_text("utf-8"))["sender"]

    cold = [one for one in senders if one.get("channel") == "EMAIL_COLD"]
    warm = [one for one in senders if one.get("channel") == "EMAIL_WARM"]
    assert [one for one in senders if "phone" in one] == phones
    assert [one["provider"] for one in cold] == ["instantly"]
    assert {one["provider"] for one in warm} == {"resend"}
    assert all(one["address"].endswith(".example") for one in warm)
    assert len({one["address"] for one in warm}) == 3
