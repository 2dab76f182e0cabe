"""A finished slice as a file: what was read comes back, and damage shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_gong.exports.batches import Batch
from airflow_provider_gong.exports.slice_file import is_whole, read_batches, write_batches
from tests.exports.doubles import batch, row

if TYPE_CHECKING:
    from pathlib import Path

BATCHES = [
    batch(1, 2),
    batch(announced=7),
    Batch(
        [row(3, start="2026-01-01T09:30:00Z"), row("ключ\u2028"), row("a-0", word='"\\\t\n{}')],
        5,
        announced=9,
        private=2,
        pending=["3", "4"],
        private_ids=["5"],
    ),
]


def test_batches_come_back_as_they_were(tmp_path: Path) -> None:
    write_batches(tmp_path / "slice", BATCHES)
    assert list(read_batches(tmp_path / "slice")) == BATCHES


def test_slice_without_batches_comes_back(tmp_path: Path) -> None:
    write_batches(tmp_path / "slice", [])
    assert list(read_batches(tmp_path / "slice")) == []
    assert is_whole(tmp_path / "slice")


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.99])
def test_slice_that_was_cut_is_not_whole(keep: float, tmp_path: Path) -> None:
    path = tmp_path / "slice"
    write_batches(path, BATCHES * 50)
    assert is_whole(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)] if keep else b"something else")
    assert not is_whole(path)


def test_slice_with_a_wrong_byte_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "slice"
    write_batches(path, BATCHES * 50)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    assert not is_whole(path)
