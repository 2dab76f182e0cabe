"""Data privacy: what refers to a person, and its erasure. Ids come back, nothing personal."""

from __future__ import annotations

import logging
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_gong.api import privacy
from airflow_provider_gong.exceptions import GongConfigurationError, GongRequestRefused
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.operators.base import GongActionOperator, gong_fields
from airflow_provider_gong.operators.personal import GongPersonalOperator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from airflow_provider_gong.api.endpoint import Request

log = logging.getLogger(__name__)

UNCONFIRMED = (
    "confirm is not set, so nothing was sent: an erasure cannot be undone. Set dry_run=True to see what it would "
    "take, and confirm=True to erase."
)
# Where the next attempt finds what this one is about to erase.
FOUND_KEY = "gong_found"
GUARDED = "Gong refuses to delete an abnormal number of objects: if that is the reason, ask its support, help@gong.io."


class GongListEmailAddressReferencesOperator(GongPersonalOperator, GongActionOperator):
    """List what in Gong refers to an e-mail address.

    Returns ids, without any content: `call_ids`, `email_ids`, `meeting_ids`, `customer_data_ids` (leads and contacts)
    and `customer_engagement_count`; all empty when nothing refers to it. It may be retried as often as one likes.
    The address is masked in logs and rendered fields, but not where Airflow stores it apart from the task: in the Dag
    file, the parameters of the run or the XCom of another task. Read it from a variable or a secrets backend.

    See https://help.gong.io/apidocs/retrieve-all-references-to-an-email-address-v2data-privacydata-for-email-address

    :param email_address: One address, without a name. (templated)
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = gong_fields("email_address")
    personal_fields = ("email_address",)

    def __init__(self, *, email_address: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.email_address = email_address

    def request(self) -> Request:
        """Return the request for the references."""
        return privacy.list_email_address_references(self.email_address)

    def outcome(self, reply: Any) -> dict[str, Any]:
        """Return the ids of what refers to the address."""
        return privacy.reference_ids(reply)


class GongListPhoneNumberReferencesOperator(GongPersonalOperator, GongActionOperator):
    """List what in Gong refers to the leads and contacts with a phone number.

    Returns ids, without any content: `call_ids`, `email_ids`, `meeting_ids`, `customer_data_ids` (leads and contacts),
    `customer_engagement_count` (Gong lists none for numbers) and `email_address_count`: how many addresses those
    people have, which stay in Gong until they are erased, too. It may be retried as often as one likes.
    The number is masked in logs and rendered fields, but not where Airflow stores it apart from the task: in the Dag
    file, the parameters of the run or the XCom of another task. Read it from a variable or a secrets backend.

    See https://help.gong.io/apidocs/introduction-2

    :param phone_number: Number with `+` and country code, such as `+1 425 555 2671`; blanks, hyphens and brackets do
        not matter. (templated)
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = gong_fields("phone_number")
    personal_fields = ("phone_number",)

    def __init__(self, *, phone_number: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.phone_number = phone_number

    def request(self) -> Request:
        """Return the request for the references."""
        return privacy.list_phone_number_references(self.phone_number)

    def outcome(self, reply: Any) -> dict[str, Any]:
        """Return the ids of what refers to the number."""
        return privacy.reference_ids(reply)


class GongEraseOperator(GongPersonalOperator):
    """Base of the erasures: nothing is sent unless it is confirmed, and what will be gone is looked up first.

    :param confirm: erase. (templated) Default: False.
    :param dry_run: only look up what would be erased. (templated) Default: False.
    """

    repeatable = True

    def __init__(self, *, confirm: bool | str = False, dry_run: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.confirm = confirm
        # Airflow's operators have a method dry_run().
        self.preview = dry_run

    @abstractmethod
    def references(self) -> Request:
        """Return the request for what refers to the person."""

    @abstractmethod
    def erasure(self) -> Request:
        """Return the request that erases."""

    def perform(self, context: Context) -> dict[str, Any]:
        """Look up the references and, unless this is a dry run, ask Gong to erase them."""
        confirm, preview = read.as_bool("confirm", self.confirm), read.as_bool("dry_run", self.preview)
        if not (confirm or preview):
            raise GongConfigurationError(UNCONFIRMED)
        if not preview:
            # A read-only connection is told before anything is sent.
            self.hook.get_conn().check_allowed(self.erasure())
        ids = privacy.reference_ids(self.hook.send(self.references()))
        log.info("Gong has references in %d calls, ids %s", len(ids["call_ids"]), ids["call_ids"])
        if preview:
            log.info(
                "Nothing is erased, since dry_run is set%s", " (and wins over confirm)" if confirm else ""
            )
        else:
            ids = self._erase(ids, context)
        return {**ids, "erasure_requested": not preview}

    def _erase(self, ids: dict[str, Any], context: Context) -> dict[str, Any]:
        """Ask Gong to erase, and return all ids that this and earlier attempts found."""
        kept = context["task_state_store"]
        # An attempt whose reply was lost may have begun the erasure, and Gong no longer tells what is gone.
        earlier = cast("dict[str, Any]", kept.get(FOUND_KEY, {}))
        ids = privacy.joined_ids(earlier, ids)
        kept.set(FOUND_KEY, ids)
        try:
            self.hook.send(self.erasure())
        except GongRequestRefused as error:
            # The next attempt may be about somebody else.
            kept.set(FOUND_KEY, earlier)
            if error.status == 400:
                # How Gong words this refusal is not documented, so the hint goes with all of them.
                error.message = f"{error.message} {GUARDED}".strip()
            raise
        log.info("Gong has accepted the erasure; it takes hours, and Gong tells nobody when it is done")
        return ids


class GongEraseEmailAddressOperator(GongEraseOperator):
    """Erase an e-mail address and all that refers to it: calls, messages, leads and contacts. It cannot be undone.

    Nothing is sent without `confirm=True`. The references are looked up first, since nobody can tell them afterwards:
    returns their ids, `call_ids`, `email_ids`, `meeting_ids`, `customer_data_ids`, with `customer_engagement_count`
    and `erasure_requested` (False for a dry run). Erasing twice is erasing once, so a retry does no harm; it
    returns also what the attempts before it found.

    Delete the person from the CRM and the mail system first, or Gong imports them again. The erasure takes hours and
    has no status: `GongErasureSensor` waits until no reference is left. Gong accepts addresses that it does not know.
    The address is masked in logs and rendered fields, but not where Airflow stores it apart from the task: in the Dag
    file, the parameters of the run or the XCom of another task. Read it from a variable or a secrets backend.

    See https://help.gong.io/apidocs/delete-the-email-address-and-all-associated-elements-v2data-privacyerase-data-for-email-address

    :param email_address: One address, without a name. (templated)
    :param confirm: Erase; without it the task fails. (templated) Default: False.
    :param dry_run: Only look up and return what refers to the address, whether confirmed or not. (templated)
        Default: False.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = gong_fields("email_address", "confirm", "preview")
    personal_fields = ("email_address",)

    def __init__(self, *, email_address: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.email_address = email_address

    def references(self) -> Request:
        """Return the request for what refers to the address."""
        return privacy.list_email_address_references(self.email_address)

    def erasure(self) -> Request:
        """Return the request that erases the address."""
        return privacy.erase_email_address(self.email_address)


class GongErasePhoneNumberOperator(GongEraseOperator):
    """Erase the leads and contacts with a phone number, their calls and messages. It cannot be undone.

    Nothing is sent without `confirm=True`. The references are looked up first, since nobody can tell them afterwards:
    returns their ids, `call_ids`, `email_ids`, `meeting_ids`, `customer_data_ids`, with `customer_engagement_count`,
    `email_address_count` (addresses of those people, which want an erasure of their own) and `erasure_requested`
    (False for a dry run). Erasing twice is erasing once, so a retry does no harm; it
    returns also what the attempts before it found.

    Delete the person from the CRM and the mail system first, or Gong imports them again. The erasure takes hours and
    has no status: `GongErasureSensor` waits until no reference is left. Gong accepts numbers that it does not know.
    The number is masked in logs and rendered fields, but not where Airflow stores it apart from the task: in the Dag
    file, the parameters of the run or the XCom of another task. Read it from a variable or a secrets backend.

    See https://help.gong.io/apidocs/delete-the-phone-number-and-all-associated-elements-v2data-privacyerase-data-for-phone-number

    :param phone_number: Number with `+` and country code, such as `+1 425 555 2671`; blanks, hyphens and brackets do
        not matter. (templated)
    :param confirm: Erase; without it the task fails. (templated) Default: False.
    :param dry_run: Only look up and return what refers to the number, whether confirmed or not. (templated)
        Default: False.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = gong_fields("phone_number", "confirm", "preview")
    personal_fields = ("phone_number",)

    def __init__(self, *, phone_number: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.phone_number = phone_number

    def references(self) -> Request:
        """Return the request for what refers to the number."""
        return privacy.list_phone_number_references(self.phone_number)

    def erasure(self) -> Request:
        """Return the request that erases the number."""
        return privacy.erase_phone_number(self.phone_number)
