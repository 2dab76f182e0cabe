"""Events of engagement that other systems report: content shared, content viewed, and other actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api import engagement
from airflow_provider_gong.operators.engagement_base import (
    GongContentEventOperator,
    GongEventOperator,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_gong.api.endpoint import Request


class GongReportCustomActionOperator(GongEventOperator):
    """Report that somebody outside the company did something, such as signing a contract.

    Returns `already_reported`: True when Gong had an event with this `event_id` before, which is a success. With
    `event_id` it may be retried; without it a lost reply fails the task for good, since another try might add a
    second event. Gong calls this operation legacy and advises Digital Interactions for new integrations.

    See https://help.gong.io/apidocs/report-event-of-a-custom-action-v2customer-engagementaction

    :param reporting_system: Identifier of the system that reports, the same in all of its events. (templated)
    :param event_timestamp: When it happened; a datetime or ISO 8601 text, UTC without an offset. (templated)
    :param event_id: Identifier of the event in the reporting system; by it Gong recognises an event that is reported
        again. (templated) Default: None, every report is a new event.
    :param content_id: Identifier of the content in the reporting system. (templated) Default: None.
    :param content_url: Address of the content, as it was opened. (templated) Default: None.
    :param content_title: Title of the content, for people. (templated) Default: None.
    :param event_info_url: Address of a page about this event. (templated) Default: None.
    :param actor: Who did it: an object with `email`, `name`, `title`,
        `context` (links like `crm_context`), as far as known; also its JSON text. (templated) Default: None.
    :param action_name: Name of the action, such as `Document Signed`. (templated) Default: None.
    :param share_id: Identifier of the share that the event belongs to, when content is shared more than once.
        (templated) Default: None.
    :param sharer: Who shared the content: an object with `id` (of the user in Gong), `email`, `name`, as far as known;
        also its JSON text. (templated) Default: None.
    :param sharing_message_subject: Subject of the message that the content was shared with. (templated) Default: None.
    :param sharing_message_body: Text of that message; Gong cleans HTML before it shows it. (templated) Default: None.
    :param non_company_participants: People from outside the company who took part: a list of objects with `email`,
        `name`, `title`, `context`, as far as known; also its JSON text. (templated) Default: None.
    :param more_info_url: Address of a page with more about the event. (templated) Default: None.
    :param crm_context: Links to other systems: a list of objects with `system` (`Salesforce`, `HubSpot`,
        `MicrosoftDynamic`, `Generic`) and `objects`, each with `objectType` and `objectId`; also its JSON text.
        (templated) Default: None.
    :param content_properties: More about the content: a list of objects with `name`, `value`, `dataType` (`number`,
        `string`, `url`, `date`); numbers are sent as text; also its JSON text. (templated) Default: None.
    :param event_properties: More about the event, as `content_properties`. (templated) Default: None.
    :param user_agent: Header `User-Agent` of the browser that was used. (templated) Default: None.
    :param mobile_app_id: Bundle identifier or package name of the mobile application that was used. (templated)
        Default: None.
    :param agent_platform: Platform that was used: `Windows`, `Linux`, `MacOS`, `iOS` or `Android`. (templated)
        Default: None.
    :param tracking_id: Identifier by which the person who did it is tracked. (templated) Default: None.
    :param workspace_id: Workspace whose timeline shows the event. (templated) Default: None, Gong decides.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = (*GongEventOperator.template_fields, "event_info_url", "actor")

    def __init__(
        self,
        *,
        content_id: str | None = None,
        content_url: str | None = None,
        content_title: str | None = None,
        event_info_url: str | None = None,
        actor: dict[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.content_id = content_id
        self.content_url = content_url
        self.content_title = content_title
        self.event_info_url = event_info_url
        self.actor = actor

    def request(self) -> Request:
        """Return the request that reports the action."""
        return engagement.report_custom_action(**self.event(texts=("event_info_url",), objects=("actor",)))


class GongReportContentSharedOperator(GongContentEventOperator):
    """Report that a user of Gong shared content with people outside the company.

    Returns `already_reported`: True when Gong had an event with this `event_id` before, which is a success. With
    `event_id` it may be retried; without it a lost reply fails the task for good, since another try might add a
    second event. Gong calls this operation legacy and advises Digital Interactions for new integrations.

    See https://help.gong.io/apidocs/report-event-of-a-content-share-v2customer-engagementcontentshared

    :param reporting_system: Identifier of the system that reports, the same in all of its events. (templated)
    :param event_timestamp: When it happened; a datetime or ISO 8601 text, UTC without an offset. (templated)
    :param event_id: Identifier of the event in the reporting system; by it Gong recognises an event that is reported
        again. (templated) Default: None, every report is a new event.
    :param content_id: Identifier of the content in the reporting system. (templated)
    :param content_url: Address of the content, as it is opened. (templated)
    :param content_title: Title of the content, for people. (templated)
    :param share_info_url: Address of a page about this share. (templated) Default: None.
    :param recipients: Whom it was shared with: a list of objects with `email` and perhaps `name`, `title`,
        `context` (links like `crm_context`); also its JSON text. (templated) Default: None.
    :param action_name: Name of the action, such as `Document Sent`. (templated) Default: None.
    :param share_id: Identifier of the share that the event belongs to, when content is shared more than once.
        (templated) Default: None.
    :param sharer: Who shared the content: an object with `id` (of the user in Gong), `email`, `name`, as far as known;
        also its JSON text. (templated) Default: None.
    :param sharing_message_subject: Subject of the message that the content was shared with. (templated) Default: None.
    :param sharing_message_body: Text of that message; Gong cleans HTML before it shows it. (templated) Default: None.
    :param non_company_participants: People from outside the company who took part: a list of objects with `email`,
        `name`, `title`, `context`, as far as known; also its JSON text. (templated) Default: None.
    :param more_info_url: Address of a page with more about the event. (templated) Default: None.
    :param crm_context: Links to other systems: a list of objects with `system` (`Salesforce`, `HubSpot`,
        `MicrosoftDynamic`, `Generic`) and `objects`, each with `objectType` and `objectId`; also its JSON text.
        (templated) Default: None.
    :param content_properties: More about the content: a list of objects with `name`, `value`, `dataType` (`number`,
        `string`, `url`, `date`); numbers are sent as text; also its JSON text. (templated) Default: None.
    :param event_properties: More about the event, as `content_properties`. (templated) Default: None.
    :param user_agent: Header `User-Agent` of the browser that was used. (templated) Default: None.
    :param mobile_app_id: Bundle identifier or package name of the mobile application that was used. (templated)
        Default: None.
    :param agent_platform: Platform that was used; any text. (templated)
        Default: None.
    :param tracking_id: Identifier by which the person who did it is tracked. (templated) Default: None.
    :param workspace_id: Workspace whose timeline shows the event. (templated) Default: None, Gong decides.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = (
        *GongContentEventOperator.template_fields,
        "share_info_url",
        "recipients",
    )

    def __init__(
        self,
        *,
        share_info_url: str | None = None,
        recipients: list[dict[str, Any]] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.share_info_url = share_info_url
        self.recipients = recipients

    def request(self) -> Request:
        """Return the request that reports the share."""
        return engagement.report_content_shared(
            **self.event(texts=("share_info_url",), objects=("recipients",))
        )


class GongReportContentViewedOperator(GongContentEventOperator):
    """Report that somebody outside the company viewed content.

    Returns `already_reported`: True when Gong had an event with this `event_id` before, which is a success. With
    `event_id` it may be retried; without it a lost reply fails the task for good, since another try might add a
    second event. Gong calls this operation legacy and advises Digital Interactions for new integrations.

    See https://help.gong.io/apidocs/report-event-of-a-content-view-v2customer-engagementcontentviewed

    :param reporting_system: Identifier of the system that reports, the same in all of its events. (templated)
    :param event_timestamp: When it happened; a datetime or ISO 8601 text, UTC without an offset. (templated)
    :param event_id: Identifier of the event in the reporting system; by it Gong recognises an event that is reported
        again. (templated) Default: None, every report is a new event.
    :param content_id: Identifier of the content in the reporting system. (templated)
    :param content_url: Address of the content, as the viewer opened it. (templated)
    :param content_title: Title of the content, for people. (templated)
    :param view_action_title: Name of the view, such as `Document Viewed`. (templated) Default: None.
    :param view_info_url: Address of a page about this view. (templated) Default: None.
    :param viewer: Who viewed it, not together with `tracking_id`: an object with `email`, `name`, `title`,
        `context` (links like `crm_context`), as far as known; also its JSON text. (templated) Default: None.
    :param action_name: Name of the action, such as `Document Viewed`. (templated) Default: None.
    :param share_id: Identifier of the share that the event belongs to, when content is shared more than once.
        (templated) Default: None.
    :param sharer: Who shared the content: an object with `id` (of the user in Gong), `email`, `name`, as far as known;
        also its JSON text. (templated) Default: None.
    :param sharing_message_subject: Subject of the message that the content was shared with. (templated) Default: None.
    :param sharing_message_body: Text of that message; Gong cleans HTML before it shows it. (templated) Default: None.
    :param non_company_participants: People from outside the company who took part: a list of objects with `email`,
        `name`, `title`, `context`, as far as known; also its JSON text. (templated) Default: None.
    :param more_info_url: Address of a page with more about the event. (templated) Default: None.
    :param crm_context: Links to other systems: a list of objects with `system` (`Salesforce`, `HubSpot`,
        `MicrosoftDynamic`, `Generic`) and `objects`, each with `objectType` and `objectId`; also its JSON text.
        (templated) Default: None.
    :param content_properties: More about the content: a list of objects with `name`, `value`, `dataType` (`number`,
        `string`, `url`, `date`); numbers are sent as text; also its JSON text. (templated) Default: None.
    :param event_properties: More about the event, as `content_properties`. (templated) Default: None.
    :param user_agent: Header `User-Agent` of the browser that was used. (templated) Default: None.
    :param mobile_app_id: Bundle identifier or package name of the mobile application that was used. (templated)
        Default: None.
    :param agent_platform: Platform that was used: `Windows`, `Linux`, `MacOS`, `iOS` or `Android`. (templated)
        Default: None.
    :param tracking_id: Identifier by which the viewer is tracked, not together with `viewer`. (templated)
        Default: None.
    :param workspace_id: Workspace whose timeline shows the event. (templated) Default: None, Gong decides.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = (
        *GongContentEventOperator.template_fields,
        "view_action_title",
        "view_info_url",
        "viewer",
    )

    def __init__(
        self,
        *,
        view_action_title: str | None = None,
        view_info_url: str | None = None,
        viewer: dict[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.view_action_title = view_action_title
        self.view_info_url = view_info_url
        self.viewer = viewer

    def request(self) -> Request:
        """Return the request that reports the view."""
        return engagement.report_content_viewed(
            **self.event(texts=("view_action_title", "view_info_url"), objects=("viewer",))
        )
