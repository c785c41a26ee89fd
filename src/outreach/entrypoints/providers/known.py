"""Providers by name: our own, and entry points of other packages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from attrs import fields

from outreach.domain.errors import Misconfigured
from outreach.domain.link import PROVIDER
from outreach.entrypoints.providers.provider import Provider
from outreach.entrypoints.settings import Settings

__all__ = ["GROUP", "Known"]

GROUP: Final = "outreach.providers"
"""Entry points of this group name a `Provider` each."""
_RESERVED: Final = frozenset((PROVIDER, *(item.name for item in fields(Settings))))
"""Names that mean something else where a provider is named."""
_NAME: Final = re.compile("[a-z][a-z0-9]*")


class Known(Mapping[str, Provider]):
    """Looks for other packages' providers when it is first asked, for such a package
    imports this one.

    Raises:
        Misconfigured: one cannot be loaded, is none, or has a name that is taken.
    """

    def __init__(self, built_in: Sequence[Provider]) -> None:
        self._built_in = {one.name: one for one in built_in}

    def __getitem__(self, name: str) -> Provider:
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def built_in(self) -> frozenset[str]:
        """Names of those that come with the engine."""
        return frozenset(self._built_in)

    @cached_property
    def _all(self) -> dict[str, Provider]:
        found = dict(self._built_in)
        for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
            provider = _loaded(point)
            if provider.name in {*found, *_RESERVED}:
                message = f"{_from(point)} is named {provider.name!r}, which is taken"
                raise Misconfigured(message)
            found[provider.name] = provider
        return found


def _loaded(point: EntryPoint) -> Provider:
    # Whatever a package of somebody else raises, its name is what people need.
    try:
        found = point.load()
    except (ImportError, AttributeError, SyntaxError, TypeError, ValueError) as error:
        message = f"{_from(point)} cannot be loaded ({error}): mend it or uninstall it"
        raise Misconfigured(message) from error
    if not isinstance(found, Provider):
        message = (
            f"{_from(point)} is {type(found).__name__}: it must be a "
            "outreach.entrypoints.providers.Provider"
        )
        raise Misconfigured(message)
    if _NAME.fullmatch(found.name) is None:
        message = f"{_from(point)} is named {found.name!r}: give lower-case letters"
        raise Misconfigured(message)
    return found


def _from(point: EntryPoint) -> str:
    package = point.dist.name if point.dist else "a package"
    return f"provider {point.value!r} of {package}"
