"""Sentences about leads, in memory."""

from __future__ import annotations

from outreach.domain.ids import IntentId, IntroId, intro_id
from outreach.domain.intro import Intro
from outreach.domain.sequence import MessageTemplate

__all__ = ["IntroRows", "intro_for"]

IntroRows = dict[IntroId, Intro]
"""By id, which names the message and the number of its text."""


def intro_for(
    rows: IntroRows, intent: IntentId, text: MessageTemplate | None
) -> Intro | None:
    """The intro of a message's text; None: there is none."""
    if not rows or text is None:
        return None
    return rows.get(intro_id(intent, text.id, text.version))
