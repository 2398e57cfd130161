"""Logging in, staying logged in, and ending it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask import current_app
from sqlalchemy import select, update

from oneo.access import passwords, policy, tokens
from oneo.actor import Actor, system_actor
from oneo.config import Settings
from oneo.errors import CredentialsInvalid, FaultList, TokenReused, TokenRevoked
from oneo.events.unit import Unit, public, unit
from oneo.fields.emails import normal_email
from oneo.ids import new_id
from oneo.models import Session, Tenant, TenantProfile, User
from oneo.models.user import AGENT_LENGTH
from oneo.operations.grants import user_types_of
from oneo.store import identity as store


@dataclass(frozen=True, slots=True)
class TokenPair:
    access_token: str
    refresh_token: str
    expires_in: int
    session_id: UUID
    user_id: UUID
    tenant_id: UUID


@dataclass(frozen=True, slots=True)
class Device:
    """Where a login comes from, as its owner will see it in the list of sessions."""

    agent: str
    peer: str


def log_in(tenant_id: UUID | None, email: str, password: str, device: Device) -> TokenPair:
    """Same answer and same time for an unknown tenant, an unknown user and a wrong password: CredentialsInvalid."""
    user = _find_user(tenant_id, email) if tenant_id and store.tenant_is_active(tenant_id) else None
    if not passwords.verify_password(user.password_hash if user else None, password) or user is None or not tenant_id:
        raise CredentialsInvalid
    renewed = passwords.renewed_hash(user.password_hash, password)
    with unit(_as_user(tenant_id, user.id)) as work:
        # Under lock: a password change that commits first has ended all sessions, this one must not outlive it.
        locked = work.lock(User, user.id)
        if locked is None or not _may_log_in(locked) or not _is_still(locked, user.password_hash, password):
            raise CredentialsInvalid
        if renewed and locked.password_hash == user.password_hash:
            _keep_hash(work, locked.id, renewed)
        return _open_session(work, user.id, device)


def refresh(claims: tokens.Claims) -> TokenPair:
    """A new pair for the one refresh token that counts. An older one ends the whole session: TokenReused."""
    session_id, actor = claims.credential_id, _as_user(claims.tenant_id, claims.user_id)
    with unit(actor) as work:
        session = work.lock(Session, session_id)
        if session is None or not _alive(session) or not store.tenant_is_active(claims.tenant_id):
            raise TokenRevoked
        user = work.session.get(User, (claims.tenant_id, session.user_id))
        if user is None or not _may_log_in(user):
            raise TokenRevoked
        reused = session.refresh_id != claims.token_id
        if reused:
            end_session(actor, session, reason="refresh token reused")
        else:
            session.refresh_id, session.refreshed_at = new_id(), datetime.now(UTC)
            session.expires_at = datetime.now(UTC) + _refresh_life()
            pair = _pair(claims.tenant_id, session)
    if reused:
        raise TokenReused
    return pair


def log_out(actor: Actor) -> None:
    """Ends the session that the caller uses. API keys have none: SessionRequired."""
    policy.require_session(actor)
    with unit(actor) as work:
        session = work.lock(Session, actor.credential_id)
        if session is not None and session.revoked_at is None:
            end_session(actor, session, reason="logout")


def change_password(actor: Actor, *, current: str, new: str) -> None:
    """Ends every session of the user but this one. CredentialsInvalid when `current` is wrong, SessionRequired."""
    policy.require_session(actor)
    with unit(actor) as work:
        user = work.lock(User, actor.user_id)
        if user is None or not passwords.verify_password(user.password_hash, current):
            raise CredentialsInvalid("The current password is wrong.")
        faults = FaultList()
        check_password(actor, user, new, faults, where="/new_password")
        faults.check()
        set_password(actor, user, new)
        note_password_change(actor, user)


def check_password(actor: Actor, user: User, password: str, faults: FaultList, *, where: str = "/password") -> None:
    """Add the faults of a new password for the user."""
    passwords.check_password(
        faults, password, where=where, minimum=_settings().password_min_length,
        context=(user.email.partition("@")[0], user.name, *_names_of_tenant(actor)),
    )  # fmt: skip


def set_password(actor: Actor, user: User, password: str) -> None:
    """Set a password that has been checked on the row; the caller flushes."""
    user.password_hash = passwords.hash_password(password)
    user.updated_by = actor.user_id


def note_password_change(actor: Actor, user: User) -> None:
    """Flushes the user's new password, ends his sessions but the one that the actor uses, and appends the event."""
    with unit(actor) as work:
        end_sessions(actor, user.id, reason="password changed", but=actor.credential_id)
        work.session.flush()
        state = {**public(user), "user_types": user_types_of(actor, user.id)}
        work.append("user.password_changed", user.id, data=state, version=user.version)


