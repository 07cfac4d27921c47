"""The values all else speaks: an exchange, an article, an outcome, an error."""
