"""Alarms: silence, drift, failed jobs, findings, full disks; each raised once and posted."""
