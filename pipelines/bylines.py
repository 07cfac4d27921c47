"""Parse bylines as Korean outlets print them: authors, roles, e-mail addresses, dateline."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from archive.model.article import Author
from pipelines.text import clean

_ROLE = (
    "(?:선임|전문|수습|인턴|객원|대|사진|의학|문화|정치|국제)?기자|특파원|통신원|"
    "논설위원|논설실장|편집위원|해설위원|전문위원|에디터|앵커|PD|칼럼니스트|리포터|부장|차장|국장|팀장|편집장"
)
_NAME = "[가-힣]{2,4}|[A-Z][A-Za-z.'-]+(?: [A-Z][A-Za-z.'-]+){1,3}"
_PERSON = re.compile(rf"(?P<name>{_NAME})\s?(?P<role>{_ROLE})?(?![가-힣])")
_A_ROLE = re.compile(_ROLE)
_UI_WORDS = re.compile("구독하기|구독|자세히보기|자세히 보기|기사 더보기|기자페이지|이메일")
EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}")

#: `[휴스턴=뉴스핌] 고인원 특파원=`, `(서울=연합뉴스) 홍길동·김철수 기자 =`: names after the
#: bracket, ended by `=`.
_NAMES_AFTER = re.compile(
    r"[\[(]\s?(?P<place>[^\[\]()=]{1,30}?)\s?=\s?(?P<agency>[^\[\]()=]{1,20})[\])]"
    r"\s?(?P<names>[^=]{2,60}?)\s?="
)
#: `[뉴스핌=이수호 기자]` (2016), `[뉴욕 = 뉴스핌 황숙혜 특파원]` (2018): names inside the bracket.
_NAMES_INSIDE = re.compile(
    rf"\[\s?(?P<left>[^\[\]=]{{1,30}}?)\s?=\s?(?P<right>[^\[\]=]{{2,40}}?(?:{_ROLE}))\s?\]"
)


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
    emails = EMAIL.findall(text)
    text = clean(_UI_WORDS.sub(" ", EMAIL.sub(" ", text)))
    people: list[Author] = []
    for part in re.split(r"\s?[·,/ㆍ]\s?|\s(?=[가-힣]{2,4}\s(?:" + _ROLE + "))", text):
        person = _PERSON.fullmatch(part.strip())
        if person and not _A_ROLE.fullmatch(person["name"]):
            people.append(Author(person["name"], person["role"] or ""))
    if people:
        last_role = people[-1].role
        people = [replace(person, role=person.role or last_role) for person in people]
    return assign_emails(tuple(dict.fromkeys(people)), emails)


def read_dateline(paragraph: str) -> Byline | None:
    """Return the byline at the start of a body paragraph; None if there is none."""
    after = _NAMES_AFTER.match(paragraph)
    if after:
        people = read_people(after["names"])
        return Byline(people, after["place"]) if people else None
    inside = _NAMES_INSIDE.match(paragraph)
    if inside:
        _, _, names = inside["right"].partition(" ")
        people = read_people(names)
        if people:
            return Byline(people, inside["left"])
        people = read_people(inside["right"])
        return Byline(people) if people else None
    return None


def assign_emails(authors: tuple[Author, ...], emails: list[str]) -> tuple[Author, ...]:
    """Return the authors with the printed addresses, in order; unchanged if the counts differ."""
    emails = list(dict.fromkeys(emails))
    if len(emails) != len(authors):
        return authors
    return tuple(
        replace(author, email=author.email or email)
        for author, email in zip(authors, emails, strict=True)
    )
