"""What is wrong with the server, and no fault of who asks it."""

from __future__ import annotations

from typing import Any

from oneo.errors.base import DomainError


class Unavailable(DomainError):
    code, status, title = "UNAVAILABLE", 503, "The server cannot answer just now; try again."

    def __init__(self, detail: str | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("headers", {"Retry-After": "1"})
        super().__init__(detail, **kwargs)


class StatementTimeout(DomainError):
    """No 5xx and no 503: whoever asked the same again would get the same, and the database the same work."""

    code, status = "STATEMENT_TIMEOUT", 422
    title = "This takes the database too long: ask by a field with an index, for less, or with count=none."


class TooExpensive(DomainError):
    """Like StatementTimeout a 422: the same request would cost as much again."""

    code, status = "TOO_EXPENSIVE", 422
    title = "The request needs more computing time than one request may use: send less at once."


class TooManyRunning(DomainError):
    """Not RATE_LIMITED: it counts what runs at the same time, however slowly requests are sent."""

    code, status = "TOO_MANY_RUNNING", 429
    title = "Too many requests of this user or tenant are running: wait for answers before sending more."

    def __init__(self, detail: str | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("headers", {"Retry-After": "1"})
        super().__init__(detail, **kwargs)


class ClientGone(DomainError):
    """Ends a read that nobody waits for any more. The status is the one that web servers use in their logs for this."""

    code, status, title = "CLIENT_GONE", 499, "The client closed the connection before the answer was ready."


class InternalError(DomainError):
    code, status, title = "INTERNAL_ERROR", 500, "Something went wrong on our side."
