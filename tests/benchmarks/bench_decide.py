"""P9: what the pure decision costs beside the one request that it is about.

Ours: choose the channel, decide, render the text and make T1's draft, for a hundred
leads of four zones in turns. The peer: a bare POST of httpx on a client of its own, to
a server in another process on loopback; without an event loop, which would only add
to it. Both sides in turns; CPU of this process
(user and system) per operation, for the wall tells of the machine's other work.

    python -m tests.benchmarks.bench_decide [--quick]

The exit status is 0 if the bars are reached, 1 if one is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import cycle, islice
from typing import Final

import httpx
from attrs import evolve
from tests.benchmarks.loopback import open_answerer
from tests.benchmarks.rows import Row, table
from tests.unit.cases import MARGIN, NOON, a_case, a_sender, uid

from outreach.domain.case import Case, Ledger
from outreach.domain.channel import Channel
from outreach.domain.decision import Verdict, decide
from outreach.domain.ids import IntentId, LeadId
from outreach.domain.outcome import draft_of, render
from outreach.domain.routing import Reach, choose_channel
from outreach.domain.template import Variable
from outreach.domain.window import Window

__all__ = ["BARS", "main", "rows"]

BARS: Final = ("P9",)

LEADS: Final = 100
ZONES: Final = ("Europe/Bucharest", "Europe/Berlin", "Europe/Chisinau", "Europe/London")
SHARE: Final = 0.10
"""Of a POST's CPU."""
MICROSECONDS: Final = 40.0
"""One decision may take; the simulator's pace depends on it."""
CONTENT: Final = (
    "{Bună ziua|Bună|Salut}[, {{contact_name}}]! Am văzut că {{company_name}} "
    "{lucrează|are teren} în județul {{county}}. {Vorbim|Putem vorbi} {azi|mâine}?"
)
TEXT: Final = (
    Variable("contact_name", ""),
    Variable("company_name"),
    Variable("county", "vostru"),
)
_WHOLE: Final = "route, decide, render, draft"
_POST: Final = "an httpx POST"
_TO_MICROSECONDS: Final = 1_000_000


def rows(*, quick: bool, only: frozenset[str]) -> list[Row]:
    """P9."""
    del only  # there is one bar
    rounds, decisions, posts = (3, 500, 100) if quick else (9, 4_000, 500)
    goes = [_case(n) for n in range(LEADS)]
    full = [evolve(one, ledger=Ledger(NOON.date(), used=40)) for one in goes]
    far = [_far(one) for one in goes]
    night = NOON + timedelta(hours=12)
    with open_answerer() as base, httpx.Client() as client:
        sides: dict[str, Callable[[], float]] = {
            "a message that goes": lambda: _decide(goes, NOON, decisions),
            "a new contact of a full phone": lambda: _decide(full, NOON, decisions),
            "a message outside its window": lambda: _decide(goes, night, decisions),
            "a message that much delays": lambda: _decide(far, night, decisions),
            _WHOLE: lambda: _all_of_it(goes, decisions),
            _POST: lambda: _post(client, f"{base}/messages", posts),
        }
        found: dict[str, list[float]] = {name: [] for name in sides}
        for round_ in range(rounds + 1):
            for name, measure in sides.items():
                figure = measure()
                if round_:  # the first warms up
                    found[name].append(figure)
    whole, post = found.pop(_WHOLE), found.pop(_POST)
    share = Row(
        "P9",
        f"{_WHOLE} over {_POST}",
        "us",
        (*whole,),
        (*post,),
        sense="at most",
        limit=SHARE,
    )
    return [*(_plain(what, figures) for what, figures in found.items()), share]


def _plain(what: str, figures: Sequence[float]) -> Row:
    what = f"decide(): {what}"
    return Row("P9", what, "us", (*figures,), (), sense="at most", limit=MICROSECONDS)


def _case(n: int) -> Case:
    plain = a_case()
    template = plain.template
    assert template is not None
    return evolve(
        plain,
        intent=evolve(
            plain.intent, id=IntentId(uid(1_000 + n)), lead=LeadId(uid(5_000 + n))
        ),
        window=Window((ZONES[n % len(ZONES)],), country="RO"),
        fields={"company_name": f"Agro {n} SRL", "contact_name": "Ion" * (n % 2)},
        template=evolve(template, content=CONTENT, variables=TEXT),
    )


def _far(case: Case) -> Case:
    """Due on a Saturday, to a phone that is full and was asked to wait."""
    assert case.lane is not None
    return evolve(
        case,
        intent=evolve(case.intent, due_at=NOON + timedelta(days=3)),
        lane=evolve(case.lane, backoff_until=NOON + timedelta(days=4)),
        sender=a_sender(time_zone="Asia/Tokyo"),
        ledger=Ledger(NOON.date(), used=40),
    )


def _timed(work: Callable[[], None], times: int) -> float:
    """CPU microseconds of this process per operation."""
    began = time.process_time()
    work()
    return (time.process_time() - began) / times * _TO_MICROSECONDS


def _decide(cases: Sequence[Case], now: datetime, times: int) -> float:
    each = list(islice(cycle(cases), times))

    def work() -> None:
        for case in each:
            decide(case, now, margin=MARGIN)

    return _timed(work, times)


def _all_of_it(cases: Sequence[Case], times: int) -> float:
    each = list(islice(cycle(cases), times))
    reaches = (Reach(Channel.WHATSAPP), Reach(Channel.EMAIL_COLD, "NO_CHANNEL"))

    def work() -> None:
        for case in each:
            state = case.journey.state
            choose_channel(None, reaches, state=state, last=None, preferred=None)
            made = decide(case, NOON, margin=MARGIN)
            text = render(case)
            assert made.verdict is Verdict.SEND
            assert text is not None
            assert case.sender is not None
            draft_of(case, case.sender, made, text)

    return _timed(work, times)


def _post(client: httpx.Client, url: str, times: int) -> float:
    body = {"phone": "+40722999999", "text": "Bună ziua, Ion! Vorbim azi?" * 3}

    def work() -> None:
        for _ in range(times):
            client.post(url, json=body).raise_for_status()

    return _timed(work, times)


def main() -> int:
    """Run from the command line; answers the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    given = parser.parse_args()
    found = rows(quick=given.quick, only=frozenset(BARS))
    sys.stdout.write(table(found))
    return 0 if all(row.passed for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
