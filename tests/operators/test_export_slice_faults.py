"""Each fault of Gong meets an export in slices, several of which are under way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.operators.exporting import assert_nothing_published, attempt, digests, export
from tests.operators.sliced import STREAMS, arguments, large_company
from tests.operators.test_export_faults import RECOVERS, TROUBLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_gong.sandbox import GongSandbox
    from tests.operators.conftest import Connect

pytestmark = pytest.mark.usefixtures("no_waiting")

# Pages of all slices have come, none of them is finished.
IN_THE_MIDDLE = 9

# Those of conversations ask for transcripts too.
STRUCK = ("calls", "conversations", "logs")

# Six long pages that are made at once need a part of this, even when nothing is slow.
TOO_SLOW = replace(TROUBLES["too_slow"], settings={"seconds": 4.0}, extra={"read_timeout": 3})


@pytest.fixture(scope="module")
def company() -> Iterator[GongSandbox]:
    """Run the company."""
    with large_company() as gong:
        yield gong


@pytest.fixture
def large(company: GongSandbox, connect: Connect) -> Iterator[GongSandbox]:
    """Return the company, connected."""
    connect(company, requests_per_day=10_000_000)
    yield company
    company.faults.clear()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Return the data files of each export that met no fault, as far as they are known."""
    return {}


@pytest.mark.parametrize("what", TROUBLES)
@pytest.mark.parametrize("stream", STRUCK)
def test_fault_in_one_of_the_slices_changes_nothing(
    stream: str,
    what: str,
    large: GongSandbox,
    connect: Connect,
    undisturbed: dict[str, dict[str, str]],
    tmp_path: Path,
) -> None:
    kind, trouble = STREAMS[stream][0], (TROUBLES | {"too_slow": TOO_SLOW})[what]
    if stream not in undisturbed:
        export(kind, **arguments(stream, tmp_path / "undisturbed"))
        undisturbed[stream] = digests(tmp_path / "undisturbed")
    connect(large, requests_per_day=10_000_000, **trouble.extra)
    fault = large.faults.add(trouble.kind, skip=IN_THE_MIDDLE, **trouble.settings)
    folder = tmp_path / "struck"
    result = attempt(kind, **arguments(stream, folder))
    assert fault.struck == 1
    if trouble.once == RECOVERS:
        result.succeeded()
    else:
        assert result.state == trouble.once
        assert_nothing_published(folder)
        export(kind, try_number=2, **arguments(stream, folder))
    assert digests(folder) == undisturbed[stream]
