"""A template filled in for one lead."""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final
from uuid import UUID

from attrs import Factory, field, frozen

from outreach.domain.errors import TemplateError
from outreach.domain.template.counting import choices, longest, variants
from outreach.domain.template.reader import NAME, NAME_LIMIT, read
from outreach.domain.template.tree import Nodes, Page, names, own_names, source

__all__ = [
    "INTRO_FIELD",
    "LEAD_FIELDS",
    "MADE_FIELDS",
    "VALUE_LIMIT",
    "WHATSAPP_LIMIT",
    "Rendered",
    "Template",
    "Variable",
    "parse",
    "seed",
]

WHATSAPP_LIMIT: Final = 4_096
"""Characters (code points) of a WhatsApp message."""
VALUE_LIMIT: Final = 1_000
"""Characters of one variable's value."""
LEAD_FIELDS: Final = frozenset(
    {
        "company_name",
        "contact_name",
        "cui",
        "caen",
        "county",
        "city",
        "phone",
        "email",
        "email_status",
        "phone_status",
        "time_zone",
        "country",
        "language",
        "source",
        "legal_basis",
        "tags",
    },
)
"""Variables every lead has, filled or not; they need no declaration."""

INTRO_FIELD: Final = "ai_intro"
"""A sentence about the lead, written ahead by a model and approved by a person."""
MADE_FIELDS: Final = frozenset({"unsubscribe_link", INTRO_FIELD})
"""Variables that a message is given when it is made; no lead brings them."""

_DRAWS_PER_BLOCK: Final = 8
_BLOCK: Final = struct.Struct("<8Q")
_VARIANT_BYTES: Final = 6
_SEED_BYTES: Final = 16
# Tab is left out: it counts as a blank.
_REFUSED: Final = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    "\ud800-\udfff]",
)


@frozen
class Variable:
    """A variable as the template's author declared it.

    Attributes:
        name: letters, digits and ``_``, beginning with a letter.
        default: stands in for an empty value; None: the lead must have one;
            ``""``: may be empty, for use in optional parts.

    Raises:
        TemplateError: name or default could never be rendered.
    """

    name: str = field()
    default: str | None = field(default=None)

    @name.validator
    def _nameable(self, _: object, name: str) -> None:
        if not NAME.fullmatch(name) or len(name) > NAME_LIMIT:
            msg = (
                f"variable {name!r}: a name has letters, digits and _, begins with "
                f"a letter and has at most {NAME_LIMIT} characters"
            )
            raise TemplateError(msg)

    @default.validator
    def _clean_default(self, _: object, default: str | None) -> None:
        if default:
            _clean(self.name, default)


@frozen
class Rendered:
    """One message's text.

    Attributes:
        text: without blanks at either end, never empty.
        variant: 12 hex digits that stand for the alternatives taken, whatever the
            values; equal alternatives are one. Compare within one version only.
    """

    text: str
    variant: str


