"""One round of questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.exceptions import (
    GongForbidden,
    GongRateLimited,
    GongRequestRefused,
    GongUnavailable,
)
from airflow_provider_gong.triggers.answers import ask
from airflow_provider_gong.triggers.looks import needed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_gong.hooks.gong import GongHook

IDS = [str(n) for n in range(250)]


class Looks:
    """Answer for even ids, or raise at some; the hook is not used."""

    def __init__(self, **raised: Exception) -> None:
        self.raised = {one.removeprefix("id_"): error for one, error in raised.items()}
        self.asked: list[Sequence[str]] = []

    def __call__(self, hook: GongHook, call_ids: Sequence[str]) -> set[str]:
        self.asked.append(call_ids)
        for one in call_ids:
            if one in self.raised:
                raise self.raised[one]
        return {one for one in call_ids if int(one) % 2 == 0}


def test_a_hundred_are_asked_for_at_a_time() -> None:
    looks = Looks()
    answers = ask("gong_default", False, looks, IDS)
    assert [len(one) for one in looks.asked] == [100, 100, 50]
    assert answers.asked == set(IDS)
    assert answers.found == set(IDS[::2])
    assert (answers.trouble, answers.refusal, answers.refused) == (None, None, {})


def test_an_id_that_gong_refuses_is_singled_out() -> None:
    refusal = GongRequestRefused("Bad request", status=400)
    looks = Looks(id_7=refusal)
    answers = ask("gong_default", False, looks, IDS)
    assert answers.refused == {"7": refusal}
    assert answers.asked == set(IDS) - {"7"}
    assert answers.found == set(IDS[::2])
    assert len(looks.asked) < 3 + 2 * 8
    assert answers.refusal_of({"6", "7"}) is refusal
    assert answers.refusal_of({"6"}) is None


def test_what_stands_in_the_way_of_all_is_asked_once() -> None:
    error = GongForbidden("no", status=403)
    looks = Looks(id_0=error)
    answers = ask("gong_default", False, looks, IDS)
    assert len(looks.asked) == 1
    assert answers.refusal is error
    assert answers.refusal_of({"249"}) is error


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (GongRateLimited("later", retry_after=50.0), 50),
        (GongUnavailable("down"), 0),
        (KeyError("surprise"), 0),
    ],
)
def test_trouble_ends_the_round_and_keeps_what_was_found(error: Exception, wait: float) -> None:
    looks = Looks(id_100=error)
    answers = ask("gong_default", False, looks, IDS)
    assert len(looks.asked) == 2
    assert answers.trouble is error
    assert answers.retry_after == wait
    assert answers.asked == set(IDS[:100])


@pytest.mark.parametrize(
    ("calls", "share", "wanted"),
    [(10, 0.7, 7), (10, 0.71, 8), (100, 0.07, 7), (3, 1, 3), (7, 0.5, 4), (1000, 0.0001, 1), (0, 1, 1)],
)
def test_a_share_is_rounded_up(calls: int, share: float, wanted: int) -> None:
    assert needed(calls, share) == wanted
