"""What is wrong with a text that a model wrote: words and signs, as rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from attrs import frozen

from outreach.domain.injection import suspicion
from outreach.domain.sequence import MessageTemplate
from outreach.domain.template import links

__all__ = ["SLOT_PREFIX", "Flaw", "flaws", "flaws_of_intro", "flaws_of_person"]

SLOT_PREFIX: Final = "ai_"
"""Begins the name of a variable that a model may fill."""


class Flaw(StrEnum):
    """Why a text that a model wrote does not go out by itself."""

    EMPTY = "EMPTY"
    TOO_LONG = "TOO_LONG"
    CONTROL = "CONTROL"
    """A line break or a character that nobody sees."""
    BRACES = "BRACES"
    LINK = "LINK"
    ADDRESS = "ADDRESS"
    NUMBER = "NUMBER"
    """Phones, prices, dates: digits that are in no template."""
    PRICE = "PRICE"
    PROMISE = "PROMISE"
    NAME = "NAME"
    """Somebody or something that neither the templates nor the lead name."""
    LANGUAGE = "LANGUAGE"
    OPT_OUT = "OPT_OUT"
    """Words by which people leave a list."""
    CLAIM = "CLAIM"
    """As if we knew, met or were sent by somebody."""
    ORDER = "ORDER"
    """It reads like what was written to a model, and not by one to a person."""
    DOUBT = "DOUBT"
    """There is no draft, or it contradicts itself."""


_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BRACES: Final = re.compile(r"[{}\[\]<>|\\`$%#^~=*_]")
_AT: Final = re.compile(r"@|\(at\)|\[at\]|\barond\b|\bсобака\b", re.IGNORECASE)
_DOTTED: Final = re.compile(
    r"\w\.\w|\b(?:dot|punct|точка)\s+(?:com|ro|ru|net|org)\b|\bwww\b|\bhttps?\b|://|//"
    r"|\bt\.me\b|\bwa\.me\b",
    re.IGNORECASE,
)
_MANY_MARKS: Final = re.compile(r"[!?]{3,}")
_NUMBER: Final = re.compile(r"\d+")
_MONEY: Final = re.compile(
    r"[€$£¥₽₴₿¢¤]|\b(?:eur|euro|euros|lei|leu|ron|usd|dollars?|dolari?|rubl\w*|ruble"
    r"|gbp|pounds?|lire|mdl|cents?|ban[iî]|forin[tț]i|евро|рубл\w*|долл\w*|леи|лей|лея"
    r"|леев|коп\w*|price\w*|prices|pre[tț]\w*|cost\w*|tarif\w*|цен[аыуе]\w*|стои\w*"
    r"|тариф\w*|tax[ae]\w*|fees?|percents?|la sut[aă]|procent\w*|процент\w*|discount\w*"
    r"|reducer\w*|скидк\w*|ieftin\w*|cheap\w*|дешев\w*)\b",
    re.IGNORECASE,
)
_PROMISE: Final = re.compile(
    r"\b(?:guarant\w*|promis\w*|warrant\w*|refund\w*|money back|free|for free|risk-free"
    r"|no risk|100|always|never|certainly|definitely|commit\w*|obligat\w*|contract\w*"
    r"|sign\w*|deliver\w*|deadline\w*|tomorrow|today|within|best|cheapest|exclusiv\w*"
    r"|garan\w*|promit\w*|promis\w*|ramburs\w*|gratis|gratuit\w*|f[aă]r[aă] risc"
    r"|[iî]ntotdeauna|niciodat[aă]|sigur|angaj\w*|livr\w*|termen\w*|m[aâ]ine|ast[aă]zi"
    r"|cel mai|cea mai|despăgub\w*|semn\w*"
    r"|гарант\w*|обеща\w*|обязу\w*|возврат\w*|бесплатн\w*|даром|без риска|всегда"
    r"|никогда|договор\w*|контракт\w*|подпи\w*|достав\w*|срок\w*|завтра|сегодня"
    r"|лучш\w*|эксклюзив\w*|компенс\w*)\b",
    re.IGNORECASE,
)
_OPT_OUT: Final = re.compile(
    r"\b(?:unsubscri\w*|opt[- ]?(?:out|in)|stop|dezabon\w*|dezactiv\w*|отпи[сш]\w*"
    r"|стоп|list[aăe]\w*|mailing|списк\w*|рассылк\w*)\b",
    re.IGNORECASE,
)
_CLAIM: Final = re.compile(
    r"\b(?:as (?:we|you) (?:discussed|agreed|asked|said)|we (?:met|spoke|talked)"
    r"|(?:your|our) (?:last|previous) (?:call|meeting|order|message)|recommend\w*"
    r"|refer(?:red|ral)\w*|on behalf|award\w*|prize|winner|you won"
    r"|(?:am|ne-am) (?:vorbit|discutat|în[tț]eles|întâlnit|intalnit|cunoscut)"
    r"|a[sș]a cum (?:am|a[tț]i)|recomand\w*|din partea|c[aâ][sș]tig\w*|premi\w*"
    r"|(?:мы|как) (?:говорили|договаривались|встречались|обсуждали|договорились)"
    r"|рекоменд\w*|по поручению|выигр\w*|приз\w*)\b",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(r"[.!?…]+(?=\s|$)")
_SENTENCES: Final = 2
"""Of an intro."""
_NUMERALS: Final = re.compile(
    r"\b(?:hundred\w*|thousand\w*|million\w*|dozen\w*|sut[aăe]|mi[ie]|mili[oa]\w*"
    r"|dou[aă]zeci|treizeci|patruzeci|cincizeci|zece|сто|двести|тысяч\w*|миллион\w*"
    r"|десят\w*|сот\w*|zero|one|two|three|four|five|six|seven|eight|nine|ten|unu|doi"
    r"|dou[aă]|trei|patru|cinci|[sș]ase|[sș]apte|opt|nou[aă]|ноль|один|два|две|три"
    r"|четыре|пять|шесть|семь|восемь|девять)\b",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_ENDS_SENTENCE: Final = re.compile(r"(?:^|[.!?…:]\s*|[-–—]\s*)$")
_CYRILLIC: Final = re.compile(r"[\u0400-\u04ff]")
_LATIN: Final = re.compile(r"[A-Za-z\u00c0-\u024f]")
_COMMON: Final = MappingProxyType(
    {
        "en": frozenset(
            {"the", "and", "you", "is", "of", "to", "for", "we", "with", "your"}
            | {"our", "are", "that", "this", "have", "will", "it"}
        ),
        "ro": frozenset(
            {"și", "si", "de", "la", "cu", "vă", "va", "este", "pentru", "în", "nu"}
            | {"o", "un", "ne", "noi", "dumneavoastră", "pe", "că", "să", "sa", "mai"}
            | {"din", "sunt", "ca"}
        ),
    }
)
_SHORT_WORD: Final = 1


def flaws(
    text: str,
    library: Sequence[MessageTemplate],
    *,
    own: Mapping[str, str],
    language: str,
    limit: int,
) -> tuple[Flaw, ...]:
    """All that is wrong with a text that a model wrote, each once, in a fixed order.

    Args:
        library: what these templates say may be said.
        own: the lead's own fields; the names in them may be said to the lead.
    """
    known = _Known.of(library, own)
    found = (
        *_form(text, limit),
        *_contacts(text, known),
        *_figures(text, known),
        *_names(text, known),
        *_tongue(text, language),
    )
    return tuple(dict.fromkeys(found))


def flaws_of_intro(
    text: str,
    library: Sequence[MessageTemplate],
    *,
    own: Mapping[str, str],
    language: str,
    limit: int,
) -> tuple[Flaw, ...]:
    """As `flaws`, for a text that nobody asked for: it opens a message to a stranger.

    One or two sentences, without any link, word of leaving a list, or claim that we
    know each other.
    """
    plain = _plain(text)
    found = [*flaws(text, library, own=own, language=language, limit=limit)]
    if len(_SENTENCE.findall(plain)) > _SENTENCES:
        found.append(Flaw.TOO_LONG)
    if links(plain):
        found.append(Flaw.LINK)
    if _OPT_OUT.search(plain):
        found.append(Flaw.OPT_OUT)
    if _CLAIM.search(plain):
        found.append(Flaw.CLAIM)
    if suspicion(text) is not None:
        found.append(Flaw.ORDER)
    return tuple(dict.fromkeys(found))


def flaws_of_person(text: str, *, limit: int) -> tuple[Flaw, ...]:
    """What even a person's own words must not have: they stand in a first message."""
    found = [*_form(text, limit)]
    if links(_plain(text)):
        found.append(Flaw.LINK)
    return tuple(one for one in found if one is not Flaw.BRACES)


