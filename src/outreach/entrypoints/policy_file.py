"""What the law asks for, as data: the shipped table, and an operator's over it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from outreach.domain.channel import Channel
from outreach.domain.consent import EVERYWHERE, Demand, Policy
from outreach.domain.errors import Misconfigured
from outreach.entrypoints.settings import Settings

__all__ = ["policy_of", "read_rules", "shipped"]

_COUNTRY: Final = re.compile("[A-Z]{2}")
_Rules = dict[str, dict[Channel, Demand]]


def policy_of(settings: Settings) -> Policy:
    """The shipped rules, with ``[policy]`` of the settings over them, rule by rule.

    Raises:
        Misconfigured: a country, a channel or a word in ``[policy]`` is not known.
    """
    rules = {country: dict(found) for country, found in shipped().items()}
    own = read_rules(settings.policy.tables, where="[policy]")
    for country, found in own.items():
        rules[country] = rules.get(country, {}) | found
    return Policy(rules)


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, Mapping[Channel, Demand]]:
    """What comes with the package: ``policy.toml``."""
    text = resources.files(__package__).joinpath("policy.toml").read_text("utf-8")
    return read_rules(tomllib.loads(text), where="policy.toml")


def read_rules(tables: Mapping[str, Any], *, where: str) -> _Rules:
    """Rules by country and channel.

    Raises:
        Misconfigured: with place, what was found and what is allowed.
    """
    return {country: _rules(country, table, where) for country, table in tables.items()}


def _rules(country: str, table: object, where: str) -> dict[Channel, Demand]:
    if country != EVERYWHERE and _COUNTRY.fullmatch(country) is None:
        message = (
            f"{where}: {country!r} is no country: give two capital letters such as "
            f"RO, or {EVERYWHERE}"
        )
        raise Misconfigured(message)
    if not isinstance(table, Mapping):
        message = f"{where}: {country} must be a table: [policy.{country}]"
        raise Misconfigured(message)
    found: dict[Channel, Demand] = {}
    for name, wanted in table.items():
        if name not in Channel.__members__:
            allowed = ", ".join(Channel)
            message = f"{where}: {country}: no channel is called {name!r}: {allowed}"
            raise Misconfigured(message)
        word = wanted.upper() if isinstance(wanted, str) else ""
        if word not in Demand.__members__:
            allowed = ", ".join(Demand)
            message = f"{where}: {country}.{name} is {wanted!r}: give one of {allowed}"
            raise Misconfigured(message)
        found[Channel(name)] = Demand(word)
    return found
