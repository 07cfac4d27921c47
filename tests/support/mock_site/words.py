"""Articles made from a list of words: the same id and seed, the same article.

Every body differs, and every headline but those of Etoday's very short items. The words are ours,
the people and places invented; every character exists in cp949.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from zlib import crc32

from tests.support.mock_site.story import Image, Story

if TYPE_CHECKING:
    from datetime import datetime

#: Etoday's list codes and their words (OUTLETS); which RSS file an article of a code is in, is our
#: choice.
ETODAY_SECTIONS = {
    "1206": ("증권", "finance"),
    "1302": ("전자/통신/IT", "industry"),
    "1391": ("산업", "market"),
    "1601": ("국제", "global"),
    "1603": ("국제시황", "politics"),
    "1701": ("경제", "economy"),
}
#: Newspim's category codes and their words (OUTLETS); code 1 holds everything.
NEWSPIM_SECTIONS = {
    "101": "정치",
    "102": "사회",
    "103": "경제",
    "104": "부동산",
    "105": "증권·금융",
    "106": "산업",
    "107": "글로벌",
    "108": "전국",
}
PLACES = [
    "달빛시",
    "별섬",
    "은하군",
    "구름읍",
    "바람골",
    "솔내시",
    "한여울",
    "새벽항",
    "물빛군",
    "노을면",
    "가온시",
    "너른들",
    "모래톱",
    "하늘재",
    "온누리",
    "샘골",
]
THINGS = [
    "도서관",
    "우체국",
    "천문대",
    "양조장",
    "기록관",
    "방앗간",
    "시장",
    "등대",
    "식물원",
    "박물관",
    "버스터미널",
    "수목원",
    "염전",
    "대장간",
    "극장",
    "빵집",
    "양봉장",
    "나루터",
]
ITEMS = [
    "엽서",
    "일기장",
    "사진첩",
    "지도",
    "씨앗",
    "악보",
    "편지",
    "달력",
    "영수증",
    "승차권",
    "항해일지",
    "설계도",
    "요리책",
    "신문철",
    "녹음테이프",
    "족보",
    "장부",
    "그림책",
]
NAMES = [
    "한누리",
    "나단비",
    "모래한",
    "윤가람",
    "한솔비",
    "도하늘",
    "서리나",
    "민들레",
    "강마루",
    "오새봄",
    "유라온",
    "배다솜",
    "채이슬",
    "임보라",
    "구슬기",
    "정미르",
]
ROLES = ["관장", "국장", "조합장", "학예사", "연구원", "이장", "위원장", "사무장", "교수", "대표"]
ACTS = [
    "복원했다",
    "공개했다",
    "정리했다",
    "옮겨",
    "적었다",
    "수리했다",
    "전시했다",
    "기증받았다",
    "촬영했다",
    "분류했다",
    "되찾았다",
    "조사했다",
    "보관했다",
]
FEELINGS = [
    "뿌듯하다",
    "놀랍다",
    "아쉽다",
    "고맙다",
    "조심스럽다",
    "반갑다",
    "낯설다",
    "든든하다",
    "새롭다",
    "벅차다",
]
SENTENCES = (
    "{place} {thing}은 지난 {n}월부터 {item} {m}점을 {act}.",
    "{name} {role}은 {q}{item} 하나하나에 사람의 하루가 들어 있다는 생각을 하면 {feel}{p}고 말했다.",
    "가장 오래된 것은 {y}년에 만든 {item}{jo} 확인됐다.",
    "이번 작업에는 {place} 주민 {m}명과 학생 {n}명이 참여했다.",
    "{thing} 측은 {item} 가운데 {n}점은 손상이 심해 사본만 내놓기로 했다고 설명했다.",
    "예산은 모두 {m}만 원이 들었고 그중 절반은 {place} 상인회가 부담했다.",
    "{name} {role}은 같은 날 {place} 회관에서 열린 설명회에서 {item} 정리 원칙 {n}가지를 발표했다.",
    "당초 {n}월에 끝낼 예정이었으나 장마로 {item} 말리는 기간이 길어지면서 일정이 늦춰졌다.",
    "{y}년 큰물이 났을 때 {thing} 지하에 있던 {item} 상당수가 젖었다는 기록도 나왔다.",
    "{q}잃어버린 줄 알았던 {item}{eul} 다시 보니 {feel}{p}는 반응이 이어졌다.",
    "{place} 의회는 {thing} 운영 조례를 고쳐 {item} 열람 시간을 하루 {n}시간으로 늘렸다.",
    "전문가들은 종이 산성도가 {n}.{d} 수준이라 앞으로 {m}년은 더 보관할 수 있다고 내다봤다.",
    "한편 {place} {thing}은 다음 달 {n}일 두 번째 공개 행사를 연다.",
    "설문에 답한 방문객 {m}명 중 {n}명은 {item}{eul} 직접 만져 보고 싶다고 했다.",
    "{name} {role}이 {y}년에 남긴 공책에는 {item} 값과 날씨가 나란히 적혀 있다.",
    "이웃한 {place}에서도 비슷한 {item}{ga} {n}점 나와 두 곳이 함께 목록을 만들기로 했다.",
    "{item}{eul} 옮기는 데에는 상자 {m}개와 소형 화물차 {n}대가 쓰였다.",
    "{thing} 앞 게시판에는 {item}의 주인을 찾는다는 안내문이 {n}개 언어로 붙었다.",
    "{q}고치는 일보다 그대로 두는 일이 더 어렵다{p}고 {name} {role}은 덧붙였다.",
    "목록은 {y}년 것부터 차례로 공개되며 전체 분량은 {m}쪽에 이른다.",
    "관람료는 받지 않으며 점심으로는 {place} 특산 국수와 똠얌꿍이 {n}그릇까지 나온다.",
    "{place} 초등학교 {n}학년 학생들은 {item}{eul} 보고 각자의 하루를 받아 적었다.",
)


def compose(
    outlet: str, article_id: str, published: datetime, seed: int, *, short: bool = True
) -> Story:
    """Make up the article with this id; one of forty of Etoday's is a very short item, unless not ``short``."""
    pick = random.Random(f"{outlet}/{seed}/{article_id}")
    quotes = "“”" if outlet == "etoday" else '""'
    place, thing, item, name = (pick.choice(words) for words in (PLACES, THINGS, ITEMS, NAMES))
    paragraphs = [
        f"{place} {thing}이 {item} 기록 제{article_id}호를 {pick.choice(ACTS)[:-1]}다고 {published.day}일 밝혔다."
    ]
    sentences = pick.sample(SENTENCES, pick.randint(9, 16))
    while sentences:
        size = pick.randint(2, 3)
        paragraphs.append(" ".join(_fill(sentence, pick, quotes) for sentence in sentences[:size]))
        del sentences[:size]
    if short and outlet == "etoday" and crc32(f"short {article_id}".encode()) % 40 == 0:
        return _appointments(article_id, published, place, thing, pick)
    host = "etoday.co.kr" if outlet == "etoday" else "newspim.com"
    email = f"fixture.{NAMES.index(name):02d}@{host}"
    role = "특파원" if pick.random() < 0.1 else "기자"
    return Story(
        article_id=article_id,
        headline=_headline(outlet, pick, place, thing, item, article_id),
        paragraphs=tuple(paragraphs),
        published=published,
        deck=(f"{item} {pick.randint(2, 900)}점 첫 공개", f"{name} {role} 현장 취재")
        if pick.random() < 0.5
        else (),
        images=(
            _image(
                outlet, pick, article_id, published, f"{place} {thing}", f"{name} {role}", email
            ),
        )
        if pick.random() < 0.7
        else (),
        reporter=name,
        role=role,
        email=email,
        place=place,
        section=section_of(outlet, article_id),
        tags=(f"{place}{thing}", item),
    )


