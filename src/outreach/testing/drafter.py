"""What every `Drafter` owes its callers.

Subclass `DrafterContract` in a test module, with a fixture ``drafter`` that gives a
fresh one for `TENANT`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from typing import Final

from outreach.domain.drafting import Offered, Request
from outreach.ports.drafter import Drafter
from outreach.testing.analyst import AWKWARD, TENANT

__all__ = ["OFFERED", "DrafterContract"]

OFFERED: Final = (
    Offered("reply-interested", "Mulțumim![ {{ai_note}}]", ("ai_note",)),
    Offered("reply-question", "Revenim cu un răspuns."),
)
_SLOTS: Final = {one.name: set(one.slots) for one in OFFERED}


def _requests() -> list[Request]:
    replies = ("Da, ne interesează.", "Cine sunteți?", *AWKWARD)
    return [Request(reply, "ro", OFFERED) for reply in replies]


class DrafterContract:
    """One test per promise of the port."""

    async def test_only_what_was_offered(self, drafter: Drafter) -> None:
        """A draft names a template that was offered, or none."""
        for request in _requests():
            draft = await drafter.draft(request, tenant=TENANT)

            assert draft is None or draft.template in {None, *_SLOTS}

    async def test_only_slots_of_the_template(self, drafter: Drafter) -> None:
        """A draft fills only slots that its template declares."""
        for request in _requests():
            draft = await drafter.draft(request, tenant=TENANT)

            if draft is not None:
                assert set(draft.slots) <= _SLOTS.get(draft.template or "", set())

    async def test_any_reply(self, drafter: Drafter) -> None:
        """Any reply is drafted for, and nothing is raised."""
        for text in ("", "\ud800", "x" * 100_000, "{{a}} <b> \x00 \u202e"):
            request = Request(text, "und", OFFERED)
            draft = await drafter.draft(request, tenant=TENANT)

            assert draft is None or draft.by

    async def test_nothing_offered(self, drafter: Drafter) -> None:
        """Where nothing is offered nothing is drafted."""
        draft = await drafter.draft(Request("Da", "ro", ()), tenant=TENANT)

        assert draft is None
