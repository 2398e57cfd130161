"""Workloads, each beside the same SQL run bare in the same run."""
