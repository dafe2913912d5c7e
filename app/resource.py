"""What every endpoint is: a request, a transaction, somebody who may."""

import time
from collections.abc import Container
from contextlib import ExitStack
from typing import Any, ClassVar

from flask.typing import ResponseReturnValue
from flask.views import MethodView
from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.utils import cached_property

from app.access import PUBLIC, claimed, signed_in
from app.auth import access_claims
from app.database import database, session_in, worth_retrying
from app.globals import current_app, g, request
from app.parser import escaped, query, receive_body
from app.prepared import PreparingConnection, Unmet
from app.replica import Replica
from app.settings import Settings
from models.users import Role, Scope
from services.errors import Forbidden, InvalidInput, Problem
from services.principals import Principal, confirm, count_write
from services.sessions import Client

ATTEMPTS = 3
OF_AN_ATTEMPT = ("principal", "primary", "connection", "session", "user")


class Resource(MethodView):
    """A URL and its methods. Each declares who may call it, or the class is refused at import."""

    # Of the request; a HEAD is a GET whose answer isn't sent.
    method: str
    principal: Principal
    # Whether what the token says is taken for true until PostgreSQL denies it.
    optimistic = True
    _transaction: ExitStack
    _access: ClassVar[dict[str, Any]]
    _takes_query: ClassVar[frozenset[str]]
    _takes_body: ClassVar[frozenset[str]]
    _may_lag: ClassVar[frozenset[str]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        methods = {name: getattr(cls, name.lower()) for name in cls.methods or ()}
        undeclared = [name for name, method in methods.items() if not hasattr(method, "access")]
        if undeclared:
            raise TypeError(f"{cls.__name__}: {undeclared} need @public or @requires(…)")
        cls._access = {name: method.access for name, method in methods.items()}
        cls._may_lag = frozenset(name for name in methods if hasattr(methods[name], "may_lag"))
        cls._takes_query = frozenset(name for name in methods if _has(methods[name], "query"))
        cls._takes_body = frozenset(name for name in methods if _has(methods[name], "json"))

    def dispatch_request(self, **path: Any) -> ResponseReturnValue:
        """Run the method in a transaction.

        First as an optimist: who asks is signed in, in the role that the token says. PostgreSQL is
        told to make sure, together with the first statement. Where it isn't so, the request runs
        again, and begins with the question who asks.
        """
        method = request.method
        self.method = "GET" if method == "HEAD" else method
        if self.method in self._takes_body and self._access[self.method] != PUBLIC:
            # The transaction begins with the question who asks; a slow body must not hold it up.
            access_claims()
            receive_body()
        try:
            return self._with_retries(**path)
        except Unmet:
            self.optimistic = False
            g.pop("user_id", None)
            return self._with_retries(**path)

    def _with_retries(self, **path: Any) -> ResponseReturnValue:
        """Run it again, when the database says that this may help."""
        for attempt in range(1, ATTEMPTS + 1):
            g.attempt, began = attempt, time.monotonic()
            try:
                return self._in_transaction(**path)
            except Exception as error:
                seconds = time.monotonic() - began
                if attempt == ATTEMPTS or not worth_retrying(error, seconds):
                    raise
        raise AssertionError("unreachable")

    def _in_transaction(self, **path: Any) -> ResponseReturnValue:
        for name in OF_AN_ATTEMPT:
            self.__dict__.pop(name, None)
        scope = self._access[self.method]
        with ExitStack() as self._transaction:
            if scope == PUBLIC:
                return self._answer(**path)
            self.principal = self._authorized(scope)
            try:
                answer = self._answer(**path)
            except (Problem, HTTPException):
                self._confirm()
                raise
            self._confirm()
            return answer

    def _authorized(self, scope: Scope) -> Principal:
        principal = claimed() if self.optimistic else None
        if principal is None or not principal.may(scope):
            principal = Principal(self.user.id, access_claims()["sid"], Role(self.user.role))
        g.user_id = principal.id
        if not principal.may(scope):
            raise Forbidden
        return principal

    def _confirm(self) -> None:
        """Nothing leaves before PostgreSQL has said who asks."""
        if "connection" in self.__dict__:
            self.primary.make_sure()
        else:
            _ = self.user  # which is asked for

    def _answer(self, **path: Any) -> ResponseReturnValue:
        if self.method not in self._takes_query and request.query_string and query():
            pointers = [f"/{escaped(name)}" for name in list(query())[:10]]
            raise InvalidInput.at(pointers, "Unknown parameter.")
        if replica := current_app.extensions["replica"]:
            return self._beside(replica, **path)
        return self._called(**path)

    def _called(self, **path: Any) -> ResponseReturnValue:
        answer: ResponseReturnValue = getattr(self, self.method.lower())(**path)
        return answer

    def _beside(self, replica: Replica, **path: Any) -> ResponseReturnValue:
        """Ask the replica first for what may lag; and count what the client writes."""
        if self.method in self._may_lag:
            answer = self._from_replica(replica, **path)
            if answer is not None:
                return answer
        answer = self._called(**path)
        if self.method != "GET" and self._access[self.method] != PUBLIC:
            count_write(self.connection, self.principal)
        return answer

    def _from_replica(self, replica: Replica, **path: Any) -> ResponseReturnValue | None:
        """The replica's answer. Whatever it lacks or can't do, the primary is asked for."""
        session = None
        if "principal" in self.__dict__:
            session = self.principal.session_id, self.user.session_writes
        try:
            with replica.reading(session) as connection:
                if connection is not None:
                    self.__dict__["connection"] = connection
                    return self._called(**path)
        except (Problem, DBAPIError, PoolTimeout):
            pass
        self.__dict__.pop("connection", None)
        return None

    # Not that of functools: in Python 3.11 it has one lock for all requests of the process, and
    # each would wait for the connections of those before it.
    @cached_property
    def primary(self) -> PreparingConnection:
        """The primary's connection, for the question who asks; methods use `connection`."""
        opened = database.reading() if self.method == "GET" else database.transaction()
        connection: Any = self._transaction.enter_context(opened)
        return connection

    @cached_property
    def connection(self) -> PreparingConnection:
        """The request's; opened by the first who asks for it, so liveness needs none.

        What it does is one transaction, unless the request only reads.
        """
        if "principal" in self.__dict__ and "user" not in self.__dict__:
            confirm(self.primary, self.principal)
        return self.primary

    @cached_property
    def user(self) -> Row[Any]:
        """The principal's own row, and the `session_writes`.

        Raises:
            Unauthenticated: nobody is signed in.
            Unmet: the role is not the one that the token says.
        """
        user = signed_in(self.primary)
        if "principal" in self.__dict__ and self.principal.role != user.role:
            raise Unmet
        return user

    @cached_property
    def session(self) -> Session:
        """For a service that changes instances, in the request's transaction.

        A request that only reads has none, and its connection may be the replica's.
        """
        assert self.method != "GET", "This request only reads; it has a connection."
        return self._transaction.enter_context(session_in(self.connection))

    @property
    def if_match(self) -> Container[str] | None:
        """The entity tags that the client accepts to overwrite; None if it didn't say."""
        return request.if_match if "If-Match" in request.headers else None

    @property
    def refused_passwords(self) -> frozenset[str]:
        """Passwords that nobody may have here."""
        settings: Settings = current_app.extensions["settings"]
        return settings.refused_passwords

    @property
    def client(self) -> Client:
        """Where the request comes from."""
        return Client(
            (request.remote_addr or "")[:45] or None, request.user_agent.string[:255] or None
        )


def _has(method: Any, location: str) -> bool:
    arguments = getattr(method, "_apidoc", {}).get("arguments", {})
    return any(parameter["in"] == location for parameter in arguments.get("parameters", ()))
