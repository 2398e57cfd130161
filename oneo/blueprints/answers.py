"""What a route answers: one object, or the envelope of a list, with their tags and links."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from flask import Response, request

from oneo.actor import Actor
from oneo.http.conditional import known_tags, none_match, not_modified, prefers_minimal, version_etag
from oneo.http.exchange import APPLIED, ETAG, LINK, LOCATION, sending
from oneo.http.proxies import proxies
from oneo.operations.lists import Listing, present_seq

JSON = "application/json"
_LIST_TAG = re.compile(r"W/\"(\d{1,18})-[0-9a-f]+\"")


def answer(
    body: str | bytes | dict[str, Any], *, status: int = 200, version: int | None = None, own: bool = False
) -> Response:
    """One object; with a version it is tagged, and not sent again to whoever has it or does not want it.

    `own`: the address means another object to another caller, and versions of two objects may be alike: sent always.
    """
    etag = version_etag(version) if version is not None else None
    if etag and not own and request.method in {"GET", "HEAD"} and none_match(etag):
        return not_modified(etag)
    if etag and request.method in {"POST", "PUT", "PATCH"} and prefers_minimal():
        response = Response(status=204 if status == 200 else status)
        sending(response, APPLIED, "return=minimal")
        del response.headers["Content-Type"]
    else:
        response = Response(orjson.dumps(body) if isinstance(body, dict) else body, status, content_type=JSON)
    if etag:
        sending(response, ETAG, etag)
    return response


def answer_shaped(body: str, *, version: int, shape: str, content_type: str = JSON) -> Response:
    """One object, cut to what was asked for or may be seen: its tag is weak, and tells the cuts apart."""
    etag = f'W/"{version}-{blake2b(shape.encode(), digest_size=9).hexdigest()}"'
    if none_match(etag):
        return not_modified(etag)
    response = Response(body, content_type=content_type)
    sending(response, ETAG, etag)
    return response


def created(body: str, *, location: str, version: int | None = None) -> Response:
    response = answer(body, status=201, version=version)
    sending(response, LOCATION, location)
    return response


def answer_list(actor: Actor, make: Callable[[], Listing], *, tagged: bool = True) -> Response:
    """The envelope of every list, with links, and a weak tag unless what it shows changes without an event.

    Whoever has the present list already is told so without it being made again.
    """
    known = _known_seq(actor) if tagged else None
    if known is not None and known == present_seq(actor):
        return not_modified(_list_tag(actor, known))
    listing = make()
    tagged = tagged and listing.timeless
    if tagged and none_match(_list_tag(actor, listing.seq)):
        return not_modified(_list_tag(actor, listing.seq))
    following, previous = _links(listing)
    head = orjson.dumps(
        {
            "count": listing.count,
            "pages": listing.pages,
            "page_size": listing.page_size,
            "current_page": listing.page,
            "next": following,
            "previous": previous,
        }
    )
    response = Response(head[:-1] + b',"results":' + listing.results.encode() + b"}", 200, content_type=JSON)
    if tagged:
        sending(response, ETAG, _list_tag(actor, listing.seq))
    links = [f'<{url}>; rel="{name}"' for name, url in (("next", following), ("prev", previous)) if url]
    if links:
        sending(response, LINK, ", ".join(links))
    return response


def answer_as_of(actor: Actor, make: Callable[[], tuple[int, str]], *, tagged: bool) -> Response:
    """What is no list and changes with the tenant's events: `make` gives the number of the last, and the JSON text."""
    known = _known_seq(actor) if tagged else None
    if known is not None and known == present_seq(actor):
        return not_modified(_list_tag(actor, known))
    seq, body = make()
    response = Response(body, content_type=JSON)
    if tagged:
        sending(response, ETAG, _list_tag(actor, seq))
    return response


def _list_tag(actor: Actor, seq: int) -> str:
    """Changes when anything of the tenant does, and with who asks for what."""
    shaped_by = f"{actor.tenant_id} {actor.principal_id} {actor.access_revision} {request.full_path}".encode()
    return f'W/"{seq}-{blake2b(shaped_by, digest_size=9).hexdigest()}"'


def _known_seq(actor: Actor) -> int | None:
    """The event number at which the caller's copy of this very list was made, if he has one."""
    for seq in known_tags(_LIST_TAG):
        if none_match(_list_tag(actor, int(seq))):
            return int(seq)
    return None


def _links(listing: Listing) -> tuple[str | None, str | None]:
    if listing.page is None:
        following = _url(cursor=listing.next_cursor) if listing.has_next else None
        return following, _url(cursor=listing.previous_cursor) if listing.has_previous else None
    following = _url(page=listing.page + 1) if listing.has_next else None
    return following, _url(page=listing.page - 1) if listing.has_previous else None


def _url(**changes: object) -> str:
    kept = [(key, value) for key, value in request.args.items(multi=True) if key not in changes]
    return f"{proxies().origin_of(request)}{quote(request.path)}?{urlencode([*kept, *changes.items()])}"
