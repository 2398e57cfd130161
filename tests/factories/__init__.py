"""Rows for tests: committed, in a tenant of the test's own, never cleaned up, because the fence is the isolation."""
