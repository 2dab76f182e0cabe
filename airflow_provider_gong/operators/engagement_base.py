"""What the operators that report engagement events share: their arguments, and that Gong keeps each event once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exceptions import GongConflict
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.operators.base import GongActionOperator, gong_fields

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow.sdk import Context

log = logging.getLogger(__name__)


_TEXTS = (
    *("reporting_system", "event_timestamp", "event_id", "tracking_id", "workspace_id", "action_name"),
    *("share_id", "sharing_message_subject", "sharing_message_body", "more_info_url"),
    *("user_agent", "mobile_app_id", "agent_platform"),
)
_OBJECTS = (*("sharer", "non_company_participants", "crm_context", "content_properties", "event_properties"),)
# All events have these, too, but only some operators require them, so each class declares them by itself.
_CONTENT = ("content_id", "content_url", "content_title")


class GongEventOperator(GongActionOperator):
    """Base of the operators that report an event; the classes themselves document the arguments."""

    template_fields: Sequence[str] = gong_fields(*_TEXTS, *_OBJECTS, *_CONTENT)

    def __init__(
        self,
        *,
        reporting_system: str,
        event_timestamp: datetime | str,
        event_id: str | None = None,
        action_name: str | None = None,
        share_id: str | None = None,
        sharer: dict[str, Any] | str | None = None,
        sharing_message_subject: str | None = None,
        sharing_message_body: str | None = None,
        non_company_participants: list[dict[str, Any]] | str | None = None,
        more_info_url: str | None = None,
        crm_context: list[dict[str, Any]] | str | None = None,
        content_properties: list[dict[str, Any]] | str | None = None,
        event_properties: list[dict[str, Any]] | str | None = None,
        user_agent: str | None = None,
        mobile_app_id: str | None = None,
        agent_platform: str | None = None,
        tracking_id: str | None = None,
        workspace_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.reporting_system = reporting_system
        self.event_timestamp = event_timestamp
        self.event_id = event_id
        self.action_name = action_name
        self.share_id = share_id
        self.sharer = sharer
        self.sharing_message_subject = sharing_message_subject
        self.sharing_message_body = sharing_message_body
        self.non_company_participants = non_company_participants
        self.more_info_url = more_info_url
        self.crm_context = crm_context
        self.content_properties = content_properties
        self.event_properties = event_properties
        self.user_agent = user_agent
        self.mobile_app_id = mobile_app_id
        self.agent_platform = agent_platform
        self.tracking_id = tracking_id
        self.workspace_id = workspace_id

    @property
    def repeatable(self) -> bool:
        """Tell whether Gong can recognise the event when it is reported again."""
        return read.as_text(self.event_id) is not None

    def event(self, *, texts: tuple[str, ...], objects: tuple[str, ...]) -> dict[str, Any]:
        """Return the event from the rendered arguments: those that all events have, and the ones named."""
        return {
            **read.texts(self, *_TEXTS, *_CONTENT, *texts),
            **read.objects(self, *_OBJECTS, *objects),
        }

    def perform(self, context: Context) -> dict[str, bool]:
        """Report the event; one that Gong has already is as good as reported."""
        if not self.repeatable:
            log.info(
                "Without event_id Gong cannot recognise an event that is reported twice, so a lost reply fails the "
                "task for good: give event_id, if the reporting system has one"
            )
        try:
            super().perform(context)
        except GongConflict:
            # The only meaning that Gong's document has for this status here.
            log.info("Gong has this event already: nothing was added")
            return {"already_reported": True}
        return {"already_reported": False}


class GongContentEventOperator(GongEventOperator):
    """Base of the operators whose events need content."""

    def __init__(self, *, content_id: str, content_url: str, content_title: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.content_id = content_id
        self.content_url = content_url
        self.content_title = content_title
