"""The settings module of a user's own project: ours, and the user's components."""

from crawler.settings import *  # noqa: F403
from tests.support.crawling.user_parts import PARTS

globals().update(PARTS)
