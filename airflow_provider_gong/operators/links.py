"""From a task in Airflow to what it made in Gong."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context
    from airflow.sdk.types import TaskInstanceKey

CALL_URL = "call_url"
MEETING_URL = "meeting_url"
COMPANY_URL = "company_url"

# us-12345.api.gong.io has its application at us-12345.app.gong.io.
API_HOST = re.compile(r"((?:[\w-]+\.)*)api\.gong\.io", re.ASCII)


class GongPushedLink(BaseOperatorLink):
    """Base of the links to an address that the task pushes to XCom."""

    name = "Open in Gong"
    key: ClassVar[str]

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address that the task pushed; Airflow asks for it on the worker, when the task is over."""
        from airflow.sdk.execution_time.xcom import XCom

        return str(XCom.get_value(ti_key=ti_key, key=self.key) or "")


class GongCallLink(GongPushedLink):
    """Open the call of the task in Gong's application."""

    key = CALL_URL


class GongMeetingLink(GongPushedLink):
    """Open the address at which people join the meeting of the task; it leads through Gong."""

    key = MEETING_URL


class GongCompanyLink(GongPushedLink):
    """Open the Gong of the company that the task exported from."""

    key = COMPANY_URL


def push_meeting_url(context: Context, url: object) -> None:
    """Keep the address of a meeting for the link, if Gong has told one."""
    if _is_web_address(url):
        context["ti"].xcom_push(key=MEETING_URL, value=url)


def push_call_url(context: Context, url: str | None) -> None:
    """Keep the address of a call for the link."""
    if url is not None:
        context["ti"].xcom_push(key=CALL_URL, value=url)


def push_company_url(context: Context, url: str | None) -> None:
    """Keep the address of the company's Gong for the link."""
    if url is not None:
        context["ti"].xcom_push(key=COMPANY_URL, value=url)


def call_url(given: object, host: str, call_id: str) -> str | None:
    """Return the address of a call in Gong's application, None when it cannot be known.

    :param given: what Gong itself says it is, if it says anything.
    :param host: the host that the API has, without port.
    """
    if _is_web_address(given):
        return str(given)
    application = _application(host)
    return f"{application}call?id={call_id}" if application else None


def company_url(given: object, host: str) -> str | None:
    """Return the address of a company's Gong, None when it cannot be known.

    :param given: where Gong itself says that one of the company's calls is, if it says anything.
    :param host: the host that the API has, without port.
    """
    if _is_web_address(given):
        # What cannot be taken apart is no reason to fail a task whose work is done.
        with contextlib.suppress(ValueError):
            address = urlsplit(str(given))
            if address.netloc:
                return f"{address.scheme}://{address.netloc}/"
    return _application(host)


def _application(host: str) -> str | None:
    api = API_HOST.fullmatch(host)
    return f"https://{api[1]}app.gong.io/" if api else None


def _is_web_address(given: object) -> bool:
    # Airflow's page makes a link of it, which must not become a script.
    return isinstance(given, str) and given.startswith(("https://", "http://"))
