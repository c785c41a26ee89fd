"""Links as a messenger would show them: what becomes clickable counts."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["links"]

# Endings common in business, and every country's (ISO 3166 alpha-2, plus eu and uk).
_ENDINGS: Final = (
    "academy agency app asia bio biz blog business center click cloud club "
    "co coach com company consulting contact coop digital direct dev edu email "
    "energy events expert farm finance fun garden global gov green group guru help "
    "host icu info int invest jobs link live ltd marketing media mil mobi name net "
    "network news online org page partners plus pro shop shopping site social "
    "solutions space store studio support systems team tech tel today tools top "
    "trade training travel tv vet video vip website wiki win work works world wtf "
    "xyz zone "
    "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj "
    "bl bm bn bo bq br bs bt bw by bz ca cc cd cf cg ch ci ck cl cm cn cr cu cv cw "
    "cx cy cz de dj dk dm do dz ec ee eg eh er es et eu fi fj fk fm fo fr ga gb gd "
    "ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im "
    "in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk "
    "lr ls lt lu lv ly ma mc md me mf mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw "
    "mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr "
    "ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss "
    "st sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk um us "
    "uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw"
)
_CANDIDATE: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]{1,15}://)?[^\s<>\"'(){}\[\]|\\,;]+",
    re.IGNORECASE,
)
_HOST: Final = re.compile(
    r"(?<![\w@.-])(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+"
    rf"(?:xn--[a-z0-9-]{{2,59}}|{'|'.join(_ENDINGS.split())})(?![\w@-])",
    re.IGNORECASE,
)
_TRAILING: Final = ".!?:*_~`-"


def links(text: str) -> tuple[str, ...]:
    """Every link in *text*, in order, as written.

    A link is anything with a scheme (``https://...``), with ``www.`` in front, or
    a host with a known ending (``exemplu.ro``, ``wa.me/407...``). An e-mail
    address is none. ``Salut.Va sunam`` counts: messengers make ``Salut.Va`` one.
    """
    dotted = (word for word in text.split() if "." in word or "://" in word)
    return tuple(
        found
        for word in dotted
        for candidate in _CANDIDATE.finditer(word)
        if (found := candidate[0].rstrip(_TRAILING))
        and (candidate["scheme"] or _is_host(found))
    )


def _is_host(found: str) -> bool:
    return "." in found and (
        found.lower().startswith("www.") or _HOST.search(found) is not None
    )
