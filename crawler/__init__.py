"""How pages arrive: outlets, spiders, replay, and the command line's verbs."""
