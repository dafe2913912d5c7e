"""Health: for people, and for the probes of an orchestrator."""

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
Whether the service is up: `/api/health` for people, `/live` and `/ready` for the probes of an
orchestrator. They need no token, and are not limited.
"""

blp = Blueprint("health", __name__, url_prefix="/api/health", description=DESCRIPTION)


@blp.route("")
class Health(Resource):
    @blp.response(200, HealthSchema)
    @public
    @blp.doc(operationId="getHealth")
    def get(self) -> dict[str, Any]:
        """Tell that the service is up, and which version it is.

        It asks neither PostgreSQL nor Redis.
        """
        return {"status": "healthy", "timestamp": datetime.now(UTC), "version": __version__}


@blp.route("/live")
class Liveness(Resource):
    @blp.response(200, ProbeSchema, example={"status": "alive"})
    @public
    @blp.doc(operationId="getLiveness")
    def get(self) -> dict[str, str]:
        """Tell that the process answers; asks nobody else.

        Where it fails, the process has to be started again.
        """
        return {"status": "alive"}


@blp.route("/ready")
class Readiness(Resource):
    @blp.response(200, ProbeSchema, example={"status": "ready"})
    @blp.raises(Unavailable)
    @public
    @blp.doc(operationId="getReadiness")
    def get(self) -> dict[str, str]:
        """Check that PostgreSQL is writable and has the schema that this version needs.

        While it fails, requests should go to another replica. The result is up to one second old.
        """
        check: ReadinessCheck = current_app.extensions["readiness"]
        if fault := check.fault(self.session):
            raise Unavailable(fault)
        return {"status": "ready"}
