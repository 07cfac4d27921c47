"""Who signed an article: the byline forms Korean outlets print, and the e-mail beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from archive.model.article import Author
from pipelines.text import clean

_ROLE = (
    "(?:선임|전문|수습|인턴|객원|대|사진|의학|문화|정치|국제)?기자|특파원|통신원|논설위원|논설실장|편집위원|해설위원|전문위원|"
    "에디터|앵커|PD|칼럼니스트|리포터|부장|차장|국장|팀장|편집장"
)
_NAME = "[가-힣]{2,4}|[A-Z][A-Za-z.'-]+(?: [A-Z][A-Za-z.'-]+){1,3}"
_PERSON = re.compile(rf"(?P<name>{_NAME})\s?(?P<role>{_ROLE})?(?![가-힣])")
_A_ROLE = re.compile(_ROLE)
_UI_WORDS = re.compile("구독하기|구독|자세히보기|자세히 보기|기사 더보기|기자페이지|이메일")
EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}")

#: `[휴스턴=뉴스핌] 고인원 특파원=`, `(서울=연합뉴스) 홍길동·김철수 기자 =`: names behind the
#: bracket, closed by `=`.
_BEHIND = re.compile(
    r"[\[(]\s?(?P<place>[^\[\]()=]{1,30}?)\s?=\s?(?P<agency>[^\[\]()=]{1,20})[\])]\s?(?P<names>[^=]{2,60}?)\s?="
)
#: `[뉴스핌=이수호 기자]` (2016), `[뉴욕 = 뉴스핌 황숙혜 특파원]` (2018): names inside the bracket.
_INSIDE = re.compile(
    rf"\[\s?(?P<left>[^\[\]=]{{1,30}}?)\s?=\s?(?P<right>[^\[\]=]{{2,40}}?(?:{_ROLE}))\s?\]"
)


@dataclass(frozen=True, slots=True)
class Byline:
    """What a byline says: the people, and the place of the dateline (``""`` if it names none)."""

    authors: tuple[Author, ...]
    place: str = ""


def read_people(text: str) -> tuple[Author, ...]:
    """Read a byline element's text: ``홍길동 기자``, ``홍길동·김철수 기자``, with UI words and e-mails around.

    A role printed once behind several names joined by ``·`` or ``,`` is everyone's.
    """
    emails = EMAIL.findall(text)
    text = clean(_UI_WORDS.sub(" ", EMAIL.sub(" ", text)))
    people: list[Author] = []
    for part in re.split(r"\s?[·,/ㆍ]\s?|\s(?=[가-힣]{2,4}\s(?:" + _ROLE + "))", text):
        person = _PERSON.fullmatch(part.strip())
        if person and not _A_ROLE.fullmatch(person["name"]):
            people.append(Author(person["name"], person["role"] or ""))
    if people and people[-1].role:
        people = [p if p.role else replace(p, role=people[-1].role) for p in people]
    return assign_emails(tuple(dict.fromkeys(people)), emails)


def read_dateline(paragraph: str) -> Byline | None:
    """Read the byline a body paragraph starts with, or None if it starts with none."""
    behind = _BEHIND.match(paragraph)
    if behind:
        people = read_people(behind["names"])
        return Byline(people, behind["place"]) if people else None
    inside = _INSIDE.match(paragraph)
    if inside:
        _, _, names = inside["right"].partition(" ")
        if read_people(names):
            return Byline(read_people(names), inside["left"])
        people = read_people(inside["right"])
        return Byline(people) if people else None
    return None


def assign_emails(authors: tuple[Author, ...], emails: list[str]) -> tuple[Author, ...]:
    """Give the printed e-mails to the authors, in order; left alone where the counts don't agree."""
    emails = list(dict.fromkeys(emails))
    if len(emails) != len(authors):
        return authors
    return tuple(
        a if a.email else replace(a, email=e) for a, e in zip(authors, emails, strict=True)
    )
