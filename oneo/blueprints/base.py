"""The REST face's one way to make a route: it names its permission, its input and its answers, or it does not exist."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from hashlib import blake2b
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote, urlencode

import orjson
from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser
from webargs.multidictproxy import MultiDictProxy

from oneo.access import permissions, policy
from oneo.access.permissions import Access, P
from oneo.actor import Actor
from oneo.errors import DomainError, FaultList, InvalidParameter, NotAcceptable, ValidationFailed, pointer
from oneo.http import idempotency, limits
from oneo.http.bearer import with_actor
from oneo.http.conditional import known_tags, none_match, not_modified, prefers_minimal, version_etag
from oneo.http.proxies import proxies
from oneo.operations.lists import Listing, present_seq
from oneo.schemas.problem import ProblemSchema

JSON = "application/json"
View = TypeVar("View", bound=Callable[..., Any])
PUBLIC, LOGGED_IN, SESSION = permissions.PUBLIC, permissions.LOGGED_IN, permissions.SESSION


class StrictParser(FlaskParser):
    """Reads arguments as strictly as everything else; what is wrong comes out as one list of faults."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": None, "query": None}  # noqa: RUF012 - the schema decides

    def load_json(self, req: Any, schema: Schema) -> Any:
        return req.strict_json()

    def load_querystring(self, req: Any, schema: Schema) -> Any:
        _refuse_repeats(req, schema)
        return MultiDictProxy(req.args, schema)

    def handle_error(
        self, error: ValidationError, req: Any, schema: Schema, *, error_status_code: int | None, error_headers: Any
    ) -> Any:
        messages: dict[str, Any] = error.messages_dict
        location, found = next(iter(messages.items()))
        refuse(found, InvalidParameter if location == "query" else ValidationFailed)


def refuse(messages: Any, error: type[DomainError]) -> NoReturn:
    """Raises the error with a fault for each message of the schema library."""
    faults = FaultList()
    _collect(messages, "", faults)
    raise error(faults=faults.faults)


def _refuse_repeats(req: Any, schema: Schema) -> None:
    faults = FaultList()
    for key in req.args:
        if key in schema.fields and len(req.args.getlist(key)) > 1:
            faults.add(pointer(key), "REPEATED", "This parameter stands twice.")
    faults.check(InvalidParameter)


def _collect(messages: Any, where: str, faults: FaultList) -> None:
    if isinstance(messages, dict):
        for key, inner in messages.items():
            _collect(inner, where if key == "_schema" else where + pointer(key), faults)
        return
    for text in messages if isinstance(messages, list) else [messages]:
        code = "UNKNOWN_FIELD" if text == "Unknown field." else "REQUIRED" if "required" in text else "INVALID_VALUE"
        faults.add(where, code, text)


class ApiBlueprint(Blueprint):
    """A blueprint whose routes declare who may call them."""

    ARGUMENTS_PARSER = StrictParser()

    def doc(self, **kwargs: Any) -> Callable[[View], View]:
        return _documents(Blueprint.doc(**kwargs))

    def response(self, *args: Any, **kwargs: Any) -> Callable[[View], View]:
        return _documents(super().response(*args, **kwargs))

    def alt_response(self, *args: Any, **kwargs: Any) -> Callable[[View], View]:
        return _documents(super().alt_response(*args, **kwargs))

    def route(
        self, rule: str, *, permission: P | Access, methods: Sequence[str] = ("GET",), **options: Any
    ) -> Callable[[View], View]:
        """`permission` is required: a route that forgets it fails at import."""
        if not isinstance(permission, P | Access):
            raise TypeError(f"{rule} does not say who may call it")

        def decorator(view: View) -> View:
            documented = self.doc(operationId=view.__name__, **_security(permission))(
                _with_problems(self, view, permission)
            )
            guarded = _public(documented) if permission is PUBLIC else _guarded(documented, permission)
            guarded.permission = permission
            super(ApiBlueprint, self).route(rule, methods=list(methods), **options)(guarded)
            return view

        return decorator


def _documents(decorator: Callable[[Any], Any]) -> Callable[[View], View]:
    """What the decorator says of a view, without its wrapper: views make their answers, a call has no use for it."""

    def attach(view: View) -> View:
        view._apidoc = decorator(view)._apidoc  # type: ignore[attr-defined] # noqa: SLF001 - where it keeps them
        return view

    return attach


def _with_problems(blueprint: ApiBlueprint, view: Any, permission: P | Access) -> Any:
    statuses = {"default": "A problem document (RFC 9457)."}
    if permission is not PUBLIC:
        statuses["401"] = "No valid token."
    for status, about in statuses.items():
        view = blueprint.alt_response(
            status, schema=ProblemSchema, description=about, content_type="application/problem+json"
        )(view)
    return view


def _security(permission: P | Access) -> dict[str, Any]:
    if permission is PUBLIC:
        return {"security": []}
    if permission is SESSION:
        return {"security": [{"bearerAuth": []}]}
    needs = permission.value if isinstance(permission, P) else None
    return {"x-permission": needs} if needs else {}


def _public(view: Any) -> Any:
    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        limits.check_peer()
        _check_accept()
        return view(*args, **kwargs)

    return wrapper


def _guarded(view: Any, permission: P | Access) -> Any:
    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        def work(actor: Actor) -> Any:
            if isinstance(permission, P):
                policy.require(actor, permission)
            elif permission is SESSION:
                policy.require_session(actor)
            return idempotency.once(actor, lambda: view(actor, *args, **kwargs))

        _check_accept()
        return with_actor(work)

    return wrapper


def _check_accept() -> None:
    accept = request.headers.get("Accept")
    if accept and accept != "*/*" and not request.accept_mimetypes.best_match((JSON, "application/problem+json")):
        raise NotAcceptable(extra={"produced": [JSON]})


# -- answers -----------------------------------------------------------------------------------------------------------


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
        response.headers["Preference-Applied"] = "return=minimal"
        del response.headers["Content-Type"]
    else:
        response = Response(orjson.dumps(body) if isinstance(body, dict) else body, status, content_type=JSON)
    if etag:
        response.headers["ETag"] = etag
    return response


def created(body: str, *, location: str, version: int | None = None) -> Response:
    response = answer(body, status=201, version=version)
    response.headers["Location"] = location
    return response


def answer_list(actor: Actor, make: Callable[[], Listing], *, tagged: bool = True) -> Response:
    """The envelope of every list, with links, and a weak tag unless what it shows changes without an event.

    Whoever has the present list already is told so without it being made again.
    """
    known = _known_seq(actor) if tagged else None
    if known is not None and known == present_seq(actor):
        return not_modified(_list_tag(actor, known))
    listing = make()
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
        response.headers["ETag"] = _list_tag(actor, listing.seq)
    links = [f'<{url}>; rel="{name}"' for name, url in (("next", following), ("prev", previous)) if url]
    if links:
        response.headers["Link"] = ", ".join(links)
    return response


def _list_tag(actor: Actor, seq: int) -> str:
    """Changes when anything of the tenant does, and with who asks for what."""
    shaped_by = f"{actor.tenant_id}{actor.user_id}{actor.access_revision}{request.full_path}".encode()
    return f'W/"{seq}-{blake2b(shaped_by, digest_size=9).hexdigest()}"'


def _known_seq(actor: Actor) -> int | None:
    """The event number at which the caller's copy of this very list was made, if he has one."""
    for seq in known_tags(r"W/\"(\d{1,18})-[0-9a-f]+\""):
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
