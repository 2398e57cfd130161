"""`python wsgi.py`: from the command line to a server that answers."""

from __future__ import annotations

import argparse
import signal
import sys
from typing import Any, NoReturn

from oneo.config import Settings
from oneo.errors import ConfigurationError, DomainError

EXIT_REFUSED = 1
EXIT_MISCONFIGURED = 2
_ENDS = (signal.SIGTERM, signal.SIGINT)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Serves until it is told to stop. What keeps it from serving is one line on standard error."""
    from oneo.server.place import Refused
    from oneo.server.start import start

    given = vars(_parser().parse_args(arguments))
    # Until gunicorn takes over: an orderly end, so that what was started is stopped again.
    for number in _ENDS:
        signal.signal(number, _end)
    try:
        start(Settings.from_environ(**{name: value for name, value in given.items() if value is not None}))
    except ConfigurationError as error:
        _fail(str(error), EXIT_MISCONFIGURED)
    except (Refused, DomainError) as error:
        _fail(str(error), EXIT_REFUSED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python wsgi.py",
        description="Serves Oneo. Without DATABASE_URL it brings its own PostgreSQL.",
        epilog="Everything else is set by the environment: `python -m oneo settings` lists it.",
    )
    _add(parser, "--host", "host", str, "H", "address to listen on (ONEO_HOST, default 127.0.0.1)")
    _add(parser, "--port", "port", int, "P", "port to listen on, 0 for any free one (PORT, default 8000)")
    _add(parser, "--workers", "workers", int, "N", "server processes (ONEO_WORKERS, default 1)")
    parser.add_argument(
        "--demo", action="store_const", const=True, help="create the demo tenants, with a password that everybody knows"
    )
    return parser


def _add(parser: argparse.ArgumentParser, flag: str, name: str, kind: Any, metavar: str, about: str) -> None:
    parser.add_argument(flag, dest=name, type=kind, metavar=metavar, help=about)


def _end(number: int, _frame: object) -> NoReturn:
    for other in _ENDS:
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)


def _fail(message: str, code: int) -> NoReturn:
    print(f"oneo: {message}", file=sys.stderr)  # noqa: T201 - said to whoever starts the server
    sys.exit(code)
