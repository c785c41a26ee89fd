"""What a domain's records say to those who get its mail. No I/O.

Each function answers what is wrong, in words for people, or nothing. That somebody
else may send for the domain too is no fault; that nobody can tell is one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from attrs import frozen

__all__ = [
    "MOST_LOOKUPS",
    "Spf",
    "dkim_fault",
    "dmarc_fault",
    "mx_fault",
    "spf_of",
    "tags",
]

MOST_LOOKUPS: Final = 10
"""RFC 7208, 4.6.4."""

_TERM: Final = re.compile(
    r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?:[:/](.*))?", re.IGNORECASE
)
_ASKS: Final = frozenset({"include", "a", "mx", "ptr", "exists"})
_POLICIES: Final = frozenset({"none", "quarantine", "reject"})
_MACRO: Final = "%"


@frozen
class Spf:
    """An SPF record.

    Attributes:
        fault: what is wrong with it, or empty.
        lookups: that it asks for by itself.
        follows: domains whose records are part of it.
        ends: it says what holds for everybody else, or leaves it to another record.
    """

    fault: str = ""
    lookups: int = 0
    follows: tuple[str, ...] = ()
    ends: bool = False


def mx_fault(exchanges: Sequence[str]) -> str:
    """Args: exchanges: names without a final dot; an empty one takes no mail."""
    if not exchanges:
        return "no MX: nobody could answer its mail"
    if not any(exchanges):
        return "its MX says that it takes no mail"
    return ""


def spf_of(texts: Sequence[str]) -> Spf:
    """Args: texts: all TXT records of the domain."""
    found = [one for one in texts if one.lower().split(" ")[0] == "v=spf1"]
    if not found:
        return Spf("no SPF")
    if len(found) > 1:
        return Spf(f"{len(found)} SPF records, of which only one may be")
    lookups, follows, ends = 0, [], False
    for word in found[0].split()[1:]:
        name, equals, value = word.partition("=")
        if equals and name.isalnum():
            if name.lower() == "redirect":
                lookups, ends = lookups + 1, True
                follows.append(value)
            continue
        term = _TERM.fullmatch(word)
        if term is None:
            return Spf(f"its SPF cannot be read at {word[:40]!r}")
        kind, of = term[2].lower(), term[3] or ""
        if kind == "all":
            if term[1] in {"", "+"}:
                return Spf("its SPF lets everybody send (+all)")
            ends = True
        lookups += kind in _ASKS
        if kind == "include":
            follows.append(of)
    plain = tuple(one.lower().rstrip(".") for one in follows if _MACRO not in one)
    return Spf("", lookups, plain, ends)


def dkim_fault(texts: Sequence[str], public: str = "") -> str:
    """Of one selector.

    Args:
        texts: its TXT records.
        public: base64 of the key that we sign with; empty: somebody else signs.
    """
    found = [tags(one) for one in texts if "p=" in one.replace(" ", "")]
    if not found:
        return "no DKIM key"
    if len(found) > 1:
        return f"{len(found)} DKIM keys, of which only one may be"
    key = "".join(found[0].get("p", "").split())
    if found[0].get("v", "DKIM1") != "DKIM1" or not key:
        return "its DKIM key was withdrawn"
    if public and key != public:
        return "its DKIM key is not the one that we sign with"
    return ""


def dmarc_fault(texts: Sequence[str]) -> str | None:
    """None: there is no record here, and the domain above may have one."""
    found = [one for one in texts if tags(one).get("v", "").upper() == "DMARC1"]
    if not found:
        return None
    if len(found) > 1:
        return f"{len(found)} DMARC records, of which only one may be"
    if tags(found[0]).get("p", "").lower() not in _POLICIES:
        return "its DMARC has no policy"
    return ""


def tags(record: str) -> dict[str, str]:
    """``v=DMARC1; p=none`` as a mapping."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
