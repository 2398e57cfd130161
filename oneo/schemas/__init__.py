"""JSON shapes, in and out. What they mean is checked once, in the operations."""
