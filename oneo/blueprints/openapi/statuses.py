"""What each status of a problem means, and what a client does about it."""

from __future__ import annotations

from dataclasses import dataclass

from oneo import errors
from oneo.errors import CATALOGUE, DomainError


@dataclass(frozen=True, slots=True)
class Status:
    """`name` is that of the response component."""

    name: str
    about: str


STATUSES = {
    400: Status(
        "BadRequest",
        "The request cannot be understood: its body is not strict JSON, or a parameter or header is malformed or "
        "unknown. `errors` points at what is wrong; the same request will fail again.",
    ),
    401: Status(
        "Unauthorized",
        "There is no token, or one that does not count any more. Log in, or exchange the refresh token, and repeat "
        "the request with `Authorization: Bearer <token>`.",
    ),
    403: Status(
        "Forbidden",
        "The caller is known but may not do this; `permission` names what is missing. An administrator can grant it. "
        "What belongs to the account itself needs a login: no API key may do it.",
    ),
    404: Status(
        "NotFound",
        "There is nothing here. What belongs to another tenant and what the caller may not see give the same answer.",
    ),
    405: Status("MethodNotAllowed", "The address exists, the method does not; `Allow` lists those that do."),
    406: Status("NotAcceptable", "`Accept` names no media type that can be produced here; `produced` lists those."),
    408: Status("RequestTimeout", "The body did not arrive in time. Repeat the request over a better connection."),
    409: Status(
        "Conflict",
        "The request meets something that is there already, or that is still going on. Read the present state, then "
        "decide whether to repeat it.",
    ),
    412: Status(
        "PreconditionFailed",
        "The object is not in a version that `If-Match` names; `version` is the present one. Read it anew and repeat "
        "the change with its ETag.",
    ),
    413: Status(
        "ContentTooLarge",
        "The body is larger than the server accepts, also once it is decompressed: `ONEO_MAX_BODY_BYTES`, and 64 kB on "
        "`auth/`. The connection may be closed before the body is sent to its end.",
    ),
    414: Status("UriTooLong", "The address is longer than the server accepts."),
    415: Status("UnsupportedMediaType", "The body is not of a media type, charset or encoding that is read here."),
    421: Status("MisdirectedRequest", "This host name is not served here."),
    422: Status(
        "UnprocessableContent",
        "The body was understood, but what it asks for is not valid. `errors` lists every fault with a JSON pointer.",
    ),
    429: Status("TooManyRequests", "A limit is used up. Wait for as many seconds as `Retry-After` says."),
    499: Status(
        "ClientClosedRequest", "The client closed the connection before the answer was ready: it stands in logs."
    ),
    500: Status("ServerError", "The server failed (500), or cannot answer just now (503): repeat the request later."),
}
STATUSES[503] = STATUSES[500]


def codes_of(status: int) -> dict[str, type[DomainError]]:
    """The errors of the catalogue that have this status, by code; other faces add theirs, which are not REST's."""
    found = {code: error for code, error in CATALOGUE.items() if error.status == status}
    return {code: error for code, error in found.items() if error.__module__.startswith(errors.__name__)}
