"""Commands that fetch from an outlet: a crawl, scheduled crawls, a single page."""
