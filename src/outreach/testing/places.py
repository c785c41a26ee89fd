"""What every `Places` owes its callers.

Subclass the contract in a test module with fixtures ``world`` and ``places``. A
docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from typing import Final

from outreach.ports.places import Place, Places
from outreach.testing.world import World

__all__ = ["PlacesContract"]

ANA: Final = "ana@mail.example.com"
DAN: Final = "dan@mail.example.com"


class PlacesContract:
    """One test per promise of the port."""

    async def test_never_read(self, world: World, places: Places) -> None:
        """A folder that was never read has no place."""
        await places.move(world.tenant, DAN, Place("received", 1, 5))

        assert await places.of(world.tenant, [ANA]) == {}

    async def test_goes_on(self, world: World, places: Places) -> None:
        """Where it was moved to last, reading goes on."""
        await places.move(world.tenant, ANA, Place("received", 1, 5))
        await places.move(world.tenant, ANA, Place("received", 1, 7))

        found = await places.of(world.tenant, [ANA, DAN])

        assert {k: list(v) for k, v in found.items()} == {
            ANA: [Place("received", 1, 7)]
        }

    async def test_forward_only(self, world: World, places: Places) -> None:
        """A place moves forward only, while the numbering is the same."""
        await places.move(world.tenant, ANA, Place("received", 1, 7))
        await places.move(world.tenant, ANA, Place("received", 1, 5))

        found = await places.of(world.tenant, [ANA])

        assert list(found[ANA]) == [Place("received", 1, 7)]

    async def test_numbered_anew(self, world: World, places: Places) -> None:
        """Another numbering begins anew."""
        await places.move(world.tenant, ANA, Place("received", 9, 4_000_000_000))
        await places.move(world.tenant, ANA, Place("received", 2, 0))

        found = await places.of(world.tenant, [ANA])

        assert list(found[ANA]) == [Place("received", 2, 0)]

    async def test_each_its_own(self, world: World, places: Places) -> None:
        """Each mailbox and each folder has its own, another tenant's is not seen."""
        await places.move(world.tenant, ANA, Place("received", 1, 5))
        await places.move(world.tenant, ANA, Place("sent", 2, 6))
        await places.move(world.tenant, DAN, Place("sent", 3, 7))
        await places.move(world.stranger, ANA, Place("sent", 4, 8))

        found = await places.of(world.tenant, [ANA, DAN])

        assert {k: list(v) for k, v in found.items()} == {
            ANA: [Place("received", 1, 5), Place("sent", 2, 6)],
            DAN: [Place("sent", 3, 7)],
        }

    async def test_the_account(self, world: World, places: Places) -> None:
        """The account that mail comes in by is there, and again the same."""
        made = await places.account(world.tenant, "smtp", "default")
        again = await places.account(world.tenant, "smtp", "default")
        other = await places.account(world.stranger, "smtp", "default")

        known = await world.senders.all_accounts("smtp", "default")
        assert made == again != other
        assert {one.id for one in known} == {made, other}
