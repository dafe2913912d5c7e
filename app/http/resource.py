"""Base class of all resources: authorization, transaction, retries."""

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
from app.http.access import authorize, check_credential, check_recent_sign_in
from app.http.operation import Operation, operation_of
from app.http.parser import receive_body, refuse_unknown_parameters
from app.settings import Settings
from models.users import Scope
from services.key_format import redacted
from services.passwords import DEMO_PASSWORDS, Rules
from services.principals import Principal, count_write
from services.sessions import Client

ATTEMPTS = 3


class Resource(MethodView):
    """A URL and its methods.

    The definition of a subclass raises a TypeError if a method has neither @public nor @requires.

    A method can run several times: a transaction is retried after a deadlock or a lost connection.
    So a method must change only the database. Pass other effects, such as metrics, to
    `after_commit`. To send a mail, queue a row in the transaction (services/mails.py).
    """

    operations: ClassVar[dict[str, Operation]]
    # False for HTML pages and the OpenAPI document: links to them can contain utm_source.
    refuses_unknown_parameters: ClassVar[bool] = True
    # State of the current request.
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
            if operation.recent_sign_in and operation.access == "public":
                raise TypeError(f"{cls.__name__}: {name} needs @requires(…) for @recent_sign_in")
            if operation.idempotent and (operation.access == "public" or not operation.body):
                raise TypeError(
                    f"{cls.__name__}: {name} is idempotent: it needs @requires(…) and a body"
                )

    def dispatch_request(self, **path: Any) -> Response:
        """Run the request and retry it after a retryable error.

        Flask-Limiter has already checked the default limit.
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
        """Run a function once, after the commit and before the response is sent.

        An exception of the function is logged and does not change the response. If the process is
        killed after the commit, the function does not run. If this matters, write a row in the
        transaction instead.
        """
        self.effects.append(effect)

    def run_effects(self) -> None:
        for effect in self.effects:
            try:
                effect()
            except Exception:
                logger.exception("An effect after the commit failed.")

    def run(self, name: str, operation: Operation, path: dict[str, Any]) -> Response:
        """Run the steps of a request; a method that may write runs in one transaction."""
        method, writes = getattr(self, name.lower()), name != "GET"
        with database.session(autocommit=not writes) as self.session:
            if isinstance(operation.access, Scope):
                if operation.body:
                    check_credential()
                    receive_body()  # before the transaction, because the client may be slow
                self.user, self.principal = authorize(self.session, operation.access, writes=writes)
                if operation.recent_sign_in:
                    check_recent_sign_in(self.principal)
            if self.refuses_unknown_parameters and not operation.query:
                refuse_unknown_parameters()
            if operation.may_lag and (response := read_from_replica(self, method, path)):
                return self.finish(response, operation)
            if operation.idempotent and (replay := idempotency.claim(self.session, self.principal)):
                return replay
            response = self.finish(make_response(method(**path)), operation)
            if operation.idempotent:
                idempotency.store(self.session, self.principal, response)
            if writes:
                self.count_write()
                self.session.commit()
            return response

    def finish(self, response: Response, operation: Operation) -> Response:
        """Add the headers that the operation declares."""
        if operation.location:
            response.location = operation.location.format(id=self.result.id)
        if operation.deprecation:
            response.headers.update(operation.deprecation)
        if operation.etag and self.result is not None:
            return etags.add_etag(response, self.result)
        return response

    def count_write(self) -> None:
        """Count the write; a later read compares the count to check if the replica is current."""
        # Requests with an API key always read from the primary, so their writes need no count.
        if current_app.extensions["replica"] and hasattr(self, "user") and self.user.session_id:
            count_write(self.session, self.principal)

    @property
    def if_match(self) -> Container[str] | None:
        """Return the entity tags of `If-Match`, or None without the header."""
        return request.if_match if "If-Match" in request.headers else None

    @property
    def refused_passwords(self) -> frozenset[str]:
        """Passwords that this environment does not allow."""
        settings: Settings = current_app.extensions["settings"]
        return DEMO_PASSWORDS if settings.production else frozenset()

    @property
    def password_rules(self) -> Rules:
        """Requirements for new passwords."""
        settings: Settings = current_app.extensions["settings"]
        return Rules(settings.password_min_length, self.refused_passwords)

    @property
    def client(self) -> Client:
        return Client(
            (request.remote_addr or "")[:45] or None, redacted(user_agent())[:255] or None
        )


def user_agent() -> str:
    """Return the `User-Agent`; WSGI decodes headers as Latin-1, but clients send UTF-8."""
    text = request.user_agent.string
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text
