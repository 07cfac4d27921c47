"""Read bylines as Korean outlets print them: authors, roles, e-mail addresses, dateline."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import filterfalse, islice
from typing import TYPE_CHECKING

from archive.model.article import Author
from pipelines.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}")

_DESKS = (
    "정치|경제|사회|국제|산업|금융|증권|부동산|문화|체육|스포츠|전국|글로벌|편집|사진|온라인|디지털|유통|중기"
    "|생활|건설|바이오|자본시장|마켓|영상|월드|콘텐츠|국제경제|정치경제|정경|사회문화|중국|테크|IT|ICT|취재|보도"
)
_KINDS = (
    "선임|전문|수습|인턴|객원|대|사진|영상|시민|명예|의학|문화|정치|경제|국제|사회|산업|스포츠|수석"
)
_CITIES = (
    "베이징|북경|상하이|도쿄|동경|뉴욕|워싱턴|런던|파리|홍콩|싱가포르|하노이|호찌민|실리콘밸리|브뤼셀|모스크바"
    "|베를린|자카르타|뉴델리|휴스턴|방콕|타이베이|두바이|시드니|제네바|프랑크푸르트|칭다오|선양|광저우|LA"
)
_TITLES = (
    "기자|특파원|통신원|논설위원|논설실장|논설주간|주필|편집위원|해설위원|전문위원|연구위원|에디터|앵커"
    "|아나운서|PD|칼럼니스트|리포터|편집장|부국장|부장|차장|국장|팀장"
)
#: A role written in one word: 기자, 인턴기자, 중국전문기자, 뉴욕특파원, 정치부장, 정치부차장.
_ROLE = re.compile(
    rf"(?:{_KINDS})?(?:{_TITLES})|[가-힣A-Z]{{1,6}}(?:전문|선임)기자|(?:{_CITIES})특파원"
    rf"|(?:{_DESKS})\d?(?:부|팀|국)?(?:장|부장|차장|팀장|기자)"
)
#: What may stand before a role as a word of its own: 정치부, 인턴, 베이징.
_BEFORE_ROLE = re.compile(rf"(?:{_DESKS})\d?(?:부|팀|국|실|부문)?|(?:{_KINDS})|(?:{_CITIES})")
_GLUED = re.compile(
    rf"(?P<name>[가-힣]{{2,4}}?|[一-鿿]{{2,4}})(?P<role>(?:{_KINDS})?(?:기자|특파원|논설위원))"
)
#: In Hangul or, of correspondents and old pages, in Hanja.
_KOREAN_NAME = re.compile("[가-힣]{2,4}|[一-鿿]{2,4}")
_LATIN_NAME = re.compile(r"[A-Z][A-Za-z.'-]+(?: [A-Z][A-Za-z.'-]+){1,3}")
#: Hangul words of the length of a name that stand in bylines and are none.
_NO_NAMES = re.compile(
    rf"{_ROLE.pattern}|(?:{_DESKS})\d?(?:부|팀|국|실|부문)"
    "|사진|자료|제공|그래픽|편집|영상|정리|번역|취재|취재팀|취재진|특별취재|온라인|디지털|본지|현지|외신|종합"
    "|구독|댓글|공유|좋아요|이메일|메일|기고|글|출처|속보|단독|포토|인사|부고|전체|더보기|무단|전재|저작권자"
    "|제보|문의|연락처|상담|신청|접수|담당|담당자|관리자|홍보실|홍보팀|광고|독자|지면"
)
_AGENCIES = re.compile(
    r"뉴스핌|Newspim|이투데이|Etoday|[가-힣A-Za-z]{0,6}(?:뉴스|통신|신문|일보|방송|미디어|타임스|저널)\d?"
    "|로이터|블룸버그|연합|뉴시스|NEWSIS|신화|신화사|타스|교도|지지|AP|AFP|EPA|DPA|UPI|ANSA|CNN|게티이미지"
    "|이데일리|머니투데이|이코노미스트|월간|ANDA|안다",
    re.I,
)
#: What a bracket with ``=`` names when it is a credit: `[사진=뉴시스]`.
_CREDIT = re.compile(
    "사진|자료|자료사진|그래픽|출처|제공|영상|이미지|일러스트|표|캡처|캡쳐|AI|그림|글|寫眞|資料|提供"
)
_UI_WORDS = re.compile(
    "구독하기|구독|자세히보기|자세히 보기|기사 더보기|기자페이지|이메일|[Ee]-?[Mm]ail"
    "|다른 ?기사 ?보기"
)
_PLACE = re.compile(r"[가-힣一-鿿A-Za-z·,. -]{1,20}")
_OPENING_BRACKETS = ("[", "(", "【", "<")
_BRACKET = re.compile(r"[\[(【<] ?(?P<inside>[^\[\]()<>【】]{1,60})[\])】>] ?")
_SEPARATORS = re.compile(r" ?[·,/ㆍ&|] ?| 및 ")
_CREDIT_PREFIX = re.compile(
    r"(?P<what>(?:글|취재|정리|사진|영상|그래픽)"
    r"(?: ?[·/] ?(?:글|취재|정리|사진|영상|그래픽))*)(?: ?[=:] ?| )"
)
#: A byline that is printed behind the last sentence of a paragraph.
_AT_END = re.compile(
    rf"[.。\"”’)\]] ?(?P<byline>[/=]?[^.。\"”’()\[\]@]{{2,40}}[( ]? ?{EMAIL.pattern} ?\)?)$"
)
#: What every line has that is a byline: a role or an address. Most lines of a body have neither.
_HINT = re.compile(rf"@|{_TITLES}|(?:{_DESKS})(?:부|팀|국)?장")
_PROSE = ("다.", "다", "요.", "?", "!")
#: The longest line that is nothing but a byline.
_LONGEST_LINE = 120
#: How far into a block the ``=`` behind a byline stands.
_REACH = 80
#: How many blocks at either end of a body may hold its bylines.
_NEAR = 5
#: More lines that look like bylines are a list of people: appointments, obituaries.
_MOST_LINES = 3


@dataclass(frozen=True, slots=True)
class Byline:
    """The authors of a byline and the place of its dateline (``""`` if it has none)."""

    authors: tuple[Author, ...]
    place: str = ""


def read_people(text: str) -> tuple[Author, ...]:
    """Return the authors in the text of a byline element: ``홍길동 기자``, ``홍길동·김철수 기자``.

    Words of the user interface and e-mail addresses may surround them. A role printed once after
    several names that are joined by ``·`` or ``,`` applies to all of them.
    """
    people, _ = _people_and_rest(text)
    return people


@lru_cache(maxsize=64)  # asked for the authors and for the deck
def read_dateline(paragraph: str) -> Byline | None:
    """Return the byline at the start of a body paragraph; None if there is none.

    Forms: ``[휴스턴=뉴스핌] 고인원 특파원=``, ``[뉴스핌=이수호 기자]``, ``[뉴욕 = 뉴스핌 황숙혜
    특파원]``, ``[뉴스핌 Newspim] 고인원 기자 (mail)``, ``세종=고인원 기자``, ``고인원 정치부장 =``.
    One without authors has a place.
    """
    bracket = _BRACKET.match(paragraph)
    if bracket is not None and "=" not in bracket["inside"]:  # `[종합] [서울=뉴스핌] …`
        second = _BRACKET.match(paragraph, bracket.end())
        bracket = second or bracket
    if bracket is None:
        return _unbracketed(paragraph)
    inside = _read_bracket(bracket["inside"])
    if inside is None or inside.authors:
        return inside
    behind = paragraph[bracket.end() :]
    named = _ended_by_equals(behind) or read_line(behind)
    if named is not None:
        return Byline(named.authors, inside.place or named.place)
    return inside if inside.place else None


def read_line(line: str) -> Byline | None:
    """Return the byline that a line consists of; None if it holds anything else.

    Each author has a role or an address: a name alone may be a source's.
    """
    if len(line) > _LONGEST_LINE or line.endswith(_PROSE) or not _HINT.search(line):
        return None
    place, equals, names = line.partition("=")
    place = place.strip(" /")
    if not equals or not _is_place(place):
        place, names = "", line
    people, rest = _people_and_rest(names.strip(" =/|ⓒ<>"))
    if rest or not people or not all(person.role or person.email for person in people):
        return None
    return Byline(people, place)


def find_byline(
    blocks: Sequence[str], is_apart: Callable[[str], bool] = lambda _block: False
) -> Byline:
    """Return the authors and the place that a body prints near its begin or its end.

    ``is_apart`` says which blocks are none of the article's text: widgets and captions.
    """
    following = iter(blocks)
    nearest_head = list(islice(filterfalse(is_apart, following), _NEAR))
    nearest_tail = list(islice(filterfalse(is_apart, reversed(list(following))), _NEAR))[::-1]
    head = list(filter(_may_hold_byline, nearest_head))
    tail = list(filter(_may_hold_byline, nearest_tail))
    datelines = [found for block in head if (found := read_dateline(block))]
    first = next((found for found in datelines if found.authors), None)
    place = next((found.place for found in datelines if found.place), "")
    lines = [found for block in (*head, *tail) if (found := read_line(block) or _at_end(block))]
    lines += [found for block in tail if (found := _signature(block))]
    if len(lines) > _MOST_LINES:
        lines = []
    authors = list(first.authors) if first else []
    for line in lines:
        authors = _merged(authors, line.authors)
        place = place or line.place
    return Byline(tuple(authors), place)


def _may_hold_byline(block: str) -> bool:
    """Whether a block has what each form of a byline has: most blocks are sentences without it."""
    if block.startswith(_OPENING_BRACKETS) or "@" in block or "=" in block[:_REACH]:
        return True
    return not block.endswith(_PROSE)


def printed_emails(blocks: Iterable[str]) -> list[str]:
    """Return the addresses of lines that hold nothing else; one in a sentence is a source's."""
    emails: list[str] = []
    for block in blocks:
        if "@" in block and len(block) <= _LONGEST_LINE:
            rest = _UI_WORDS.sub("", EMAIL.sub("", block))
            if not re.search(r"[^\W_]", rest):
                emails += EMAIL.findall(block)
    return emails