@frozen
class _Known:
    """What the tenant has said, and the words that the lead goes by."""

    text: str
    words: frozenset[str]
    numbers: frozenset[str]

    @classmethod
    def of(cls, library: Sequence[MessageTemplate], own: Mapping[str, str]) -> _Known:
        said = [
            part
            for one in library
            if one.approved
            for part in (
                one.content,
                one.subject,
                *(
                    v.default or ""
                    for v in one.variables
                    if not v.name.startswith(SLOT_PREFIX)
                ),
            )
        ]
        text = _plain("\n".join(said))
        whole = f"{text}\n{_plain(' '.join(own.values()))}"
        return cls(
            text,
            frozenset(word.casefold() for word in _WORD.findall(whole)),
            frozenset(_NUMBER.findall(text)),
        )


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _form(text: str, limit: int) -> Iterator[Flaw]:
    if not text.strip():
        yield Flaw.EMPTY
    if len(text) > limit:
        yield Flaw.TOO_LONG
    if any(unicodedata.category(one) in _UNSEEN for one in text):
        yield Flaw.CONTROL
    if _BRACES.search(_plain(text)) or _MANY_MARKS.search(text):
        yield Flaw.BRACES


def _contacts(text: str, known: _Known) -> Iterator[Flaw]:
    plain = _plain(text)
    if any(link not in known.text for link in links(plain)) or any(
        _around(plain, found) not in known.text for found in _DOTTED.finditer(plain)
    ):
        yield Flaw.LINK
    if _AT.search(plain):
        yield Flaw.ADDRESS


