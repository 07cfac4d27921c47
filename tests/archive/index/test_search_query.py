"""The language of queries: what each form means, and a sentence for each that means nothing."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.index.search.match import Match, match_of
from archive.index.search.query import Query, QueryError, parse_query


@pytest.mark.parametrize(
    ("query", "expression"),
    [
        ("가나 다라", '("가나") AND ("다라")'),
        ("가나 AND 다라", '("가나") AND ("다라")'),
        ('"가나 다라"', '("가나 나다 다라")'),
        ('"가나"다라', '("가나") AND ("다라")'),
        ("가나 OR 다라", '("가나" OR "다라")'),
        ("가나 OR 다라 OR 마바", '("가나" OR "다라" OR "마바")'),
        ("가나 다라 OR 마바", '("가나") AND ("다라" OR "마바")'),
        ("가-나", '("가 나"*)'),
        ("가나 - 다라", '("가나") AND ("다라")'),
        ("12:30", '("12 2 30")'),
        ("or", '("or")'),
        ('"OR"', '("or")'),
        ('"outlet:etoday"', '("ou ut tl le et t et to od da ay")'),
        ("(가나)", '("가나")'),
        ("(가나) OR 다라(마바)", '("가나" OR "다라 라 마바")'),
        ("푸틴", '("푸틴" OR "뿌찐")'),
        ('"푸틴"', '("푸틴")'),
        ("北韓", '("北韓" OR "배한" OR "북한")'),
        ('"北韓"', '("北韓")'),
    ],
)
def test_terms(query: str, expression: str) -> None:
    assert match_of(parse_query(f"quality:any {query}")) == Match(expression, "", "", "")


@pytest.mark.parametrize(
    ("query", "match"),
    [
        ('-다라 가나 -"마 바" quality:any', Match('("가나")', '"다라" OR "마바"', "", "")),
        ("가 quality:any", Match("", "", '("가")', "")),
        ("北 OR 나 quality:any", Match("", "", '("北" OR "나")', "")),
        ("가나 다 -라 -마바 quality:any", Match('("가나")', '"마바"', '("다")', '"라"')),
        ("가나 OR 다 quality:any", Match('("가나" OR "다"*)', "", "", "")),
        ("가나", Match('("가나")', '"\ue003g"', "", "")),
        ("핵 outlet:a edited:no", Match("", "", '("핵") AND "\ue002a"', '"\ue003g" OR "\ue003e"')),
        ("edited:yes -가", Match('"\ue003e"', '"\ue003g"', "", '"가"')),
        ("since:2026-01-01", Match('"\ue003"', '"\ue003g"', "", "")),
        ("author:김 quality:any", Match('("\ue004김"*)', "", "", "")),
        ('author:"홍 길동" quality:any', Match('("\ue004홍길 \ue004길동")', "", "", "")),
        (
            "section:로동당 가 quality:any",
            Match('("\ue005로동 \ue005동당" OR "\ue005노동 \ue005동당")', "", '("가")', ""),
        ),
        ("가나 quality:generic", Match('("가나") AND "\ue003g"', "", "", "")),
        (
            "가나 outlet:site:x.kr",
            Match('("가나") AND "\ue002site\ue13ax\ue12ekr"', '"\ue003g"', "", ""),
        ),
    ],
)
def test_what_is_asked_of_the_tables(query: str, match: Match) -> None:
    assert match_of(parse_query(query)) == match


def test_fields() -> None:
    query = parse_query('outlet:etoday since:2026-01-01 가나 Until:"2026-01-31"')
    assert query == Query(
        parse_query("가나").terms, (), "etoday", date(2026, 1, 1), date(2026, 1, 31)
    )


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "nothing to search for"),
        ("·", "nothing to search for"),
        ('""', "nothing to search for"),
        ("AND", "nothing to search for"),
        ("-가나", "besides those that must not occur"),
        ("가나 author:·", "has no letter or digit"),
        ("가나 edited:maybe", "write edited:yes or edited:no"),
        ("가나 -author:김", "cannot be excluded"),
        ('section:""', "has no value"),
        ('author:"홍 길동', "none closes it"),
        ('가나 "다라', "none closes it"),
        ('"', "none closes it"),
        ("OR 가나", "OR stands between two terms"),
        ("가나 OR", "the end cannot follow it"),
        ("가나 OR OR 다라", "OR stands between two terms"),
        ("가나 OR -다라", "a term with - cannot follow it"),
        ("가나 OR outlet:etoday", "outlet: cannot follow it"),
        ("outlet:etoday OR 가나", "OR stands between two terms"),
        ("가나 NOT 다라", "write -"),
        ("(가나 다라) OR 마바", "brackets do not group"),
        ("가나 since:2026-1-1", "write since:YYYY-MM-DD"),
        ("가나 since:2026-02-30", "write since:YYYY-MM-DD"),
        ("가나 until:어제", "write until:YYYY-MM-DD"),
        ("가나 since:", "has no value"),
        ("가나 -outlet:etoday", "cannot be excluded"),
        ("가나 outlet:etoday outlet:newspim", "is given twice"),
        ("headline:가나", "there is no field headline: in queries"),
        ("byline:가나", "there is no field byline: in queries"),
    ],
)
def test_what_means_nothing_is_refused_with_a_sentence(query: str, sentence: str) -> None:
    with pytest.raises(QueryError, match=sentence.replace("(", r"\(")):
        parse_query(query)


@given(
    st.lists(
        st.sampled_from(
            ['"', "-", "OR", " ", "가나", "다", "outlet:", "since:", "(", ")", "2026-01-01"]
        )
    ).map("".join)
)
def test_every_text_is_a_query_or_refused(text: str) -> None:
    try:
        query = parse_query(text)
    except QueryError as error:
        refusal = str(error)
    else:
        assert query.terms or query.outlet or query.since
        refusal = "-"
    assert refusal
