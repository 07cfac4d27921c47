"""The two fixed articles of our own, one for each outlet."""

from __future__ import annotations

from datetime import datetime

from tests.support.mock_site.story import KST, Image, Story


def etoday_own() -> Story:
    """Tell of a made-up village library; all people and places are invented."""
    return Story(
        article_id="9000000002",
        headline="달빛마을도서관 '기록의 날'…주민 손글씨 3200쪽, 한자리에 모였다",
        deck=(
            "개관 10주년 맞아 마을신문·일기·편지 공개",
            "어린이 사관 12명이 하루를 받아 적어",
        ),
        paragraphs=(
            "달빛마을도서관이 2일 개관 10주년을 맞아 ‘기록의 날’ 행사를 열고 주민들이 10년 동안 맡긴 손글씨 기록 "
            "3200쪽을 처음으로 공개했다.",
            "이날 열람실에는 마을신문 창간호와 농사 일기, 군대 간 아들에게 보낸 편지가 연도별로 놓였다. 가장 오래된 것은 "
            "1961년에 쓴 장보기 공책으로, 쌀 한 되와 고무신 한 켤레의 값이 적혀 있다.",
            "한솔비 도서관장은 “누가 썼는지보다 그날 그대로 남아 있다는 것이 중요하다”며 “한 글자도 고치지 않고 보존하는 것이 "
            "우리의 원칙”이라고 말했다. 도서관은 원본을 습도 45% 서고에 두고, 사본만 빌려준다.",
            "초등학생 12명은 ‘어린이 사관’이 되어 행사 하루를 시간 순서대로 받아 적었다. 점심으로 나온 똠얌꿍이 매웠다는 "
            "이야기도 그대로 실렸다. 기록은 다음 달 마을신문 별쇄본으로 나온다.",
            "도서관은 올해 안에 기록 전체의 차례를 만들어 누구나 찾아볼 수 있게 할 계획이다. 문의는 도서관 기록방에서 받는다.",
        ),
        images=(
            Image(
                "https://img.etoday.co.kr/pto_db/2018/03/fixture-9000000002.jpg",
                "▲2일 달빛마을도서관에서 열린 ‘기록의 날’ 행사에서 주민들이 1961년 장보기 공책을 살펴보고 있다. 사진제공=달빛마을도서관",
            ),
        ),
        published=datetime(2018, 3, 2, 9, 10, tzinfo=KST),
        modified=datetime(2018, 3, 2, 11, 25, tzinfo=KST),
        reporter="한누리",
        role="기자",
        email="fixture.nuri@etoday.co.kr",
        place="달빛마을",
        section="사회",
        tags=("달빛마을도서관", "기록의날"),
    )


def newspim_own() -> Story:
    """Tell of a made-up island's archive day; all people and places are invented."""
    return Story(
        article_id="20180302999902",
        headline='별섬 우체국, 주인 못 찾은 엽서 417장 공개..."받는 사람을 찾습니다"',
        deck=("40년 동안 창고에 보관", "기록의 날 맞아 섬 도서관서 전시"),
        paragraphs=(
            "별섬 우체국이 기록의 날을 맞아 40년 동안 주인을 찾지 못한 엽서 417장을 섬 도서관에서 공개했다.",
            "엽서는 1978년부터 2017년 사이에 부쳐진 것으로, 받는 사람의 주소가 비에 지워졌거나 이름만 적혀 있어 배달하지 못했다. "
            '우체국은 이를 버리지 않고 날짜별로 묶어 창고에 두었다. 윤가람 우체국장은 "언젠가 찾아올 것이라고 믿었다"고 말했다.',
            "전시장에서는 엽서를 만지지 않고 양면 사본으로 볼 수 있다. 글씨를 알아본 사람은 안내대의 공책에 이름을 남기면 된다. "
            "첫날에만 6명이 자신이나 가족의 엽서를 찾아갔다.",
            "가장 먼저 주인을 찾은 것은 1984년 여름에 온 엽서다. '레모네이드 두 병과 똠얌꿍 사진을 보낸다'는 글이 적혀 있었고, "
            "받는 사람의 손녀가 사연을 읽고 알아보았다.",
            "한편 우체국은 남은 엽서의 사본을 올해 말까지 누구나 찾아볼 수 있게 정리할 예정이다.",
        ),
        images=(
            Image(
                "https://img.newspim.com/news/2018/03/02/fixture-20180302999902.jpg",
                "[별섬=뉴스핌] 한누리 기자 = 2일 별섬 도서관에서 한 주민이 주인을 찾지 못한 엽서의 사본을 보고 있다. "
                "[사진=별섬 우체국] 2018.03.02 fixture.nuri@newspim.com",
                after=2,
            ),
        ),
        published=datetime(2018, 3, 2, 9, 10, tzinfo=KST),
        modified=datetime(2018, 3, 2, 11, 25, tzinfo=KST),
        reporter="한누리",
        role="기자",
        email="fixture.nuri@newspim.com",
        place="별섬",
        section="전국",
        tags=("별섬", "기록의날"),
    )
