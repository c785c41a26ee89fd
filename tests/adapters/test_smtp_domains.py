"""What a domain must have before it sends, asked of a name server beside us."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
from attrs import define
from hypothesis import given
from hypothesis import strategies as st
from tests.name_server import SELECTOR, NameServer, fit, named

from outreach.adapters.smtp import Domains, Wanted, resolver
from outreach.adapters.smtp.domains import BAD_FOR, GOOD_FOR
from outreach.adapters.smtp.records import (
    dkim_fault,
    dmarc_fault,
    mx_fault,
    spf_of,
    tags,
)
from outreach.domain.errors import Misconfigured, Unavailable
from outreach.ports.domains import AccountDomain

NAME: Final = "ours.example"
SPF: Final = "its SPF"


@pytest.fixture
def names() -> Iterator[NameServer]:
    with named(NameServer(zone=fit(NAME))) as made:
        yield made


@define
class Hand:
    """A clock by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def domains(names: NameServer, **wanted: Any) -> Domains:
    asked = Wanted(**{"selectors": (SELECTOR,), **wanted})
    return Domains(asked, resolver([names.address]))


async def verdict(names: NameServer, **wanted: Any) -> str:
    """What is wrong with it; empty: nothing."""
    (found,) = await domains(names, **wanted).examine([NAME])
    assert found.ready is (not found.says)
    return found.says


def txt(*texts: str) -> list[str]:
    return [f'TXT "{text}"' for text in texts]


async def test_a_domain_that_has_everything_is_ready(names: NameServer) -> None:
    (found,) = await domains(names).examine([NAME])

    assert found == AccountDomain(NAME, ready=True, says="")


@pytest.mark.parametrize(
    ("name", "records", "says"),
    [
        (NAME, txt("v=spf1 -all"), "no MX"),
        (NAME, ["MX 0 .", *txt("v=spf1 -all")], "takes no mail"),
        (NAME, ["MX 1 mx.ours.example."], "no SPF"),
        (NAME, ["MX 1 m.ours.example.", *txt("v=spf1 -all", "v=spf1 ~all")], "2 SPF"),
        (NAME, ["MX 1 m.ours.example.", *txt("v=spf1 +all")], "everybody"),
        (NAME, ["MX 1 m.ours.example.", *txt("v=spf1 all")], "everybody"),
        (NAME, ["MX 1 m.ours.example.", *txt("v=spf1 mx")], "what holds for others"),
        (NAME, ["MX 1 m.ours.example.", *txt("v=spf1 foo:bar -all")], "foo:bar"),
        (f"_dmarc.{NAME}", txt("v=DMARC1"), "no policy"),
        (f"_dmarc.{NAME}", txt("v=DMARC1; p=maybe"), "no policy"),
        (f"_dmarc.{NAME}", txt("v=DMARC1; p=none", "v=DMARC1; p=reject"), "2 DMARC"),
        (f"_dmarc.{NAME}", txt("something else"), "no DMARC"),
        (f"{SELECTOR}._domainkey.{NAME}", txt("v=DKIM1; p="), "withdrawn"),
        (f"{SELECTOR}._domainkey.{NAME}", txt("else"), "no DKIM key"),
        (f"{SELECTOR}._domainkey.{NAME}", txt("p=QQ", "p=QR"), "2 DKIM keys"),
    ],
)
async def test_what_is_wrong_is_said(
    names: NameServer, name: str, records: list[str], says: str
) -> None:
    names.zone[name] = records

    assert says in await verdict(names)


async def test_all_that_is_wrong_is_said_at_once(names: NameServer) -> None:
    names.zone.clear()

    said = await verdict(names)

    for part in ("no MX", "no SPF", "no DKIM key (selector s1)", "no DMARC"):
        assert part in said


async def test_a_policy_of_the_domain_above_counts(names: NameServer) -> None:
    names.zone |= fit("mail.ours.example")
    del names.zone["_dmarc.mail.ours.example"]

    (found,) = await domains(names).examine(["mail.ours.example"])

    assert found.ready, found
    assert ("_dmarc.example", "TXT") not in names.asked


async def test_our_own_key_must_be_the_one_that_is_published(names: NameServer) -> None:
    long = "A" * 392
    names.zone |= fit(NAME, public=long)

    assert await verdict(names, keys={NAME: long}) == ""
    assert "not the one that we sign with" in await verdict(names, keys={NAME: "B"})


