"""Tests of oneo.jobs."""