def assign_emails(authors: tuple[Author, ...], emails: list[str]) -> tuple[Author, ...]:
    """Return the authors with the printed addresses, in order; unchanged if the counts differ.

    Addresses that authors have already are not given to others.
    """
    if not emails:
        return authors
    known = {author.email for author in authors}
    left = [email for email in dict.fromkeys(emails) if email not in known]
    without = [author for author in authors if not author.email]
    if len(left) != len(without):
        return authors
    following = iter(left)
    return tuple(
        author if author.email else replace(author, email=next(following)) for author in authors
    )


def _people_and_rest(text: str) -> tuple[tuple[Author, ...], bool]:
    """Return the people of a text, and whether it holds anything else."""
    text = clean(text)  # before words are looked for in it: a page may be in NFD
    emails = EMAIL.findall(text)
    text = clean(re.sub(r"[()\[\]<>]", " ", _UI_WORDS.sub(" ", EMAIL.sub(" ", text))))
    credit = _CREDIT_PREFIX.match(text)
    if credit:
        text = text[credit.end() :]
        if not re.search("글|취재|정리", credit["what"]):
            return (), True
    people: list[Author] = []
    rest = False
    for part in _SEPARATORS.split(text):
        found = _read_part(part.strip(" ="))
        rest = rest or found is None
        people += found or ()
    if people and not people[0].role:  # names that are joined, with one role behind the last
        last_role = people[-1].role
        people = [replace(person, role=person.role or last_role) for person in people]
    return assign_emails(tuple(dict.fromkeys(people)), emails), rest


