"""Normal forms: those of Unicode, and of texts with more marks than any writing has, in linear time."""

from __future__ import annotations

import re
import unicodedata
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.model.normal_form import Form, normalized

#: Marks of different classes, alone and within characters that are decomposed.
MARKS = "\u0301\u0316\u0344\u0f73\u3099\uff9e\u05b0"
_RUN = re.compile(f"[{MARKS}]+")
FORMS: tuple[Form, ...] = ("NFC", "NFKC")


@pytest.mark.parametrize("form", FORMS)
@given(st.text(st.sampled_from("a가각ᄀ①ﬁ漢 \u034f" + MARKS), max_size=200))
def test_it_is_the_normal_form(form: Form, text: str) -> None:
    made = normalized(form, text)
    assert unicodedata.is_normalized(form, made)
    assert normalized(form, made) == made
    if max(map(len, _RUN.findall(text)), default=0) <= 30:
        assert made == unicodedata.normalize(form, text)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("marks", ["\u0301\u0316", "\u0f73", "\u0344\u0316"])
def test_a_run_of_marks_takes_no_square_of_its_length(form: Form, marks: str) -> None:
    text = "가" + marks * 200_000
    began = process_time()
    made = normalized(form, text)
    assert process_time() - began < 5
    assert unicodedata.is_normalized(form, made)
    kept = sum(len(unicodedata.normalize("NFKD", one)) for one in made if one != "\u034f")
    assert kept == 2 + len(unicodedata.normalize("NFKD", marks)) * 200_000
