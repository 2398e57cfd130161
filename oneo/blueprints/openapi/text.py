"""What the document says in prose."""

from __future__ import annotations

from typing import Any

DESCRIPTION = """\
A headless, multi-tenant CRM: entities and relationships that each tenant defines, over REST, GraphQL and sockets.

**Who asks.** Send `Authorization: Bearer <token>`: an access token from `POST /api/v1/auth/login/`, renewed with
`POST /api/v1/auth/refresh/`, or an API key. The token says which tenant it belongs to; nothing of another tenant
exists for it. An operation's `x-permission` is what its caller must hold. A key may know whose it is and revoke itself;
the rest of its owner's account (profile, password, sessions, keys) belongs to logins.

**Addresses** answer with and without a slash at the end.

**Lists** share an envelope (`count, pages, page_size, current_page, next, previous, results`). They are paged with
`page` and `page_size`, or with `cursor` (empty for the first page, then as `next` and `previous` say), and are
filtered, searched and ordered by query parameters; one that is not known is refused.

**Changes.** `PATCH` is a merge patch. Objects carry a `version`, which is their ETag: send it as `If-Match`, and a
change that somebody else made first is answered with 412 instead of being overwritten. With an `Idempotency-Key`, a
write that is repeated within 24 hours is performed once.

**Errors** are problem documents (RFC 9457) with a stable `code`; the address in `type` explains it.

**Limits.** `RateLimit` and `RateLimit-Policy` say what is left; beyond it the answer is 429 with `Retry-After`.
"""

SECURITY_SCHEMES: dict[str, Any] = {
    "bearerAuth": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token, as `POST /api/v1/auth/login/` gives it; it lives for minutes.",
    },
    "apiKeyAuth": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "oneo_<tenant>_<id>_<secret>",
        "description": "An API key, sent like a token; made with `POST /api/v1/auth/api-keys/`.",
    },
}
