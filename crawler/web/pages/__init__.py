"""The pages of the reading room: each module reads what its page shows, as values."""
