"""The execution of one run of a job: in a process of its own or a shared one, watched, logged."""
