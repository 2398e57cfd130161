"""Formats of files, without a database."""
