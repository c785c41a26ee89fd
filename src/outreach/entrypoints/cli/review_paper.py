"""A review item on paper: for people, and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from outreach.domain.review import ReviewItem
from outreach.entrypoints.cli.screen import local, safe_lines, say, table
from outreach.ports.reviews import ReviewView

__all__ = ["plain_item", "plain_view", "show_queue", "show_view"]

_SHORT_ID: Final = 13
_PREVIEW: Final = 60


def plain_item(view: ReviewView) -> dict[str, Any]:
    """One item of a list."""
    item = view.item
    return {
        "id": item.id,
        "lead": item.lead,
        "company": view.company,
        "contact": view.contact,
        "recipient": view.recipient,
        "state": view.state,
        "reason": item.reason,
        "priority": item.priority,
        "status": item.status,
        "opened_at": item.opened_at,
        "sla_due_at": item.sla_due_at,
        "sla_breached": item.sla_breached,
        "claimed_until": item.claimed_until,
        "trigger": item.trigger,
        "suggested": item.suggested,
        "fingerprint": item.fingerprint,
        "resolution": item.resolution,
        "analysis": _analysis(item),
    }


def _analysis(item: ReviewItem) -> dict[str, Any] | None:
    made = item.analysis
    if made is None:
        return None
    return {
        "intent": made.intent,
        "also": made.also,
        "sentiment": made.sentiment,
        "confidence": made.confidence,
        "language": made.language,
        "keywords": made.keywords,
        "by": made.by,
    }


def plain_view(view: ReviewView) -> dict[str, Any]:
    """One item with its conversation and everything done with it."""
    return plain_item(view) | {
        "conversation": [
            {
                "at": line.at,
                "inbound": line.inbound,
                "channel": line.channel,
                "text": line.text,
                "status": line.status,
            }
            for line in view.conversation
        ],
        "audit": [
            {
                "at": line.at,
                "action": line.action,
                "by": line.by,
                "before": line.before,
                "after": line.after,
                "notes": line.notes,
            }
            for line in view.audit
        ],
    }


def show_queue(views: Sequence[ReviewView], zone: str) -> None:
    """A table, most urgent first."""
    table(
        "Open reviews",
        ("id", "priority", "due", "company", "about"),
        [
            (
                str(view.item.id)[:_SHORT_ID],
                view.item.priority,
                _due(view, zone),
                view.company or view.contact,
                _about(view.item),
            )
            for view in views
        ],
    )


def _about(item: ReviewItem) -> str:
    text = " ".join(item.trigger.split())
    short = text if len(text) <= _PREVIEW else f"{text[: _PREVIEW - 3]}..."
    return f"{item.reason}: {short}" if short else str(item.reason)


def _due(view: ReviewView, zone: str) -> str:
    due = local(view.item.sla_due_at, zone)
    late = view.now is not None and view.item.sla_due_at <= view.now
    return f"{due} (overdue)" if late and view.item.is_open else due


def show_view(view: ReviewView, zone: str) -> None:
    """All that a person must see to decide."""
    item = view.item
    say(f"{item.priority} {item.reason}, {item.status}", style="bold")
    say(f"review {item.id}")
    say(f"{view.company} / {view.contact}, {view.recipient}, {view.state}")
    say(f"lead {item.lead}")
    say(f"opened {local(item.opened_at, zone)}, to be answered by {_due(view, zone)}")
    if (made := item.analysis) is not None:
        also = "".join(f", {intent}" for intent in made.also)
        words = f", words: {', '.join(made.keywords)}" if made.keywords else ""
        say(
            f"{made.by} reads {made.intent}{also}: sentiment {made.sentiment:+d}, "
            f"confidence {made.confidence:.0%}, language {made.language}{words}"
        )
    say("", "Conversation", style="bold")
    for line in view.conversation:
        who = "<" if line.inbound else ">"
        status = f" [{line.status}]" if line.status else ""
        say(f"{who} {local(line.at, zone)} {line.channel}{status}", style="dim")
        say(_indented(line.text))
    if not view.conversation:
        say(_indented(item.trigger))
    say("", "Suggested reply", style="bold")
    say(_indented(item.suggested or "none: write one with outreach reviews edit"))
    if view.audit:
        say("", "What was done", style="bold")
    for one in view.audit:
        notes = f": {one.notes}" if one.notes else ""
        at = local(one.at, zone)
        say(
            f"  {at} {one.action} by {one.by} "
            f"({one.before or '-'} -> {one.after}){notes}"
        )
    say("", f"fingerprint {item.fingerprint or 'none'}")


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in safe_lines(text).splitlines()) or "  -"
