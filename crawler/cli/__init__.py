"""What the commands share: base class, start of the process, one page fetched, old verbs."""
