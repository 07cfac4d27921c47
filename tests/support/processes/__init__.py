"""Processes as users start them: verbs, schedulers, workers, under odd clocks and terminals."""
