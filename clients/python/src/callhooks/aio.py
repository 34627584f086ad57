"""The client for asyncio."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

import grpc

from callhooks import _connection as connection
from callhooks._watch import MAX_SILENCE, OnLost, Resume, silence
from callhooks.errors import CallhooksError, from_rpc_error
from callhooks.v1.agent_admin_pb2_grpc import AgentAdminStub
from callhooks.v1.call_lifecycle_pb2_grpc import CallLifecycleStub
from callhooks.v1.execution_log_pb2 import WatchExecutionsRequest, WatchExecutionsResponse
from callhooks.v1.execution_log_pb2_grpc import ExecutionLogStub
from callhooks.v1.webhook_admin_pb2_grpc import WebhookAdminStub

if TYPE_CHECKING:
    from callhooks.v1.agent_admin_pb2_grpc import AgentAdminAsyncStub
    from callhooks.v1.call_lifecycle_pb2_grpc import CallLifecycleAsyncStub
    from callhooks.v1.execution_log_pb2_grpc import ExecutionLogAsyncStub
    from callhooks.v1.webhook_admin_pb2_grpc import WebhookAdminAsyncStub


class AsyncClient:
    """Calls the services of callhooks from the event loop in which it was made. It is used like `Client`.

    An RPC without a `timeout` gets the deadline of its method. An RPC that fails raises a `CallhooksError`.
    """

    calls: "CallLifecycleAsyncStub"
    """Starts and ends of calls."""
    agents: "AgentAdminAsyncStub"
    webhooks: "WebhookAdminAsyncStub"
    executions: "ExecutionLogAsyncStub"

    def __init__(
        self,
        address: str,
        *,
        token: connection.AsyncToken | None = None,
        tls: bool | connection.Tls | None = None,
        timeouts: Mapping[str, float] | None = None,
        options: Mapping[str, int | str] | None = None,
    ) -> None:
        """Makes a client, which connects with its first RPC. The parameters are those of `Client`;
        `token` may be a coroutine function."""
        credentials = connection.channel_credentials(address, tls, token)
        channel_options = connection.channel_options(tls, options or {})
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(address, channel_options)
        else:
            self._channel = grpc.aio.secure_channel(address, credentials, channel_options)
        self._is_closed = False
        self._streams: set[Any] = set()
        channel: Any = _AsyncChannel(self._channel, token, timeouts or {}, self._streams)
        self.calls = CallLifecycleStub(channel)
        self.agents = AgentAdminStub(channel)
        self.webhooks = WebhookAdminStub(channel)
        self.executions = ExecutionLogStub(channel)

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel, for other stubs such as that of the health service."""
        return self._channel

    async def watch_executions(
        self,
        request: WatchExecutionsRequest,
        *,
        timeout: float | None = None,
        metadata: connection.Metadata | None = None,
        on_lost: OnLost | None = None,
    ) -> AsyncGenerator[WatchExecutionsResponse, None]:
        """Yields executions as they end, each of them once: see `Client.watch_executions`."""
        resume = Resume(request, timeout, on_lost)
        while True:
            following, time_left = resume.begin()
            stream: Any = self.executions.WatchExecutions(following, timeout=time_left, metadata=metadata)
            messages = aiter(stream)
            try:
                while (message := await self._next_message(messages)) is not None:
                    yield resume.tell(message)
            except CallhooksError as error:
                if self._is_closed:
                    raise
                resume.fail(error)
            finally:
                await messages.aclose()
            await asyncio.sleep(resume.next_wait())

    async def _next_message(self, messages: AsyncIterator[WatchExecutionsResponse]) -> WatchExecutionsResponse | None:
        """Returns the next message, or None at the end of the stream."""
        try:
            return await asyncio.wait_for(messages.__anext__(), MAX_SILENCE)
        except StopAsyncIteration:
            return None
        except asyncio.TimeoutError as error:
            raise silence() from error
        except asyncio.CancelledError as error:
            if not self._is_closed:
                raise
            raise CallhooksError(grpc.StatusCode.CANCELLED, "the client was closed") from error

    async def close(self) -> None:
        """Closes the connections. Running RPCs are cancelled."""
        self._is_closed = True
        # Some versions of the library do not find the streams that a generator reads.
        for call in list(self._streams):
            call.cancel()
        await self._channel.close()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class _AsyncChannel:
    """What the generated stubs need of a channel: it adds deadline and token to each RPC, and decodes its error."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        token: connection.AsyncToken | None,
        timeouts: Mapping[str, float],
        streams: set[Any],
    ) -> None:
        self._channel = channel
        self._token = token
        self._timeouts = timeouts
        self._streams = streams

    def unary_unary(self, path: str, *args: Any, **kwargs: Any) -> Callable[..., Coroutine[Any, Any, Any]]:
        method = self._channel.unary_unary(path, *args, **kwargs)
        default = self._timeouts.get(path.rpartition("/")[2], connection.TIMEOUTS.get(path))

        async def call(request: Any, timeout: float | None = None, metadata: Any = None, **more: Any) -> Any:
            token = self._token() if callable(self._token) else self._token
            headers = connection.request_metadata(await token if inspect.isawaitable(token) else token, metadata)
            try:
                return await method(
                    request, timeout=default if timeout is None else timeout, metadata=headers, **more
                )
            except grpc.RpcError as error:
                raise from_rpc_error(error) from error

        return call

    def unary_stream(self, path: str, *args: Any, **kwargs: Any) -> Callable[..., AsyncIterator[Any]]:
        method = self._channel.unary_stream(path, *args, **kwargs)
        default = self._timeouts.get(path.rpartition("/")[2])

        async def stream(
            request: Any, timeout: float | None = None, metadata: Any = None, **more: Any
        ) -> AsyncIterator[Any]:
            token = self._token() if callable(self._token) else self._token
            headers = connection.request_metadata(await token if inspect.isawaitable(token) else token, metadata)
            call = method(request, timeout=default if timeout is None else timeout, metadata=headers, **more)
            self._streams.add(call)
            try:
                async for message in call:
                    yield message
            except grpc.RpcError as error:
                raise from_rpc_error(error) from error
            finally:
                self._streams.discard(call)
                call.cancel()

        return stream