def end_sessions(actor: Actor, user_id: UUID, *, reason: str, but: UUID | None = None) -> int:
    """Ends the user's sessions, all or all but one, in the caller's unit."""
    with unit(actor) as work:
        living = select(Session.id).where(Session.user_id == user_id, Session.revoked_at.is_(None)).order_by(Session.id)
        locked = [work.lock(Session, session_id) for session_id in work.session.scalars(living) if session_id != but]
        ended = [session for session in locked if session is not None and session.revoked_at is None]
        for session in ended:
            end_session(actor, session, reason=reason)
        return len(ended)


def end_session(actor: Actor, session: Session, *, reason: str) -> None:
    """In the caller's unit."""
    with unit(actor) as work:
        session.revoked_at = datetime.now(UTC)
        work.changed(session, "session.revoked", reason=reason)


def login_name(email: str) -> str:
    """The address as it would be kept, so that all its spellings are one account, for the throttle too."""
    try:
        return normal_email(email)
    except ValueError:
        return email.strip().lower()


def tenant_for_login(slug: str) -> UUID | None:
    """The tenant that a login names."""
    found = store.tenant_by_slug(slug)
    return found[0] if found else None


def is_known_device(tenant_id: UUID | None, email: str, is_same_network: Callable[[str], bool]) -> bool:
    """Whether somebody has logged in to the account from the caller's network before."""
    return tenant_id is not None and any(is_same_network(peer) for peer in store.peers_of(tenant_id, email))


def _names_of_tenant(actor: Actor) -> tuple[str, str]:
    with unit(actor) as work:
        slug = work.session.scalars(select(Tenant.slug).where(Tenant.id == actor.tenant_id)).one()
        return slug, work.session.scalars(select(TenantProfile.name)).one()


def _as_user(tenant_id: UUID, user_id: UUID) -> Actor:
    """The server acting on behalf of somebody who is just proving who he is."""
    actor = system_actor(tenant_id)
    return Actor(tenant_id, user_id, actor.credential, actor.credential_id, grants=actor.grants)


def _find_user(tenant_id: UUID, email: str) -> User | None:
    with unit(system_actor(tenant_id)) as work:
        user = work.session.scalar(select(User).where(User.email == email, User.deleted_at.is_(None)))
        if user is not None:
            work.session.expunge(user)
        return user if user is not None and _may_log_in(user) else None


def _may_log_in(user: User) -> bool:
    return user.is_active and user.deleted_at is None and not user.is_system


def _is_still(locked: User, verified: str | None, password: str) -> bool:
    """Whether the password that was verified is that of the locked user: his hash may have been renewed meanwhile."""
    return locked.password_hash == verified or passwords.verify_password(locked.password_hash, password)


def _keep_hash(work: Unit, user_id: UUID, renewed: str) -> None:
    """The user has not changed, only how his password is kept: neither his version rises nor does an event say so."""
    work.session.execute(
        update(User).where(User.id == user_id).values(password_hash=renewed, updated_at=User.updated_at),
        execution_options={"synchronize_session": False},
    )


def _alive(session: Session) -> bool:
    return session.revoked_at is None and session.expires_at > datetime.now(UTC)


def _open_session(work: Unit, user_id: UUID, device: Device) -> TokenPair:
    session = Session(
        user_id=user_id,
        refresh_id=new_id(),
        expires_at=datetime.now(UTC) + _refresh_life(),
        agent=device.agent[:AGENT_LENGTH],
        peer=device.peer,
    )
    work.created(session, "session.created")
    work.session.refresh(session)
    return _pair(work.actor.tenant_id, session)


def _pair(tenant_id: UUID, session: Session) -> TokenPair:
    return TokenPair(
        access_token=tokens.issue_access(tenant_id, session.user_id, session.id),
        refresh_token=tokens.issue_refresh(tenant_id, session.user_id, session.id, session.refresh_id),
        expires_in=_settings().access_token_seconds,
        session_id=session.id,
        user_id=session.user_id,
        tenant_id=tenant_id,
    )


def _refresh_life() -> timedelta:
    return timedelta(seconds=_settings().refresh_token_seconds)


def _settings() -> Settings:
    settings: Settings = current_app.extensions["oneo.settings"]
    return settings
