"""Is it all there? A check of what the exports wrote, without a request to Gong."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.operators import arguments as read

# The check is imported where it is used: each parse of each Dag file would pay for it.
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from airflow.sdk import Context

    from airflow_provider_gong.exports.check.check import Expectations
    from airflow_provider_gong.exports.check.receipt import Receipt
    from airflow_provider_gong.exports.dataset import Dataset

log = logging.getLogger(__name__)


class GongCheckExportOperator(BaseOperator):
    """Check that a dataset which the exports wrote is whole, and fail or warn when it is not.

    Reads manifests, ids files and listings, and sends no request to Gong. Problems are: stretches of time that no
    window covers, ids that two windows hold, files that are missing or were changed, counts that differ, exports
    that are not complete, too many pending transcripts, and exports that are too old. The error names each with its
    mend. The log shows a calendar of coverage, and `_coverage.html` beside the data does.

    Returns `ok`, `problems` (texts), `windows`, `rows`, `covered_from`, `covered_to`, `gaps` (the first 100, each with
    `from_datetime` and `to_datetime`, as a mapped export takes them), `pending`, `given_up` and `doubled` (numbers);
    the same is in XCom when the task fails.

    See https://help.gong.io/apidocs/retrieve-detailed-call-data-by-various-filters-v2callsextensive-2 for what Gong
    tells of a window.

    :param dataset: Where the dataset lies: the `destination` of the exports and the stream, such as
        `s3://conn@bucket/gong/calls`, `file:///data/gong/users` or `.../logs/log_type=AccessLog`. (templated)
    :param dataset_conn_id: Airflow connection of the storage, if the URL names none. (templated) Default: None.
    :param from_datetime: Start of the range to check, inclusive; a datetime or ISO 8601 text, UTC without an offset.
        Windows outside of it are not read. (templated) Default: None, the start of the oldest window.
    :param to_datetime: End of the range, exclusive; must have passed. (templated) Default: None, the end of the
        newest window.
    :param max_pending_share: How much of all ids of the range may be pending or given up, from 0 to 1; Gong never
        transcribes some calls. (templated) Default: `0.05`.
    :param fail_if_older_than: How long ago the newest window may end; a timedelta or an ISO 8601 duration such as
        `PT36H`. (templated) Default: None, any age.
    :param fail_if_incomplete_for: How long ago the exports may be complete through. That follows them at the distance
        of their `lookback`, in which late calls may come: give more than that, such as `P9D`. (templated)
        Default: None, any time.
    :param verify: `size` compares the sizes of parts in the listing, `content` downloads each part and compares its
        hash. (templated) Default: `size`.
    :param on_problem: `fail`, or `warn` to log the problems and succeed. (templated) Default: `fail`.
    :param write_page: Write `_coverage.html` beside the data; without it the storage need not be writable.
        (templated) Default: True.
    """

    template_fields: Sequence[str] = (
        *("dataset", "dataset_conn_id", "from_datetime", "to_datetime", "max_pending_share"),
        *("fail_if_older_than", "fail_if_incomplete_for", "verify", "on_problem", "write_page"),
    )
    ui_color = "#ece4ff"

    def __init__(
        self,
        *,
        dataset: str,
        dataset_conn_id: str | None = None,
        from_datetime: datetime | str | None = None,
        to_datetime: datetime | str | None = None,
        max_pending_share: float | str = 0.05,
        fail_if_older_than: timedelta | str | None = None,
        fail_if_incomplete_for: timedelta | str | None = None,
        verify: str = "size",
        on_problem: str = "fail",
        write_page: bool | str = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.dataset_conn_id = dataset_conn_id
        self.from_datetime = from_datetime
        self.to_datetime = to_datetime
        self.max_pending_share = max_pending_share
        self.fail_if_older_than = fail_if_older_than
        self.fail_if_incomplete_for = fail_if_incomplete_for
        self.verify = verify
        self.on_problem = on_problem
        self.write_page = write_page
        self._checked: Dataset | None = None
        self._rows = 0

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Tell OpenLineage what was read; its provider asks for it."""
        from airflow_provider_gong.exports.lineage import lineage_of_check

        return lineage_of_check(self._checked, self._rows)

    def execute(self, context: Context) -> dict[str, Any]:
        """Check, show the calendar, and fail or warn."""
        try:
            fails = read.as_choice("on_problem", self.on_problem, ("fail", "warn")) == "fail"
            receipt = self._check()
        except GongConfigurationError as error:
            raise AirflowFailException(str(error)) from error
        result = receipt.to_xcom()
        if not receipt.ok and fails:
            # A task that fails returns nothing, and what mends the dataset wants to know the gaps.
            context["ti"].xcom_push(key="return_value", value=result)
            raise AirflowFailException(receipt.error())
        if not receipt.ok:
            log.warning("%s", receipt.error())
        return result

    def _check(self) -> Receipt:
        from airflow_provider_gong.exports.check.calendar import lines
        from airflow_provider_gong.exports.check.check import check

        write_page, dataset = read.as_bool("write_page", self.write_page), self._dataset()
        self._checked = dataset
        receipt = check(dataset, self._expectations())
        self._rows = receipt.rows
        for line in lines(receipt):
            log.info("%s", line)
        if write_page and receipt.spans:
            self._write_page(dataset, receipt)
        return receipt

    def _dataset(self) -> Dataset:
        from airflow_provider_gong.exports.dataset import Dataset
        from airflow_provider_gong.exports.storage import open_destination

        read.require(self, "dataset")
        address = str(self.dataset).rstrip("/")
        return Dataset(open_destination(address, read.as_text(self.dataset_conn_id), "dataset"))

    def _expectations(self) -> Expectations:
        from airflow_provider_gong.exports.check.check import Expectations

        return Expectations(
            start=read.as_datetime("from_datetime", self.from_datetime),
            end=read.as_datetime("to_datetime", self.to_datetime),
            max_pending_share=self._share(),
            max_age=_limit("fail_if_older_than", self.fail_if_older_than),
            max_lag=_limit("fail_if_incomplete_for", self.fail_if_incomplete_for),
            verify_content=read.as_choice("verify", self.verify, ("size", "content")) == "content",
        )

    def _share(self) -> float:
        share = read.as_number("max_pending_share", self.max_pending_share)
        if share is None or share > 1:
            raise GongConfigurationError(
                f"max_pending_share={self.max_pending_share!r} is no share: give a number from 0 to 1, such as 0.05."
            )
        return share

    def _write_page(self, dataset: Dataset, receipt: Receipt) -> None:
        from airflow_provider_gong.exports.check.page import PAGE_NAME, page
        from airflow_provider_gong.exports.storage import put_bytes

        target = dataset.root / PAGE_NAME
        put_bytes(page(receipt), target, dataset.staging)
        log.info("The calendar lies at %s", target)


def _limit(name: str, value: timedelta | str | None) -> timedelta | None:
    limit = read.as_duration(name, value)
    if limit is not None and limit.total_seconds() <= 0:
        raise GongConfigurationError(f"{name}={value!r} must be longer than zero, for example 'PT36H'.")
    return limit
