"""The REST face's one way to make a route: it names who may call it, or it does not exist."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar

from flask import request
from flask_smorest import Blueprint

from oneo.access import permissions, policy
from oneo.access.permissions import Access, P
from oneo.actor import Actor
from oneo.blueprints.answers import JSON
from oneo.blueprints.arguments import StrictParser, takes_query, without_query
from oneo.errors import NotAcceptable
from oneo.http import idempotency, limits
from oneo.http.bearer import with_actor
from oneo.schemas.problem import ProblemSchema

View = TypeVar("View", bound=Callable[..., Any])
PUBLIC, LOGGED_IN, SESSION = permissions.PUBLIC, permissions.LOGGED_IN, permissions.SESSION


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
        self, rule: str, *, permission: P | Access, methods: Sequence[str] = ("GET",), name: str | None = None,
        produces: Sequence[str] = (JSON,), **options: Any,
    ) -> Callable[[View], View]:  # fmt: skip
        """`permission` is required: a route that forgets it fails at import.

        A view with two addresses has a `name` for the second. `produces` are the media types it can answer with.
        """
        if not isinstance(permission, P | Access):
            raise TypeError(f"{rule} does not say who may call it")

        def decorator(view: View) -> View:
            documented = self.doc(operationId=name or view.__name__, **_security(permission))(
                _with_problems(self, _copy(view), permission)
            )
            public = permission is PUBLIC
            guarded = _public(documented, produces) if public else _guarded(documented, permission, produces)
            guarded.permission = permission
            super(ApiBlueprint, self).route(rule, methods=list(methods), endpoint=name or view.__name__, **options)(
                guarded
            )
            return view

        return decorator


def _copy(view: Any) -> Any:
    """What is said of the view at one address is not said of it at another. One that names no parameter takes none."""
    strict = view if takes_query(view) else without_query(view)

    @wraps(view)
    def copied(*args: Any, **kwargs: Any) -> Any:
        return strict(*args, **kwargs)

    copied._apidoc = copy.deepcopy(getattr(view, "_apidoc", {}))  # type: ignore[attr-defined] # noqa: SLF001 - as below
    return copied


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


def _public(view: Any, produces: Sequence[str]) -> Any:
    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        limits.check_peer()
        _check_accept(produces)
        return view(*args, **kwargs)

    return wrapper


def _guarded(view: Any, permission: P | Access, produces: Sequence[str]) -> Any:
    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        def work(actor: Actor) -> Any:
            if isinstance(permission, P):
                policy.require(actor, permission)
            elif permission is SESSION:
                policy.require_session(actor)
            return idempotency.once(actor, lambda: view(actor, *args, **kwargs))

        _check_accept(produces)
        return with_actor(work)

    return wrapper


def _check_accept(produces: Sequence[str]) -> None:
    accept = request.headers.get("Accept")
    if accept and accept != "*/*" and not request.accept_mimetypes.best_match((*produces, "application/problem+json")):
        raise NotAcceptable(extra={"produced": list(produces)})
