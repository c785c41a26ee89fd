"""Runs the kit without pytest, and says what came of it."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Iterator, Sequence

from attrs import frozen

from outreach.testing.kit.promises import ABILITIES, Promise, promises
from outreach.testing.kit.subject import Adapter

__all__ = ["Kept", "Report", "prove", "table"]

_FIT: int = max(map(len, ABILITIES))


@frozen
class Kept:
    """Whether one promise is kept.

    Attributes:
        broken: how it was broken; empty: it is kept.
    """

    promise: Promise
    broken: str = ""


@frozen
class Report:
    """What an adapter can do, and whether it does it as promised."""

    name: str
    kept: Sequence[Kept]

    @property
    def right(self) -> bool:
        """Every promise of every ability is kept."""
        return not self.broken

    @property
    def broken(self) -> tuple[Kept, ...]:
        """Those that are not."""
        return tuple(one for one in self.kept if one.broken)

    def __str__(self) -> str:
        """The capability table, and each broken promise by name."""
        return "\n".join((*table(self), *self._broken()))

    def _broken(self) -> Iterator[str]:
        for one in self.broken:
            yield f"broken: {one.promise.name}"
            yield f"        {one.broken}"


async def prove(adapter: Adapter) -> Report:
    """Hold *adapter* to every promise of every ability it has, one after another."""
    kept = [Kept(one, await _broken(one)) for one in await promises(adapter)]
    return Report(adapter.name, kept)


async def _broken(promise: Promise) -> str:
    # Whatever an adapter raises where it should not is what the kit is there to find.
    found = await asyncio.gather(promise.keep(), return_exceptions=True)
    error: BaseException | None = found[0]
    if error is None:
        return ""
    (*_, last) = traceback.extract_tb(error.__traceback__)
    says = " ".join(str(error).split()) or last.line or ""
    return f"{type(error).__name__}: {says}"


def table(report: Report) -> Iterator[str]:
    """One line for each ability that the kit knows."""
    yield f"{report.name}: what it can do"
    for ability in ABILITIES:
        found = [one for one in report.kept if one.promise.ability == ability]
        wrong = sum(bool(one.broken) for one in found)
        says = "-"
        if found:
            says = f"{len(found)} promises kept"
        if wrong:
            says = f"{wrong} of {len(found)} promises BROKEN"
        yield f"  {ability:<{_FIT}}  {says}"
