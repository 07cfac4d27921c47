"""The new index takes the place of the old one, in a file or a database."""
