"""What the synchronous and the asyncio client have in common when they watch executions."""

import random
import time
from collections.abc import Callable

import grpc

from callhooks.errors import CallhooksError
from callhooks.v1.execution_log_pb2 import WatchExecutionsRequest, WatchExecutionsResponse
from callhooks.v1.execution_pb2 import Execution

OnLost = Callable[[CallhooksError], None]
"""Is told once when the stream is lost and the first try to resume it fails too."""

MAX_SILENCE = 120.0
"""A message has to come within so many seconds. callhooks sends one every 10 s, or a little later. A proxy can hold a stream
open whose server is gone, and answer the pings of the client itself."""

_FIRST_WAIT, _MAX_WAIT = 0.5, 10.0
# The most executions that are remembered. A server tells 200 a second, and resumes about 10 s back.
_MAX_TOLD = 20_000

_Code = grpc.StatusCode
# What a stream ends with when something between client and server has cut it off, or another try can help.
_LOST = (
    *(_Code.UNAVAILABLE, _Code.RESOURCE_EXHAUSTED, _Code.DEADLINE_EXCEEDED),
    *(_Code.CANCELLED, _Code.INTERNAL, _Code.UNKNOWN),
)


def silence() -> CallhooksError:
    """Returns the error of a stream that has been silent for too long."""
    return CallhooksError(_Code.DEADLINE_EXCEEDED, f"no message came within {MAX_SILENCE:.0f} s")


class Resume:
    """Knows where a watch is, so that the next stream goes on there."""

    def __init__(self, request: WatchExecutionsRequest, timeout: float | None, on_lost: OnLost | None) -> None:
        self._request = WatchExecutionsRequest()
        self._request.CopyFrom(request)
        self._ends_at = None if timeout is None else time.monotonic() + timeout
        self._on_lost = on_lost
        self._told: dict[tuple[str, int], tuple[int, int]] = {}
        self._has_begun = False
        self._failures = 0
        self._wait = _FIRST_WAIT
        self._begun_at = 0.0

    def begin(self) -> tuple[WatchExecutionsRequest, float | None]:
        """Returns the request of the next stream, and how many seconds it may take."""
        self._begun_at = time.monotonic()
        return self._request, None if self._ends_at is None else max(0.0, self._ends_at - self._begun_at)

    def tell(self, message: WatchExecutionsResponse) -> WatchExecutionsResponse:
        """Takes a message, and returns it without the executions that a message before it had."""
        self._has_begun, self._failures = True, 0
        fresh = [execution for execution in message.executions if _key(execution) not in self._told]
        for execution in fresh:
            self._told[_key(execution)] = (execution.finished_at.seconds, execution.finished_at.nanos)
        if message.HasField("finished_at_to"):
            self._request.finished_at_from.CopyFrom(message.finished_at_to)
            self._forget((message.finished_at_to.seconds, message.finished_at_to.nanos))
        if len(fresh) < len(message.executions):
            del message.executions[:]
            message.executions.extend(fresh)
        return message

    def fail(self, error: CallhooksError) -> None:
        """Takes the error of a stream, and raises it where another try would not help."""
        is_over = self._ends_at is not None and time.monotonic() >= self._ends_at
        # callhooks gives an id to what went wrong in itself.
        is_lost = error.code() in _LOST and error.request_id is None
        if is_over or not is_lost or not self._has_begun:
            raise error
        self._failures += 1
        if self._failures == 2 and self._on_lost is not None:
            self._on_lost(error)
        self._wait = max(self._wait, error.retry_after or 0)

    def next_wait(self) -> float:
        """Returns how many seconds to wait before the next stream: longer each time, and a part of it by chance."""
        if time.monotonic() - self._begun_at > _MAX_WAIT:
            self._wait = _FIRST_WAIT
        wait = self._wait * random.uniform(0.5, 1)
        self._wait = min(2 * self._wait, _MAX_WAIT)
        return wait if self._ends_at is None else min(wait, max(0.0, self._ends_at - time.monotonic()))

    def _forget(self, before: tuple[int, int]) -> None:
        for key, ended in list(self._told.items()):
            if ended < before or len(self._told) > _MAX_TOLD:
                del self._told[key]


def _key(execution: Execution) -> tuple[str, int]:
    # A post-call that was marked INTERRUPTED can end a second time, in another state.
    return execution.execution_uuid, execution.state
