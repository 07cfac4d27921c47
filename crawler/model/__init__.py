"""Plain values: outlets, layouts, channels, windows of days, arguments of a crawl."""
