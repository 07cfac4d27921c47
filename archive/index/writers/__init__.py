"""Who may write what, and when: leases of runs, parts that a transaction has alone, conflicts."""
