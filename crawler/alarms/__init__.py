"""What is worth waking somebody for: silence, drift, failed jobs, full disks; raised once, posted."""
