"""Events: /api/events."""

from typing import Any

from app.http.access import requires
from app.http.blueprint import Blueprint
from app.http.resource import Resource
from models.users import Scope
from schemas.events import EventQuerySchema, EventSchema
from services import events
from services.pages import Page, PageRequest

DESCRIPTION = """\
Changes of resources, with the user or API key that made them. The transaction of a change also
writes its event. So no event is lost, and a failed change has no event. Events are deleted after
30 days.
"""

blp = Blueprint("events", __name__, url_prefix="/api/events", description=DESCRIPTION)


@blp.route("")
class Events(Resource):
    @blp.paginated(EventQuerySchema, EventSchema, resumable=True)
    @requires(Scope.EVENTS_READ)
    @blp.doc(operationId="listEvents")
    def get(self, page: PageRequest, filters: dict[str, Any]) -> Page:
        """List events, oldest first.

        To follow the events, store `resume_cursor` after you have handled a page, and send it as
        `cursor` in the next request. If `next_cursor` is null, wait some seconds first. An event
        appears when all earlier transactions have ended, usually within a second. So a client that
        follows the events skips none.
        """
        return events.list_all(self.session, page, filters)
