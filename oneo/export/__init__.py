"""Files that records are written to, a module for each format."""
