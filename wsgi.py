"""`python wsgi.py` starts the server; `wsgi:app` is the application for any other WSGI server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

    app: Flask


def __getattr__(name: str) -> Any:
    """The application is made when it is first asked for, so that the command line starts at once."""
    if name not in {"app", "application"}:
        raise AttributeError(name)
    from oneo.app import create_app

    made = create_app()
    globals()["app"] = globals()["application"] = made
    return made


if __name__ == "__main__":
    from oneo.server import main

    main()
