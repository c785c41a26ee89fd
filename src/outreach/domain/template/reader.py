r"""How a template is read: from what a person wrote to a text tree.

::

    {a|b|c}       a choice, nested as you like; an alternative may be empty
    {{name}}      a variable: letters, digits and _, beginning with a letter
    [ ... ]       an optional part: vanishes if a variable in it is empty
                  (a variable in an optional part inside it is that part's affair)
    \{ \} \[ \] \| \\   the character itself

Everything else is literal. What cannot be meant is refused with its place and
the way out, never guessed: a choice with one alternative, an optional part
without a variable, a stray brace, bracket, bar or backslash.
"""

from __future__ import annotations

import re
from typing import Final, NoReturn

from attrs import Factory, define, field

from outreach.domain.errors import TemplateError
from outreach.domain.template.tree import Choice, Node, Nodes, Optional, Text, Value

__all__ = ["CONTENT_LIMIT", "NAME", "NAME_LIMIT", "NESTING_LIMIT", "read"]

CONTENT_LIMIT: Final = 100_000
"""Characters a template may have as written."""
NESTING_LIMIT: Final = 8
"""Choices and optional parts that may be open at once."""
NAME_LIMIT: Final = 64
"""Characters of a variable's name."""
NAME: Final = re.compile(r"[^\W\d_]\w*")

_TOKEN: Final = re.compile(
    r"(?P<text>[^\\{}\[\]|]+)"
    r"|\\(?P<escaped>[\\{}\[\]|])"
    r"|\{\{[ \t]*(?P<name>[^\W\d_]\w*)[ \t]*\}\}"
    r"|(?P<misnamed>\{\{[^\\{}\[\]|]*\}\})"
    r"|(?P<mark>[{}\[\]|])"
    r"|(?P<backslash>\\)",
)
# Line feed and tab are a writer's tools; marks for right-to-left text are too.
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]",
)
_OPENER: Final = {"}": "{", "]": "["}
_WHAT: Final = {"{": "choice", "[": "optional part"}


def read(content: str) -> Nodes:
    """Parse *content*; CR LF and CR count as line feeds.

    Raises:
        TemplateError: with line and column (from 1), what was found, the way out.
    """
    if len(content) > CONTENT_LIMIT:
        msg = (
            f"template of {len(content)} characters: at most {CONTENT_LIMIT} are "
            "allowed; shorten it"
        )
        raise TemplateError(msg)
    text = content.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        msg = "template is empty: write the text of the message"
        raise TemplateError(msg)
    return _Reader(text).read()


@define
class _Frame:
    """A choice, an optional part or the whole, still open."""

    mark: str
    offset: int
    nodes: list[Node] = field(factory=list)
    alternatives: list[Nodes] = field(factory=list)

    def add(self, node: Node) -> None:
        last = self.nodes[-1] if self.nodes else None
        if isinstance(node, Text) and isinstance(last, Text):
            self.nodes[-1] = Text(last.text + node.text)
        else:
            self.nodes.append(node)

    def end_alternative(self) -> None:
        self.alternatives.append(tuple(self.nodes))
        self.nodes = []


@define
class _Reader:
    """One pass over the tokens of *text*."""

    text: str
    open: list[_Frame] = Factory(lambda: [_Frame(mark="", offset=0)])
    choices: int = 0

    def read(self) -> Nodes:
        odd = _UNPRINTABLE.search(self.text)
        if odd:
            self.fail(
                odd.start(),
                f"U+{ord(odd[0]):04X}",
                "a control character; remove it",
            )
        for token in _TOKEN.finditer(self.text):
            self.take(token)
        if len(self.open) > 1:
            frame = self.open[-1]
            self.fail(
                frame.offset,
                frame.mark,
                f"this {_WHAT[frame.mark]} is never closed; "
                f"close it, or write \\{frame.mark} for the character itself",
            )
        return tuple(self.open[0].nodes)

    def take(self, token: re.Match[str]) -> None:
        kind, found, offset = token.lastgroup, token[0], token.start()
        if kind in {"text", "escaped"}:
            self.open[-1].add(Text(token[kind]))
        elif kind == "name":
            self.variable(token["name"], offset)
        elif kind == "mark":
            self.mark(found, offset)
        elif kind == "misnamed":
            self.fail(
                offset,
                found,
                "not a variable; between {{ and }} stands only a name of letters, "
                "digits and _, beginning with a letter",
            )
        else:
            self.fail(
                offset,
                self.text[offset : offset + 2],
                "a backslash stands before { } [ ] | or another backslash; "
                "write \\\\ for a backslash",
            )

    def variable(self, name: str, offset: int) -> None:
        if len(name) > NAME_LIMIT:
            self.fail(offset, name, f"a name has at most {NAME_LIMIT} characters")
        self.open[-1].add(Value(name))

    def mark(self, mark: str, offset: int) -> None:
        frame = self.open[-1]
        if mark in _WHAT:
            if len(self.open) > NESTING_LIMIT:
                self.fail(
                    offset,
                    mark,
                    f"nested more than {NESTING_LIMIT} deep; write it flatter",
                )
            self.open.append(_Frame(mark=mark, offset=offset))
        elif mark == "|":
            if frame.mark != "{":
                self.fail(
                    offset,
                    mark,
                    "alternatives stand in braces, as in {a|b}; "
                    "write \\| for the character itself",
                )
            frame.end_alternative()
        else:
            self.close(mark, offset)

    def close(self, mark: str, offset: int) -> None:
        frame = self.open[-1]
        if not frame.mark:
            self.fail(
                offset,
                mark,
                f"nothing is open here; write \\{mark} for the character itself",
            )
        if frame.mark != _OPENER[mark]:
            line, column = self.place(frame.offset)
            self.fail(
                offset,
                mark,
                f"the {_WHAT[frame.mark]} opened at line {line}, column {column} "
                "is still open; close it first",
            )
        del self.open[-1]
        self.open[-1].add(
            self.choice(frame) if mark == "}" else self.optional(frame),
        )

    def choice(self, frame: _Frame) -> Choice:
        frame.end_alternative()
        if len(frame.alternatives) == 1:
            self.fail(
                frame.offset,
                "{",
                "a choice needs at least two alternatives, as in {a|b}; a variable "
                "is {{name}}, its default is declared; write \\{ for the character "
                "itself",
            )
        self.choices += 1
        return Choice(self.choices - 1, tuple(frame.alternatives))

    def optional(self, frame: _Frame) -> Optional:
        part = Optional(tuple(frame.nodes))
        if not part.own:
            self.fail(
                frame.offset,
                "[",
                "an optional part needs a variable of its own, as in "
                "[, {{name}}]; write \\[ for the character itself",
            )
        return part

    def place(self, offset: int) -> tuple[int, int]:
        start = self.text.rfind("\n", 0, offset) + 1
        return self.text.count("\n", 0, offset) + 1, offset - start + 1

    def fail(self, offset: int, found: str, why: str) -> NoReturn:
        line, column = self.place(offset)
        shown = found if len(found) <= NAME_LIMIT else found[:NAME_LIMIT] + "..."
        msg = f"template, line {line}, column {column}: found {shown!r}: {why}"
        raise TemplateError(msg)