def _read_part(part: str) -> list[Author] | None:
    """Return the people that a part names, each with its role; None if it holds more."""
    if _LATIN_NAME.fullmatch(part):
        return [Author(part)]
    words = part.split()
    people: list[Author] = []
    at = 0
    while at < len(words):
        glued = _GLUED.fullmatch(words[at])
        if glued and not _is_no_name(glued["name"]):
            people.append(Author(glued["name"], glued["role"]))
            at += 1
            continue
        name, at = _name_at(words, at)
        if not name:
            return None
        role, at = _role_at(words, at)
        people.append(Author(name, role))
    return people


@lru_cache(maxsize=4096)  # words of bylines recur, and the alternatives are many
def _is_role(word: str) -> bool:
    return _ROLE.fullmatch(word) is not None


@lru_cache(maxsize=4096)
def _precedes_role(word: str) -> bool:
    return _BEFORE_ROLE.fullmatch(word) is not None


@lru_cache(maxsize=4096)
def _is_no_name(word: str) -> bool:
    return _NO_NAMES.fullmatch(word) is not None


@lru_cache(maxsize=4096)
def _is_agency(word: str) -> bool:
    return _AGENCIES.fullmatch(word) is not None


def _name_at(words: Sequence[str], at: int) -> tuple[str, int]:
    """Return the name that starts at a word, ``""`` for none, and where it ends."""
    if _KOREAN_NAME.fullmatch(words[at]):
        return ("", at) if _is_no_name(words[at]) else (words[at], at + 1)
    end = at
    while end < len(words) and end - at < 4 and re.fullmatch(r"[A-Z][A-Za-z.'-]+", words[end]):
        end += 1
    return (" ".join(words[at:end]), end) if end - at >= 2 else ("", at)


