"""Rows for tests. They are committed, in a tenant of the test's own, and never cleaned up: the fence is the isolation."""
