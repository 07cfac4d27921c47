"""One module a verb; Scrapy finds them by COMMANDS_MODULE."""