def _role_at(words: Sequence[str], at: int) -> tuple[str, int]:
    """Return the role that starts at a word, ``""`` for none, and where it ends."""
    end = at
    while end < len(words) and end - at < 2 and _precedes_role(words[end]):
        end += 1
    if end < len(words) and _is_role(words[end]):
        return " ".join(words[at : end + 1]), end + 1
    return "", at


def _read_bracket(inside: str) -> Byline | None:
    """Return what the bracket of a dateline names; None if it is none (``[속보]``)."""
    left, equals, right = (part.strip() for part in inside.partition("="))
    place, other = _without_agencies(left), _without_agencies(right)
    if not equals:
        return _roled(place) if place else Byline(())
    if _CREDIT.fullmatch(left):
        return None
    named = _roled(other)
    if named is not None:
        return Byline(named.authors, place if _is_place(place) else "")
    return _place_alone(place, other)


def _place_alone(place: str, other: str) -> Byline | None:
    """Return the byline of a bracket with a place and an agency, in either order."""
    if place and other:
        return None
    if not place and not other:
        return Byline(())
    return Byline((), place or other) if _is_place(place or other) else None


def _roled(text: str) -> Byline | None:
    """Return the people of a text if each is printed with a role."""
    people, rest = _people_and_rest(text)
    if rest or not people or not all(person.role for person in people):
        return None
    return Byline(people)


def _without_agencies(text: str) -> str:
    """Return the words that name no agency: ``아무르 로이터`` is the place ``아무르``."""
    words = re.split(r"[ /]+", text)
    return " ".join(word for word in words if word and not _is_agency(word))


def _is_place(text: str) -> bool:
    if not _PLACE.fullmatch(text) or _CREDIT.fullmatch(text) or _CREDIT_PREFIX.match(f"{text} "):
        return False
    return bool(_without_agencies(text)) and not _is_role(text.split()[-1])


def _ended_by_equals(text: str) -> Byline | None:
    """Return the people before the ``=`` that ends a byline."""
    names, equals, _ = text[:_REACH].partition("=")
    return Byline(people) if equals and (people := read_people(names)) else None


def _unbracketed(paragraph: str) -> Byline | None:
    """Return the byline of ``고인원 정치부장 = …`` and ``세종=고인원 기자 …``."""
    first, equals, rest = paragraph[:_REACH].partition("=")
    if not equals:
        return None
    named = _roled(first)
    if named is not None:
        return named
    place = first.strip(" /")
    if not _is_place(place) or " " in place:
        return None
    people, _, more = rest.partition("=")
    named = _roled(people) if more else read_line(paragraph)
    return Byline(named.authors, place) if named else None


def _signature(block: str) -> Byline | None:
    """Return the byline of a line like ``[뉴스핌 Newspim] 고인원 기자 (mail)``."""
    bracket = _BRACKET.match(block)
    if bracket is None or len(block) > _LONGEST_LINE or _read_bracket(bracket["inside"]) is None:
        return None
    return read_dateline(block) if read_line(block[bracket.end() :]) else None


def _at_end(block: str) -> Byline | None:
    """Return the byline behind the last sentence of a paragraph, told by its address."""
    found = _AT_END.search(block, max(0, len(block) - _LONGEST_LINE)) if "@" in block else None
    return read_line(found["byline"]) if found else None


def _merged(authors: list[Author], more: Iterable[Author]) -> list[Author]:
    """Return the authors, those of the same name as one, with what is known of each."""
    merged = {author.name: author for author in authors}
    for author in more:
        known = merged.get(author.name, author)
        merged[author.name] = replace(
            known, role=known.role or author.role, email=known.email or author.email
        )
    return list(merged.values())
