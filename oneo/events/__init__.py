"""Writing the log: the unit of work and what it leaves behind."""
