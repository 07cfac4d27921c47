"""The commands, one module each (COMMANDS_MODULE)."""
