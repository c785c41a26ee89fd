"""Read by mypy only: the adapter of Resend fits what it claims."""

from __future__ import annotations

from outreach.adapters.memory.gateway import MemoryGateway
from outreach.adapters.resend import ResendGateway, ResendReader, SvixSignatures
from outreach.ports.domains import ChecksDomains
from outreach.ports.gateway import (
    Gateway,
    LooksUp,
    PollsStatus,
    Reads,
    ReceivesWebhooks,
    RepeatsSafely,
    TakesBack,
)
from outreach.ports.incoming import Authenticates, FetchesContent, Stamps


def sends(one: ResendGateway) -> tuple[Gateway, RepeatsSafely, LooksUp, PollsStatus]:
    return one, one, one, one


def hears(one: ResendGateway) -> tuple[TakesBack, ReceivesWebhooks, FetchesContent]:
    return one, one, one


def checks(
    one: ResendGateway, other: MemoryGateway
) -> tuple[tuple[ChecksDomains, ...], tuple[FetchesContent, ...]]:
    return (one, other), (one, other)


def takes_in(by: SvixSignatures) -> tuple[Reads, Authenticates, Stamps]:
    return ResendReader(), by, by
