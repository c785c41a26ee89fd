"""What the engine knows of a provider before it speaks to one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Final

from attrs import frozen

from outreach.domain.channel import Channel
from outreach.ports.clock import Clock
from outreach.ports.gateway import Gateway, Reads
from outreach.ports.incoming import Authenticates
from outreach.ports.logins import Logins

__all__ = ["USER_AGENT", "House", "Provider", "Signs"]

USER_AGENT: Final = "outreach/0.1 (+https://github.com/outreach-engine/outreach)"

Signs = Callable[[Any], Authenticates | None]
"""From a settings table to what checks signatures; None: it says not by what."""


@frozen
class House:
    """What a process has for those gateways that need more than their settings."""

    clock: Clock
    logins: Logins


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
        reader: makes what reads its webhooks; absent if it sends none.
        signs: absent if it does not sign its webhooks.
        vouched_by: the setting of its table by which a signature is known as theirs.
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
        by_ref: the vendor knows a sender by an id of its own alone, which the file of
            senders must give (`account_ref`).
        equips: gives an open gateway what the process has; each of its mailboxes may
            then sign in with a login of its own.
        answers: a person's answer may leave by the mailbox that was written to.
    """

    name: str
    channels: frozenset[Channel]
    open: Callable[[Any, AsyncExitStack], Gateway]
    reader: Callable[[], Reads] | None = None
    signs: Signs | None = None
    vouched_by: str = "webhook_secret"
    by_header: bool = False
    by_number: bool = False
    hosted: bool = True
    makes_secret: bool = True
    paces: bool = False
    picks_mailbox: bool = False
    by_ref: bool = False
    answers: bool = False
    as_set: Callable[[Any], Provider] | None = None
    equips: Callable[[Any, House], Gateway] | None = None

    @property
    def signs_in(self) -> bool:
        """Each of its mailboxes has a login."""
        return self.equips is not None

    @property
    def mails(self) -> bool:
        """It sends mail."""
        return self.channels != {Channel.WHATSAPP}