def _appointments(
    article_id: str, published: datetime, place: str, thing: str, pick: random.Random
) -> Story:
    """Make up one of the very short items ([인사]) whose page is nearly all widgets: two lines, nobody's byline."""
    first, second, third = pick.sample(NAMES, 3)
    return Story(
        article_id=article_id,
        headline=f"[인사] {place} {thing}",
        paragraphs=(
            f"◇ {place} {thing} 제{article_id}호",
            f"△기록국장 {first} △서고팀장 {second} △열람팀장 {third}",
        ),
        published=published,
        section=section_of("etoday", article_id),
    )


def section_of(outlet: str, article_id: str) -> str:
    """Tell the section an article is made up for, without making it up."""
    names = (
        [words for words, _ in ETODAY_SECTIONS.values()]
        if outlet == "etoday"
        else list(NEWSPIM_SECTIONS.values())
    )
    return names[crc32(article_id.encode()) % len(names)]


def _headline(
    outlet: str, pick: random.Random, place: str, thing: str, item: str, article_id: str
) -> str:
    dots = "…" if outlet == "etoday" else "..."
    opening = pick.choice(("", "", "[종합] ", "[현장] ", "[단독] "))
    return f"{opening}{place} {thing}, {item} {pick.randint(2, 9000)}점 공개{dots}기록 제{article_id}호"


def _image(
    outlet: str,
    pick: random.Random,
    article_id: str,
    published: datetime,
    where: str,
    who: str,
    email: str,
) -> Image:
    if outlet == "etoday":
        url = f"https://img.etoday.co.kr/pto_db/{published:%Y/%m}/twin-{article_id}.jpg"
        return Image(url, f"▲{published.day}일 {where} 전경. 사진제공={where}")
    url = f"https://img.newspim.com/news/{published:%Y/%m/%d}/twin-{article_id}.jpg"
    line = f"[{where.split()[0]}=뉴스핌] {who} = {published.day}일 {where} 전경. {published:%Y.%m.%d} {email}"
    return Image(url, line, after=pick.randint(1, 2))


def _fill(sentence: str, pick: random.Random, quotes: str) -> str:
    item = pick.choice(ITEMS)
    return sentence.format(
        place=pick.choice(PLACES),
        thing=pick.choice(THINGS),
        item=item,
        jo="로" if (ord(item[-1]) - 0xAC00) % 28 in (0, 8) else "으로",
        eul="을" if (ord(item[-1]) - 0xAC00) % 28 else "를",
        ga="이" if (ord(item[-1]) - 0xAC00) % 28 else "가",
        name=pick.choice(NAMES),
        role=pick.choice(ROLES),
        act=pick.choice(ACTS),
        feel=pick.choice(FEELINGS),
        n=pick.randint(2, 12),
        m=pick.randint(13, 980),
        d=pick.randint(0, 9),
        y=pick.randint(1951, 2019),
        q=quotes[0],
        p=quotes[1],
    )
