"""The language of phrases says what it means, and refuses what it cannot read."""

from __future__ import annotations

import pytest

from outreach.adapters.rules.lexicon import lexicon
from outreach.adapters.rules.phrases import Index, Kind, phrase
from outreach.adapters.rules.text import fold, sentences


def found(source: str, text: str) -> list[tuple[int, int]]:
    index = Index([phrase(Kind.TONE, "1", "ro", source)])
    return [(hit.start, hit.end) for hit in index.hits(sentences(fold(text)))]


@pytest.mark.parametrize(
    ("source", "text", "places"),
    [
        ("preț(|ul|uri)", "Prețul și prețuri", [(0, 1), (2, 3)]),
        ("preț(|ul)", "prețios", []),
        ("nu/n mai", "n-ai, nu mai", [(2, 4)]),
        ("rog vă? mult", "rog mult, rog vă mult", [(0, 2), (2, 5)]),
        ("nu ~2 mesaje", "nu mesaje", [(0, 2)]),
        ("nu ~2 mesaje", "nu vreau alte mesaje", [(0, 4)]),
        ("nu ~2 mesaje", "nu vreau alte noi mesaje", []),
        ("nu mesaje", "nu. mesaje", []),
        ("nu mesaje", "nu, mesaje", [(0, 2)]),
        ("pe #", "pe 15 sau pe mai", [(0, 2)]),
        ("^ stop $", "da, stop, da", [(1, 2)]),
        ("^ stop $", "da stop, da", []),
        ("^ stop $", "da, stop da", []),
        ("^^ stop $$", "stop", [(0, 1)]),
        ("^^ stop $$", "da, stop", []),
        ("^^ ~1 stop $$", "zic stop", [(0, 2)]),
        ("^^ ~1 stop $$", "stop", [(0, 1)]),
        ("^^ ~1 stop $$", "eu zic stop", []),
    ],
)
def test_a_phrase_is_found_where_it_stands(
    source: str, text: str, places: list[tuple[int, int]]
) -> None:
    assert found(source, text) == places


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("", "begin with a needed word"),
        ("vă? rog", "begin with a needed word"),
        ("# zile", "begin with a needed word"),
        ("^ $", "begin with a needed word"),
        ("nu ~9 mesaje", "must be ~1 to ~4"),
        ("nu ~x mesaje", "must be ~1 to ~4"),
        ("opt-out", "not one word"),
        ("nu a//b", "not one word"),
        ("preț(ul", "not stem"),
        ("pre(ț)ul", "not stem"),
    ],
)
def test_what_is_no_phrase_is_refused_by_name(source: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        phrase(Kind.TONE, "1", "ro", source)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("S T O P", ("stop",)),
        ("s.t.o.p", ("stop",)),
        ("stoooop", ("stop",)),
        ("1000", ("1000",)),
        ("\uff53\uff54\uff4f\uff50", ("stop",)),
        ("s\u200btop", ("stop",)),
        ("\u0405top", ("\u0455top",)),
        ("st\u043ep", ("stop",)),
        ("Şș ȚŢ", ("ss", "tt")),
        ("să-mi", ("sa", "mi")),
        ("scrie la ana@agro.example", ("scrie", "la")),
        ("a :) b", ("a", "🙂", "b")),
        ("ora:da", ("ora",)),
    ],
)
def test_words_are_read_whatever_they_were_typed_on(
    typed: str, words: tuple[str, ...]
) -> None:
    assert sentences(fold(typed))[0].words == words


def test_every_phrase_of_the_data_is_found_in_an_example_of_itself() -> None:
    for item in lexicon().phrases:
        words = [word for word in item.source.split() if word[0] not in "^$~"]

        hits = Index([item]).hits(sentences(fold(" ".join(map(example, words)))))

        assert list(hits), item.source


def example(word: str) -> str:
    """The first form of a word of a phrase."""
    if word == "#":
        return "7"
    stem, _, endings = word.removesuffix("?").split("/")[0].partition("(")
    return stem + endings.rstrip(")").split("|")[0]
