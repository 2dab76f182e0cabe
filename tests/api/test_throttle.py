import gc
import logging
import multiprocessing
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from airflow_provider_gong.api.throttle import FileThrottle, NoThrottle
from airflow_provider_gong.exceptions import GongConfigurationError, GongRateLimited
from tests.api import hammer


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def throttle_of(clock: Clock, directory: Path, **kwargs: Any) -> FileThrottle:
    settings: dict[str, Any] = {"clock": clock, "sleep": clock.sleep, "directory": directory}
    return FileThrottle("acme", **settings | kwargs)


def moments(throttle: FileThrottle) -> list[int]:
    """Return when requests were let through, in milliseconds."""
    with closing(sqlite3.connect(throttle.path)) as database:
        # Another process may have made the file, and not yet the table in it.
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'turns'").fetchone():
            return []
        return [row[0] for row in database.execute("SELECT item_timestamp FROM turns ORDER BY 1")]


def most_in_a_second(times: list[int]) -> int:
    return max(sum(start <= moment < start + 1000 for moment in times) for start in times)


def take(throttle: FileThrottle, turns: int) -> None:
    for _ in range(turns):
        throttle.acquire()


# The second


def test_the_fourth_request_waits_for_the_next_second(clock: Clock, tmp_path: Path) -> None:
    throttle = throttle_of(clock, tmp_path)
    take(throttle, 4)
    assert sum(clock.waits) == pytest.approx(1.041)


def test_requests_are_spread_over_the_second(clock: Clock, tmp_path: Path) -> None:
    throttle = throttle_of(clock, tmp_path)
    throttle.acquire()
    assert clock.waits == []
    take(throttle, 2)
    assert clock.waits == [pytest.approx(0.346), pytest.approx(0.346)]


def test_request_that_comes_later_by_itself_does_not_wait(clock: Clock, tmp_path: Path) -> None:
    throttle = throttle_of(clock, tmp_path)
    for _ in range(9):
        throttle.acquire()
        clock.now += 0.4
    assert clock.waits == []


def test_no_second_has_more_than_three_however_they_fall(clock: Clock, tmp_path: Path) -> None:
    throttle = throttle_of(clock, tmp_path)
    for turn in range(40):
        throttle.acquire()
        clock.now += (turn % 5) * 0.13
    assert most_in_a_second(moments(throttle)) == 3


def test_a_turn_that_takes_longer_than_allowed_is_refused(clock: Clock, tmp_path: Path) -> None:
    throttle = throttle_of(clock, tmp_path, per_second=1, max_wait=0.5)
    throttle.acquire()
    with pytest.raises(GongRateLimited) as caught:
        throttle.acquire()
    assert caught.value.retry_after == pytest.approx(1.041)
    assert clock.waits == []


def test_who_comes_later_waits_behind(tmp_path: Path, clock: Clock) -> None:
    other = throttle_of(clock, tmp_path, per_second=1)

    def others_come(seconds: float) -> None:
        # They take a turn each, all behind the one that waits already.
        for _ in range(3):
            throttle_of(clock, tmp_path, per_second=1, sleep=lambda _: None).acquire()
        clock.sleep(seconds)

    other.acquire()
    throttle_of(clock, tmp_path, per_second=1, max_wait=5, sleep=others_come).acquire()
    assert clock.waits == [pytest.approx(1.041)]
    first, *rest = moments(other)
    assert [moment - first for moment in rest] == [1041, 2082, 3123, 4164]


def test_a_refused_turn_is_left_to_others(tmp_path: Path, clock: Clock) -> None:
    patient = throttle_of(clock, tmp_path, per_second=1)
    patient.acquire()
    with pytest.raises(GongRateLimited, match="Too many tasks share 1 requests a second"):
        throttle_of(clock, tmp_path, per_second=1, max_wait=0.5).acquire()
    patient.acquire()
    assert sum(clock.waits) == pytest.approx(1.041)


def test_nobody_goes_before_those_of_a_slower_connection(tmp_path: Path, clock: Clock) -> None:
    slow = throttle_of(clock, tmp_path, per_second=1, sleep=lambda _: None)
    take(slow, 3)
    throttle_of(clock, tmp_path, per_second=3).acquire()
    assert clock.waits == [pytest.approx(2.082 + 0.346)]