async def test_of_several_selectors_one_is_enough_unless_we_sign(
    names: NameServer,
) -> None:
    there, missing = ("s0", SELECTOR), ("s0", "s9")

    assert await verdict(names, selectors=there) == ""
    assert "no DKIM key" in await verdict(names, selectors=missing)
    signs = await verdict(names, selectors=there, keys={NAME: "QUJD"})
    assert "no DKIM key (selector s0)" in signs
    assert "no DKIM selector is set" in await verdict(names, selectors=())


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"one.example": "v=spf1 ip4:192.0.2.0/24 -all"}, ""),
        ({}, "names one.example: no SPF"),
        ({"one.example": "v=spf1 include:one.example -all"}, "more than 10 look-ups"),
        ({"one.example": "v=spf1 a mx ptr exists:x a:y a:z mx:y mx:z a -all"}, ""),
        ({"one.example": "v=spf1 a mx ptr exists:x a a a mx mx a -all"}, "more than"),
        ({"one.example": "v=spf1 redirect=two.example"}, "names two.example: no SPF"),
        ({"one.example": "v=spf1 include:%{i}.x.example -all"}, ""),
    ],
)
async def test_spf_is_followed_as_far_as_others_would(
    names: NameServer, parts: dict[str, str], says: str
) -> None:
    names.zone[NAME][1:] = txt("v=spf1 include:one.example ~all")
    names.zone |= {name: txt(text) for name, text in parts.items()}

    told = await verdict(names)

    assert says in told
    assert bool(told) is bool(says)


async def test_where_reports_go_must_take_mail_too(names: NameServer) -> None:
    told = await verdict(names, bounce_domain="back.example")
    names.zone |= fit("back.example")

    assert "back.example (smtp.bounce_domain): no MX" in told
    assert await verdict(names, bounce_domain="back.example") == ""


async def test_a_block_list_that_names_it_is_believed_and_one_that_refuses_is_not(
    names: NameServer,
) -> None:
    names.zone |= {
        f"{NAME}.list.example": ["A 127.0.1.2"],
        f"{NAME}.closed.example": ["A 127.255.255.254"],
    }

    told = await verdict(names, blocklists=("list.example", "closed.example"))

    assert told == "it is on the block list list.example"
    assert await verdict(names, blocklists=("other.example",)) == ""


async def test_a_good_verdict_holds_for_a_day_and_a_bad_one_for_a_minute(
    names: NameServer,
) -> None:
    hand = Hand()
    asked = Domains(Wanted((SELECTOR,)), resolver([names.address]), hand)
    records = names.zone.pop(f"_dmarc.{NAME}")

    async def ready() -> bool:
        (found,) = await asked.examine([NAME])
        return found.ready

    bad = await ready()
    names.zone[f"_dmarc.{NAME}"] = records
    hand.now += (BAD_FOR - timedelta(seconds=1)).total_seconds()
    still = await ready()
    hand.now += 2
    mended = await ready()
    del names.zone[f"_dmarc.{NAME}"]
    hand.now += (GOOD_FOR - timedelta(seconds=1)).total_seconds()
    holds = await ready()
    hand.now += 2

    assert [bad, still, mended, holds] == [False, False, True, True]
    assert await ready() is False


async def test_what_was_known_outlives_a_name_server_that_is_away(
    names: NameServer,
) -> None:
    asked = domains(names)
    await asked.examine([NAME])
    names.fails.add("*")

    (found,) = await asked.examine([NAME, "other.example"])

    assert found.ready
    with pytest.raises(Unavailable, match="DNS"):
        await asked.examine(["other.example"])


async def test_a_name_that_is_none_is_not_asked_about_for_ever(
    names: NameServer,
) -> None:
    for odd in ("a" * 64 + ".example", "a..example", "."):
        with pytest.raises(Unavailable):
            await domains(names).examine([odd])


def test_a_name_server_that_is_none_is_told() -> None:
    for wrong in (["nowhere"], ["127.0.0.1:many"]):
        with pytest.raises(Misconfigured, match="no name server"):
            resolver(wrong)


# --- readers of records


@pytest.mark.parses
@given(st.lists(st.text(max_size=60), max_size=3))
def test_no_record_makes_a_reader_raise(texts: list[str]) -> None:
    assert isinstance(spf_of([*texts, *(f"v=spf1 {one}" for one in texts)]).fault, str)
    assert isinstance(dkim_fault([f"p={one}" for one in texts]), str)
    dmarc_fault([f"v=DMARC1;{one}" for one in texts])
    assert isinstance(mx_fault(texts), str)
    for one in texts:
        assert isinstance(tags(one), dict)
