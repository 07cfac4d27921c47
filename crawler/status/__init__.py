"""The status of outlets and jobs, computed once, as tables, JSON and Prometheus text."""
