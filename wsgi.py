"""`python wsgi.py` starts the server; `wsgi:app` is the application for any other WSGI server."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

    app: Flask


def __getattr__(name: str) -> Any:
    """The application is made when it is first asked for, so that the command line starts at once.

    `flask --app wsgi db ...` gets the owner's: the one that serves wants the tables that are still to be made.
    """
    if name not in {"app", "application"}:
        raise AttributeError(name)
    import click

    from oneo.app import create_app
    from oneo.errors import ConfigurationError

    migrating = click.get_current_context(silent=True) is not None and "db" in sys.argv
    try:
        made = create_app(as_owner=migrating)
    except ConfigurationError as error:
        if migrating:
            raise click.ClickException(str(error)) from None
        raise
    globals()["app"] = globals()["application"] = made
    return made


if __name__ == "__main__":
    from oneo.server import main

    main()
