"""One TOML file that carries a whole campaign: sequence, steps, templates."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Self
from uuid import UUID, uuid5

from attrs import evolve, frozen

from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured, TemplateError
from outreach.domain.ids import SequenceId, StepId, TemplateId, TenantId
from outreach.domain.sequence import MessageTemplate, Step
from outreach.domain.sequence import Sequence as Steps
from outreach.domain.template import Variable, parse
from outreach.domain.usecases.enroll import check_steps
from outreach.domain.version import Version

__all__ = ["CampaignFile", "read_campaign"]

_NAMESPACE: Final = UUID("b3f1d0f4-6a0e-5b43-8f0a-52f7f5f4a9d1")
_SEQUENCE: Final = frozenset(
    {
        "name",
        "description",
        "active",
        "default",
        "primary_channel",
        "fallback_channel",
        "respect_hours",
        "time_zone",
        "stop_on_reply",
        "stop_on_bounce",
        "max_attempts",
        "silence",
    }
)
_STEP: Final = frozenset(
    {
        "channel",
        "delay",
        "template",
        "fallback_template",
        "skip_if_replied",
        "skip_if_opened",
    }
)
_TEMPLATE: Final = frozenset(
    {
        "name",
        "channel",
        "subject",
        "content",
        "variables",
        "language",
        "approved",
        "description",
        "version",
    }
)
_VERSION: Final = frozenset({"label", "content", "subject", "weight"})
_SEVERAL: Final = 2
_UNITS: Final = frozenset({"days", "hours", "minutes"})


@frozen
class CampaignFile:
    """What a file holds; ids are those of the names until it is stored."""

    sequence: Steps
    templates: tuple[MessageTemplate, ...]

    def of(self, tenant: TenantId) -> Self:
        """Give it ids that no other tenant's file of the same names has."""
        steps = [
            evolve(step, id=StepId(uuid5(tenant, f"{step.id}")))
            for step in self.sequence.steps
        ]
        sequence = evolve(
            self.sequence,
            id=SequenceId(uuid5(tenant, f"{self.sequence.id}")),
            steps=tuple(steps),
        )
        templates = [
            evolve(text, id=TemplateId(uuid5(tenant, f"{text.id}")))
            for text in self.templates
        ]
        return evolve(self, sequence=sequence, templates=tuple(templates))


