"""How things stand, computed once, shown as table, JSON and Prometheus text."""