def _around(text: str, found: re.Match[str]) -> str:
    """The whole word in which something was found."""
    start, end = found.span()
    while start and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    return text[start:end].strip(".,;:!?")


def _figures(text: str, known: _Known) -> Iterator[Flaw]:
    plain = _plain(text)
    if any(number not in known.numbers for number in _NUMBER.findall(plain)):
        yield Flaw.NUMBER
    if any(unicodedata.category(one) in {"No", "Nl"} for one in plain):
        yield Flaw.NUMBER
    said = known.text.casefold()
    for pattern, flaw in (
        (_NUMERALS, Flaw.NUMBER),
        (_MONEY, Flaw.PRICE),
        (_PROMISE, Flaw.PROMISE),
    ):
        for found in pattern.finditer(plain):
            word = rf"(?<!\w){re.escape(found[0].casefold())}(?!\w)"
            if not re.search(word, said):
                yield flaw


def _names(text: str, known: _Known) -> Iterator[Flaw]:
    plain = _plain(text)
    for found in _WORD.finditer(plain):
        word = found[0]
        if not word[0].isupper() or len(word) <= _SHORT_WORD:
            continue
        begins = _ENDS_SENTENCE.search(plain[: found.start()]) is not None
        shouted = any(one.isupper() for one in word[1:])
        if (not begins or shouted) and word.casefold() not in known.words:
            yield Flaw.NAME


def _tongue(text: str, language: str) -> Iterator[Flaw]:
    cyrillic, latin = len(_CYRILLIC.findall(text)), len(_LATIN.findall(text))
    spoken = language.partition("-")[0].casefold()
    if spoken in {"ru", "uk", "bg", "sr"}:
        if latin > cyrillic:
            yield Flaw.LANGUAGE
        return
    if cyrillic:
        yield Flaw.LANGUAGE
        return
    ours = _COMMON.get(spoken)
    if ours is None:
        return
    words = [word.casefold() for word in _WORD.findall(text)]
    others = frozenset().union(*_COMMON.values()) - ours
    if sum(w in others for w in words) > sum(w in ours for w in words) + 1:
        yield Flaw.LANGUAGE