def read_campaign(path: Path) -> CampaignFile:
    """Read and check a file.

    Raises:
        Misconfigured: it is not there, no TOML, or something in it is not allowed;
            names file, place and the way out.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"sequence file {path} is not there"
        raise Misconfigured(message) from error
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"sequence file {path} cannot be read as TOML: {error}"
        raise Misconfigured(message) from error
    place = _Place(str(path))
    place.known(tree, frozenset({"sequence", "step", "template"}), "the file")
    head = place.table(tree, "sequence")
    steps = [place.inside(s, "[[step]]", n) for n, s in place.tables(tree, "step")]
    texts = place.tables(tree, "template")
    try:
        templates = tuple(_template(place, n, text) for n, text in texts)
        sequence = _sequence(place, head, steps)
        check_steps(sequence, templates)
    except (ValueError, TypeError, TemplateError) as error:
        message = f"{path}: {error}"
        raise Misconfigured(message) from error
    except Misconfigured as error:
        said = str(error)
        shown = said if said.startswith(str(path)) else f"{path}: {said}"
        raise Misconfigured(shown) from error
    return CampaignFile(sequence, templates)


@frozen
class _Place:
    """Where in which file something is, for errors."""

    path: str

    def wrong(self, where: str, says: str) -> Misconfigured:
        message = f"{self.path}: {where}: {says}"
        return Misconfigured(message)

    def known(
        self, table: Mapping[str, Any], allowed: frozenset[str], where: str
    ) -> None:
        unknown = sorted(table.keys() - allowed)
        if unknown:
            says = f"unknown key {unknown[0]!r}; allowed: {', '.join(sorted(allowed))}"
            raise self.wrong(where, says)

    def table(self, tree: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        found = tree.get(name)
        if not isinstance(found, dict):
            msg = f"[{name}]"
            raise self.wrong(msg, "there must be one such table")
        return found

    def tables(
        self, tree: Mapping[str, Any], name: str
    ) -> Sequence[tuple[int, Mapping[str, Any]]]:
        found = tree.get(name, [])
        if not isinstance(found, list) or not found:
            msg = f"[[{name}]]"
            raise self.wrong(msg, "there must be at least one such table")
        return list(enumerate(found, start=1))

    def inside(
        self, table: Mapping[str, Any], name: str, number: int
    ) -> tuple[int, Mapping[str, Any]]:
        self.known(table, _STEP, f"{name} {number}")
        return number, table

    def text(self, table: Mapping[str, Any], key: str, where: str) -> str:
        value = table.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(where, f"{key} must be a text that is not empty")
        return value

    def channel(self, value: object, where: str) -> Channel:
        try:
            return Channel(str(value))
        except ValueError as error:
            allowed = ", ".join(Channel)
            says = f"there is no channel {value!r}; allowed: {allowed}"
            raise self.wrong(where, says) from error


def _sequence(
    place: _Place,
    head: Mapping[str, Any],
    steps: Sequence[tuple[int, Mapping[str, Any]]],
) -> Steps:
    where = "[sequence]"
    place.known(head, _SEQUENCE, where)
    name = place.text(head, "name", where)
    primary = place.channel(head.get("primary_channel", "WHATSAPP"), where)
    fallback = head.get("fallback_channel")
    more = {
        key: head[key]
        for key in (
            "description",
            "respect_hours",
            "time_zone",
            "stop_on_reply",
            "stop_on_bounce",
            "max_attempts",
        )
        if key in head
    }
    for key, kind in (
        ("respect_hours", bool),
        ("stop_on_reply", bool),
        ("stop_on_bounce", bool),
        ("max_attempts", int),
        ("time_zone", str),
        ("description", str),
    ):
        if key in more and not isinstance(more[key], kind):
            raise place.wrong(where, f"{key} must be {kind.__name__}")
    if "silence" in head:
        more["silence"] = _delay(place, head["silence"], f"{where} silence")
    return Steps(
        id=SequenceId(uuid5(_NAMESPACE, f"sequence/{name}")),
        name=name,
        primary_channel=primary,
        fallback_channel=None if fallback is None else place.channel(fallback, where),
        steps=tuple(_step(place, name, n, step) for n, step in steps),
        **more,
    )


def _step(place: _Place, sequence: str, number: int, step: Mapping[str, Any]) -> Step:
    where = f"[[step]] {number}"
    channel = step.get("channel", "AUTO")
    return Step(
        id=StepId(uuid5(_NAMESPACE, f"step/{sequence}/{number}")),
        number=number,
        channel=None if channel == "AUTO" else place.channel(channel, where),
        delay=_delay(place, step.get("delay", {}), where),
        template=place.text(step, "template", where),
        fallback_template=step.get("fallback_template"),
        skip_if_replied=bool(step.get("skip_if_replied", True)),
        skip_if_opened=bool(step.get("skip_if_opened", False)),
    )


def _delay(place: _Place, value: object, where: str) -> timedelta:
    if not isinstance(value, dict) or not value.keys() <= _UNITS:
        says = "delay must be a table of days, hours, minutes: { hours = 20 }"
        raise place.wrong(where, says)
    if not all(isinstance(n, int) and n >= 0 for n in value.values()):
        raise place.wrong(where, f"delay {value} must be whole numbers from 0")
    return timedelta(**value)


def _template(place: _Place, n: int, text: Mapping[str, Any]) -> MessageTemplate:
    where = f"[[template]] {text.get('name', n)}"
    place.known(text, _TEMPLATE, where)
    name = place.text(text, "name", where)
    versions = _versions(place, text, where)
    content = "" if versions else _content(place, text, where)
    return MessageTemplate(
        id=TemplateId(uuid5(_NAMESPACE, f"template/{name}")),
        name=name,
        channel=place.channel(text.get("channel", "WHATSAPP"), where),
        content=content,
        variables=tuple(_variable(place, v, where) for v in text.get("variables", ())),
        subject=_subject(place, text, where),
        language=str(text.get("language", "")),
        approved=bool(text.get("approved", True)),
        versions=versions,
    )


def _versions(
    place: _Place, text: Mapping[str, Any], where: str
) -> tuple[Version, ...]:
    """Of a template that has several texts; it has none of its own then."""
    found = text.get("version")
    if found is None:
        return ()
    if not isinstance(found, list) or len(found) < _SEVERAL:
        says = "write two or more [[template.version]] tables, or content and no table"
        raise place.wrong(where, says)
    for key in ("content", "subject"):
        if key in text:
            says = f"{key} stands in each [[template.version]]: move it there"
            raise place.wrong(where, says)
    versions = tuple(_version(place, n, one, where) for n, one in enumerate(found, 1))
    labels = [one.label for one in versions]
    twice = next((one for one in labels if labels.count(one) > 1), None)
    if twice is not None:
        raise place.wrong(where, f"two versions have the label {twice!r}: rename one")
    return versions


def _version(place: _Place, n: int, one: Mapping[str, Any], where: str) -> Version:
    inside = f"{where}, [[template.version]] {one.get('label', n)}"
    place.known(one, _VERSION, inside)
    label, weight = place.text(one, "label", inside), one.get("weight", 1)
    if not isinstance(weight, int) or isinstance(weight, bool) or weight < 1:
        says = f"weight must be a whole number from 1, not {weight!r}"
        raise place.wrong(inside, says)
    content, subject = _content(place, one, inside), _subject(place, one, inside)
    return Version(label, content, subject, weight)


def _content(place: _Place, table: Mapping[str, Any], where: str) -> str:
    content = place.text(table, "content", where)
    try:
        parse(content)
    except TemplateError as error:
        raise place.wrong(where, str(error)) from error
    return content


def _subject(place: _Place, text: Mapping[str, Any], where: str) -> str:
    """In the template language too; which channels have one `check_steps` says."""
    subject = text.get("subject", "")
    if not isinstance(subject, str):
        raise place.wrong(where, f"subject must be a text, not {subject!r}")
    try:
        if subject:
            parse(subject)
    except TemplateError as error:
        raise place.wrong(where, f"subject: {error}") from error
    return subject


def _variable(place: _Place, value: object, where: str) -> Variable:
    allowed = frozenset({"name", "default"})
    if not isinstance(value, dict) or not value.keys() <= allowed:
        says = (
            'variables must be tables such as { name = "contact_name", default = "" }'
        )
        raise place.wrong(where, says)
    return Variable(place.text(value, "name", where), value.get("default"))
