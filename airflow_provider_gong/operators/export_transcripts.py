"""Incremental exports of transcripts; import the operator from `airflow_provider_gong.operators.exports`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.exceptions import GongConfigurationError
from airflow_provider_gong.operators import arguments as read
from airflow_provider_gong.operators.export_base import GongWindowedExportOperator

# The engine is imported where it is used: each parse of each Dag file would pay for it.
if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import ObjectStoragePath, XComArg

    from airflow_provider_gong.exports.batches import Stream
    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.history import History
    from airflow_provider_gong.exports.run import Run
    from airflow_provider_gong.exports.streams import Transcripts
    from airflow_provider_gong.exports.window import Choice, Window


class GongExportTranscriptsOperator(GongWindowedExportOperator):
    """Export the transcripts of calls that another task exported, or of the calls of a window.

    Asks by id, 100 calls a request; without `calls` it lists the calls of the window first. A transcript that is
    not ready yet is named in the manifest as pending, which makes the export incomplete. Returns the summary of
    the export; without a destination the records themselves.

    See https://help.gong.io/apidocs/retrieve-transcripts-of-calls-by-date-or-callids-v2callstranscript-2

    :param calls: The calls to transcribe: the summary that a calls export returned, or the URI of its manifest;
        the window is then that of the calls. Without a destination a list of call records or ids will do.
        (templated)
        Default: None, the calls of the window.
    :param destination: Where the dataset lies: `s3://conn@bucket/gong`, `gs://...`, `abfs://...`, `file:///data/gong`
        or an absolute path; rows land in `<destination>/transcripts/`. (templated) Default: None, the records go to
        XCom, up to 1,000,000 bytes of JSON.
    :param destination_conn_id: Airflow connection of the storage, if the URL names none. (templated) Default: None.
    :param file_format: `jsonl.gz` or `jsonl`, one record a line, UTF-8; or `parquet`, typed columns, with the extra
        `[parquet]`. (templated) Default: `jsonl.gz`.
    :param skip_if_empty: Skip this task, and so those after it, when nothing was exported. (templated)
        Default: False.
    :param deferrable: Wait in the triggerer, holding no worker, when Gong or the quota asks for more than the
        connection's longest wait; the export goes on then. Default: Airflow's option `[operators] default_deferrable`.
    :param from_datetime: Start of the window, inclusive; a datetime or ISO 8601 text, UTC without an offset.
        Needs `to_datetime`. (templated) Default: None, the window follows from the run.
    :param to_datetime: End of the window, exclusive; must have passed. (templated) Default: None.
    :param interval: Length of the window of a run: it ends when the run was due, or begins at the partition
        date; a timedelta or an ISO 8601 duration such as `P1D`. (templated) Default: None, the data
        interval of the run, or what no manifest covers yet.
    :param initial_from_datetime: Where the first export of a dataset begins, inclusive; needed once for runs
        without a data interval. (templated) Default: None.
    :param settle: How far to hold back windows that follow from the run, for calls that Gong shows late;
        a timedelta or an ISO 8601 duration. (templated) Default: no time.
    :param lookback: How far the newest run of the dataset looks back for calls that came late; with `calls` their
        export has done so. Only in Dags with `max_active_runs=1`. (templated) Default: 7 days.
    :param give_up_after: How long the newest runs ask again for transcripts that are not ready; those that do not
        come within it are named as given up. (templated) Default: 14 days.
    :param resolve_pending: Ask again for whatever any manifest of the dataset names as pending, as after a backfill;
        reads all manifests. (templated) Default: False.
    :param workspace_id: Export the calls of one workspace only, to a dataset of its own; with `calls` it follows
        from them. (templated) Default: None, all workspaces.
    :param include_private: Export private calls too; with `calls` it follows from them. (templated)
        Default: False.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = (
        *GongWindowedExportOperator.template_fields,
        *("calls", "lookback", "give_up_after", "resolve_pending", "workspace_id", "include_private"),
    )

    def __init__(
        self,
        *,
        calls: dict[str, Any] | list[dict[str, Any]] | str | XComArg | None = None,
        lookback: timedelta | str = timedelta(days=7),
        give_up_after: timedelta | str = timedelta(days=14),
        resolve_pending: bool | str = False,
        workspace_id: str | None = None,
        include_private: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.calls = calls
        self.lookback = lookback
        self.give_up_after = give_up_after
        self.resolve_pending = resolve_pending
        # Of a task that was skipped nothing is left when the templates are rendered: no calls, not all of them.
        self._calls_given = calls is not None
        self.workspace_id = workspace_id
        self.include_private = include_private

    def stream(self) -> Stream:
        """Return the transcripts that the arguments select."""
        from airflow_provider_gong.exports.streams import Transcripts

        if self._calls_given:
            return self._of_given_calls()
        return Transcripts(
            workspace_id=read.as_id("workspace_id", self.workspace_id),
            include_private=read.as_bool("include_private", self.include_private),
        )

    def _of_given_calls(self) -> Transcripts:
        from airflow_provider_gong.exports.streams import Transcripts

        self._refuse_beside_calls("from_datetime", "to_datetime", "interval", "workspace_id")
        calls = self.calls if isinstance(self.calls, (dict, list)) else read.as_text(self.calls)
        calls = read.as_object("calls", calls)
        if calls is None:
            return Transcripts(call_ids=())
        if isinstance(calls, list):
            return Transcripts(call_ids=tuple(read.as_call_id("calls", call) for call in calls))
        return self._of_exported_calls(calls)

    def _refuse_beside_calls(self, *names: str) -> None:
        given = [name for name in names if read.as_text(getattr(self, name)) is not None]
        if given:
            raise GongConfigurationError(
                f"{', '.join(given)} cannot stand beside calls=: window and workspace are those of the calls."
            )

    def _of_exported_calls(self, calls: dict[str, Any] | str) -> Transcripts:
        from airflow_provider_gong.exports.reader import exported_ids, open_export
        from airflow_provider_gong.exports.streams import Calls, Transcripts
        from airflow_provider_gong.exports.tally import compact

        found = open_export(calls, read.as_text(self.destination_conn_id))
        if found is None:
            return Transcripts(call_ids=())
        dataset, manifest = found
        self._reads = dataset
        if manifest.identity.get("stream") != Calls.name:
            raise GongConfigurationError(
                f"calls= names an export of {manifest.identity.get('stream')}, not of calls."
            )
        if manifest.identity.get("host") != self.hook.host:
            raise GongConfigurationError(
                f"calls= names an export from {manifest.identity.get('host')}, and {self.gong_conn_id} reaches "
                f"{self.hook.host}: use the connection that exported the calls."
            )
        return Transcripts(
            workspace_id=manifest.identity["workspace_id"],
            include_private=manifest.identity["include_private"],
            filters=manifest.identity["filters"],
            call_ids=tuple(map(compact, exported_ids(dataset, manifest, Calls()))),
            calls_window=manifest.window,
            calls_reach=_moment(manifest.complete_through),
            calls_since=_moment((manifest.looked_back or {}).get("from")),
            reaches_beyond=manifest.may_hold_others,
        )

    def history(
        self, stream: Stream, run: Run, window: Window, dataset: Dataset, destination: ObjectStoragePath
    ) -> History | None:
        """Return what the newest run does about transcripts that were not ready, and about late calls."""
        from airflow_provider_gong.exports.history import is_head
        from airflow_provider_gong.exports.streams import Transcripts
        from airflow_provider_gong.exports.waiting import TranscriptsHistory

        assert isinstance(stream, Transcripts)  # noqa: S101 - for the type checker
        everything = read.as_bool("resolve_pending", self.resolve_pending)
        lookback = self._not_negative("lookback", self.lookback)
        give_up_after = self._not_negative("give_up_after", self.give_up_after)
        head = is_head(run, window, self._window_arguments(), dataset)
        if not head and not everything:
            return None
        return TranscriptsHistory(
            stream=stream,
            client=self.hook.get_conn(),
            dataset=dataset,
            window=window,
            give_up_after=give_up_after,
            lookback=lookback if head and lookback and stream.call_ids is None else None,
            everything=everything,
        )

    def choose(self, stream: Stream, run: Run, dataset: Dataset | None) -> Choice:
        """Choose the window of the exported calls; without `calls` the rules of all exports apply."""
        from airflow_provider_gong.exports.streams import Transcripts
        from airflow_provider_gong.exports.window import Choice, Window

        if not isinstance(stream, Transcripts) or stream.call_ids is None:
            return super().choose(stream, run, dataset)
        if stream.calls_window is not None:
            return Choice(stream.calls_window, "the window of the exported calls")
        if dataset is None:
            return Choice(Window.snapshot(run.run_after), "the given calls")
        if stream.call_ids:
            raise GongConfigurationError(
                "calls= is a list of records, which has no window: with destination= pass the summary of a calls "
                "export that has a destination too."
            )
        return Choice(None, "the calls export had nothing to export")


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
