"""What every `ReadsMailboxes` owes its callers.

Subclass the contract in a test module with a fixture ``post`` that gives a `Post`: the
mailboxes, and a hand on their server. A docstring that is a promise of the port says so
word by word.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from attrs import frozen

from outreach.ports.mailboxes import Fault, Look, ReadsMailboxes
from outreach.ports.places import Place

__all__ = ["ANA", "DAN", "MOST", "MailboxesContract", "Post"]

ANA: Final = "ana@mail.example.com"
DAN: Final = "dan@mail.example.com"
MOST: Final = 4
"""Mails that one look takes of a mailbox."""


@frozen
class Post:
    """Two mailboxes, `ANA` and `DAN`, empty.

    Attributes:
        reads: takes at most `MOST` mails in a look.
        deliver: a mail arrives in a folder (``received``, ``sent``).
        renumber: the server numbers a mailbox's mails anew.
        fail: it refuses us, cannot be reached, or (None) works again.
        rest_over: the time for which one that failed is left alone has passed.
        changes: what was changed in any mailbox.
    """

    reads: ReadsMailboxes
    deliver: Callable[[str, bytes, str], None]
    renumber: Callable[[str], None]
    fail: Callable[[str, Fault | None], Awaitable[None]]
    rest_over: Callable[[], None]
    changes: Callable[[], Sequence[str]]

    async def look(
        self, places: Mapping[str, Sequence[Place]] | None = None
    ) -> dict[str, Look]:
        """At both, or at those with places."""
        wanted = {ANA: (), DAN: ()} if places is None else places
        return {one.mailbox: one for one in await self.reads.look(wanted)}


def _mail(number: int) -> bytes:
    return f"Message-ID: <{number}@example.org>\r\n\r\nBuna {number}\r\n".encode()


def _read(look: Look) -> list[int]:
    """Numbers of the mails that were told, as `_mail` wrote them."""
    marks = (mail.raw.partition(b"Message-ID: <")[2] for mail in look.mails)
    return [int(mark.partition(b"@")[0]) for mark in marks]


class MailboxesContract:
    """One test per promise of the port."""

    async def test_told_until_behind(self, post: Post) -> None:
        """A mail is told until reading goes on behind it."""
        post.deliver(ANA, _mail(1), "received")
        post.deliver(ANA, _mail(2), "sent")

        first = (await post.look())[ANA]
        again = (await post.look())[ANA]

        assert _read(first) == _read(again) == [1, 2]
        assert [mail.place.folder for mail in first.mails] == ["received", "sent"]

    async def test_not_told_again(self, post: Post) -> None:
        """What lies before the place is not told again."""
        post.deliver(ANA, _mail(1), "received")
        first = (await post.look())[ANA]
        before = (await post.look({ANA: first.places}))[ANA]
        post.deliver(ANA, _mail(2), "received")

        then = (await post.look({ANA: first.places}))[ANA]

        assert (before.mails, before.more, before.fault) == ((), False, None)
        assert _read(then) == [2]

    async def test_numbered_anew(self, post: Post) -> None:
        """A folder that is numbered anew is read again."""
        for number in (1, 2):
            post.deliver(ANA, _mail(number), "received")
        first = (await post.look())[ANA]
        post.renumber(ANA)

        again = (await post.look({ANA: first.places}))[ANA]

        assert _read(again) == [1, 2]
        assert again.mails[0].place.numbering != first.mails[0].place.numbering

    async def test_nothing_is_changed(self, post: Post) -> None:
        """Nothing in a mailbox is changed."""
        post.deliver(ANA, _mail(1), "received")
        looked = (await post.look())[ANA]
        await post.look({ANA: looked.places})

        assert list(post.changes()) == []

    async def test_the_rest_is_for_the_next(self, post: Post) -> None:
        """Of more mails than one look takes the rest is for the next."""
        for number in range(MOST + 2):
            post.deliver(ANA, _mail(number), "received")
        post.deliver(ANA, _mail(99), "sent")

        first = (await post.look())[ANA]
        then = (await post.look({ANA: first.places}))[ANA]
        last = (await post.look({ANA: [*first.places, *then.places]}))[ANA]

        assert (_read(first), first.more) == (list(range(MOST)), True)
        assert (_read(then), then.more) == ([MOST, MOST + 1, 99], False)
        assert _read(last) == []

    async def test_refused(self, post: Post) -> None:
        """A mailbox that refuses us says so, and holds up no other."""
        post.deliver(DAN, _mail(1), "received")
        await post.fail(ANA, Fault.REFUSED)

        looks = await post.look()

        assert (looks[ANA].fault, looks[ANA].failures) == (Fault.REFUSED, 1)
        assert (looks[ANA].mails, looks[ANA].places) == ((), ())
        assert _read(looks[DAN]) == [1]

    async def test_away(self, post: Post) -> None:
        """One that cannot be reached says so, and is left alone for a while."""
        post.deliver(ANA, _mail(1), "received")
        await post.fail(ANA, Fault.AWAY)

        first = (await post.look())[ANA]
        soon = (await post.look())[ANA]
        post.rest_over()
        later = (await post.look())[ANA]
        await post.fail(ANA, None)
        post.rest_over()
        back = (await post.look())[ANA]

        assert (first.fault, first.failures) == (Fault.AWAY, 1)
        assert (soon.fault, soon.mails) == (Fault.LATER, ())
        assert (later.fault, later.failures) == (Fault.AWAY, 2)
        assert (later.is_news, back.is_news) == (False, True)
        assert (back.fault, _read(back)) == (None, [1])
