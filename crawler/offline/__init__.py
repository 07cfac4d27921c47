"""What reads without the network: replay, import of WARCs, recovery, reindex."""
