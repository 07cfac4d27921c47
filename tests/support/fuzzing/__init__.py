"""Fuzzing: targets with what must hold of them, inputs made from samples, and two engines."""
