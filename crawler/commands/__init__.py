"""The commands, one module each, in packages by what they do (COMMANDS_MODULE)."""
