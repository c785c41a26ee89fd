"""Whether a reply seems to instruct whoever reads it.

No filter of this kind is complete, and none is relied on: what a model answers is
bounded whatever it was told (`verdict`, `drafting`). A hit only sends the reply to a
person without asking a model.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["MARKER", "suspicion"]

MARKER: Final = "reply-"
"""What the markers around a reply begin with; a nonce follows."""

_MANY: Final = 20_000
_LOOK_ALIKE: Final = str.maketrans("аеоркхсуіт", "aeopkxcyit")
_LEET: Final = str.maketrans("0134578", "oieastb")

_ORDERS: Final = (
    # to forget what one was told
    (
        r"\b(?:ignor\w*|disregard\w*|forget\w*|overrid\w*|overwrit\w*|bypass\w*|skip)\b"
        r".{0,40}\b(?:instruct\w*|prompt\w*|rule\w*|guideline\w*|polic\w*|above"
        r"|previous"
        r"|prior|earlier|everything|filter\w*|restriction\w*|safety)"
    ),
    (
        r"\b(?:ignor\w*|uit\w*|nu tine cont|nu tineti cont|sari|treci peste|anuleaza)\b"
        r".{0,40}\b(?:instruct\w*|regul\w*|prompt\w*|indicat\w*|mai sus|anterio\w*"
        r"|preceden\w*|tot ce|filtr\w*|politic\w*)"
    ),
    (
        r"\b(?:игнорир\w*|проигнорир\w*|забуд\w*|отмен\w*|не обращай\w* внимани\w*"
        r"|обойд\w*)\b.{0,40}\b(?:инструкц\w*|правил\w*|указани\w*|промпт\w*"
        r"|прежн\w*|предыдущ\w*"
        r"|выше|вс[её]|фильтр\w*)"
    ),
    # new orders
    (
        r"\b(?:new|updated|real|secret|hidden|noi|noile|nou|adevarate\w*|secrete"
        r"|новые|новая|настоящ\w*|скрыт\w*)\s{1,3}(?:system )?"
        r"(?:instruct\w*|prompt\w*|orders|directiv\w*|regul\w*|инструкц\w*|правил\w*"
        r"|указани\w*)"
    ),
    # who one is
    (
        r"\b(?:system|developer|assistant|admin\w*|sistem|sistemul|asistent|системн\w*"
        r"|система|ассистент|разработчик|operator|оператор|root)\s{0,3}"
        r"(?:prompt|message|override|note|mesaj\w*|instruct\w*|сообщение|промпт"
        r"|mode|mod"
        r"|режим)?\s{0,3}[:>\]=]"
    ),
    (
        r"\b(?:you are now|you're now|act as|pretend (?:to be|you)|roleplay|role-play"
        r"|play the role|simulate|imagine you|from now on|esti acum|acum esti|de acum"
        r"|joaca rolul|prefa-te|prefa te|poarta-te ca|comporta-te ca|imagineaza-ti ca"
        r"|ты теперь|теперь ты|отныне|с этого момента|притворись|представь,? что ты"
        r"|сыграй роль|веди себя как|действуй как)\b"
    ),
    (
        r"\b(?:dan mode|do anything now|jailbreak\w*|developer mode|god mode|debug mode"
        r"|maintenance mode|test mode|modul? (?:dezvoltator|depanare|test"
        r"|administrator)"
        r"|режим (?:разработчика|отладки|бога|тестирования))\b"
    ),
    # what is reading
    (
        r"\b(?:language model|ai model|llm|chat ?gpt|gpt-?\d|openai|claude|gemini"
        r"|chatbot"
        r"|the classifier|this classifier|your prompt|system prompt|your instructions"
        r"|your rules|initial prompt|model(?:ul)? (?:de limbaj|lingvistic|ai)"
        r"|inteligent\w* artificial\w*|clasificator\w*|promptul|instructiunile tale"
        r"|языков\w* модел\w*|нейросет\w*|искусственн\w* интеллект\w*|классификатор\w*"
        r"|твои инструкци\w*|твои правила|системн\w* промпт\w*)\b"
    ),
    (
        r"\b(?:dear|hey|hello|attention|note to|message to|draga|atentie|nota pentru"
        r"|mesaj pentru|внимание|уважаем\w*|сообщение для|эй)\s{0,3},?\s{0,3}"
        r"(?:the )?(?:ai|a\.i\.|bot|robot|ia|model|assistant|asistent\w*|robotul|ии|бот"
        r"|робот|модель|ассистент)\b"
    ),
    # the score
    (
        r"\b(?:rate|score|classif\w*|label\w*|mark|tag|categori[sz]e|evalueaza|noteaza"
        r"|clasific\w*|eticheteaza|marcheaza|incadreaza|оцени\w*|классифицир\w*|отметь"
        r"|пометь|поставь)\b.{0,60}"
        r"(?:\b100\b|\+100|interested|positive|pozitiv|interesat|заинтересован\w*"
        r"|позитив\w*|положительн\w*|maxim\w*|highest|максим\w*|neutral|sentiment)"
    ),
    (
        r"\b(?:sentiment|confidence|intent|score|incredere|scor|intentie|тональност\w*"
        r"|уверенност\w*|настроени\w*|намерени\w*)\b\s{0,3}(?:score|scor)?\s{0,3}"
        r"(?:[:=]|to|is|must be|should be|la|este|e|trebuie sa fie|равн\w*|должн\w*"
        r"|на|is set to)\s{0,5}[\"'+]?(?:\d|interested|positive|maxim|one\b)"
    ),
    # what to answer
    (
        r"\b(?:respond|reply|answer|output|return|print|emit|raspunde|raspundeti|scrie"
        r"|returneaza|afiseaza|ответь|выведи|верни|напечатай|напиши)\b.{0,30}"
        r"(?:only|exact\w*|verbatim|with the following|json|in format|the following"
        r"|numai|doar|cu urmator\w*|urmator\w*|только|следующ\w*|ровно|дословно)"
    ),
    (
        r"\b(?:repeat|reveal|print|show|list|leak|dump|export|disclose|translate"
        r"|summari[sz]e"
        r"|repeta|arata|dezvaluie|afiseaza|listeaza|trimite-mi|traduce|rezuma|повтори"
        r"|покажи|раскрой|выведи|перечисли|пришли|переведи|экспортир\w*)\b.{0,50}"
        r"(?:prompt|instruct\w*|system|secret\w*|api key|password|token\w*"
        r"|credential\w*"
        r"|other (?:leads?|customers?|clients?|contacts?|prospects?)|contact list"
        r"|database"
        r"|ceilal[tţț]i|alti clien\w*|altor clien\w*|lista de con\w*|parol\w*|cheia"
        r"|cheile"
        r"|baza de date|инструкц\w*|промпт\w*|секрет\w*|парол\w*|ключ\w*|токен\w*"
        r"|других клиент\w*|других лид\w*|баз\w* данных|список контакт\w*)"
    ),
    (
        r"\b(?:use|select|choose|pick|send|apply|foloseste|alege|selecteaza|trimite"
        r"|aplica"
        r"|используй|выбери|отправь|примени)\b.{0,40}\b(?:template\w*|slot\w*|sablon\w*"
        r"|шаблон\w*|tool|function|webhook|unealt\w*|functi\w*|инструмент\w*"
        r"|функци\w*)\b"
    ),
    (
        r"\b(?:call|invoke|execute|run|eval|exec|apeleaza|executa|ruleaza|вызови"
        r"|выполни"
        r"|запусти)\b.{0,30}(?:\b(?:tool|function|api|code|command|script|webhook|sql"
        r"|functi\w*|comanda|comenzi|cod|unealt\w*|функци\w*|команд\w*|код"
        r"|инструмент\w*"
        r")\b|\()"
    ),
    (
        r"\b(?:approved|authori[sz]ed|pre-?approved|confirmed) by (?:the )?"
        r"(?:admin\w*|manager|supervisor|reviewer|operator|human|owner|compliance|legal"
        r"|ceo|system|moderator)"
    ),
    (
        r"\b(?:aprobat|autorizat|confirmat)\w* de (?:catre )?(?:un )?(?:admin\w*"
        r"|manager\w*"
        r"|sef\w*|supervizor\w*|operator\w*|om|juridic|sistem\w*|moderator\w*"
        r"|director\w*)"
    ),
    (
        r"\b(?:одобрен|разрешен|подтвержден|утвержден)\w* (?:админ\w*|менеджер\w*"
        r"|руководител\w*|оператор\w*|модератор\w*|человек\w*|систем\w*|директор\w*"
        r"|юрист\w*)"
    ),
    (
        r"\b(?:no|without|skip) (?:human )?(?:review|approval|moderation)\b"
        r"|\b(?:fara|nu e nevoie de) (?:verificare|aprobare|revizie|moderare|un om)\b"
        r"|\bбез (?:проверки|одобрения|модерации|человека)\b"
    ),
    (
        r"\b(?:add|remove|change|update|set|modify|delete|disable|enable|adauga|sterge"
        r"|schimba|modifica|seteaza|dezactiveaza|activeaza|добавь|удали|измени|обнови"
        r"|установи|отключи|включи)\b.{0,40}\b(?:suppression|whitelist|allow-?list"
        r"|daily limit|quota|rule\w*|policy|policies|opt-?out|settings?|database"
        r"|guardrail"
        r"\w*|filter\w*|limita|limite|cota|regul\w*|setari\w*|baza de date|lista neagra"
        r"|filtr\w*|лимит\w*|квот\w*|правил\w*|настройк\w*|баз\w* данных|фильтр\w*)\b"
    ),
    r"\b(?:decode|base ?64|rot ?13|hex|decodeaza|decodifica|декодир\w*|расшифруй)\b",
    (
        r"\b(?:end of (?:reply|message|input|data|email|user)|begin (?:system|admin)"
        r"|start of (?:system|instructions)|sfarsit(?:ul)? (?:mesaj\w*|raspuns\w*"
        r"|date\w*)"
        r"|конец (?:сообщени\w*|ответа|данных))\b"
    ),
    (
        r"\b(?:step|pasul|шаг)\s{0,2}(?:1|one|unu|первый)\b.{0,120}"
        r"\b(?:step|pasul|шаг)\s{0,2}(?:2|two|doi|второй)"
    ),
)
_PATTERNS: Final = tuple(re.compile(order, re.DOTALL) for order in _ORDERS)

_SYNTAX: Final = (
    (
        re.compile(
            r"<\|[^|]{1,40}\|>|\[/?(?:inst|sys|system|user|assistant)\]|<</?sys"
        ),
        "marks of a conversation",
    ),
    (
        re.compile(
            r"</?(?:system|user|assistant|instructions?|prompt|tool\w*|function\w*|data"
            r"|reply|message|input|output|admin|document|context)\b[^>]{0,80}>"
        ),
        "marks of a conversation",
    ),
    (re.compile(r"^#{2,6}\s*\w|^={4,}|^-{4,}\s*\w|^\*{4,}", re.MULTILINE), "a heading"),
    (re.compile(r"```|\"\"\"|'''|~~~"), "a fence"),
    (re.compile(r"\{\{|\}\}|\{%|%\}|\$\{|<%"), "braces of a template"),
    (re.compile(r"[\"'][\w-]{1,40}[\"']\s{0,5}:\s{0,5}[\"'\[{\d+-]"), "JSON"),
    (re.compile(r"\{[^{}]{0,200}:[^{}]{0,200}\}"), "JSON"),
    (re.compile(rf"\b{MARKER}[0-9a-f]{{4,}}"), "a marker"),
    (re.compile(r"(?<![\w/+=-])[a-z0-9+/]{40,}={0,2}(?![\w/+=-])"), "encoded text"),
    (
        re.compile(
            r"(?:\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|&#x?[0-9a-f]{2,6};|%[0-9a-f]{2}){4}"
        ),
        "encoded text",
    ),
    (re.compile(r"\b(?:[0-9a-f]{2}[ :]){10,}"), "encoded text"),
    (re.compile(r"\b[01]{8}(?:\s[01]{8}){3,}"), "encoded text"),
    (
        re.compile(
            r"(?:drop|delete|update|insert|select)\s.{0,40}\b(?:table|from|into|set"
            r"|where)\b"
        ),
        "a statement",
    ),
    (re.compile(r"\bjavascript:|\bdata:text/|!\[[^\]]{0,80}\]\("), "active content"),
)


def suspicion(text: str) -> str | None:
    """What makes *text* look like instructions; None if nothing does.

    Looks at it as a person would see it, and again with letters of the other
    alphabet, digits for letters and letters set apart undone.
    """
    text = text[:_MANY]
    plain = _folded(text)
    for pattern, what in _SYNTAX:
        if pattern.search(plain):
            return what
    for read in dict.fromkeys((plain, *_undisguised(plain))):
        for pattern in _PATTERNS:
            found = pattern.search(read)
            if found is not None:
                return "an instruction"
    return None


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    # The Russian letters that NFKD takes apart are put together again.
    kept = "".join(
        c for c in decomposed if unicodedata.category(c) not in {"Mn", "Cf", "Cs"}
    )
    return kept.replace("ё", "е")


def _undisguised(plain: str) -> tuple[str, ...]:
    joined = re.sub(r"(?<=\b\w)[ ._*-](?=\w\b)", "", plain)
    return (
        plain.translate(_LOOK_ALIKE),
        plain.translate(_LEET),
        joined,
        plain[::-1],
    )