def test_turns_that_lie_ahead_keep_their_order_when_the_clock_is_set_back(
    tmp_path: Path, clock: Clock
) -> None:
    ahead = throttle_of(clock, tmp_path, per_second=1, sleep=lambda _: None)
    take(ahead, 3)
    clock.now -= 3600
    ahead.acquire()
    times = moments(ahead)
    assert [later - sooner for sooner, later in pairwise(times)] == [1041] * 3
    assert times[0] == int(clock.now * 1000)


# The day


@pytest.mark.parametrize(("backfill_share", "limit"), [(None, 100), (0.5, 50)])
def test_a_spent_share_is_worth_coming_back_for_when_some_of_it_is_free(
    backfill_share: float | None, limit: int, clock: Clock, tmp_path: Path
) -> None:
    throttle = throttle_of(clock, tmp_path, per_day=100, share=1, backfill_share=backfill_share)
    for _ in range(limit):
        throttle.acquire()
        clock.now += 60
    with pytest.raises(GongRateLimited) as caught:
        throttle.acquire()
    # One would be free a day after the first one; two in a hundred, a minute later.
    wait = 24 * 3600 - limit * 60 + (limit // 50 - 1) * 60
    assert caught.value.retry_after == pytest.approx(wait, abs=0.1)
    clock.now += wait + 0.1
    take(throttle, limit // 50)


def test_a_spent_day_is_refused_at_once_with_the_time_of_its_return(clock: Clock, tmp_path: Path) -> None:
    throttle = throttle_of(clock, tmp_path, per_day=10, share=0.8)
    take(throttle, 8)
    waited = sum(clock.waits)
    with pytest.raises(
        GongRateLimited, match="Our share of the day, 8 requests, is spent: it renews in"
    ) as caught:
        throttle.acquire()
    assert caught.value.retry_after == pytest.approx(24 * 3600 - waited, abs=0.01)
    assert caught.value.retryable
    assert sum(clock.waits) == waited


def test_the_day_is_the_last_24_hours(clock: Clock, tmp_path: Path) -> None:
    throttle = throttle_of(clock, tmp_path, per_day=5, share=1)
    take(throttle, 1)
    clock.now += 12 * 3600
    take(throttle, 4)
    clock.now += 12 * 3600 + 1
    throttle.acquire()
    with pytest.raises(GongRateLimited):
        throttle.acquire()


@pytest.mark.parametrize(
    ("per_day", "share", "budget"), [(100, 0.8, 80), (10, 0.29, 2), (4, 1, 4), (3, 0.5, 1)]
)
def test_our_part_of_the_day_is_rounded_down(
    clock: Clock, tmp_path: Path, per_day: int, share: float, budget: int
) -> None:
    throttle = throttle_of(clock, tmp_path, per_day=per_day, share=share)
    take(throttle, budget)
    with pytest.raises(GongRateLimited):
        throttle.acquire()


def test_refused_turns_cost_nothing(clock: Clock, tmp_path: Path) -> None:
    throttle = throttle_of(clock, tmp_path, per_day=2, share=1)
    take(throttle, 2)
    for _ in range(5):
        with pytest.raises(GongRateLimited):
            throttle.acquire()
    assert len(moments(throttle)) == 2


def test_a_raised_daily_limit_beyond_what_the_seconds_allow_is_fine(clock: Clock, tmp_path: Path) -> None:
    throttle = throttle_of(clock, tmp_path, per_day=1_000_000)
    take(throttle, 10)
    assert most_in_a_second(moments(throttle)) == 3


@pytest.mark.parametrize("wrong", [{"per_second": 0}, {"per_day": 0}, {"per_day": 10, "share": 0.01}])
def test_a_quota_without_any_request_is_refused(clock: Clock, tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(GongConfigurationError, match="daily_share"):
        throttle_of(clock, tmp_path, **wrong)


def test_yesterdays_requests_leave_the_file(clock: Clock, tmp_path: Path) -> None:
    throttle = throttle_of(clock, tmp_path)
    take(throttle, 30)
    clock.now += 2 * 24 * 3600
    throttle.acquire()
    assert len(moments(throttle)) == 1


def test_a_clock_set_back_does_not_stop_us_for_a_day(clock: Clock, tmp_path: Path) -> None:
    throttle = throttle_of(clock, tmp_path)
    take(throttle, 3)
    clock.now -= 24 * 3600
    throttle.acquire()
    assert sum(clock.waits) < 2
    assert len(moments(throttle)) == 4


# Who shares


def test_throttles_of_one_group_share_and_others_do_not(clock: Clock, tmp_path: Path) -> None:
    first, second = (throttle_of(clock, tmp_path, per_day=2, share=1) for _ in range(2))
    other = FileThrottle("other", per_day=2, share=1, directory=tmp_path, clock=clock, sleep=clock.sleep)
    first.acquire()
    second.acquire()
    with pytest.raises(GongRateLimited):
        first.acquire()
    other.acquire()


def test_the_file_does_not_name_the_key(tmp_path: Path) -> None:
    throttle = FileThrottle("https://us-1.api.gong.io\nMYKEY", directory=tmp_path)
    throttle.acquire()
    everything = "".join(f"{path.name}{path.read_bytes()!r}" for path in tmp_path.iterdir())
    assert "MYKEY" not in everything
    assert "gong" not in everything


# Processes and threads


def test_processes_and_threads_together_keep_the_second(tmp_path: Path) -> None:
    arguments = [str(tmp_path), "acme", "3", "1000", "2", "2"]
    processes = [subprocess.Popen([sys.executable, hammer.__file__, *arguments]) for _ in range(2)]
    take(FileThrottle("acme", per_day=1000, share=1, directory=tmp_path), 2)
    assert [process.wait(60) for process in processes] == [0, 0]
    times = moments(FileThrottle("acme", directory=tmp_path))
    assert len(times) == 2 * 2 * 2 + 2
    assert most_in_a_second(times) <= 3
    # Ten turns, three a second: the tenth comes after three full seconds.
    assert times[-1] - times[0] >= 3 * 1000


def test_no_process_starves_beside_many_others(tmp_path: Path) -> None:
    # Whoever waits behind eleven others at 20 a second has its turn within two seconds.
    arguments = [str(tmp_path), "acme", "20", "1000", "5", "1", "4"]
    processes = [subprocess.Popen([sys.executable, hammer.__file__, *arguments]) for _ in range(12)]
    assert [process.wait(60) for process in processes] == [0] * 12
    throttle = FileThrottle("acme", directory=tmp_path)
    times = moments(throttle)
    assert len(times) == 12 * 5
    assert most_in_a_second(times) == 20
    with closing(sqlite3.connect(throttle.path)) as database:
        [(longest,)] = database.execute("SELECT max(item_timestamp - name) FROM turns")
    assert longest < 2000


def test_a_process_killed_in_the_middle_takes_nothing_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    throttle = FileThrottle("acme", per_second=100_000, per_day=1_000_000, share=1, directory=tmp_path)
    arguments = [str(tmp_path), "acme", "100000", "1000000", "100000", "3"]
    for done in (50, 150, 300):
        process = subprocess.Popen([sys.executable, hammer.__file__, *arguments])
        while not throttle.path.exists() or len(moments(throttle)) < done:
            assert process.poll() is None
        process.kill()
        process.wait()
        before = len(moments(throttle))
        throttle.acquire()
        assert len(moments(throttle)) == before + 1
    assert "damaged" not in caplog.text


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_fork_does_not_wait_for_a_thread_that_waits_for_the_file(tmp_path: Path) -> None:
    throttle = FileThrottle("acme", directory=tmp_path, max_wait=60)
    waiting = threading.Thread(target=throttle.acquire)
    with FileLock(f"{throttle.path}.lock"):
        waiting.start()
        child = multiprocessing.get_context("fork").Process(target=os.getpid)
        child.start()
        child.join(20)
        assert child.exitcode == 0
        assert waiting.is_alive()
    waiting.join()
    assert len(moments(throttle)) == 1


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_fork_waits_for_a_turn_that_is_being_counted(tmp_path: Path) -> None:
    forked = threading.Event()

    def fork() -> None:
        if (child := os.fork()) == 0:
            os._exit(0)
        os.waitpid(child, 0)
        forked.set()

    forking = threading.Thread(target=fork)

    def counting() -> float:
        # Asked for while the file is open.
        forking.start()
        assert not forked.wait(0.5)
        return 1_800_000_000.0

    FileThrottle("acme", directory=tmp_path, clock=counting).acquire()
    assert forked.wait(20)


def test_processes_and_threads_together_lose_no_turn(tmp_path: Path) -> None:
    arguments = [str(tmp_path), "acme", "100000", "1000000", "150", "4"]
    processes = [subprocess.Popen([sys.executable, hammer.__file__, *arguments]) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert len(moments(FileThrottle("acme", directory=tmp_path))) == 2 * 4 * 150


def test_processes_together_never_exceed_the_day(tmp_path: Path) -> None:
    arguments = [str(tmp_path), "acme", "1000", "50", "40", "1"]
    processes = [
        subprocess.Popen([sys.executable, hammer.__file__, *arguments], stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    told = [process.communicate(timeout=60)[1].decode() for process in processes]
    assert any("GongRateLimited" in text for text in told)
    assert len(moments(FileThrottle("acme", directory=tmp_path))) == 50


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_throttle_works_on_after_a_fork_in_the_middle_of_a_turn(tmp_path: Path) -> None:
    throttle = FileThrottle("acme", per_second=10**6, per_day=10**9, share=1, directory=tmp_path)
    stop = threading.Event()

    def keep_busy() -> None:
        while not stop.is_set():
            throttle.acquire()

    busy = threading.Thread(target=keep_busy)
    busy.start()
    fork = multiprocessing.get_context("fork")
    children = [fork.Process(target=take, args=(throttle, 5)) for _ in range(20)]
    try:
        for child in children:
            child.start()
        for child in children:
            child.join(20)
    finally:
        stop.set()
        busy.join()
        for child in children:
            child.kill()
    assert [child.exitcode for child in children] == [0] * 20


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    # What earlier tests left open is closed before it is counted, not after.
    gc.collect()
    before = threading.active_count()
    open_files = len(list(Path("/proc/self/fd").iterdir()))
    throttle = FileThrottle("acme", directory=tmp_path)
    take(throttle, 3)
    del throttle
    # An open database would raise a ResourceWarning here, which is an error in these tests.
    gc.collect()
    assert threading.active_count() == before
    assert len(list(Path("/proc/self/fd").iterdir())) == open_files


# The file


def test_a_damaged_file_is_set_aside_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    throttle = FileThrottle("acme", directory=tmp_path)
    throttle.path.write_bytes(b"this is no database" * 100)
    journal = Path(f"{throttle.path}-journal")
    journal.write_bytes(b"of the old file")
    with caplog.at_level(logging.WARNING):
        throttle.acquire()
    assert "is damaged" in caplog.text
    assert len(moments(throttle)) == 1
    assert not journal.exists()
    (aside,) = tmp_path.glob("*.damaged-*")
    assert aside.read_bytes().startswith(b"this is no database")
    caplog.clear()
    throttle.acquire()
    assert caplog.text == ""


def test_a_file_damaged_in_the_middle_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    throttle = FileThrottle("acme", per_second=10_000, per_day=1_000_000, directory=tmp_path)
    take(throttle, 300)
    content = throttle.path.read_bytes()
    throttle.path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with caplog.at_level(logging.WARNING):
        throttle.acquire()
    assert "is damaged" in caplog.text
    assert len(moments(throttle)) == 1


@pytest.mark.parametrize("table", ["turns (other TEXT)", "turns (name TEXT, moment TEXT)"])
def test_a_file_with_another_table_is_set_aside(
    tmp_path: Path, table: str, caplog: pytest.LogCaptureFixture
) -> None:
    throttle = FileThrottle("acme", directory=tmp_path)
    with closing(sqlite3.connect(throttle.path)) as database:
        database.execute(f"CREATE TABLE {table}")
        database.commit()
    with caplog.at_level(logging.WARNING):
        throttle.acquire()
    assert "is damaged" in caplog.text
    assert len(moments(throttle)) == 1


def test_a_file_in_use_by_another_program_is_told_and_left_alone(tmp_path: Path) -> None:
    throttle = FileThrottle("acme", directory=tmp_path, max_wait=0.2)
    with closing(sqlite3.connect(throttle.path)) as database:
        database.execute("BEGIN EXCLUSIVE")
        with pytest.raises(GongRateLimited, match="in use by others"):
            throttle.acquire()
    assert not list(tmp_path.glob("*.damaged-*"))
    throttle.acquire()


def test_users_of_one_group_may_share_the_files(tmp_path: Path) -> None:
    mask = os.umask(0o077)
    try:
        throttle = FileThrottle("acme", directory=tmp_path)
        throttle.acquire()
    finally:
        os.umask(mask)
    files = [throttle.path, Path(f"{throttle.path}.lock")]
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o660, 0o660]


def test_a_file_deleted_in_between_is_begun_anew(tmp_path: Path) -> None:
    throttle = FileThrottle("acme", directory=tmp_path)
    throttle.acquire()
    throttle.path.unlink()
    throttle.acquire()
    assert len(moments(throttle)) == 1


def test_a_lock_held_too_long_is_told_and_may_be_tried_later(tmp_path: Path) -> None:
    throttle = FileThrottle("acme", directory=tmp_path, max_wait=0.2)
    with FileLock(f"{throttle.path}.lock"):
        stuck: list[BaseException] = []

        def acquire() -> None:
            try:
                throttle.acquire()
            except GongRateLimited as error:
                stuck.append(error)

        thread = threading.Thread(target=acquire)
        thread.start()
        thread.join()
    assert ".sqlite was in use by others for more than 0.2 s" in str(stuck[0])


def test_a_file_that_is_a_directory_is_told(tmp_path: Path) -> None:
    throttle = FileThrottle("acme", directory=tmp_path)
    throttle.path.mkdir()
    with pytest.raises(GongConfigurationError, match=r"make the file and its directory writable.*quota_dir"):
        throttle.acquire()


# The directory


def test_a_missing_directory_is_made_for_us_alone(tmp_path: Path) -> None:
    FileThrottle("acme", directory=tmp_path / "a" / "b").acquire()
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GongConfigurationError, match=r"file/quota cannot be used.*quota_dir"):
        FileThrottle("acme", directory=tmp_path / "file" / "quota")


def test_a_directory_that_is_not_writable_is_told(tmp_path: Path, mocker: Any) -> None:
    # Root may write everywhere, so the system's answer is replaced.
    mocker.patch("os.access", return_value=False)
    with pytest.raises(GongConfigurationError, match="not writable"):
        FileThrottle("acme", directory=tmp_path)


def test_the_default_directory_belongs_to_this_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    throttle = FileThrottle("acme")
    folder = throttle.path.parent
    assert folder == tmp_path / f"airflow-provider-gong-{os.getuid()}"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_home_stands_for_the_home_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert FileThrottle("acme", directory="~/quota").path.parent == tmp_path / "quota"


@pytest.mark.parametrize("directory", ["quota", "./quota", "~nobody-of-this-name/quota"])
def test_a_relative_directory_is_refused(directory: str) -> None:
    with pytest.raises(GongConfigurationError, match=r"not an absolute path.*quota_dir"):
        FileThrottle("acme", directory=directory)


@pytest.mark.parametrize("in_the_way", ["a file", "nothing"])
def test_trouble_with_the_default_directory_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_the_way: str
) -> None:
    place = tmp_path / "tmp"
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    if in_the_way == "a file":
        place.mkdir()
        (place / f"airflow-provider-gong-{os.getuid()}").touch()
    with pytest.raises(GongConfigurationError, match=r"cannot be used.*quota_dir"):
        FileThrottle("acme")


def test_a_default_directory_open_to_others_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / f"airflow-provider-gong-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    FileThrottle("acme")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_default_directory_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mocker: Any
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / f"airflow-provider-gong-{os.getuid()}"
    folder.mkdir()
    mocker.patch("os.getuid", side_effect=[os.getuid(), os.getuid() + 1])
    with pytest.raises(GongConfigurationError, match="does not belong to this user"):
        FileThrottle("acme")


def test_a_default_directory_that_is_a_link_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"airflow-provider-gong-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(GongConfigurationError, match="does not belong to this user"):
        FileThrottle("acme")


def test_no_throttle_waits_for_nothing(mocker: Any) -> None:
    mocker.patch("time.sleep", side_effect=AssertionError)
    for _ in range(1000):
        NoThrottle().acquire()
