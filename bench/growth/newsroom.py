"""Made-up articles whose words are as frequent as those of Korean news, the same for each number.

120,000 words made by rule are drawn by Zipf's law; words that people look for are put
in so many of the articles as news has them. Names of reporters and of places occur in few.
"""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

from archive.model.article import KST, Article, Author, Image, Precision, Removed

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Articles a day, of all outlets.
A_DAY = 30_000
#: The share of articles in which a word occurs that is looked for.
NAMED = {
    "서울": 0.22,
    "대통령": 0.15,
    "경제": 0.15,
    "국회": 0.09,
    "반도체": 0.06,
    "삼성전자": 0.05,
    "북한": 0.05,
    "코로나19": 0.04,
    "부동산": 0.04,
    "금리 인상": 0.02,
    "한국은행": 0.02,
    "푸틴": 0.01,
    "우크라이나": 0.01,
    "AI": 0.08,
    "SK하이닉스": 0.02,
    "나로우주센터": 0.0005,
    "쇄빙연구선": 0.00005,
}
#: The words of every article, the most frequent first.
_COMMON = (
    "있다 했다 것으로 위해 지난 대한 밝혔다 말했다 이날 따르면 등을 통해 이번 함께 올해 오는 전했다 위한 관련 "
    "한편 가운데 기준 대해 최근 이어 모두 하지만 특히 현재 때문에 지역 사업 정부 시장 기업 국내 미국 중국"
)
#: The most frequent syllables of words first. None of them is the first of a word of `NAMED`.
_SYLLABLES = (
    "이다는의에고을가지기하사로아도리자시정어한인스그대장제보수공원구성부일주전상있나은해여성라조동과방진안문들비게소오위신적"
    "연운경유마만산재학민계용세회물양실발관모생개서식의무선중내화교간면차미현호영최표평단천업입치청직심행명당강남약점절체초권근"
    "결찰법역금달말별독류임복건질박허손잔빛결숲담향봄율월강솔숨난맥반승저증책타투파포품필합항협형환활황후훈휴흥"
)
_PARTICLES = ("", "은", "는", "이", "가", "을", "를", "에", "의", "로", "에서", "와", "과", "도")
_SECTIONS = ("정치", "경제", "사회", "국제", "산업", "증권", "부동산", "문화", "스포츠", "IT")
_SURNAMES = "김이박최정강조윤장임한오서신권황안송류전"
_ROLES = ("기자", "기자", "기자", "인턴기자", "특파원")
_WORDS = 120_000
_SEED = 20_260_101


@cache
def _vocabulary() -> list[str]:
    """Return the words, the most frequent first: of two to four syllables, short ones earlier."""
    dice = random.Random(_SEED)
    weights = [1 / (rank + 8) for rank in range(len(_SYLLABLES))]
    words = dict.fromkeys(_COMMON.split())
    while len(words) < _WORDS:
        shares = (6, 3, 1) if len(words) < _WORDS // 20 else (2, 5, 4)
        length = dice.choices((2, 3, 4), shares)[0]
        words["".join(dice.choices(_SYLLABLES, weights, k=length))] = None
    return list(words)


