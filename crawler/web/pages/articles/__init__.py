"""The pages of one article: its fields, how to cite it, its history, what differs in it."""
