"""An outlet's articles over time: published, edited, taken down, by a clock that only we move."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.support.mock_site.story import KST, Story
from tests.support.mock_site.words import compose, section_of

#: The newest article's time when a catalogue is made, KST.
CLOCK = datetime(2026, 11, 1, 12, 0, tzinfo=KST)
BETWEEN = timedelta(minutes=6)
#: Etoday's newest id then: in line with the ids OUTLETS dates.
ETODAY_NEWEST = 2641000


class Catalogue:
    """The articles of one outlet, oldest first; everything follows from outlet, count and seed."""

    def __init__(
        self,
        outlet: str,
        articles: int,
        seed: int,
        clock: datetime = CLOCK,
        between: timedelta = BETWEEN,
    ) -> None:
        self.outlet = outlet
        self.seed = seed
        self.now = clock
        self._between = between
        self._lock = threading.Lock()
        self._pick = random.Random(f"{outlet}/{seed}/ids")
        self._published: dict[str, datetime] = {}
        self._edited: dict[str, Story] = {}
        self._gone: dict[str, int] = {}
        times = [clock - between * n for n in range(articles - 1, -1, -1)]
        gaps = [self._gap() for _ in times]
        self._etoday_last = ETODAY_NEWEST - sum(gaps)
        self._newspim_last = ("", 0)
        for moment, gap in zip(times, gaps, strict=True):
            self._add(moment, gap)

    def ids(self) -> list[str]:
        """Give the ids that are up now, oldest first."""
        with self._lock:
            return [article_id for article_id in self._published if article_id not in self._gone]

    def newest(self, count: int | None, start: int = 0, section: str = "") -> list[Story]:
        """Give articles that are up, newest first, from the ``start``-th on; of one section if named."""
        found = [self.story(article_id) for article_id in self._newest_ids(count, start, section)]
        return [story for story in found if story is not None]

    def story(self, article_id: str) -> Story | None:
        """Give the article as it reads now, or ``None`` when no such article is up."""
        with self._lock:
            published = self._published.get(article_id)
            edited = self._edited.get(article_id)
            if published is None or article_id in self._gone:
                return None
        return edited or compose(self.outlet, article_id, published, self.seed)

    def gone(self, article_id: str) -> int:
        """Give the status that a deleted article answers with, 404 for one that never was."""
        with self._lock:
            return self._gone.get(article_id, 404)

    def publish(self, count: int) -> list[str]:
        """Put up new articles, as far apart as the others; the clock moves with them. Gives their ids."""
        with self._lock:
            added = []
            for _ in range(count):
                self.now += self._between
                added.append(self._add(self.now, self._gap()))
            return added

    def edit(self, article_id: str, **fields: Any) -> Story:
        """Change fields of an article, with none named headline and text; the clock moves a minute.

        :raises KeyError: no such article is up.
        """
        story = self.story(article_id)
        if story is None:
            raise KeyError(article_id)
        with self._lock:
            self.now += timedelta(minutes=1)
            if not fields:
                correction = f"{self.now:%d일 %H시 %M분} 기록의 수를 바로잡았다."
                fields = {
                    "headline": f"{story.headline} (수정)",
                    "paragraphs": (*story.paragraphs, correction),
                }
            changed = replace(story, **{"modified": self.now, **fields})
            self._edited[article_id] = changed
            return changed

    def delete(self, article_id: str, status: int = 404) -> None:
        """Take an article down; its address answers with the status from now on, 200 with a page that says so.

        :raises KeyError: no such article was ever up.
        """
        with self._lock:
            if article_id not in self._published:
                raise KeyError(article_id)
            self._gone[article_id] = status

    def restore(self, article_id: str) -> None:
        """Put an article up again that was taken down, as it read last.

        :raises KeyError: it was not taken down.
        """
        with self._lock:
            del self._gone[article_id]

    def _newest_ids(self, count: int | None, start: int, section: str) -> list[str]:
        ids = self.ids()[::-1]
        if section:
            ids = [
                article_id for article_id in ids if section_of(self.outlet, article_id) == section
            ]
        return ids[start:] if count is None else ids[start : start + count]

    def _gap(self) -> int:
        """Ids are left out now and then, as in the outlets' own numbering."""
        return 2 if self._pick.random() < 0.3 else 1

    def _add(self, moment: datetime, gap: int) -> str:
        if self.outlet == "etoday":
            self._etoday_last += gap
            article_id = str(self._etoday_last)
        else:
            day = f"{moment:%Y%m%d}"
            last = self._newspim_last[1] if self._newspim_last[0] == day else 0
            self._newspim_last = (day, last + gap)
            article_id = f"{day}{last + gap:06d}"
        self._published[article_id] = moment
        return article_id
