"""Check the index by itself: references, one current revision an article, the search index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select

from archive.index.fulltext import held_documents
from archive.index.rows.article_rows import to_article, to_document, to_row
from archive.index.schema import articles, captures, revisions
from archive.index.search.position import is_place
from archive.index.sqlite.damage import damages
from archive.model.outcome import Outcome, Reason
from archive.verify.warc_file.findings import Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from archive.index.fulltext import HeldDocuments
    from archive.model.article import Article

_SHOWN = (Outcome.NEW, Outcome.CHANGED, Outcome.UNCHANGED)
#: Table, query for the keys of rows that are wrong, and what is wrong with them.
_CHECKS = (
    (
        "revisions",
        "Its capture is not in the table captures.",
        """
        SELECT id FROM revisions r
        WHERE NOT EXISTS (SELECT 1 FROM captures c WHERE c.id = r.capture_id)""",
    ),
    (
        "revisions",
        "The capture it was read from shows another article, or none.",
        """
        SELECT r.id FROM revisions r JOIN captures c ON c.id = r.capture_id
        LEFT JOIN revisions o ON o.id = c.revision_id
        WHERE o.article IS NULL OR o.article <> r.article""",
    ),
    (
        "revisions",
        "No capture of its article was made at its captured_at.",
        """
        SELECT r.id FROM revisions r WHERE NOT EXISTS (
            SELECT 1 FROM revisions o JOIN captures c ON c.revision_id = o.id
            WHERE o.article = r.article AND c.captured_at = r.captured_at)""",
    ),
    (
        "revisions",
        "It is current, and the article has a later one.",
        """
        SELECT r.id FROM revisions r WHERE r.current AND EXISTS (
            SELECT 1 FROM revisions o
            WHERE o.article = r.article AND o.captured_at > r.captured_at)""",
    ),
    (
        "revisions",
        "It is current and has no position in full-text search, or the reverse.",
        """
        SELECT id FROM revisions WHERE (search_position IS NOT NULL) <> current
        OR (search_position IS NULL) <> (search_spill IS NULL)""",
    ),
    (
        "revisions",
        "Its article is not in the table articles.",
        """
        SELECT id FROM revisions r
        WHERE NOT EXISTS (SELECT 1 FROM articles a WHERE a.id = r.article)""",
    ),
    (
        "articles",
        "Some of its revisions were read by layouts, and others by none.",
        """
        SELECT article FROM revisions GROUP BY article HAVING count(DISTINCT quality) > 1""",
    ),
    (
        "captures",
        "No layout reads it, and it shows a revision that one has read.",
        """
        SELECT c.id FROM captures c JOIN revisions r ON r.id = c.revision_id
        WHERE c.outcome = 'unparsed' AND r.quality <> 'generic'""",
    ),
    (
        "articles",
        "It has not exactly one current revision.",
        """
        SELECT a.id FROM articles a LEFT JOIN revisions r ON r.article = a.id
        GROUP BY a.id HAVING count(CASE WHEN r.current THEN 1 END) <> 1""",
    ),
    (
        "articles",
        "Its revisions are not numbered from 1 on.",
        """
        SELECT article FROM revisions
        GROUP BY article HAVING min(number) <> 1 OR max(number) <> count(*)""",
    ),
    (
        "captures",
        "Its revision is not in the table revisions.",
        """
        SELECT id FROM captures c WHERE revision_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM revisions r WHERE r.id = c.revision_id)""",
    ),
    (
        "captures",
        "Its outlet is not that of the article it shows.",
        """
        SELECT c.id FROM captures c
        JOIN revisions r ON r.id = c.revision_id JOIN articles a ON a.id = r.article
        WHERE a.outlet <> c.outlet""",
    ),
    (
        "aliases",
        "Its article does not exist, or is of another outlet.",
        """
        SELECT l.outlet || '/' || l.alias FROM aliases l LEFT JOIN articles a ON a.id = l.article
        WHERE a.outlet IS NULL OR a.outlet <> l.outlet""",
    ),
    (
        "outcomes",
        "Its capture is not in the table captures.",
        """
        SELECT id FROM outcomes o WHERE capture_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM captures c WHERE c.id = o.capture_id)""",
    ),
    (
        "outcomes",
        "Its run is not in the table runs.",
        """
        SELECT id FROM outcomes o WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = o.run_id)""",
    ),
)
#: An article may be read of a page that no layout reads.
_MAY_SHOW = (*_SHOWN, Outcome.UNPARSED)
_SHOWS = captures.c.outcome.in_(_SHOWN)
#: Captures whose outcome is unknown, or contradicts the other columns.
_OUTCOMES = select(captures.c.id).where(
    or_(
        captures.c.outcome.not_in([*Outcome]),
        captures.c.reason.not_in(["", *Reason]),
        (captures.c.reason == "") != _SHOWS,
        and_(captures.c.revision_id.is_(None), _SHOWS),
        and_(captures.c.revision_id.is_not(None), captures.c.outcome.not_in(_MAY_SHOW)),
    )
)


#: How many revisions the article of a row has.
_OTHER = revisions.alias("other")
_SIBLINGS = select(func.count()).where(_OTHER.c.article == revisions.c.article).scalar_subquery()


def check_index(connection: Connection, *, whole: bool) -> Iterator[Finding]:
    """Yield findings about rows that contradict each other; ``whole``: texts and search, too."""
    for sentence in damages(connection, whole=whole):
        yield _found("index", "", sentence)
    for table, sentence, query in _CHECKS:
        for (key,) in connection.exec_driver_sql(query):
            yield _found(table, key, sentence)
    for key in connection.scalars(_OUTCOMES):
        yield _found("captures", key, "Its outcome, reason and revision contradict each other.")
    if whole:
        yield from _check_texts(connection)


def _check_texts(connection: Connection) -> Iterator[Finding]:
    """Check that revisions are valid articles, and that search holds exactly their words."""
    held = held_documents(connection)
    query = select(
        revisions,
        articles.c.outlet,
        articles.c.article_id,
        articles.c.url,
        _SIBLINGS.label("siblings"),
    ).join(articles)
    with connection.execute(query.execution_options(yield_per=500)) as rows:
        for row in rows.mappings():
            yield from _check_revision(dict(row), held)
    for position in held.left():
        sentence = "The search index holds a document of no current revision."
        yield Finding("search", -1, str(position), Rule.SEARCH, sentence)


def _check_revision(row: dict[str, Any], held: HeldDocuments) -> Iterator[Finding]:
    """Check one row of ``revisions``, and its document in the search index."""
    key = row["id"]
    try:
        article = to_article(row)
        written = to_row(article, row["layouts"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        yield _found("revisions", key, f"It holds no article ({error}).")
        return
    wrong = [name for name, value in written.items() if value != row[name]]
    if wrong:
        why = " (not derived from the other fields)" if wrong == ["content_key"] else ""
        yield _found(
            "revisions", key, f"Not the values of a valid article: {', '.join(wrong)}{why}."
        )
    if row["search_position"] is not None:
        yield from _check_document(row, article, held)


def _check_document(
    row: dict[str, Any], article: Article, held: HeldDocuments
) -> Iterator[Finding]:
    """Check that a current revision has its place in the search index, and its words there."""
    key, position = row["id"], row["search_position"]
    if not is_place(position, row["search_spill"], key, article.published_at):
        sentence = "Its position in full-text search is not of its time of publication."
        yield _found("revisions", key, sentence)
    for what in held.missing(to_document(position, article, edited=row["siblings"] > 1)):
        sentence = f"The search index does not hold {what}."
        yield Finding("search", -1, str(key), Rule.SEARCH, sentence)


def _found(table: str, key: object, sentence: str) -> Finding:
    return Finding(table, -1, str(key), Rule.INDEX, sentence)
