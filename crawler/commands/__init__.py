"""One module a verb (COMMANDS_MODULE)."""
