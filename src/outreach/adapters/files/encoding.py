"""What kind of bytes a file holds, and its lines as text.

Files that are mostly UTF-8 with some lines of an older encoding (pasted together from
two exports) are read line by line: a line that is no UTF-8 is read in the old one.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from os import SEEK_END
from typing import BinaryIO, Final

from attrs import frozen

from outreach.domain.errors import Misconfigured
from outreach.domain.lead_file import NotATable

__all__ = ["LONGEST_LINE_BYTES", "SAMPLE_BYTES", "Encoding", "detect", "lines"]

SAMPLE_BYTES: Final = 65_536
LONGEST_LINE_BYTES: Final = 65_536
"""A longer line is cut there; no company has that much to say."""

_CHUNK_BYTES: Final = 262_144
_UTF16: Final = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_UTF32: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_MAGIC: Final = {
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a spreadsheet (.xlsx, .ods) or another zip archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet in the old .xls format",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"SQLite format 3": "an SQLite database",
    b"{\\rtf": "an RTF document",
    b"\x7fELF": "a program",
    b"BEGIN:VCARD": "a list of contact cards (.vcf)",
}
_MARKUP: Final = (b"<!doctype", b"<html", b"<?xml", b"<table", b"<head", b"<body")
# Where the older central European encodings differ: 80-9F are letters and quotes in
# cp1250 and control characters in latin-2; these are signs in cp1250 and letters in
# latin-2, if they stand within a word.
_CP1250_ONLY: Final = bytes(range(0x80, 0xA0))
_LATIN2_IN_A_WORD: Final = re.compile(
    rb"[a-z\xe0-\xff][\xa9\xab\xae\xb1\xb5\xb6\xb9\xbb\xbe][a-z]", re.IGNORECASE
)
_CONTROLS: Final = bytes([*range(9), 11, 12, *range(14, 26), *range(27, 32), 127])
_MOST_NOISE: Final = 0.05
_MOSTLY: Final = 0.3
_WAY_OUT: Final = "save it as CSV (UTF-8) and give that file"


@frozen
class Encoding:
    """How the bytes of a file become lines.

    Attributes:
        wide: codec of a UTF-16 file; empty if it is none.
        old: codec of lines that are no UTF-8; empty if all of them are.
        only: every line is of the codec `old`, because someone said so.
        start: bytes of the mark at the beginning.
        newline: what ends a line.
        size: bytes of the file.
    """

    size: int
    wide: str = ""
    old: str = ""
    only: bool = False
    start: int = 0
    newline: bytes = b"\n"


def detect(file: BinaryIO, *, name: str, told: str = "") -> Encoding:
    """Look at a file and say how to read it; leaves it at any position.

    Args:
        file: seekable.
        name: for messages.
        told: a codec's name, where someone knows better.

    Raises:
        NotATable: it is empty or no text.
        Misconfigured: *told* is no codec.
    """
    size = file.seek(0, SEEK_END)
    file.seek(0)
    head = file.read(SAMPLE_BYTES)
    _refuse_known(head, name)
    wide, start = _wide(head)
    text = head[start:].decode(wide, "replace").encode() if wide else head[start:]
    if not text.strip(b" \t\r\n\x00\x1a"):
        message = f"{name} is empty: give a file with a header line and rows"
        raise NotATable(message)
    if text[:64].lstrip().lower().startswith(_MARKUP):
        message = f"{name} is an HTML or XML page, not a table: {_WAY_OUT}"
        raise NotATable(message)
    noise = len(text) - len(text.translate(None, _CONTROLS))
    if noise > _MOST_NOISE * len(text):
        message = f"{name} holds binary data, not a table: {_WAY_OUT}"
        raise NotATable(message)
    newline = b"\r" if b"\r" in text and b"\n" not in text else b"\n"
    if told:
        return _told(told, size, newline, head)
    if wide:
        return Encoding(size, wide=wide, start=start, newline=newline)
    return Encoding(size, old=_old(file), start=start, newline=newline)


def lines(
    file: BinaryIO, encoding: Encoding, progress: Callable[[int, int], None]
) -> Iterator[tuple[str, bool]]:
    """Lines without their ends, and whether a line was cut for its length.

    Args:
        file: as given to `detect`.
        encoding: its answer.
        progress: told bytes read and bytes in all, now and then.
    """
    tail, skipping = b"", False
    for chunk in _chunks(file, encoding, progress):
        parts = (tail + chunk).split(encoding.newline)
        tail = parts.pop()
        for part in parts:
            if not skipping:
                yield _decoded(part, encoding)
            skipping = False
        if len(tail) > LONGEST_LINE_BYTES:
            if not skipping:
                yield _decoded(tail, encoding)
            tail, skipping = b"", True
    if tail and not skipping:
        yield _decoded(tail, encoding)


def _refuse_known(head: bytes, name: str) -> None:
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            message = f"{name} is {kind}, not a table: {_WAY_OUT}"
            raise NotATable(message)
    if head.startswith(_UTF32):
        message = f"{name} is UTF-32 text: {_WAY_OUT}"
        raise NotATable(message)


def _wide(head: bytes) -> tuple[str, int]:
    """Codec of UTF-16 text and length of its mark; also of text without a mark."""
    for mark, codec in _UTF16.items():
        if head.startswith(mark):
            return codec, len(mark)
    if head.startswith(codecs.BOM_UTF8):
        return "", len(codecs.BOM_UTF8)
    half = len(head) // 2
    for codec, zeros in (
        ("utf-16-le", head[1::2].count(0)),
        ("utf-16-be", head[0::2].count(0)),
    ):
        others = head.count(0) - zeros
        if half and zeros > _MOSTLY * half and others < (1 - _MOSTLY) * half:
            return codec, 0
    return "", 0


def _told(told: str, size: int, newline: bytes, head: bytes) -> Encoding:
    try:
        codec = codecs.lookup(told).name
    except LookupError as error:
        message = (
            f"there is no encoding {told!r}: give one such as utf-8, cp1250, "
            f"iso8859-2 or utf-16, or none to have it found"
        )
        raise Misconfigured(message) from error
    if codec.startswith(("utf-16", "utf-8")):
        wide, start = _wide(head)
        wide = "" if codec.startswith("utf-8") else wide or "utf-16-le"
        old = "" if wide else "utf-8"
        return Encoding(size, wide, old, only=True, start=start, newline=newline)
    return Encoding(size, old=codec, only=True, newline=newline)


def _old(file: BinaryIO) -> str:
    """The older codec of a file, empty if all of it is UTF-8."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(_CHUNK_BYTES):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return _which(file)
    return ""


