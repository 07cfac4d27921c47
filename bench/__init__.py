"""Measurements, and what they measure with."""
