"""A week of saved pages for the notebooks, in which headlines change.

Places, people and events are made up, as are ids and times. The pages have the shape of two
outlets' pages, so that their layouts read them; they say nothing of what these outlets publish.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_KST = timezone(timedelta(hours=9))
#: The first day of the week, a Monday.
_MONDAY = datetime(2024, 5, 6, tzinfo=_KST)


@dataclass(frozen=True)
class Story:
    """An article of the week; each headline stands beside the hour of the week it was saved in."""

    outlet: str
    article_id: str
    published: float
    headlines: tuple[tuple[float, str], ...]
    body: tuple[str, ...]


WEEK = (
    Story(
        "etoday",
        "9000000201",
        8.5,
        (
            (9, "[속보] 달빛마을 우물 복원 공사 끝나"),
            (13, "달빛마을 우물 복원 끝나…“물맛 그대로”"),
            (33, "[종합] 달빛마을 우물 복원 끝나…“물맛 그대로”"),
        ),
        (
            "달빛마을이 6일 우물 복원 공사를 마치고 주민들에게 첫 물을 나눠 주었다.",
            "우물은 1938년에 판 것으로, 30년 동안 뚜껑이 덮여 있었다. 한솔비 도서관장은 마을신문에서 우물 자리를 찾았다고 말했다.",
        ),
    ),
    Story(
        "newspim",
        "20240506999911",
        10,
        (
            (10.5, "은하시 학생 발명 대회 개막...로봇 42대 출품"),
            (31, "은하시 학생 발명 대회 대상에 '솜사탕 로봇'"),
        ),
        (
            "[은하시=뉴스핌] 모래한 기자 = 은하시 학생 발명 대회가 6일 시민회관에서 열렸다.",
            "올해는 로봇 42대가 나왔다. 심사위원단은 설탕 실의 길이를 재는 방법을 눈여겨보았다고 밝혔다.",
        ),
    ),
    Story(
        "etoday",
        "9000000202",
        34,
        (
            (34.5, "별빛시장 만둣집, 비 오는 날에만 여는 까닭"),
            (60, "별빛시장 만둣집, 비 오는 날에만 여는 까닭"),
        ),
        (
            "별빛시장의 만둣집은 비가 와야 문을 연다. 주인은 반죽이 마르지 않는 날이 따로 있다고 말한다.",
            "장마가 시작되면 줄이 시장 어귀까지 이어진다. 상인회는 우산을 빌려주기로 했다.",
        ),
    ),
    Story(
        "etoday",
        "9000000203",
        56,
        (
            (56.5, "[1보] 은하은행, 동전 저금통 금리 올려"),
            (58, "[2보] 은하은행, 동전 저금통 금리 0.1%p 올려"),
            (62, "[종합] 은하은행, 동전 저금통 금리 0.1%p 올려…어린이 고객 줄 서"),
            (84, "은하은행, 동전 저금통 금리 0.1%p 올려…어린이 고객 줄 서"),
        ),
        (
            "은하은행이 8일 동전 저금통의 금리를 0.1%포인트 올린다고 밝혔다.",
            "저금통을 든 어린이들이 문을 열기 전부터 줄을 섰다. 은행은 동전을 세는 기계를 두 대 더 들였다.",
        ),
    ),
    Story(
        "newspim",
        "20240509999912",
        80,
        (
            (81, "구름시장 상인회, 우산 300개 무료 대여"),
            (105, "구름시장 상인회, 우산 350개 무료 대여"),
            (130, "구름시장 상인회, 우산 350개 무료 대여...“118개 돌아와”"),
        ),
        (
            "[구름시=뉴스핌] 나단비 기자 = 구름시장 상인회가 장마철 손님을 위해 우산을 무료로 빌려준다.",
            "빌린 우산은 시장 안 어느 가게에나 돌려주면 된다. 상인회장은 잃어버린 우산도 누군가의 현관에서 잘 지낼 것이라고 말했다.",
        ),
    ),
    Story(
        "newspim",
        "20240511999913",
        130,
        (
            (131, "[속보] 별섬 우체국 엽서, 42년 만에 주인 찾아"),
            (134, "[상보] 별섬 우체국 엽서, 42년 만에 주인 찾아"),
            (155, "별섬 우체국 엽서, 42년 만에 손녀가 찾아갔다"),
        ),
        (
            "[별섬=뉴스핌] 한누리 기자 = 별섬 우체국에 남아 있던 엽서 한 장이 11일 주인을 찾았다.",
            "엽서는 1982년 여름에 부친 것이다. 받는 사람의 손녀가 글씨를 알아보았다.",
        ),
    ),
)

_NOTE = (
    "Written by the Sacho project in the shape of the outlet's pages, with text of our own. "
    "It is not a copy of any page; ids and times are made up."
)
_SHAPES = {
    "etoday": """<!-- {note} -->
<!DOCTYPE html>
<html lang="ko"><head><meta charset="utf-8"><title>{headline} - 이투데이</title>
<meta property="og:title" content="{headline}"></head>
<body><article class="containerWrap">
<section class="news_dtail_view_top_wrap"><h1 class="main_title">{headline}</h1>
<div class="newsinfo"><span>입력 {published:%Y-%m-%d %H:%M}</span></div></section>
<div class="articleView" itemprop="articleBody">{body}</div>
</article></body></html>
""",
    "newspim": """<!-- {note} -->
<!DOCTYPE html>
<html lang="ko"><head><meta charset="utf-8"><title>{headline}</title>
<meta property="og:title" content="{headline}"></head>
<body><h2 id="main-title">{headline}</h2>
<div class="writetime"><p>기사입력 : <span id="send-time">{published:%Y년%m월%d일 %H:%M}</span></p></div>
<div id="news-contents">{body}</div></body></html>
""",
}
_ADDRESSES = {
    "etoday": "https://www.etoday.co.kr/news/view/",
    "newspim": "https://www.newspim.com/news/view/",
}


def write_week(folder: Path) -> int:
    """Write the saved pages of the week into a folder, as `sacho replay` takes them.

    Return their number.
    """
    number = 0
    for story in WEEK:
        for hour, headline in story.headlines:
            name = f"{story.outlet}-{story.article_id}-{hour:05.1f}"
            (folder / f"{name}.html").write_text(_page(story, headline), "utf-8")
            about = {
                "url": _ADDRESSES[story.outlet] + story.article_id,
                "captured_at": _at(hour).isoformat(),
                "note": _NOTE,
            }
            (folder / f"{name}.json").write_text(json.dumps(about), "utf-8")
            number += 1
    return number


def _at(hour: float) -> datetime:
    return _MONDAY + timedelta(hours=hour)


def _page(story: Story, headline: str) -> str:
    body = "\n".join(f"<p>{escape(text)}</p>" for text in story.body)
    return _SHAPES[story.outlet].format(
        note=_NOTE, headline=escape(headline), published=_at(story.published), body=body
    )
