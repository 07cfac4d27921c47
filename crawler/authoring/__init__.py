"""What helps to write an outlet's file: its fixtures, what each source finds, proposals."""
