"""The people who get mail: the same ones as behind the numbers, by their addresses.

A letter's line in a log holds its circumstances, so that a restart foretells the
same; what happened to it is a line of its own, and does not happen twice.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import attrs

from outreach.entrypoints.sandbox.faults import REPLIES
from outreach.entrypoints.sandbox.ground import Ground
from outreach.entrypoints.sandbox.journal import Json, moment
from outreach.entrypoints.sandbox.links import links_in
from outreach.entrypoints.sandbox.mail_fate import (
    Bounce,
    MailCircumstances,
    Said,
    foretell_mail,
)
from outreach.entrypoints.sandbox.phrases import ReplyKind
from outreach.entrypoints.sandbox.world import uid_of

__all__ = ["Desk", "Letter", "Readers"]

_MAIL_REPLIES: Final = tuple(one for one in REPLIES if one != ReplyKind.MEDIA.value)
_STOPPING: Final = frozenset({ReplyKind.STOP, ReplyKind.POLITE_OPT_OUT})


@attrs.frozen(eq=False)
class Letter:
    """A mail that left, at `at_s` of the machine's time."""

    id: str
    to: str
    subject: str
    text: str = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(repr=False)
    at_s: float
    about: MailCircumstances


class Desk(Protocol):
    """The vendor's side of what happens to a letter: it writes it down and tells."""

    def delivered(self, letter: Letter) -> None: ...

    def bounced(self, letter: Letter, bounce: Bounce, /) -> None: ...

    def opened(self, letter: Letter) -> None: ...

    def complained(self, letter: Letter) -> None: ...

    def left(self, letter: Letter) -> None: ...

    def said(self, letter: Letter, said: Said, uid: str) -> None:
        """Take a reply under an id that depends on the letter only."""
        ...


@attrs.define(kw_only=True, eq=False)
class Readers:
    """Lives through the letters of one vendor. `lived` names what has happened."""

    _ground: Ground
    _wire: str
    _desk: Desk
    lived: set[str] = attrs.field(factory=set, init=False)

    def circumstances(self, to: str, *, due_s: float, warm: bool) -> Json:
        """Give what the log line of a new mail must hold of the one it goes to.

        `due_s` is the engine time at which it leaves; a mail is warm if its reader
        wrote before.
        """
        world = self._ground.world
        person = world.person(to)
        forced = None
        if person.ordinal == 0:
            forced = self._ground.certain.due(_MAIL_REPLIES, len(world.people))
        return {
            "ordinal": person.ordinal + 1,
            "turns": person.turns,
            "stopped": person.stopped,
            "forced": forced,
            "engine_s": due_s,
            "warm": warm,
        }

    def take(self, line: Json, uid: str, headers: Mapping[str, str]) -> Letter:
        """Read a letter from its line, which has left; `live` lets it be read."""
        to = line["to"]
        person = self._ground.world.person(to)
        person.ordinal = max(person.ordinal, line["ordinal"])
        about = MailCircumstances(
            to=to,
            ordinal=line["ordinal"],
            turns=line["turns"],
            stopped=line["stopped"],
            forced=line["forced"],
            warm=line["warm"],
            at_s=line["engine_s"],
        )
        if about.forced is not None:
            self._ground.certain.note(about.forced)
        return Letter(
            id=uid,
            to=to,
            subject=line["subject"],
            text=line["text"],
            headers=headers,
            at_s=moment(line["at"]),
            about=about,
        )

    def live(self, letter: Letter) -> None:
        """Plan what is still before a letter."""
        fate = foretell_mail(self._ground.seed, self._ground.behaviour(), letter.about)
        age_s = (time.time() - letter.at_s) * self._ground.agenda.speed
        plan = functools.partial(self._plan, letter, age_s)
        desk = self._desk
        if (bounce := fate.bounce) is not None:
            plan("bounced", bounce.delay_s, lambda: desk.bounced(letter, bounce))
            return
        plan("delivered", fate.delivered_s, lambda: desk.delivered(letter))
        plan("opened", fate.opened_s, lambda: desk.opened(letter))
        plan("complained", fate.complained_s, lambda: desk.complained(letter))
        plan("left", fate.leaves_s, lambda: desk.left(letter))
        plan("unsubscribed", fate.posts_s, lambda: self._unsubscribe(letter))
        for number, scan_s in enumerate(fate.scans):
            plan(f"scanned {number}", scan_s, lambda: self._look(letter))
        for place, said in enumerate(fate.said):
            uid = uid_of(self._ground.seed, "mail in", letter.id, place)
            say = functools.partial(desk.said, letter, said, uid)
            plan(f"said {place}", said.delay_s, say, said)

    def recall(self, line: Json) -> None:
        """Take a line `letter`: something that happened to one."""
        self.lived.add(f"{line['what']} {line['letter']}")
        person = self._ground.world.person(line["to"])
        person.stopped = person.stopped or line["stops"]
        person.turns += line["turn"]

    def _plan(
        self,
        letter: Letter,
        age_s: float,
        what: str,
        after_s: float | None,
        act: Callable[[], None],
        said: Said | None = None,
    ) -> None:
        if after_s is None or f"{what} {letter.id}" in self.lived:
            return

        def happen() -> None:
            # The line comes first: what was told must not happen again.
            self._happened(letter, what, said)
            act()

        self._ground.agenda.after(after_s - age_s, happen)

    def _happened(self, letter: Letter, what: str, said: Said | None) -> None:
        stops = what in {"left", "unsubscribed", "complained"}
        if said is not None:
            stops = said.kind in _STOPPING
            self._ground.certain.note(said.kind)
        line = self._ground.journal.note(
            "letter",
            wire=self._wire,
            letter=letter.id,
            what=what,
            to=letter.to,
            stops=stops,
            turn=said is not None and not said.automatic,
        )
        self.recall(line)

    def _look(self, letter: Letter) -> None:
        links = links_in(letter.text, letter.headers)
        self._ground.agenda.start(links.look(self._ground, letter.id))

    def _unsubscribe(self, letter: Letter) -> None:
        links = links_in(letter.text, letter.headers)
        self._ground.agenda.start(links.unsubscribe(self._ground, letter.id))
