"""apispec plugin: adds the data of each `Operation` to the OpenAPI document."""

from typing import Any

from apispec import APISpec, BasePlugin
from flask import Flask

from app.auth import limits, quotas
from app.http import etags, idempotency, request_id
from app.http.operation import Link, Operation
from app.openapi.errors import error_responses
from models.users import Role, Scope
from schemas.pages import CURSOR_EXAMPLE

BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "Send the `access_token` of `POST /api/auth/login` or `/api/auth/refresh` as "
    "`Authorization: Bearer …`. It expires after `expires_in` seconds. Only then, exchange the "
    "`refresh_token` for new tokens. Programs send an API key of `POST /api/api-keys` in the same "
    "way (`Bearer fak_…`).",
}
RATE_LIMIT_HEADERS = quotas.DOCUMENTED
COMMON_HEADERS = request_id.DOCUMENTED
LINK = {
    "schema": {"type": "string"},
    "description": 'Link to the next page, `<…>; rel="next"` (RFC 8288); absent on the last page.',
}
LOCATION = {
    "schema": {"type": "string", "format": "uri-reference"},
    "description": "URL of the new resource.",
}
DEPRECATION = {
    "schema": {"type": "string"},
    "description": "Time of the deprecation (RFC 9745), or of the removal (RFC 8594).",
}


class OperationPlugin(BasePlugin):
    """Completes the operations that flask-smorest documents, one path at a time."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def init_spec(self, spec: APISpec) -> None:
        """Register the shared components."""
        spec.components.security_scheme("bearerAuth", BEARER)
        headers: dict[str, Any] = {**COMMON_HEADERS, **RATE_LIMIT_HEADERS}
        for name, header in headers.items():
            spec.components.header(name, header)

    def operation_helper(
        self, path: str | None = None, operations: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        view: Any = self.app.view_functions[kwargs["rule"].endpoint]
        path = kwargs["rule"].rule.replace("<", "{").replace(">", "}")
        for method, doc in (operations or {}).items():
            complete(doc, method, path, view.view_class.operations[method.upper()])


def complete(doc: dict[str, Any], method: str, path: str, operation: Operation) -> None:
    """Add security, parameters, response headers, links and errors to an operation."""
    responses = doc["responses"]
    # Remove the error responses of flask-smorest; each is a string, the name of a component.
    for status in [status for status, text in responses.items() if isinstance(text, str)]:
        del responses[status]
    success = {status: each for status, each in responses.items() if int(status) < 300}
    _describe_access(doc, operation)
    parameters = [*_parameters(operation, method)]
    if parameters:
        doc.setdefault("parameters", []).extend(parameters)
    for status, response in success.items():
        headers = _success_headers(operation, int(status), path)
        if headers:
            response.setdefault("headers", {}).update(headers)
        if operation.links:
            response["links"] = {name: _link(name, to) for name, to in operation.links.items()}
    if operation.etag and method == "get":
        responses[304] = {"description": "Not modified", "headers": {"ETag": etags.ETAG}}
    responses.update(error_responses(operation, doc, path))
    if operation.deprecation:
        doc["deprecated"] = True
    names = [*COMMON_HEADERS, *(() if path in limits.UNLIMITED else RATE_LIMIT_HEADERS)]
    for response in responses.values():
        refs = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        response["headers"] = {**response.get("headers", {}), **refs}


def _describe_access(doc: dict[str, Any], operation: Operation) -> None:
    access = operation.access
    # In OpenAPI, only OAuth 2 and OpenID Connect have scopes, hence `x-required-scope`.
    doc["security"] = [] if access == "public" else [{"bearerAuth": []}]
    if access != "public":
        doc["x-required-scope"] = str(access)
    doc["description"] = f"{doc.get('description', '')}\n\n{_callers(operation)}".strip()
    if operation.recent_sign_in:
        doc["description"] += " Requires a recent sign-in."


def _callers(operation: Operation) -> str:
    access = operation.access
    if access == "public":
        return "**Access:** public; no token is needed."
    roles = ", ".join(f"`{role}`" for role in Role if access in role.scopes)
    no_keys = access is Scope.CREDENTIALS or operation.recent_sign_in
    keys = " API keys are not allowed." if no_keys else ""
    return f"**Access:** requires the scope `{access}` (roles: {roles}).{keys}"


def _parameters(operation: Operation, method: str) -> list[dict[str, Any]]:
    parameters = [idempotency.PARAMETER] if operation.idempotent else []
    if operation.etag and method == "get":
        return [*parameters, etags.IF_NONE_MATCH]
    if operation.etag and (method != "post" or not operation.body):
        return [*parameters, etags.IF_MATCH]
    return parameters


def _success_headers(operation: Operation, status: int, path: str) -> dict[str, Any]:
    next_page = f'<{path}?limit=20&cursor={CURSOR_EXAMPLE}>; rel="next"'
    created = operation.location.format(id=operation.example_id)
    headers = {
        idempotency.REPLAYED: idempotency.REPLAYED_HEADER if operation.idempotent else None,
        "ETag": etags.ETAG if operation.etag and status != 204 else None,
        "Location": {**LOCATION, "example": created} if operation.location else None,
        "Link": {**LINK, "example": next_page} if operation.paginated else None,
    }
    for name, value in (operation.deprecation or {}).items():
        headers[name] = {**DEPRECATION, "example": value}
    return {name: header for name, header in headers.items() if header}


def _link(name: str, to: Link) -> dict[str, Any]:
    if isinstance(to, str):
        described = f"Use the `id` of this response as `{to}`."
        parameters = {to: "$response.body#/id"}
        return {"operationId": name, "description": described, "parameters": parameters}
    # A link can have a `requestBody`, but openapi-generator accepts only a string there.
    values = " and ".join(f"`{field}` from `{source}`" for field, source in to.items())
    return {"operationId": name, "description": f"The request body needs {values}."}
