"""Open a file of leads, whatever it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from outreach.adapters.files.delimited import Delimited
from outreach.adapters.files.encoding import detect, lines
from outreach.adapters.files.mappings import MappingRows, json_lines
from outreach.domain.errors import Misconfigured
from outreach.domain.lead_file import NotATable

__all__ = ["open_table"]


def _silent(_read: int, _size: int) -> None:
    """Show nothing."""


@contextmanager
def open_table(
    path: Path,
    *,
    encoding: str = "",
    delimiter: str = "",
    headers: Iterable[str] = (),
    progress: Callable[[int, int], None] = _silent,
) -> Iterator[Delimited | MappingRows]:
    """Open a CSV or JSON lines file as a `outreach.ports.leads.LeadTable`.

    Args:
        path: of the file; it is read twice, so no pipe.
        encoding: a codec's name; found by itself if empty.
        delimiter: one character; found by itself if empty.
        headers: that a mapping of columns names, to know the header line by.
        progress: told bytes read and bytes in all, every quarter of a megabyte.

    Raises:
        NotATable: it is something else.
        Misconfigured: there is no such file, it may not be read, or *encoding* or
            *delimiter* is none.
    """
    if len(delimiter) > 1 or delimiter in {'"', "\n", "\r"}:
        message = f"delimiter {delimiter!r}: give one character such as ';' or none"
        raise Misconfigured(message)
    try:
        file = path.open("rb")
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        message = f"{path}: {reason}; name a CSV or JSON lines file"
        raise Misconfigured(message) from error
    with file:
        if not file.seekable():
            message = f"{path} is a pipe: save it to a file and give that"
            raise NotATable(message)
        found = detect(file, name=str(path), told=encoding)
        text = lines(file, found, progress)
        above: list[tuple[str, bool]] = []
        for line in text:
            above.append(line)
            if line[0].strip("\ufeff \t"):
                break
        begins = above[-1][0].strip("\ufeff \t") if above else ""
        text = chain(above, text)
        if begins.startswith(("{", "[{")) or begins == "[":
            yield json_lines(text, name=str(path))
        else:
            yield Delimited.of(
                text, name=str(path), delimiter=delimiter, headers=headers
            )
