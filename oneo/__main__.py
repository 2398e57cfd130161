"""`python -m oneo`: the command line of whoever runs the server."""

from __future__ import annotations

from oneo.cli import cli

cli(prog_name="python -m oneo")
