"""Reading the log: who hears of what happened, and when."""
