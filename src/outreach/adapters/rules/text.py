"""From a reply to sentences of plain words, whatever it was typed on.

Case, diacritics (composed, decomposed, comma or cedilla), full-width letters,
invisible characters, letters of the other alphabet that look alike, ``S T O P`` and
``stooop`` make no difference. Every pattern here is linear in the length of the text:
no repetition stands inside another, and what could be scanned twice is bounded.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from attrs import frozen

__all__ = ["MAX_CHARACTERS", "Sentence", "fold", "own_words", "sentences"]

MAX_CHARACTERS: Final = 4_000
"""Of a text that is longer the rest is not read, and confidence says so."""

_INVISIBLE: Final = frozenset({"Mn", "Cf", "Sk"})
_LOOK_ALIKE: Final = str.maketrans(
    "\u0430\u0441\u0435\u043e\u0440\u0445\u043a\u043c\u0442\u0432\u043d\u0443\u0456",
    "aceopxkmtbhyi",
)
_CYRILLIC: Final = re.compile(r"[\u0430-\u044f\u0456]")
_LATIN: Final = re.compile(r"[a-z]")

_ADDRESS: Final = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}|https?://\S+|www\.\S+")
_LONG: Final = re.compile(r"([^\W\d_])\1{2,}")
_SPELLED: Final = re.compile(r"(?<!\w)[^\W\d_](?:[ ._*-][^\W\d_]){3,}(?!\w)")
_SEPARATORS: Final = re.compile(r"[ ._*-]")
_GLAD: Final = re.compile(r"(?<!\w)[:;]-?[)d](?!\w)")
_SAD: Final = re.compile(r"(?<!\w):-?\((?!\w)")
_ABBREVIATION: Final = re.compile(
    r"\b(dvs|dl|dna|dnul|nr|str|tel|etc|mr|mrs|ms|dr|[^\W\d_])\."
)
_PIECE: Final = re.compile(
    r"(?P<word>[^\W_]+|[\u2190-\u2bff]|[\U0001f000-\U0001faff])"
    r"|(?P<end>[!?;:\n]|\.(?!\d))"
    r"|(?P<pause>[,()\"«»“”„\u2013\u2014]| - )"
)

_QUOTED: Final = re.compile(r"^\s{0,8}[>|]")
_WROTE: Final = re.compile(
    r"\b(wrote|a scris|написал|написала|пишет|schrieb)\s{0,3}:?\s{0,3}$"
)
_ORIGINAL: Final = re.compile(
    r"^\s{0,8}(-{2,12}\s{0,3}(original message|mesaj(ul)? original|mesaj initial"
    r"|forwarded message|исходное сообщение)|_{20,}|(from|de la|от):\s.{0,200}@)"
)


@frozen
class Sentence:
    """Words of one sentence; no phrase reaches beyond it.

    Attributes:
        words: folded.
        clauses: for each word the number of its clause (between two pauses).
    """

    words: tuple[str, ...]
    clauses: tuple[int, ...]

    def starts_clause(self, at: int) -> bool:
        """Whether a pause (or nothing) comes before word *at*."""
        return at == 0 or self.clauses[at - 1] != self.clauses[at]

    def ends_clause(self, at: int) -> bool:
        """Whether a pause (or nothing) comes after word *at*."""
        return at == len(self.words) - 1 or self.clauses[at + 1] != self.clauses[at]


def fold(text: str) -> str:
    """Take away what typing habits add: case, diacritics, what cannot be seen."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    # Case folding can leave a composed character behind, so once more.
    decomposed = unicodedata.normalize("NFKD", decomposed)
    return "".join(c for c in decomposed if unicodedata.category(c) not in _INVISIBLE)


def own_words(folded: str) -> str:
    """Leave out what the reply quotes: our own footer must not opt anybody out."""
    kept: list[str] = []
    lines = folded.splitlines()
    for number, line in enumerate(lines):
        if _ORIGINAL.search(line):
            break
        if _WROTE.search(line[-200:]) and number + 1 < len(lines):
            if not any(_QUOTED.match(later) for later in lines[number + 1 :]):
                break
            continue
        if not _QUOTED.match(line):
            kept.append(line)
    return "\n".join(kept)


def sentences(folded: str) -> tuple[Sentence, ...]:
    """Cut folded text into sentences of words; symbols and emoji are words too."""
    text = _ADDRESS.sub(" ", folded)
    text = _GLAD.sub(" 🙂 ", text)
    text = _SAD.sub(" 🙁 ", text)
    text = _LONG.sub(r"\1", text)
    text = _SPELLED.sub(_join, text)
    text = _ABBREVIATION.sub(r"\1,", text)
    found: list[Sentence] = []
    words: list[str] = []
    clauses: list[int] = []
    clause = 0
    for piece in _PIECE.finditer(text):
        if piece["word"]:
            words.append(_one_alphabet(piece["word"]))
            clauses.append(clause)
            continue
        clause += 1
        if piece["end"] and words:
            found.append(Sentence(tuple(words), tuple(clauses)))
            words, clauses = [], []
    if words:
        found.append(Sentence(tuple(words), tuple(clauses)))
    return tuple(found)


def _join(spelled: re.Match[str]) -> str:
    return _SEPARATORS.sub("", spelled.group())


def _one_alphabet(word: str) -> str:
    if _CYRILLIC.search(word) and _LATIN.search(word):
        return word.translate(_LOOK_ALIKE)
    return word
