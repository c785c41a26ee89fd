"""Words of IMAP: what is said, and what answers of any kind are read as."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.adapters.imap.wire import (
    Answer,
    Folder,
    capabilities,
    examined,
    fetched,
    found_numbers,
    is_temporary,
    plain_login,
    quoted,
    sent_folder,
    since,
)


def answers(*lines: bytes) -> list[Answer]:
    return [Answer(line) for line in lines]


def test_strings_are_quoted_and_what_cannot_be_is_refused() -> None:
    assert quoted('a "b" \\c') == b'"a \\"b\\" \\\\c"'
    for text in ("parolă", "a\r\nb", "\x00"):
        with pytest.raises(ValueError, match="ASCII"):
            quoted(text)


def test_a_sign_in_may_have_any_letters() -> None:
    assert plain_login("ana", "parolă") == b"AGFuYQBwYXJvbMSD"


def test_a_day_is_said_in_english() -> None:
    assert since(date(2026, 3, 5)) == b"5-Mar-2026"
    assert since(date(2026, 12, 31)) == b"31-Dec-2026"


def test_a_folder_has_a_numbering_and_perhaps_a_next_number() -> None:
    numbered = b"* OK [UIDVALIDITY 3857529045] UIDs valid"
    assert examined(answers(numbered)) == Folder(3_857_529_045, None)
    assert examined(answers(b"* ok [uidnext 7]", numbered)) == Folder(3_857_529_045, 7)
    assert examined(answers(b"* 3 EXISTS")) is None


def test_numbers_are_found_in_one_answer_or_several() -> None:
    found = found_numbers(answers(b"* SEARCH 5 2", b"* search 9", b"* 3 EXISTS"))

    assert found == [2, 5, 9]
    assert found_numbers(answers(b"* SEARCH", b"a1 OK 5 found")) == []


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"* 1 FETCH (UID 7 BODY[]<0> {4})", (b"mail",)),
        Answer(b"* 1 FETCH (BODY[]<0> {4} UID 7)", (b"mail",)),
        Answer(b"* 1 fetch (uid 7 body[] {4})", (b"mail",)),
        Answer(b'* 1 FETCH (UID 7 BODY[]<0> "mail")'),
        Answer(b'* 1 FETCH (UID 7 BODY[] "ma\\il")'),
    ],
)
def test_a_mail_is_found_however_it_is_written(answer: Answer) -> None:
    news = Answer(b"* 2 FETCH (UID 9 FLAGS (\\Seen))")
    other = Answer(b"* 3 FETCH (UID 8 BODY[]<0> {5})", (b"other",))

    assert fetched([news, other, answer], 7) == b"mail"
    assert fetched([news, other], 7) is None


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ([b'* LIST (\\HasNoChildren \\Sent) "/" "Gesendet"'], b'"Gesendet"'),
        ([b'* LIST (\\Sent) "/" Trimise'], b'"Trimise"'),
        ([b'* LIST () "." "INBOX.Sent"'], b'"INBOX.Sent"'),
        ([b'* LIST () "/" Sent', b'* LIST (\\Sent) "/" "Mine"'], b'"Mine"'),
        ([b'* LIST (\\Sent) NIL "a \\"b\\""'], b'"a \\"b\\""'),
        ([b'* LIST (\\Noselect \\Sent) "/" "[Gmail]"'], None),
        ([b'* LIST () "/" "INBOX"'], None),
    ],
)
def test_the_folder_of_sent_mail_is_marked_or_known_by_name(
    lines: list[bytes], name: bytes | None
) -> None:
    assert sent_folder(answers(*lines)) == name


def test_the_name_of_a_folder_may_be_a_literal() -> None:
    assert sent_folder([Answer(b'* LIST (\\Sent) "/" {4}', (b"Mine",))]) == b'"Mine"'
    forged = (b'x"\r\na9 DELETE "INBOX',)
    assert sent_folder([Answer(b'* LIST (\\Sent) "/" {20}', forged)]) is None


@pytest.mark.parses
@given(
    st.lists(
        st.sampled_from(
            [
                b"* SEARCH 1 2",
                b"* LIST (\\Sent) ",
                b"{4}",
                b'"',
                b"* 1 FETCH (UID 7 BODY[] ",
            ]
        )
        | st.binary(max_size=20),
        max_size=6,
    ),
    st.lists(st.binary(max_size=9), max_size=2),
)
def test_no_answer_of_a_server_makes_a_reader_raise(
    pieces: list[bytes], literals: list[bytes]
) -> None:
    said = [Answer(b"".join(pieces), tuple(literals))]

    name = sent_folder(said)
    found = (examined(said), found_numbers(said), fetched(said, 7), capabilities(said))

    assert found is not None
    assert is_temporary(said[0]) in {True, False}
    assert name is None or (b"\r" not in name and b"\n" not in name)
