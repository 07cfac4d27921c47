"""Crawls in this process: one of an outlet, several in one reactor, and those that are ordered."""
