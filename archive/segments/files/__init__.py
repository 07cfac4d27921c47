"""Files: whole or not at all, locked, measured, and the room on their disk."""