@frozen
class Template:
    """A template that has been read; make it with :func:`parse`."""

    nodes: Nodes
    variables: frozenset[str] = field(
        init=False,
        eq=False,
        repr=False,
        default=Factory(lambda self: names(self.nodes), takes_self=True),
    )
    bare: frozenset[str] = field(
        init=False,
        eq=False,
        repr=False,
        default=Factory(lambda self: own_names(self.nodes), takes_self=True),
    )
    """Variables that stand outside every optional part at least once."""
    # Of two missing variables always the same one is named.
    _in_order: tuple[str, ...] = field(
        init=False,
        eq=False,
        repr=False,
        default=Factory(lambda self: tuple(sorted(self.variables)), takes_self=True),
    )
    _choices: int = field(
        init=False,
        eq=False,
        repr=False,
        default=Factory(lambda self: choices(self.nodes), takes_self=True),
    )

    def __str__(self) -> str:
        """The template as a person would write it."""
        return source(self.nodes)

    def required(self, declared: Sequence[Variable]) -> frozenset[str]:
        """The variables a lead must have a value for.

        Those declared without a default; and of those not declared the ones that
        stand outside optional parts.
        """
        defaults = {variable.name: variable.default for variable in declared}
        return frozenset(
            name
            for name in self.variables
            if (defaults[name] is None if name in defaults else name in self.bare)
        )

    def may_be_empty(self, declared: Sequence[Variable]) -> frozenset[str]:
        """The variables that a lead may lack without one standing in."""
        defaults = {variable.name: variable.default for variable in declared}
        return frozenset(
            name
            for name in self.variables
            if (defaults[name] == "" if name in defaults else name not in self.bare)
        )

    def variants(self, *, empty: Collection[str] = frozenset()) -> int:
        """How many different texts one lead could get, counted up to VARIANTS_CAP.

        Counted with every variable filled but those in *empty*, not by expansion:
        equal alternatives count once, also across nested choices. Two different
        ways to write the same text, as in ``{a|ab}{bc|c}``, count as two.
        """
        return variants(self.nodes, frozenset(empty))

    def longest(self) -> int:
        """Characters of the longest text, values left out."""
        return longest(self.nodes)

    def render(
        self,
        values: Mapping[str, str],
        *,
        declared: Sequence[Variable] = (),
        seed: bytes,
        limit: int = WHATSAPP_LIMIT,
    ) -> Rendered:
        """The text for one lead; the same arguments give the same text anywhere.

        The alternatives taken depend on *seed* only, and every variable of the
        template is asked for, also where its alternative was not taken. So what
        a lead lacks shows at enrolment, not by chance at the moment of sending.

        Values are trimmed and runs of blanks (tabs too) become one space; blank
        is empty. Line breaks, control and bidirectional characters are refused.
        An empty value takes its default. A variable that is not declared must be
        a key of *values*, and may be empty only in optional parts.

        Raises:
            TemplateError: a variable is unknown, missing or holds what is refused
                (named; its value is not shown); the text is empty or longer than
                *limit*.
        """
        page = Page(self._filled(values, declared), _draws(seed, self._choices))
        for node in self.nodes:
            node.write(page)
        text = "".join(page.parts).strip()
        if not text:
            msg = "the text is empty: every part of the template is optional for it"
            raise TemplateError(msg)
        if len(text) > limit:
            msg = (
                f"the text has {len(text)} characters, {limit} are allowed: "
                "shorten the template or the values"
            )
            raise TemplateError(msg)
        return Rendered(text, _variant(page.path))

    def _filled(
        self,
        values: Mapping[str, str],
        declared: Sequence[Variable],
    ) -> dict[str, str]:
        defaults = {variable.name: variable.default for variable in declared}
        filled = {}
        for name in self._in_order:
            value = values.get(name)
            filled[name] = (value and _clean(name, value)) or self._stand_in(
                name,
                defaults,
                given=name in values,
            )
        return filled

    def _stand_in(
        self,
        name: str,
        defaults: Mapping[str, str | None],
        *,
        given: bool,
    ) -> str:
        """What an empty variable becomes."""
        default = defaults.get(name)
        if default is not None:
            return default
        if name not in defaults and not given:
            msg = (
                f"variable {name!r} is unknown: declare it, or import leads with "
                "a column of that name"
            )
            raise TemplateError(msg)
        if name in defaults or name in self.bare:
            msg = (
                f"variable {name!r} is required and the lead has no value for it: "
                "fill the field, or declare a default"
            )
            raise TemplateError(msg)
        return ""


@lru_cache(maxsize=512)
def parse(content: str) -> Template:
    """Read a template; the last 512 are remembered.

    Raises:
        TemplateError: with line and column, what was found and the way out.
    """
    return Template(read(content))


def seed(lead_id: UUID, step_id: UUID, version: int) -> bytes:
    """What decides the alternatives of one message: 16 bytes.

    The same lead, step and version of the template show the same text in a
    preview, an approval, a first try and a retry.
    """
    written = lead_id.bytes + step_id.bytes + str(version).encode()
    return blake2b(written, digest_size=_SEED_BYTES).digest()


def _clean(name: str, value: str) -> str:
    refused = _REFUSED.search(value)
    if refused:
        msg = (
            f"variable {name!r} holds U+{ord(refused[0]):04X}, a line break or "
            "control character: remove it from the field"
        )
        raise TemplateError(msg)
    clean = " ".join(value.split())
    if len(clean) > VALUE_LIMIT:
        msg = (
            f"variable {name!r} has {len(clean)} characters, {VALUE_LIMIT} are "
            "allowed: shorten the field"
        )
        raise TemplateError(msg)
    return clean


def _draws(seed: bytes, count: int) -> Sequence[int]:
    """At least *count* 64-bit numbers."""
    draws = _BLOCK.unpack(blake2b(seed).digest())
    for block in range(1, -(-count // _DRAWS_PER_BLOCK)):
        salt = block.to_bytes(16, "big")
        draws += _BLOCK.unpack(blake2b(seed, salt=salt).digest())
    return draws


def _variant(path: Sequence[int]) -> str:
    written = ",".join(map(str, path)).encode()
    return blake2b(written, digest_size=_VARIANT_BYTES).hexdigest()
