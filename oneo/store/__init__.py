"""The reading room: the only SQL text in the house."""
