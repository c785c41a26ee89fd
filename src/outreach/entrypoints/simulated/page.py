"""What was played, as one page that needs no other file: plots, figures, rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Final

from outreach.entrypoints.simulated.play import Day, Played

__all__ = ["page"]

_WIDE, _HIGH, _LEFT, _FOOT = 640, 220, 44, 22
_TICKS: Final = 4
_LABELS: Final = 8

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1d2330; --soft: #5c6577; --line: #d9dde5;
  --back: #ffffff; --card: #f6f7f9; --one: #2b6cb0; --two: #dd8a1d; --bad: #c0392b;
  --good: #23804a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #9aa4b5;
  --line: #333b4a; --back: #12161d; --card: #1a202a; --one: #63a4e8; --two: #f0ad4e;
  --bad: #ef7a6d; --good: #5fc48a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--back);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; } h2 { font-size: 1rem; margin: 0 0 .5rem; }
p { margin: 0 0 1rem; color: var(--soft); }
.cards { display: grid; gap: 1rem; grid-template-columns: 1fr; }
@media (min-width: 60rem) { .cards { grid-template-columns: 1fr 1fr; } }
section { background: var(--card); border-radius: .5rem; padding: 1rem; min-width: 0; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
.one { fill: var(--one); } .two { fill: var(--two); } .grid { stroke: var(--line); }
.limit { stroke: var(--bad); stroke-dasharray: 5 4; fill: none; stroke-width: 1.5; }
.path { stroke: var(--one); fill: none; stroke-width: 2; }
.path2 { stroke: var(--two); fill: none; stroke-width: 2; }
.key { font-size: .8rem; color: var(--soft); margin: .5rem 0 0; }
.key i { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 .8em; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; }
th, td { text-align: right; padding: .2rem .6rem;
  border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; white-space: nowrap; }
.bad { color: var(--bad); } .good { color: var(--good); }
"""


def page(played: Played) -> str:
    """The page; the same bytes for the same run."""
    asked, days = played.asked, played.days
    verdict = (
        '<p class="good">No rule was broken.</p>'
        if not played.broken
        else "".join(f'<p class="bad">{escape(one)}</p>' for one in played.broken)
    )
    what = (
        f"{asked.leads} leads, {asked.phones} phones, {asked.days} working days, "
        f"{asked.reply_rate:.0%} replies, faults {asked.faults}, seed {asked.seed}"
    )
    parts = (
        _card("Sends a day, against the limit of new contacts", _sends(days)),
        _card("Backlog at the close of the day", _backlog(days)),
        _card("Age of the oldest follow-up, working days", _age(days)),
        _card("New contacts: plan and actual", _plan(played)),
        _card("Funnel", _funnel(played)),
        _card("New contacts of each phone and day", _phones(played)),
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>A simulated campaign</title><style>{_STYLE}</style></head><body>"
        f"<h1>A simulated campaign</h1><p>{escape(what)}</p>{verdict}"
        f'<div class="cards">{"".join(parts)}</div></body></html>\n'
    )


