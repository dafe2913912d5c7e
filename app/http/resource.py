"""Base class of all resources: the steps of a request, in order."""

import time
from collections.abc import Callable, Container
from typing import Any, ClassVar

from flask import Response, current_app, g, make_response, request
from flask.views import MethodView
from loguru import logger
from sqlalchemy import Row
from sqlalchemy.orm import Session

from app.db.database import database, is_retryable
from app.db.replica import read_from_replica
from app.http import etags, idempotency
from app.http.access import access_claims, authorize
from app.http.operation import Operation, operation_of
from app.http.parser import receive_body, refuse_unknown_parameters
from app.settings import Settings
from models.users import Scope
from services.passwords import DEMO_PASSWORDS
from services.principals import Principal, count_write
from services.sessions import Client

ATTEMPTS = 3


class Resource(MethodView):
    """A URL and its methods, each of which declares its access, or the class is refused at import.

    A method can run several times, because a transaction that fails for a deadlock or a lost
    connection is retried. It must change nothing but the database; it passes any other effect,
    such as an e-mail, to `after_commit`.
    """

    operations: ClassVar[dict[str, Operation]]
    # False for pages and documents, whose links get parameters such as utm_source appended.
    refuses_unknown_parameters: ClassVar[bool] = True
    # Of the request.
    session: Session
    principal: Principal
    user: Row[Any]
    result: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        methods = {name: getattr(cls, name.lower()) for name in cls.methods or ()}
        cls.operations = {name: operation_of(method) for name, method in methods.items()}
        undeclared = [name for name, operation in cls.operations.items() if not operation.access]
        if undeclared:
            raise TypeError(f"{cls.__name__}: {undeclared} need @public or @requires(…)")
        for name, operation in cls.operations.items():
            if operation.idempotent and (operation.access == "public" or not operation.body):
                raise TypeError(f"{cls.__name__}: {name} needs @requires(…) and a body for its key")

    def dispatch_request(self, **path: Any) -> Response:
        """Run the request, again if PostgreSQL says that this can help.

        Flask-Limiter has checked the limit that all requests have before this.
        """
        name = "GET" if request.method == "HEAD" else request.method
        operation = self.operations[name]
        for attempt in range(1, ATTEMPTS + 1):
            g.attempt, began = attempt, time.monotonic()
            self.effects: list[Callable[[], object]] = []
            try:
                response = self.run(name, operation, path)
                break
            except Exception as error:
                if attempt == ATTEMPTS or not is_retryable(error, time.monotonic() - began):
                    raise
        self.run_effects()
        return response

    def after_commit(self, effect: Callable[[], object]) -> None:
        """Run a function once, after the commit of the attempt that succeeds.

        It runs before the response is sent and does not change it: an exception is logged. A
        process that is killed in between loses it; write a row in the transaction where that
        matters.
        """
        self.effects.append(effect)

    def run_effects(self) -> None:
        for effect in self.effects:
            try:
                effect()
            except Exception:
                logger.exception("An effect after the commit failed.")

    def run(self, name: str, operation: Operation, path: dict[str, Any]) -> Response:
        """Run the steps of a request, in one transaction if it may write."""
        method = getattr(self, name.lower())
        with database.session(autocommit=name == "GET") as self.session:
            if isinstance(operation.access, Scope):
                access_claims()
                if operation.body:
                    receive_body()  # a slow client must not hold a transaction open
                self.user, self.principal = authorize(self.session, operation.access)
            if self.refuses_unknown_parameters and not operation.query:
                refuse_unknown_parameters()
            if operation.may_lag and (response := read_from_replica(self, method, path)):
                return self.finish(response, operation)
            if operation.idempotent and (replay := idempotency.claim(self.session, self.principal)):
                return replay
            response = self.finish(make_response(method(**path)), operation)
            if operation.idempotent:
                idempotency.store(self.session, self.principal, response)
            if name != "GET":
                self.count_write()
                self.session.commit()
            return response

    def finish(self, response: Response, operation: Operation) -> Response:
        """Add the headers that the operation declares."""
        if operation.location:
            response.location = operation.location.format(id=self.result.id)
        if operation.etag and self.result is not None:
            return etags.add_etag(response, self.result)
        return response

    def count_write(self) -> None:
        """Let a replica know what it must have applied before it serves the caller."""
        if current_app.extensions["replica"] and hasattr(self, "principal"):
            count_write(self.session, self.principal)

    @property
    def if_match(self) -> Container[str] | None:
        return etags.if_match()

    @property
    def refused_passwords(self) -> frozenset[str]:
        """Passwords that no account may have in this environment."""
        settings: Settings = current_app.extensions["settings"]
        return DEMO_PASSWORDS if settings.production else frozenset()

    @property
    def client(self) -> Client:
        """The client's address and `User-Agent`."""
        return Client((request.remote_addr or "")[:45] or None, user_agent()[:255] or None)


def user_agent() -> str:
    """Return the `User-Agent`; WSGI decodes headers as Latin-1, but clients send UTF-8."""
    text = request.user_agent.string
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text
