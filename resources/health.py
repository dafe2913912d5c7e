"""Health checks: /api/health, and the liveness and readiness probes."""

from datetime import UTC, datetime
from typing import Any

from flask import current_app

from app.db.readiness import Readiness as ReadinessCheck
from app.errors.http_errors import Unavailable
from app.http.access import public
from app.http.blueprint import Blueprint
from app.http.resource import Resource
from app.version import __version__
from schemas.health import HealthSchema, ProbeSchema

DESCRIPTION = """\
Health checks: `/api/health` for people, `/live` and `/ready` for the probes of an orchestrator
such as Kubernetes. They need no token and have no rate limit.
"""

blp = Blueprint("health", __name__, url_prefix="/api/health", description=DESCRIPTION)


@blp.route("")
class Health(Resource):
    @blp.response(200, HealthSchema)
    @public
    @blp.doc(operationId="getHealth")
    def get(self) -> dict[str, Any]:
        """Get the status and the version of the service.

        The status does not depend on PostgreSQL or Redis.
        """
        return {"status": "healthy", "timestamp": datetime.now(UTC), "version": __version__}


@blp.route("/live")
class Liveness(Resource):
    @blp.response(200, ProbeSchema, example={"status": "alive"})
    @public
    @blp.doc(operationId="getLiveness")
    def get(self) -> dict[str, str]:
        """Check that the process is alive.

        The check does not use PostgreSQL or Redis. If it fails, restart the process.
        """
        return {"status": "alive"}


@blp.route("/ready")
class Readiness(Resource):
    @blp.response(200, ProbeSchema, example={"status": "ready"})
    @blp.raises(Unavailable)
    @public
    @blp.doc(operationId="getReadiness")
    def get(self) -> dict[str, str]:
        """Check that the service can handle requests.

        PostgreSQL must be writable and have the schema that this version needs. If the check
        fails, send requests to another instance. The result can be one second old.
        """
        check: ReadinessCheck = current_app.extensions["readiness"]
        if fault := check.fault(self.session):
            raise Unavailable(fault)
        return {"status": "ready"}
