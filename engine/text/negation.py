"""Negation in prompts: "no drums", "ohne Schlagzeug", "the drums were missing", ドラムなし.

Wordings of five languages as tables; texts come normalized (lower case, no accents on Latin letters, see
``normalize.py``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import cache

from engine.text.normalize import BREAK, Span

REACH_WORDS = 8  # of a negation, where no clause ends before

# A text is of the language it has the most of these words from.
_COMMON = {
    "en": "the and of was were to his her that it is are for on at by from she he they there not",
    "de": "der die das und ein eine einen dem den war waren mit ist sind im von zu sie er es auf nicht sich",
    "fr": "le la les et un une des du est etait dans avec pour qui sur il elle au aux ne se",
    "es": "el la los las y un una de del que en con era por se su al muy",
}

# What follows one of these, up to the end of the clause, is not meant.
_BEFORE = {
    "en": (
        r"(?:every\w+|any\w+|all|the mix|the rest) (?:(?:the )?others )?(?:except(?: for)?|but|without)",
        r"no|not|never|nor|neither|none of|without|w/o|minus|except(?: for)?|excluding|lacking|devoid of|free of",
        r"instead of|rather than|apart from|other than|nobody|no one|cannot|\w+n't",
    ),
    "de": (
        r"(?:alles|alle|den ganzen rest|der rest) (?:bis auf|ausser|ohne)",
        r"kein(?:e[mnrs]?)?|ohne|nicht|nie|niemals|niemand\w*|weder|ausser|bis auf|statt|anstatt|anstelle",
    ),
    "fr": (
        r"tout (?:sauf|excepte|a part|sans)",
        r"sans|aucune?|ni|jamais|sauf|excepte|hormis|a part|au lieu|personne(?= n(?:e |'))|point(?= d(?:e |'))",
        r"pas(?= (?:d'|de |du |des |la |le |l'|les |une? ))|n(?:e |')\w+ (?:\w+ )?plus(?= d(?:e |'))",
    ),
    "es": (
        r"tod[oa]s? (?:excepto|menos|salvo|sin)",
        r"sin|no|ni|nadie|nunca|jamas|ningun[oa]?|tampoco|excepto|en lugar de|en vez de|aparte de|que no suene",
    ),
}

# These look like the above and say the contrary, or nothing.
_AFFIRMING = {
    "en": (
        r"(?:mute|remove|silence|drop|cut|strip|get rid of) (?:every\w+|all) (?:but|except)",
        r"(?:nothing|nobody|no one|none|no other) (?:but|except|else|other than)|not (?:only|just|merely)",
        r"(?:not|never|n't) without|no (?:doubt|nonsense|frills|fuss|wave)|not to mention",
    ),
    "de": (r"nichts (?:als|ausser|anderes)|nicht nur|(?:nicht|nie) ohne|niemand ausser|ohne zweifel|nicht zuletzt",),
    "fr": (
        r"rien (?:que|d'autre|sauf)|pas seulement|non seulement|(?:pas|jamais) sans|sans doute|personne sauf",
        r"(?:enlev|supprim|coup)\w+ tout (?:sauf|excepte|a part)",
        r"pas (?:de|a) pas",
    ),
    "es": (
        r"nada (?:mas|menos)",
        r"no solo(?= (?:el|la|los|las|una?|se|por) )|no solamente|(?:no|nunca) sin",
        r"nadie (?:salvo|excepto)|sin (?:duda|embargo)|(?:quit|elimin|silenci)\w+ todo (?:menos|salvo|excepto)",
    ),
}

# Right after a name, or a word or three later in its clause, these say that it is not meant.
_AFTER = {
    "en": (
        r"(?:not|\w+n't) (?:there|wanted|needed|welcome|allowed|to be|be heard|heard|play(?:ed|ing)?)\b",
        r"unwanted|missing|absent|left (?:out|at home|behind)|stayed at home",
        r"excluded|forbidden|no(?:body| one) (?:wanted|needed|heard|liked)",
    ),
    "de": (
        r"nicht (?:da|dabei|zu horen|gewunscht|erwunscht|gespielt|gebraucht)|(?:spielte?n?|gab es) nicht",
        r"fehl(?:t|te|en|ten)|unerwunscht|verboten|zu hause geblieben",
        r"(?:wollte|will|brauchte|braucht|horte) (?:niemand|keiner)",
        r"gab es keine?s?\b",
    ),
    "fr": (
        r"ne (?:jou|sonn|chant)\w+ pas|n'(?:est|etait|etaient) pas (?:la|present|invite)",
        r"manqu\w+|restee?s? a la maison|absent\w*|interdit\w*|personne n(?:e |'en )",
    ),
    "es": (
        r"no (?:suena|sonaba|toca|tocaba|esta|estaba|habia|hay|se oi|se oye)\w*|falta\w*|ausentes?|prohibid\w+",
        r"(?:quedo|quedado|quedaron) en casa|nadie (?:quer|necesit)\w+",
    ),
}

_AFTER_JAPANESE = (
    r"(?:の(?:音|演奏|響き))?(?:とか|なんて|など)?[はがもをに]{0,2}(?:全く|まったく|もう|誰も|どこにも)?"
    r"(?:なし|無し|抜き|ぬき|以外|なく(?!ては)|な(?:い|かっ)|無[いか]|い(?:ない|なか|らな|りませ|ませ)|要(?:らな|りませ)"
    r"|ありませ|(?:欲|ほ)し(?:くな|がらな)|望(?:まな|んでいな|みませ)|使(?:わな|いませ)|入(?:らな|れな|ってい(?:な|ませ))"
    r"|聞こえ(?:な|ませ)|鳴(?:らな|りませ|ってい(?:な|ませ))|弾かな|叩かな|除|消|の代わり|ではな|じゃな)"
)
_CLAUSE_JAPANESE = (
    rf"[^、。・，．！？!?,.;:\s{BREAK}]+?(?:の音)?[はがも]?(?:なし|無し|抜き|ぬき|以外(?:の?(?:すべて|全て))?|ではな(?:く|い)|"
    r"じゃな(?:く|い)|の代わりに|(?:要|い)らな(?:い|くて)|(?:は|が|も)な(?:い|くて))(?:の|で|、)?"
)

# A comma ends a clause, but not inside a list that goes on with "or": "no drums, cymbals or bass".
_LIST = r"(?:\s*(?:[\w']+\s){0,2}[\w']+\s*,){0,8}\s*(?:[\w']+\s){0,2}[\w']+\s*,?\s(?:or|nor|oder|noch|ou|ni|o)\s"
_END = (
    rf"[.!?;:…。！？、，；：()\"“”«»„「」—–{BREAK}]|,(?!{_LIST})|"
    r"\b(?:but|only|just|while|whereas|though|although|"
    r"sondern|aber|nur|dafur|doch|wahrend|mais|seulement|uniquement|tandis|sino|pero|solamente|mientras)\b"
)
_SUBORDINATE = r"|\b(?:until|because|that|which|why|how|when|where|who|weil|dass|parce|porque)\b"
_WITH = r"|\b(?:with|mit|avec|con)\b"
_JOINED = r"(?:,|and|or|nor|&|\+|plus|und|oder|et|ou|y|o|e|ni|と|や|も|とか|・)"
_OR = r"\b(?:or|nor|oder|noch|ou|ni|o|no|without|kein\w*|ohne|sans|sin)\b"
_NO_WORD = r"(?<![\w'])"


def language_of(folded: str) -> str:
    """The most likely language of a text, as two letters; "" when there is too little evidence."""
    if re.search("[ぁ-ヿ]", folded):
        return "ja"
    words = Counter(re.findall(r"[a-z]+", folded))
    counts = sorted((sum(words[word] for word in said.split()), language) for language, said in _COMMON.items())
    (second, _), (first, language) = counts[-2:]
    return language if first > second else ""


def negated_spans(folded: str, language: str, short: bool = False) -> list[Span]:
    """Negated spans of a text, from the negating word to the end of its clause, in order.

    Args:
        language: as ``language_of`` says.
        short: True for a prompt of a few words, where "with" begins something new, and where names that nobody
            listed count: in Japanese the negation comes last and takes its whole clause.
    """
    spans, end = list[Span](), 0
    negation, clause_end = _before(language), _clause_end(short)
    while match := negation.search(folded, end):
        end = match.end()
        if match["negation"]:
            stop = clause_end.search(folded, end)
            end = stop.start() if stop else len(folded)
            spans.append((match.start(), end))
    if short and language == "ja":
        spans += [match.span() for match in re.finditer(_CLAUSE_JAPANESE, folded)]
    return sorted(spans)


def only_affirms(folded: str) -> bool:
    """True for texts that only look negated: "nothing but drums", "no frills drumming"."""
    found = [match["negation"] is None for match in _before(language_of(folded)).finditer(folded)]
    return bool(found) and all(found)


def is_negated(folded: str, name: Span, before: tuple[Span, bool] | None, spans: list[Span], language: str) -> bool:
    """True when a name in a text is negated.

    Either negating words follow it, or it is in a negated span: the first name there, near enough, and those listed
    with it ("ohne Klavier spielte die Geige" means the violin).

    Args:
        name: where the name stands.
        before: where the name before it stands, and whether that is denied.
        spans: as ``negated_spans`` says.
        language: as ``language_of`` says.
    """
    if _after(language).match(folded, name[1]):
        return True
    around = next((span for span in spans if span[0] <= name[0] < span[1]), None)
    if around is None:
        return False
    if before is not None and before[0][0] >= around[0]:
        last, was_denied = before
        goes_on = re.search(_OR, folded[last[1] : name[0]])
        return was_denied and (goes_on is not None or are_coordinated(folded, last, name))
    return len(folded[around[0] : name[0]].split()) <= REACH_WORDS


def ends_negated(folded: str, clause: Span, language: str) -> bool:
    """True when negating words follow in the clause: "the drums are not wanted"."""
    found = _after(language).search(folded[clause[0] : clause[1]])
    return language != "ja" and found is not None and found.start() > 0


def are_coordinated(folded: str, first: Span, second: Span) -> bool:
    """True when only "and" or the like separates two names, so that both are negated or neither."""
    between = folded[first[1] : second[0]]
    return re.fullmatch(rf"\s*{_JOINED}\s*(?:\w{{1,5}}\s+|[dl]')?", between) is not None


def clauses_of(folded: str) -> list[Span]:
    """The clauses of a prompt of a few words."""
    cuts = [match.span() for match in _clause_end(True).finditer(folded)]
    starts, ends = [0, *(end for _, end in cuts)], [*(start for start, _ in cuts), len(folded)]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if start < end]


def _rows(table: Mapping[str, tuple[str, ...]], language: str) -> str:
    chosen = [table[language]] if language in table else table.values()
    return "|".join(part for row in chosen for part in row)


@cache
def _before(language: str) -> re.Pattern[str]:
    affirming, negation = _rows(_AFFIRMING, language), _rows(_BEFORE, language)
    return re.compile(rf"{_NO_WORD}(?:(?:{affirming})(?!\w)|(?P<negation>(?:{negation})(?!\w)))")


@cache
def _after(language: str) -> re.Pattern[str]:
    if language == "ja":
        return re.compile(_AFTER_JAPANESE)
    latin = rf"(?:\s+(?!(?:{_END}))[\w']+){{0,3}}?\s+(?:{_rows(_AFTER, language)})"
    return re.compile(latin)


@cache
def _clause_end(short: bool) -> re.Pattern[str]:
    return re.compile(_END + (_WITH if short else _SUBORDINATE))