def _card(title: str, inside: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{inside}</section>"


def _key(*entries: tuple[str, str]) -> str:
    marks = "".join(
        f'<i style="background:var(--{colour})"></i>{escape(says)}'
        for colour, says in entries
    )
    return f'<p class="key">{marks}</p>'


# --- plots


def _plot(days: Sequence[Day], most: float, draw: Callable[[float], str]) -> str:
    """Axes, and what *draw* puts in, given the units of a pixel's height."""
    step = _step(most / _TICKS)
    most, high = step * _TICKS, _HIGH - _FOOT
    lines = []
    for tick in range(_TICKS + 1):
        y = high - high * tick / _TICKS
        shown = f"{step * tick:g}"
        lines.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDE}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{shown}</text>'
        )
    for number in range(0, len(days), max(1, len(days) // _LABELS)):
        x = _place(number, len(days)) + _width(len(days)) / 2
        lines.append(
            f'<text x="{x:.1f}" y="{_HIGH - 6}" text-anchor="middle">'
            f"{days[number].day:%d.%m.}</text>"
        )
    return (
        f'<svg viewBox="0 -8 {_WIDE} {_HIGH + 8}" role="img">'
        f"{''.join(lines)}{draw(high / most)}</svg>"
    )


def _step(least: float) -> float:
    """The next of 0.5, 1, 2, 5, 10, 20, 50, ... that is not less."""
    step = 0.5
    while step < least:
        digit = f"{step:g}".strip("0.")[0]
        step *= 2.5 if digit == "2" else 2
    return step


def _width(count: int) -> float:
    return (_WIDE - _LEFT) / max(1, count)


def _place(number: int, count: int) -> float:
    return _LEFT + _width(count) * number


def _bar(number: int, count: int, low: float, top: float, kind: str) -> str:
    """Heights in pixels above the foot."""
    wide = _width(count) * 0.8
    x = _place(number, count) + _width(count) * 0.1
    y = _HIGH - _FOOT - top
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" '
        f'height="{max(0.0, top - low):.1f}"/>'
    )


def _line(values: Iterable[float], count: int, scale: float, kind: str) -> str:
    points = " ".join(
        f"{_place(number, count) + _width(count) / 2:.1f},"
        f"{_HIGH - _FOOT - value * scale:.1f}"
        for number, value in enumerate(values)
    )
    return f'<polyline class="{kind}" points="{points}"/>'


def _sends(days: Sequence[Day]) -> str:
    most = max([*(one.new + one.followups for one in days), *(d.limit for d in days)])

    def draw(scale: float) -> str:
        bars = "".join(
            _bar(n, len(days), 0, one.new * scale, "one")
            + _bar(
                n,
                len(days),
                one.new * scale,
                (one.new + one.followups) * scale,
                "two",
            )
            for n, one in enumerate(days)
        )
        return bars + _line((one.limit for one in days), len(days), scale, "limit")

    key = _key(("one", "new contacts"), ("two", "follow-ups"), ("bad", "limit of new"))
    return _plot(days, most, draw) + key


def _backlog(days: Sequence[Day]) -> str:
    most = max(max(one.waiting, one.due) for one in days)

    def draw(scale: float) -> str:
        return _line((one.waiting for one in days), len(days), scale, "path") + _line(
            (one.due for one in days), len(days), scale, "path2"
        )

    return _plot(days, most, draw) + _key(("one", "leads waiting"), ("two", "due"))


def _age(days: Sequence[Day]) -> str:
    most = max(2.0, *(one.oldest for one in days))

    def draw(scale: float) -> str:
        bound = _line([2.0] * len(days), len(days), scale, "limit")
        return bound + _line((one.oldest for one in days), len(days), scale, "path2")

    return _plot(days, most, draw) + _key(("two", "oldest"), ("bad", "bound"))


def _plan(played: Played) -> str:
    """Contacts up to each day: as the formula has it, and as it was."""
    days, asked = played.days, played.asked
    a_day = played.plan.sustainable_new_per_sender_day * asked.phones
    planned = [min(asked.leads, a_day * (n + 1)) for n in range(len(days))]
    actual, so_far = [], 0
    for one in days:
        so_far += one.new
        actual.append(so_far)
    most = max(*planned, *actual) if len(days) > 1 else max(planned[0], actual[0])

    def draw(scale: float) -> str:
        return _line(planned, len(days), scale, "limit") + _line(
            actual, len(days), scale, "path"
        )

    return _plot(days, most, draw) + _key(("bad", "plan"), ("one", "actual"))


def _funnel(played: Played) -> str:
    found, replies = played.summary, played.summary.replies
    rows = (
        ("leads", found.imported),
        ("enrolled", found.enrolled),
        ("written to", sum(one.new for one in played.days)),
        ("replies", sum(replies.values())),
        ("interested", replies.get("INTERESTED", 0)),
        ("opted out", found.suppressed),
    )
    most = max(1, *(count for _, count in rows))
    high = 28
    bars = "".join(
        f'<text x="96" y="{n * high + 18}" text-anchor="end">{escape(name)}</text>'
        f'<rect class="one" x="104" y="{n * high + 4}" height="{high - 10}" '
        f'width="{(_WIDE - 180) * count / most:.1f}"/>'
        f'<text x="{110 + (_WIDE - 180) * count / most:.1f}" y="{n * high + 18}">'
        f"{count}</text>"
        for n, (name, count) in enumerate(rows)
    )
    return f'<svg viewBox="0 0 {_WIDE} {len(rows) * high}" role="img">{bars}</svg>'


def _phones(played: Played) -> str:
    days = [one.day for one in played.days]
    by_phone: dict[str, dict[object, int]] = {}
    for one in played.phones:
        by_phone.setdefault(one.phone, {})[one.day] = one.new
    head = "".join(f"<th>{day:%d.%m.}</th>" for day in days)
    rows = "".join(
        f"<tr><td>{escape(phone)}</td>"
        + "".join(f"<td>{own.get(day, 0)}</td>" for day in days)
        + "</tr>"
        for phone, own in sorted(by_phone.items())
    )
    return (
        f'<div class="scroll"><table><thead><tr><th>phone</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
