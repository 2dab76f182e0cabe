"""The quota in Redis: several machines share one budget."""

from __future__ import annotations

import hashlib
import logging
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_gong.api.turns import (
    DAY,
    LONGEST_HOLD,
    SECOND,
    SharedThrottle,
    Turn,
    limits_of,
    refusal,
    worth_coming_back_for,
)
from airflow_provider_gong.exceptions import GongQuotaUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

log = logging.getLogger(__name__)

# One script, so that nobody comes between looking and reserving; by the clock of Redis, so that those of the
# machines do not matter. A turn is a member of a sorted set: its score is the moment of the turn in
# milliseconds, its name begins with the moment at which it was reserved.
RESERVE = """
local turns, backfills, hold, number = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local per_second, per_day, per_backfill = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local patience, unused, second, day = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
local worth_of_day, worth_of_backfill = tonumber(ARGV[8]), tonumber(ARGV[9])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function text(moment)
    return string.format('%.0f', moment)
end

local function newest(key, place)
    local found = redis.call('ZREVRANGE', key, place - 1, place - 1, 'WITHSCORES')
    return found[1], tonumber(found[2] or 0)
end

-- Turns that were reserved in the future: the clock was set back, or another server took over. They move with it.
local function follow_clock(key)
    local name = newest(key, 1)
    local shift = name and tonumber(string.match(name, '^%d+')) - now or 0
    if shift <= 0 then return end
    local entries = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    redis.call('DEL', key)
    for place = 1, #entries, 2 do
        local reserved, rest = string.match(entries[place], '^(%d+)(.*)$')
        redis.call('ZADD', key, text(tonumber(entries[place + 1]) - shift), text(tonumber(reserved) - shift) .. rest)
    end
end

local function free(key, limit, some)
    local _, oldest = newest(key, limit - some + 1)
    return oldest + day + 1 - now
end

local moment, reason = now, 'second'
local function not_before(other, why)
    if other > moment then moment, reason = other, why end
end
local function keep(key, limit, interval, why)
    local name, oldest = newest(key, limit)
    if name then not_before(oldest + interval + 1, why) end
end

for _, key in ipairs({turns, backfills}) do
    if unused ~= '' then redis.call('ZREM', key, unused) end
    follow_clock(key)
    redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now - day - 1))
end
local _, last = newest(turns, 1)
not_before(last + math.floor(second / per_second), 'second')
keep(turns, per_second, second, 'second')
keep(turns, per_day, day, 'day')
if per_backfill > 0 then keep(backfills, per_backfill, day, 'backfill') end
not_before(now + math.max(0, redis.call('PTTL', hold)), 'hold')

local wait = moment - now
if wait > patience then
    -- A share that is spent is worth coming back for when some of it is free.
    if reason == 'day' then wait = math.max(wait, free(turns, per_day, worth_of_day)) end
    if reason == 'backfill' then wait = math.max(wait, free(backfills, per_backfill, worth_of_backfill)) end
    return {wait, reason, ''}
end
local name = text(now) .. '-' .. redis.call('INCR', number)
redis.call('ZADD', turns, text(moment), name)
if per_backfill > 0 then redis.call('ZADD', backfills, text(moment), name) end
for _, key in ipairs({turns, backfills, number}) do
    redis.call('PEXPIRE', key, wait + day + second)
end
return {wait, '', name}
"""

# The longest hold counts.
HOLD = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], '1', 'PX', ARGV[1]) end
return 1
"""


class RedisThrottle(SharedThrottle):
    """Count requests in Redis, which all machines share that can reach it.

    A day is the last 24 hours, by the clock of Redis. When Redis cannot be used, nothing is sent: an uncounted
    request would be one of somebody else.

    :param quota_group: who shares the quota; the names of the keys have a hash of it.
    :param redis: a client of Redis 5 or newer; it may be shared by threads and survive forks.
    :param name: what to call it in errors: the name of its connection.
    :param per_second: requests per second.
    :param per_day: requests per 24 hours that the company has.
    :param share: the part of them that is ours, more than 0 and at most 1.
    :param backfill_share: the part of them that backfills have; None: this is no backfill.
    :param max_wait: seconds to wait at most for a turn.
    :param sleep: what waits; for tests.
    """

    def __init__(
        self,
        quota_group: str,
        *,
        redis: Redis,
        name: str,
        per_second: int = 3,
        per_day: int = 10_000,
        share: float = 0.8,
        backfill_share: float | None = None,
        max_wait: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(max_wait=max_wait, sleep=sleep)
        self._limits = limits_of(per_second, per_day, share, backfill_share)
        self._name = name
        self._redis = redis
        self._run_reserve = redis.register_script(RESERVE)
        self._run_hold = redis.register_script(HOLD)
        # In braces, so that a cluster keeps the keys of a group together.
        group = f"gong-quota:{{{hashlib.sha256(quota_group.encode()).hexdigest()}}}"
        self._turns, self._backfills = f"{group}:turns", f"{group}:backfills"
        self._hold, self._number = f"{group}:hold", f"{group}:number"

    def hold(self, seconds: float) -> None:
        """Let nobody send anything for so long; of several holds the longest counts."""
        # Redis lets nothing live for no time at all.
        milliseconds = max(1, round(min(seconds, LONGEST_HOLD) * 1000))
        self._ask(lambda: self._run_hold(keys=[self._hold], args=[milliseconds]))

    def _is_held(self) -> bool:
        return bool(self._ask(lambda: self._redis.exists(self._hold)))

    def _reserve(self, deadline: float, instead_of: Turn | None) -> Turn:
        limits = self._limits
        patience = round(max(0.0, deadline - time.monotonic()) * 1000)
        unused = instead_of.name if instead_of else ""
        own = [limits.per_second, limits.per_day, limits.backfill_per_day or 0]
        worth = [worth_coming_back_for(limit) for limit in own[1:]]
        keys = [self._turns, self._backfills, self._hold, self._number]
        wait, reason, name = self._ask(
            lambda: self._run_reserve(keys=keys, args=[*own, patience, unused, SECOND, DAY, *worth])
        )
        if reason:
            raise refusal(_text(reason), limits, wait / 1000)
        return Turn(wait / 1000, _text(name))

    def _ask(self, question: Callable[[], Any]) -> Any:
        from redis.exceptions import RedisClusterException, RedisError

        try:
            return question()
        except (RedisError, RedisClusterException, OSError) as error:
            # Without the cause: servers quote what they do not understand, credentials among it.
            raise GongQuotaUnavailable(
                f"The quota cannot be counted in Redis, connection {self._name!r} ({_problem(error)}), so nothing is "
                f"sent to Gong: see that the server runs, can be reached from here, lets the user of the connection "
                f"write and run scripts, and is no read-only replica."
            ) from None


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _problem(error: Exception) -> str:
    """Tell what is wrong without anything that a server has said."""
    from redis.exceptions import ConnectionError as NoConnection
    from redis.exceptions import TimeoutError as NoAnswer

    kind = type(error)
    return f"{kind.__name__}: {error}" if kind in (NoConnection, NoAnswer) else kind.__name__