class Newsroom:
    """Writes articles by number, of these outlets in turn."""

    def __init__(self, outlets: Sequence[str]) -> None:
        self._outlets = list(outlets)
        self._words = _vocabulary()
        # Zipf-Mandelbrot: the shift keeps the first words out of some articles, as in news.
        self._weights = list(accumulate(1 / (rank + 60) for rank in range(len(self._words))))
        self._reporters = [
            (name, f"{outlet}{number}@{outlet}.example")
            for outlet in self._outlets
            for number, name in enumerate(_names(random.Random(outlet), 150))
        ]

    def outlet_of(self, number: int) -> str:
        """Return the outlet of an article."""
        return self._outlets[number % len(self._outlets)]

    def article_id(self, number: int) -> str:
        """Return the id that the outlet gives the article."""
        return str(20_000_000 + number)

    def url(self, number: int) -> str:
        """Return its address, as long as real ones."""
        return f"https://www.{self.outlet_of(number)}.example/news/view/{self.article_id(number)}"

    def article(self, number: int, published: datetime, edition: int = 0) -> Article:
        """Return the article; a later ``edition`` of it has another headline and a sentence more."""
        dice = random.Random(_SEED + number)
        words = self._drawn(dice)
        headline = " ".join(words[:7])
        body = _paragraphs(dice, words[7:])
        exact, precision = _printed(dice, published)
        name, email = self._reporters[dice.randrange(150) + 150 * (number % len(self._outlets))]
        authors = (Author(name, dice.choice(_ROLES), email),) if dice.random() < 0.9 else ()
        article = Article(
            outlet=self.outlet_of(number),
            headline=headline,
            article_id=self.article_id(number),
            url=self.url(number),
            subheadlines=(" ".join(words[7:16]),) if dice.random() < 0.4 else (),
            authors=authors,
            dateline="서울" if dice.random() < 0.2 else "",
            section=dice.choice(_SECTIONS),
            tags=tuple(words[20 : 20 + dice.randrange(5)]),
            published_at=exact,
            published_raw=f"입력 {published:%Y-%m-%d %H:%M}" if exact else "",
            published_precision=precision,
            body=body,
            images=tuple(self._image(dice, number, words) for _ in range(dice.randrange(3))),
            language="ko",
            layout=f"desktop-{dice.choice((2021, 2024))}",
            flags=("paywalled",) if dice.random() < 0.03 else (),
            removed=(Removed("related", " ".join(words[40:60])),) if dice.random() < 0.3 else (),
        )
        return _edited(article, published, edition) if edition else article

    def _drawn(self, dice: random.Random) -> list[str]:
        """Return an article's words, particles behind them: 1,000 characters on average."""
        count = max(30, min(1500, round(math.exp(dice.gauss(5.15, 0.55)))))
        drawn = dice.choices(self._words, cum_weights=self._weights, k=count)
        words = list(map(str.__add__, drawn, dice.choices(_PARTICLES, k=count)))
        for named, share in NAMED.items():
            if dice.random() < share:
                for _ in range(dice.choice((1, 1, 2, 4))):
                    words[dice.randrange(count)] = named + dice.choice(_PARTICLES)
        return words

    def _image(self, dice: random.Random, number: int, words: Sequence[str]) -> Image:
        outlet = self.outlet_of(number)
        url = f"https://img.{outlet}.example/photo/{number // A_DAY:05d}/{dice.getrandbits(48):012x}.jpg"
        return Image(url, " ".join(words[60:70]), f"사진={outlet}")


def _names(dice: random.Random, count: int) -> list[str]:
    return [dice.choice(_SURNAMES) + "".join(dice.sample(_SYLLABLES, 2)) for _ in range(count)]


def _paragraphs(dice: random.Random, words: Sequence[str]) -> tuple[str, ...]:
    """Return the words as paragraphs of one to three sentences."""
    paragraphs: list[str] = []
    sentences: list[str] = []
    at, wanted = 0, dice.randint(1, 3)
    while at < len(words):
        length = dice.randint(8, 20)
        sentences.append(" ".join(words[at : at + length]) + ".")
        at += length
        if len(sentences) == wanted or at >= len(words):
            paragraphs.append(" ".join(sentences))
            sentences, wanted = [], dice.randint(1, 3)
    return tuple(paragraphs)


def _printed(dice: random.Random, published: datetime) -> tuple[datetime | None, Precision | None]:
    """Return the time as the page prints it: of some the day only, of a few none."""
    share = dice.random()
    if share < 0.01:
        return None, None
    if share < 0.04:
        return published.replace(hour=0, minute=0, second=0, microsecond=0), Precision.DAY
    if share < 0.3:
        return published.replace(microsecond=0), Precision.SECOND
    return published.replace(second=0, microsecond=0), Precision.MINUTE


def _edited(article: Article, published: datetime, edition: int) -> Article:
    modified = (published + timedelta(hours=2 * edition)).replace(second=0, microsecond=0)
    return replace(
        article,
        headline=f"{article.headline} [수정 {edition}보]",
        body=(*article.body, f"이 기사는 {edition}번 고쳤다."),
        modified_at=modified,
        modified_raw=f"수정 {modified:%Y-%m-%d %H:%M}",
        modified_precision=Precision.MINUTE,
    )


def begin_of(count: int, end: datetime) -> datetime:
    """Return when the first of so many articles is published, if the last is at ``end``."""
    return (end - timedelta(days=count / A_DAY)).astimezone(KST)
