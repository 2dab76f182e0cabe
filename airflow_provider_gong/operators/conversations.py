"""Calls joined with their transcripts, exported to object storage or XCom."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_gong.operators.exports import GongExportCallsOperator

# The engine is imported where it is used: each parse of each Dag file would pay for it.
if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import ObjectStoragePath

    from airflow_provider_gong.exports.batches import Stream
    from airflow_provider_gong.exports.dataset import Dataset
    from airflow_provider_gong.exports.history import History
    from airflow_provider_gong.exports.run import Run
    from airflow_provider_gong.exports.streams import Calls
    from airflow_provider_gong.exports.window import Window


class GongExportConversationsOperator(GongExportCallsOperator):
    """Export the calls that started in a window, each with its transcript in which the speakers have names.

    A row is ready for search, language models and the warehouse: what the export of calls writes, the parties in any
    case, and beside it `transcript` (monologues in order of time) and `text` (the same as plain text with time
    stamps). Two requests bring 100 conversations. A call whose transcript is not ready yet has null for both, and is
    named in the manifest as pending, which makes the export incomplete. Private calls and media URLs are left out.
    Returns the summary of the export; without a destination the records themselves.

    See https://help.gong.io/apidocs/retrieve-transcripts-of-calls-by-date-or-callids-v2callstranscript-2

    :param destination: Where the dataset lies: `s3://conn@bucket/gong`, `gs://...`, `abfs://...`, `file:///data/gong`
        or an absolute path; rows land in `<destination>/conversations/`. (templated) Default: None, the records go
        to XCom, up to 1,000,000 bytes of JSON.
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
    :param settle: How far to hold back windows that follow from the run, for calls and transcripts that Gong shows
        late; a timedelta or an ISO 8601 duration. (templated) Default: no time.
    :param lookback: How far the newest run of the dataset looks back for calls that came late, changed, turned
        private or vanished; a timedelta or an ISO 8601 duration, zero for not at all. Only in Dags with
        `max_active_runs=1`. (templated) Default: 7 days.
    :param give_up_after: How long the newest runs ask again for transcripts that were not ready; the call is
        exported again when its transcript has come. (templated) Default: 14 days.
    :param workspace_id: Export the calls of one workspace only, to a dataset of its own. (templated)
        Default: None, all workspaces.
    :param primary_user_ids: Export the calls hosted by these users only. (templated) Default: None, all users.
    :param content: What a row holds beside the conversation: `basic` (metaData, parties), `default` (these and
        context), `full` (all but media) or Gong's own contentSelector object, to which the parties are added.
        (templated) Default: `default`.
    :param include_private: Export private calls too. (templated) Default: False.
    :param gong_conn_id: Airflow connection of Gong. (templated) Default: `gong_default`.
    """

    template_fields: Sequence[str] = (*GongExportCallsOperator.template_fields, "give_up_after")

    def __init__(self, *, give_up_after: timedelta | str = timedelta(days=14), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.give_up_after = give_up_after

    def stream(self) -> Stream:
        """Return the conversations that the arguments select."""
        from airflow_provider_gong.exports.conversations import Conversations

        return Conversations(calls=cast("Calls", super().stream()))

    def history(
        self, stream: Stream, run: Run, window: Window, dataset: Dataset, destination: ObjectStoragePath
    ) -> History | None:
        """Return what the newest run does about the windows before its own."""
        from airflow_provider_gong.exports.conversation_history import ConversationsHistory
        from airflow_provider_gong.exports.conversations import Conversations
        from airflow_provider_gong.exports.dataset import Dataset as Files

        assert isinstance(stream, Conversations)  # noqa: S101 - for the type checker
        deletions = Files(destination / stream.deletions_folder)
        return ConversationsHistory(
            calls=self.calls_history(stream.calls, run, window, dataset, deletions),
            give_up_after=self._not_negative("give_up_after", self.give_up_after),
        )
