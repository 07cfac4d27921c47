"""The history of runs: recorded, claimed, read back; the figures and alarms made of it."""
