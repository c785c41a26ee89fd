"""What everything that signs links must keep."""

from __future__ import annotations

from uuid import UUID

from attrs import evolve

from outreach.domain.channel import Channel
from outreach.domain.ids import LeadId, TenantId
from outreach.domain.link import Link, LinkKind
from outreach.ports.links import Links

__all__ = ["LinksContract", "token_of"]

LINK = Link(
    kind=LinkKind.UNSUBSCRIBE,
    tenant=TenantId(UUID("6f1c0f8e-0000-4000-8000-00000000000a")),
    lead=LeadId(UUID("7a2d1b9f-1111-4111-8111-11111111111b")),
    about=UUID("8b3e2caf-2222-4222-8222-22222222222c"),
    channel=Channel.EMAIL_COLD,
)
OTHERS = (
    evolve(LINK, kind=LinkKind.CONSENT),
    evolve(LINK, channel=Channel.EMAIL_WARM),
    evolve(LINK, tenant=TenantId(UUID(int=1))),
    evolve(LINK, lead=LeadId(UUID(int=1))),
    evolve(LINK, about=UUID(int=1)),
)


def token_of(url: str) -> str:
    """The part of a link that says everything."""
    return url.rpartition("/")[2]


class LinksContract:
    """Each test is a promise of `Links`.

    Give ``links``: two objects that could stand in two processes of one installation,
    the same object twice if there can be only one.
    """

    def test_reads_back(self, links: tuple[Links, Links]) -> None:
        """A link reads back as it was made."""
        made = [links[0].url(link, "ro") for link in (LINK, *OTHERS)]

        read = [links[0].read(token_of(url)) for url in made]

        assert read == [LINK, *OTHERS]

    def test_written_the_same_way(self, links: tuple[Links, Links]) -> None:
        """The same link is written the same way by every process."""
        first = links[0].url(LINK, "ro")

        again, elsewhere = links[0].url(LINK, "ro"), links[1].url(LINK, "ro")

        assert first == again == elsewhere

    def test_written_differently(self, links: tuple[Links, Links]) -> None:
        """Links that differ are written differently."""
        made = {token_of(links[0].url(link, "ro")) for link in (LINK, *OTHERS)}

        assert len(made) == 1 + len(OTHERS)

    def test_shows_nothing(self, links: tuple[Links, Links]) -> None:
        """A token shows nothing of what it says."""
        token = token_of(links[0].url(LINK, "ro"))

        for one in (LINK.tenant, LINK.lead, LINK.about):
            assert str(one) not in token
            assert one.hex not in token
        alike = token_of(links[0].url(evolve(LINK, about=UUID(int=3)), "ro"))
        same = sum(a == b for a, b in zip(token, alike, strict=True))
        assert same < len(token) // 2

    def test_changed(self, links: tuple[Links, Links]) -> None:
        """A token that was changed in any place reads as nothing."""
        token = token_of(links[0].url(LINK, "ro"))

        for place, letter in enumerate(token):
            for other in {"A", "b", "7", "-"} - {letter}:
                changed = token[:place] + other + token[place + 1 :]
                assert links[0].read(changed) is None, (place, other)

    def test_not_made_here(self, links: tuple[Links, Links]) -> None:
        """What was not made here reads as nothing."""
        token = token_of(links[0].url(LINK, "ro"))
        strange = ("", "a", token[:-1], token + "A", token + "=", "ă" * 88, "A" * 88)

        read = [links[0].read(one) for one in (*strange, "\ud800", "A" * 100_000)]

        assert read == [None] * len(read)
