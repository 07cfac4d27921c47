"""The one spider and what Scrapy's engine needs around it: session, loader, candidates."""
