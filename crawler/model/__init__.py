"""What an outlet is, as plain values: hosts, layouts, channels, windows of days, crawl arguments."""
