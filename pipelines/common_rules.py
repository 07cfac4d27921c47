"""Widget rules and caption forms that many outlets share: what one prints, others print too."""

from __future__ import annotations

from pipelines.widget_rules import WidgetRule, Widgets

#: Rules of every outlet; a rule of its own with the same name replaces one.
COMMON = (
    # The slots of Google's publisher tag and of its AdSense, which pages of three of ten saved
    # outlets hold, and the label that is printed above an advertisement.
    WidgetRule(
        name="advertisement",
        body_css="ins.adsbygoogle, [id^=div-gpt-ad], [id^=google_ads_iframe]",
        line=r"[\[(<]?\s?(?:AD|Ad|ADVERTISEMENT|Advertisement|광고)\s?[\])>]?",
    ),
    # Rights are reserved in a line of its own, which is no sentence of a report.
    WidgetRule(
        name="copyright",
        line=r"(?!.*다\.$)[<\[(]?\s?(?:저작권자|Copyrights?|COPYRIGHT|ⓒ|©).{1,80}"
        r"(?:무단|재배포|금지|[Rr]eserved|RESERVED).{0,60}",
    ),
    WidgetRule(
        name="font_size",
        line=r"(?:(?:가장 ?작게|더 ?작게|작게보기|작게|기본크기|기본|크게보기"
        r"|크게|더 ?크게|가장 ?크게) ?)+",
    ),
    WidgetRule(
        name="enlarge_image", line=r"(?:이미지|사진) ?(?:확대 ?보기|확대|크게 ?보기)(?: 닫기)?"
    ),
    WidgetRule(name="subscribe", line=r"(?:(?:구독하기|자세히보기) ?)+"),
    WidgetRule(
        name="share",
        line=r"(?:(?:페이스북|트위터|URL ?(?:복사|공유)) ?)+|기사 URL이 복사되었습니다\.?",
    ),
    # Two at least: one alone may be a line of a report on it.
    WidgetRule(name="hashtags", line=r"#[\w·]{1,30}(?:[, ]*#[\w·]{1,30})+"),
    WidgetRule(name="related_news", section=r"\[?관련 ?(?:뉴스|기사)\]?"),
    WidgetRule(name="top_news", section=r"주요 ?뉴스|많이 본 (?:뉴스|기사)"),
    WidgetRule(name="comments", section=r"댓글(?: ?\d+)?"),
)

#: Forms of captions: `▲caption`, with place and agency behind its full stop
#: (`…찍고 있다. 블라디보스토크(러시아)/로이터연합뉴스`), and `caption (사진=뉴시스)`.
CAPTIONS = (
    r"▲\s?(?P<caption>.+?[.”\"])(?: (?P<credit>[^.]{2,60}))?",
    r"▲\s?(?P<caption>.+)",
    r"(?P<caption>[^.]{0,80}?) ?\((?:사진|자료|출처|제공) ?= ?(?P<credit>[^()=]{1,40})\)",
)
#: Forms of credits behind a caption, for captions whose elements are known: a paragraph may end
#: alike. `…있다. [사진 출처 = 현대건설]`, `…부통령. 사진=BTC미디어`, `…주니어. <이종화 기자>`,
#: `…있다. 인천=연합뉴스`.
CREDITS = (
    r"(?P<caption>.+?) ?[\[(](?:사진|자료|그래픽)(?: ?출처| ?제공)? ?[=:] ?"
    r"(?P<credit>[^\])=]{1,40})[\])]",
    r"(?P<caption>.+?[.”\"]) ?사진 ?[=:] ?(?P<credit>[^=]{1,40})",
    r"(?P<caption>.+?) ?[<\[/](?P<credit>[가-힣]{2,4} 기자)[>\]]?",
    r"(?P<caption>.+다\.) (?P<credit>[^.]{2,30})",
)


def with_common(*rules: WidgetRule) -> Widgets:
    """Return an outlet's rules, its own first, then those of every outlet."""
    own = {rule.name for rule in rules}
    return Widgets((*rules, *(rule for rule in COMMON if rule.name not in own)))
