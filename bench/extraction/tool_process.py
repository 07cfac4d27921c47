"""Read pages by one tool: runs by that tool's own Python, and imports nothing of ours.

    PYTHON tool_process.py TOOL

Each line of the standard input is a JSON object with ``url`` and ``html``; for each a line is
written: an object with the fields that the tool gives (``headline``, ``deck``, ``body``,
``published``, ``modified``, ``authors``, ``captions``), with ``error``, or with ``unsupported`` where
the tool does not claim to read pages of that address. The first line written is ``{"ready": true}``.
"""

from __future__ import annotations

import json
import re
import sys
from functools import partial
from urllib.parse import urlsplit

#: Elements that begin and end a line where a tool gives the body as HTML.
_BLOCKS = (
    *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption"),
    *("figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "ol", "p"),
    *("pre", "section", "table", "tbody", "td", "th", "thead", "tr", "ul"),
)
#: Names are joined so where a tool gives one text for all authors.
_BETWEEN_NAMES = re.compile(r"\s*[;,]\s*")


def lines(text):
    """Return the lines of a text that are not blank."""
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


def lines_of_html(html):
    """Return the lines of a piece of HTML."""
    from lxml.html import fromstring

    if not html.strip():
        return []
    tree = fromstring(html)
    for node in tree.iter(*_BLOCKS):
        node.text = "\n" + (node.text or "")
        node.tail = "\n" + (node.tail or "")
    return lines(tree.text_content())


def iso(moment):
    """Return a time, or a text that states one, as ISO 8601 has it."""
    return moment.isoformat() if hasattr(moment, "isoformat") else (moment or "")


def split_words_without_data():
    """Let newspaper4k split Korean words without data that NLTK would download.

    It splits a text into sentences first, by that data, and then into words. It uses the words alone.
    """
    import nltk

    nltk.word_tokenize = partial(nltk.word_tokenize, preserve_line=True)


def trafilatura():
    """Return a reader of pages; it gives days without a clock, and a description."""
    from trafilatura import bare_extraction

    def read(url, html):
        found = bare_extraction(html, url=url, with_metadata=True, include_comments=False)
        if found is None:
            return {"headline": "", "deck": [], "body": [], "published": "", "authors": []}
        return {
            "headline": found.title or "",
            "deck": lines(found.description),
            "body": lines(found.text),
            "published": found.date or "",
            "authors": _BETWEEN_NAMES.split(found.author) if found.author else [],
        }

    return read


def newspaper4k():
    """Return a reader of pages; its language is set to Korean."""
    from newspaper import Article

    split_words_without_data()

    def read(url, html):
        article = Article(url, language="ko", fetch_images=False)
        article.download(input_html=html)
        article.parse()
        return {
            "headline": article.title or "",
            "deck": lines(article.meta_description),
            "body": lines(article.text),
            "published": iso(article.publish_date),
            "authors": list(article.authors),
        }

    return read


def readability_lxml():
    """Return a reader of pages, which gives title and body, this as HTML."""
    from readability import Document

    def read(url, html):
        document = Document(html, url=url)
        return {"headline": document.short_title(), "body": lines_of_html(document.summary())}

    return read


def news_please():
    """Return a reader of pages; it asks newspaper4k, among others."""
    from newsplease import NewsPlease

    split_words_without_data()

    def read(url, html):
        article = NewsPlease.from_html(html, url=url)
        return {
            "headline": article.title or "",
            "deck": lines(article.description),
            "body": lines(article.maintext),
            "published": iso(article.date_publish),
            "modified": iso(article.date_modify),
            "authors": list(article.authors or []),
        }

    return read


def justext():
    """Return a reader of pages, which gives the body, by the list of Korean stop words."""
    import justext as tool

    stop_words = tool.get_stoplist("Korean")

    def read(_url, html):
        found = tool.justext(html.encode(), stop_words, encoding="utf-8")
        return {"body": [each.text for each in found if not each.is_boilerplate]}

    return read


def goose3():
    """Return a reader of pages; its stop words are the Korean ones."""
    from goose3 import Goose
    from goose3.text import StopWordsKorean

    goose = Goose({"use_meta_language": False, "stopwords_class": StopWordsKorean})

    def read(url, html):
        article = goose.extract(raw_html=html, url=url)
        return {
            "headline": article.title or "",
            "deck": lines(article.meta_description),
            "body": lines(article.cleaned_text),
            "published": iso(article.publish_datetime_utc),
            "authors": list(article.authors),
        }

    return read


def resiliparse():
    """Return a reader of pages, which gives the title of the page and the body."""
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    def read(_url, html):
        tree = HTMLTree.parse(html)
        text = extract_plain_text(tree, main_content=True)
        return {"headline": tree.title or "", "body": lines(text)}

    return read


def fundus():
    """Return a reader of pages of the outlets that it has a parser for."""
    from fundus import PublisherCollection

    # All versions of a parser, the newest first: when a page was saved is not known here.
    parsers = {
        urlsplit(each.domain).netloc: [version() for version in each.parser]
        for each in PublisherCollection.kr
    }

    def read(url, html):
        host = urlsplit(url).netloc
        versions = next((parsers[each] for each in parsers if _same_site(each, host)), None)
        if versions is None:
            return {"unsupported": True}
        readings = [parser.parse(html, "suppress") for parser in versions]
        found = next((each for each in readings if _has_body(each)), readings[0])
        body = found.get("body")
        images = found.get("images") or []
        return {
            "headline": found.get("title") or "",
            "deck": list(body.summary) if body else [],
            "body": _fundus_lines(body) if body else [],
            "published": iso(found.get("publishing_date")),
            "authors": list(found.get("authors") or []),
            "captions": [each.caption for each in images if each.caption],
        }

    return read


def _same_site(one, other):
    return one.removeprefix("www.") == other.removeprefix("www.")


def _has_body(found):
    body = found.get("body")
    return bool(body) and bool(_fundus_lines(body))


def _fundus_lines(body):
    return [
        line
        for each in body.sections
        for line in (*each.headline, *each.paragraphs)
        if line.strip()
    ]


READERS = {
    "trafilatura": trafilatura,
    "newspaper4k": newspaper4k,
    "readability-lxml": readability_lxml,
    "news-please": news_please,
    "justext": justext,
    "goose3": goose3,
    "resiliparse": resiliparse,
    "fundus": fundus,
}


def main():
    """Answer a line for each line."""
    # What a tool prints itself is no answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    read = READERS[sys.argv[1]]()
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        page = json.loads(line)
        try:
            found = read(page["url"], page["html"])
        except Exception as error:  # noqa: BLE001  # whatever a tool raises is its result
            found = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    main()