def _which(file: BinaryIO) -> str:
    file.seek(0)
    latin2 = 0
    while chunk := file.read(_CHUNK_BYTES):
        text = b"\n".join([line for line in chunk.split(b"\n") if not _is_utf8(line)])
        if len(text.translate(None, _CP1250_ONLY)) != len(text):
            return "cp1250"
        latin2 += len(_LATIN2_IN_A_WORD.findall(text))
    return "iso8859-2" if latin2 else "cp1250"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _chunks(
    file: BinaryIO, encoding: Encoding, progress: Callable[[int, int], None]
) -> Iterator[bytes]:
    """The file as bytes of which every line is decoded by itself."""
    file.seek(encoding.start)
    read = encoding.start
    decoder = (
        codecs.getincrementaldecoder(encoding.wide)("replace")
        if encoding.wide
        else None
    )
    while chunk := file.read(_CHUNK_BYTES):
        read += len(chunk)
        yield decoder.decode(chunk).encode() if decoder else chunk
        progress(read, encoding.size)


def _decoded(line: bytes, encoding: Encoding) -> tuple[str, bool]:
    cut = len(line) > LONGEST_LINE_BYTES
    line = line[:LONGEST_LINE_BYTES] if cut else line.rstrip(b"\r")
    if not encoding.only:
        try:
            return line.decode(), cut
        except UnicodeDecodeError:
            # Cut within a character, or of the older encoding.
            return line.decode(encoding.old or "utf-8", "replace"), cut
    return line.decode(encoding.old or "utf-8", "replace"), cut
