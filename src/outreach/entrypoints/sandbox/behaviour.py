"""How the population and the line behave: every knob in one class.

Shares are probabilities from 0 to 1. Names ending in `_engine_s` are seconds of
engine time and shrink with `--speed`; names in `_s` are seconds of the machine.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs
from attrs.validators import and_, ge, instance_of, le, optional

from outreach.entrypoints.sandbox.phrases import ReplyKind

__all__ = ["PROFILES", "BadBehaviour", "Behaviour", "parse_knob", "read_file"]

_HOUR: Final = 3600.0
_LANGUAGES: Final = frozenset({"ro", "en", "ru"})
_KINDS: Final = frozenset(kind.value for kind in ReplyKind)


class BadBehaviour(ValueError):
    """A knob that does not exist, or a value that it cannot take."""


def _number(value: object) -> object:
    """Let the 1 of TOML stand for 1.0."""
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _weights_over(known: frozenset[str]) -> Any:
    def check(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, Mapping) or not value:
            message = f"{attribute.name} must be a table of weights"
            raise TypeError(message)
        for key, weight in value.items():
            if key not in known:
                allowed = ", ".join(sorted(known))
                message = f"{attribute.name} has no {key!r}; it has {allowed}"
                raise ValueError(message)
            if not isinstance(weight, int | float) or weight < 0:
                message = (
                    f"{attribute.name}.{key} must be a number from 0, not {weight}"
                )
                raise ValueError(message)
        if not any(value.values()):
            message = f"{attribute.name}: every weight is 0"
            raise ValueError(message)

    return check


def _share(default: float) -> Any:
    valid = and_(instance_of(float), ge(0.0), le(1.0))
    return attrs.field(default=default, converter=_number, validator=valid)


def _amount(default: float) -> Any:
    valid = and_(instance_of(float), ge(0.0))
    return attrs.field(default=default, converter=_number, validator=valid)


def _count(default: int) -> Any:
    return attrs.field(default=default, validator=and_(instance_of(int), ge(0)))


def _count_or_never() -> Any:
    valid = optional(and_(instance_of(int), ge(0)))
    return attrs.field(default=None, validator=valid)


def _weights(default: Mapping[str, float], known: frozenset[str]) -> Any:
    return attrs.field(factory=lambda: dict(default), validator=_weights_over(known))


@attrs.frozen(kw_only=True)
class Behaviour:
    """One population and one line, as a table of knobs.

    Sends: at most one of the shares from `rate_limited` to `slow` strikes a
    request; they add up to at most 1. `sure_by` is the number of recipients by
    which each kind of fault, reply and webhook named in `certain.py` has
    happened at least once, by force if chance did not; 0 forces nothing.
    """

    # what a send meets
    rate_limited: float = _share(0.012)
    retry_after_s: int = _count(1)
    unavailable: float = _share(0.012)
    lost_before: float = _share(0.005)
    lost_after: float = _share(0.005)
    stalled: float = _share(0.0)
    stall_s: float = _amount(40.0)
    edge_refused: float = _share(0.0)
    slow: float = _share(0.005)
    slow_longest_s: float = _amount(0.5)
    torn_by_reset: float = _share(0.5)
    read_unavailable: float = _share(0.002)
    sure_by: int = _count(600)

    # the account at the vendor
    requests_per_s: float = _amount(0.0)
    burst: int = _count(10)
    requests_per_connection: int = _count(0)
    messaging_quota: int = _count(10_000_000)
    revoked_after: int | None = _count_or_never()
    disconnected_after: int | None = _count_or_never()
    wrong_sender: float = _share(0.0)

    # how a message fares
    acknowledged: float = _share(1.0)
    wrong_number: float = _share(0.003)
    not_on_whatsapp: float = _share(0.01)
    never_delivered: float = _share(0.02)
    read: float = _share(0.65)

    # what people do
    reply_to_first: float = _share(0.2)
    reply_to_followup: float = _share(0.12)
    reply_to_answer: float = _share(0.6)
    answered_turns: int = _count(2)
    burst_of_replies: float = _share(0.08)
    reaction: float = _share(0.03)
    group_message: float = _share(0.005)
    takeover: float = _share(0.0)
    reply_median_engine_s: float = _amount(1500.0)
    reply_spread: float = _amount(1.2)
    reply_latest_engine_s: float = _amount(10 * _HOUR)
    languages: Mapping[str, float] = _weights(
        {"ro": 0.86, "en": 0.08, "ru": 0.06}, _LANGUAGES
    )
    replies: Mapping[str, float] = _weights(
        {
            "interested": 22,
            "question": 16,
            "price": 12,
            "not_interested": 14,
            "wrong_person": 5,
            "angry": 3,
            "legal_threat": 1,
            "polite_opt_out": 4,
            "stop": 4,
            "emoji": 3,
            "neutral": 8,
            "out_of_office": 5,
            "media": 3,
        },
        _KINDS,
    )

    # what becomes of mail; replies are of the kinds above
    mail_bounced: float = _share(0.012)
    mail_soft_bounced: float = _share(0.003)
    mail_opened: float = _share(0.3)
    mail_complained: float = _share(0.001)
    mail_out_of_office: float = _share(0.02)
    cold_mail_reply: float = _share(0.035)
    warm_mail_reply: float = _share(0.125)
    mail_scanned: float = _share(0.15)
    mail_scans: int = _count(3)
    mail_unsubscribed: float = _share(0.012)
    mail_left: float = _share(0.003)

    # the mail vendors' plans; limits of requests count machine time, 0 is none
    instantly_requests_per_s: int = _count(100)
    instantly_mail_lists_per_min: int = _count(20)
    instantly_contacts: int = _count(1_000_000)
    resend_requests_per_s: int = _count(5)

    # webhooks
    webhook_repeated: float = _share(0.02)
    webhook_most_repeats: int = _count(3)
    webhook_late: float = _share(0.01)
    webhook_late_engine_s: float = _amount(6 * _HOUR)
    webhook_jitter_engine_s: float = _amount(20.0)
    webhook_tries: int = _count(3)
    webhook_timeout_s: float = _amount(5.0)
    webhook_gap_s: float = _amount(2.0)
    webhook_disabled_after: int = _count(20)

    def __attrs_post_init__(self) -> None:
        struck = (
            self.rate_limited
            + self.unavailable
            + self.lost_before
            + self.lost_after
            + self.stalled
            + self.edge_refused
            + self.slow
        )
        if struck > 1 + 1e-9:
            message = f"the shares of faults of a send add up to {struck}, more than 1"
            raise ValueError(message)

    def changed(self, knobs: Mapping[str, object]) -> Behaviour:
        """Give this behaviour with some knobs set anew.

        Raises BadBehaviour that names the knob and what it takes.
        """
        known = [field.name for field in attrs.fields(Behaviour)]
        for name in knobs:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                message = f"no knob is called {name!r}{hint}"
                raise BadBehaviour(message)
        current = {name: getattr(self, name) for name in known}
        try:
            return Behaviour(**{**current, **knobs})
        except (TypeError, ValueError) as error:
            message = f"behaviour: {error.args[0]}"
            raise BadBehaviour(message) from error


_CLEAR_LINE: Final = {
    "rate_limited": 0,
    "unavailable": 0,
    "lost_before": 0,
    "lost_after": 0,
    "slow": 0,
    "read_unavailable": 0,
    "webhook_repeated": 0,
    "webhook_late": 0,
    "sure_by": 0,
}

_STILL_MAIL: Final = {
    "mail_bounced": 0,
    "mail_soft_bounced": 0,
    "mail_opened": 0,
    "mail_complained": 0,
    "mail_out_of_office": 0,
    "cold_mail_reply": 0,
    "warm_mail_reply": 0,
    "mail_scanned": 0,
    "mail_unsubscribed": 0,
    "mail_left": 0,
}

PROFILES: Final[Mapping[str, Behaviour]] = {
    "default": Behaviour(),
    "clear-line": Behaviour().changed(_CLEAR_LINE),
    "calm": Behaviour().changed(
        {
            **_CLEAR_LINE,
            "wrong_number": 0,
            "not_on_whatsapp": 0,
            "never_delivered": 0,
            "reply_to_first": 0,
            "reply_to_followup": 0,
            "reply_to_answer": 0,
            "reaction": 0,
            "group_message": 0,
            **_STILL_MAIL,
        }
    ),
    "brutal": Behaviour().changed(
        {
            "rate_limited": 0.08,
            "unavailable": 0.08,
            "lost_before": 0.04,
            "lost_after": 0.04,
            "edge_refused": 0.02,
            "read_unavailable": 0.05,
            "webhook_repeated": 0.3,
            "webhook_late": 0.2,
        }
    ),
    "wrong-sender": Behaviour(wrong_sender=1.0),
    "auth-revoked": Behaviour(revoked_after=0),
    "all-html-403": Behaviour().changed({**_CLEAR_LINE, "edge_refused": 1}),
    "edge": Behaviour(requests_per_connection=100),
    "silent": Behaviour(acknowledged=0.0),
    "takeover": Behaviour(takeover=0.1),
    "vendor-limits": Behaviour(requests_per_s=30.0, burst=10),
}


def read_file(path: Path) -> dict[str, Any]:
    """Read knobs from a TOML file.

    Raises BadBehaviour for a file that is missing or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise BadBehaviour(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path} is no TOML: {error}"
        raise BadBehaviour(message) from error


def parse_knob(text: str) -> dict[str, Any]:
    """Read one `name=value`, the value as TOML writes it.

    Raises BadBehaviour for anything else.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"{text!r} is not name=value as TOML writes it: {error}"
        raise BadBehaviour(message) from error
