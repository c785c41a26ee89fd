"""What the engine knows of a provider before it speaks to one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

from attrs import frozen

from outreach.domain.channel import Channel
from outreach.ports.gateway import Gateway, Reads
from outreach.ports.incoming import Authenticates

__all__ = ["USER_AGENT", "Provider", "Signs"]

USER_AGENT: Final = "outreach/0.1 (+https://github.com/outreach-engine/outreach)"

Signs = Callable[[Sequence[str]], Authenticates | None]
"""From the webhook secrets of a table to what checks signatures; None: no secret."""


@frozen(kw_only=True)
class Provider:
    """A kind of provider: how to open an account of it, and what its senders are.

    What its gateway can do beside sending is asked of the gateway itself, by the
    protocols of `outreach.ports.gateway`.

    Attributes:
        name: of its settings table, its senders and the path of its webhooks.
        channels: on which its senders may open conversations.
        open: makes the gateway of a settings table; what is to be closed with the
            process goes onto the stack.
        reader: makes what reads its webhooks.
        signs: absent if it does not sign its webhooks.
        by_header: it can send a header of ours with a webhook; else, if it does not
            sign either, a token stands in the path.
        by_number: after that token the path names our number, for its deliveries do
            not.
        hosted: it has an address of its own; else an operator runs it, and says where.
        makes_secret: the secret it signs with is made up by it, and shown on its page;
            else by us.
        as_set: the same as a settings table makes it, where one name stands for several
            programs.
        paces: the vendor spreads its senders' messages itself; no gap and no total of
            ours are usual.
        picks_mailbox: one account is one sender, and the vendor chooses the mailbox of
            each mail.
        answers: a person's answer may leave by the mailbox that was written to.
    """

    name: str
    channels: frozenset[Channel]
    open: Callable[[Any, AsyncExitStack], Gateway]
    reader: Callable[[], Reads]
    signs: Signs | None = None
    by_header: bool = False
    by_number: bool = False
    hosted: bool = True
    makes_secret: bool = True
    paces: bool = False
    picks_mailbox: bool = False
    answers: bool = False
    as_set: Callable[[Any], Provider] | None = None

    @property
    def mails(self) -> bool:
        """It sends mail."""
        return self.channels != {Channel.WHATSAPP}
