"""Intros on paper: for people, and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from outreach.domain.intro import Intro, batch_print
from outreach.entrypoints.cli.screen import local, safe_lines, say, table
from outreach.ports.intros import IntroView, Kept

__all__ = ["became", "plain_batch", "plain_intro", "show_batch", "show_intro", "wrong"]

_SHORT_ID: Final = 13

_BECAME: Final = {
    Kept.STALE: "has changed since, or was decided already: outreach intros show {id}",
    Kept.SENT: "came too late: its message was sent, tried or ended without it, or its "
    "text is another by now",
}


def plain_intro(view: IntroView) -> dict[str, Any]:
    """One of a list."""
    intro = view.intro
    return {
        "id": intro.id,
        "lead": intro.lead,
        "company": view.company,
        "contact": view.contact,
        "template": view.template,
        "version": intro.label,
        "step": view.step,
        "due_at": view.due_at,
        "state": intro.state,
        "text": intro.text,
        "wrong": wrong(intro),
        "by": intro.by,
        "raw": intro.raw,
        "made_at": intro.made_at,
        "decided_by": intro.decided_by,
        "decided_at": intro.decided_at,
        "fingerprint": batch_print([intro]),
    }


def plain_batch(views: Sequence[IntroView]) -> dict[str, Any]:
    """A list, with the fingerprint by which all of it is approved."""
    return {
        "fingerprint": batch_print([view.intro for view in views]),
        "intros": [plain_intro(view) for view in views],
    }


def wrong(intro: Intro) -> list[str]:
    """Why nothing was proposed."""
    return [*intro.flaws, *([] if intro.doubt is None else [intro.doubt])]


def show_batch(views: Sequence[IntroView], zone: str, title: str = "Intros") -> None:
    """A table, what is due first before others, and its fingerprint."""
    table(
        title,
        ("id", "state", "due", "company", "intro"),
        [
            (
                str(view.intro.id)[:_SHORT_ID],
                view.intro.state,
                local(view.due_at, zone),
                view.company or view.contact,
                view.intro.text or ", ".join(wrong(view.intro)),
            )
            for view in views
        ],
    )
    if views:
        say(f"fingerprint {batch_print([view.intro for view in views])}")


def show_intro(view: IntroView, zone: str) -> None:
    """One with all there is to it."""
    intro = view.intro
    say(intro.text or "(no text that could be proposed)", style="bold")
    say(f"{view.company or view.contact}; lead {intro.lead}")
    say(f"step {view.step} of template {view.template}, due {local(view.due_at, zone)}")
    say(f"{intro.state}, written by {intro.by or 'nobody'}; intro {intro.id}")
    if wrong(intro):
        say(f"refused: {', '.join(wrong(intro))}")
    if intro.decided_by:
        say(f"decided by {intro.decided_by}, {local(intro.decided_at, zone)}")
    if intro.raw and not intro.text:
        say("what the model answered:")
        say(safe_lines(intro.raw))
    say(f"fingerprint {batch_print([intro])}")


def became(intro: Intro, kept: Kept) -> str:
    """What to tell of one that was not kept."""
    return f"intro {intro.id} {_BECAME[kept].format(id=intro.id)}"
