"""One round of questions, in a thread: what of all that is waited for has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_gong.exceptions import GongError, GongRequestRefused
from airflow_provider_gong.triggers.looks import batches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_gong.hooks.gong import GongHook
    from airflow_provider_gong.triggers.looks import Look


@dataclass
class Answers:
    """What a round has brought.

    :param asked: the ids that were answered.
    :param found: those of them that have come.
    :param refused: ids that Gong will never take, each with what it said.
    :param refusal: what stands in the way of every request and does not pass.
    :param trouble: what ended the round early and may pass.
    """

    asked: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)
    refused: dict[str, GongError] = field(default_factory=dict)
    refusal: GongError | None = None
    trouble: Exception | None = None

    @property
    def retry_after(self) -> float:
        """Return the seconds that Gong or the quota asks everybody to wait."""
        return getattr(self.trouble, "retry_after", None) or 0.0

    def refusal_of(self, call_ids: set[str]) -> GongError | None:
        """Return what makes it useless to go on waiting for these ids."""
        return self.refusal or next((self.refused[one] for one in call_ids if one in self.refused), None)


def ask(gong_conn_id: str, backfill: bool, look: Look, call_ids: Sequence[str]) -> Answers:
    """Ask for all ids, as many at a time as Gong takes; the first trouble ends the round."""
    from airflow_provider_gong.hooks.gong import GongHook

    answers = Answers()
    try:
        # A hook for each round: a connection that was mended meanwhile is used.
        with GongHook(gong_conn_id, backfill=backfill) as hook:
            for batch in batches(call_ids):
                _ask(hook, look, batch, answers)
    except GongError as error:
        if error.retryable:
            answers.trouble = error
        else:
            answers.refusal = error
    except (
        Exception
    ) as error:  # The poller serves many: whatever happens is told to them, not to the triggerer.
        answers.trouble = error
    return answers


def _ask(hook: GongHook, look: Look, batch: Sequence[str], answers: Answers) -> None:
    try:
        answers.found |= look(hook, batch)
    except GongRequestRefused as error:
        # Those with a class of their own speak of the connection, the others of what was asked for.
        if type(error) is not GongRequestRefused:
            raise
        if len(batch) == 1:
            answers.refused[batch[0]] = error
            return
        # One id that Gong does not like must not end the waits for the others.
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            _ask(hook, look, half, answers)
    else:
        answers.asked |= set(batch)
