"""Sentences about leads that wait for a person, and those that were approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from attrs import field, frozen

from outreach.domain.case import Case
from outreach.domain.ids import TenantId
from outreach.domain.intro import Intro, IntroState

__all__ = ["IntroDecision", "IntroView", "Intros", "Kept"]


@frozen
class IntroDecision:
    """What a person decided about an intro.

    Attributes:
        before: as it was shown.
        after: as it is to be.
    """

    before: Intro
    after: Intro


class Kept(StrEnum):
    """What became of a decision."""

    KEPT = "KEPT"
    STALE = "STALE"
    """It is not as it was shown any more, or is gone."""
    SENT = "SENT"
    """Its message went out, was tried or ended without it, or its text is another."""


@frozen
class IntroView:
    """An intro with what a person looks at.

    Attributes:
        template: name of the template.
        step: number of the message's step; 0: the message is gone.
        due_at: engine time from which the message may go; None: it is gone.
    """

    intro: Intro
    company: str = field(repr=False)
    contact: str = field(repr=False)
    template: str
    step: int = 0
    due_at: datetime | None = None


class Intros(Protocol):
    """Keeps what was written about leads, and what people said to it.

    Promises:
    - a message whose text has a place for an intro is wanted until one is written;
    - a new text of its template wants another one;
    - the text that a lead gets by a winner wants one of its own;
    - nothing is wanted for a message that was tried, or a lead that is left alone;
    - what is due first is wanted first;
    - of two intros of one text the first stays;
    - a case carries the intro of its own text, and says it once it is approved;
    - a decision is kept only on what was shown;
    - an approved intro is never changed again;
    - a message that was tried without its intro takes none any more;
    - what was decided without an approved intro is not armed;
    - a message that waited for its intro goes on at once when it is approved;
    - intros are listed by state, those whose message is due first before others;
    - what cannot be decided any more is listed among all only;
    - what waits for people is counted;
    - the intros of another tenant are never seen.
    """

    async def wanted(self, tenant: TenantId, limit: int) -> Sequence[Case]:
        """Messages that wait and whose text has a place for an intro not written yet,
        what is due first before others; windows without holidays.
        """
        ...

    async def keep(self, tenant: TenantId, intros: Sequence[Intro]) -> int:
        """Keep new ones; answers how many. One that is there already stays."""
        ...

    async def decide(
        self, tenant: TenantId, decisions: Sequence[IntroDecision]
    ) -> Sequence[Kept]:
        """Keep what people decided, each by itself, in order."""
        ...

    async def list_(
        self, tenant: TenantId, state: IntroState | None, limit: int
    ) -> Sequence[IntroView]:
        """Those in *state* whose message still needs one, or all there are; what is due
        first before others.
        """
        ...

    async def waiting(self, tenant: TenantId) -> Mapping[IntroState, int]:
        """How many can be approved (PROPOSED), and how many must be written (UNFIT)."""
        ...

    async def get(self, tenant: TenantId, words: str) -> IntroView:
        """The one whose id is *words* or begins with it.

        Raises:
            NotFound: there is none such, or several.
        """
        ...
