"""The client for synchronous programs."""

import threading
from collections.abc import Callable, Generator, Mapping
from typing import Any

import grpc

from callhooks import _connection as connection
from callhooks._watch import MAX_SILENCE, OnLost, Resume, silence
from callhooks.errors import CallhooksError, from_rpc_error
from callhooks.v1.agent_admin_pb2_grpc import AgentAdminStub
from callhooks.v1.call_lifecycle_pb2_grpc import CallLifecycleStub
from callhooks.v1.execution_log_pb2 import WatchExecutionsRequest, WatchExecutionsResponse
from callhooks.v1.execution_log_pb2_grpc import ExecutionLogStub
from callhooks.v1.webhook_admin_pb2_grpc import WebhookAdminStub


class Client:
    """Calls the services of callhooks. All RPCs share the connections of one channel; threads may share a client.

    An RPC without a `timeout` gets the deadline of its method. An RPC that fails raises a `CallhooksError`.
    """

    calls: CallLifecycleStub
    """Starts and ends of calls."""
    agents: AgentAdminStub
    webhooks: WebhookAdminStub
    executions: ExecutionLogStub

    def __init__(
        self,
        address: str,
        *,
        token: connection.Token | None = None,
        tls: bool | connection.Tls | None = None,
        timeouts: Mapping[str, float] | None = None,
        options: Mapping[str, int | str] | None = None,
    ) -> None:
        """Makes a client, which connects with its first RPC.

        `address` is `host:port`, or another target that gRPC knows, such as `dns:///callhooks.internal:50051`.
        `token` is sent with each RPC; a function is asked before each of them.
        `tls=True` trusts the authorities that gRPC brings, and a `Tls` says more. Without it the connection is plaintext.
        `timeouts` are deadlines in seconds by method (`OnCallStart`). They replace those of deploy/service-config.json.
        `options` are channel arguments. They replace those of this client.
        Raises ValueError when a token would go unencrypted to another machine without `tls=False`.
        """
        credentials = connection.channel_credentials(address, tls, token)
        channel_options = connection.channel_options(tls, options or {})
        if credentials is None:
            self._channel = grpc.insecure_channel(address, channel_options)
        else:
            self._channel = grpc.secure_channel(address, credentials, channel_options)
        self._closed = threading.Event()
        channel: Any = _Channel(self._channel, token, timeouts or {})
        self.calls = CallLifecycleStub(channel)
        self.agents = AgentAdminStub(channel)
        self.webhooks = WebhookAdminStub(channel)
        self.executions = ExecutionLogStub(channel)

    @property
    def channel(self) -> grpc.Channel:
        """The channel, for other stubs such as that of the health service."""
        return self._channel

    def watch_executions(
        self,
        request: WatchExecutionsRequest,
        *,
        timeout: float | None = None,
        metadata: connection.Metadata | None = None,
        on_lost: OnLost | None = None,
    ) -> Generator[WatchExecutionsResponse, None, None]:
        """Yields executions as they end, each of them once.

        When the connection is lost it connects again, and resumes where it was. It goes on until the generator or the
        client is closed, for `timeout` seconds at most; there is no limit without it. It raises a `CallhooksError` when
        the first stream can't be had, and later when callhooks refuses to go on. `on_lost` is told the error once when
        the stream is lost and the first try to resume it fails too.
        """
        resume = Resume(request, timeout, on_lost)
        while True:
            following, time_left = resume.begin()
            call = self.executions.WatchExecutions(following, timeout=time_left, metadata=metadata)
            try:
                while (message := _next_message(call)) is not None:
                    yield resume.tell(message)
            except CallhooksError as error:
                if self._closed.is_set():
                    raise
                resume.fail(error)
            finally:
                call.cancel()
            self._closed.wait(resume.next_wait())

    def close(self) -> None:
        """Closes the connections. Running RPCs are cancelled."""
        self._closed.set()
        self._channel.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Channel:
    """What the generated stubs need of a channel: it adds deadline and token to each RPC, and decodes its error."""

    def __init__(self, channel: grpc.Channel, token: connection.Token | None, timeouts: Mapping[str, float]) -> None:
        self._channel = channel
        self._token = token
        self._timeouts = timeouts

    def unary_unary(self, path: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        method = self._channel.unary_unary(path, *args, **kwargs)
        default = self._timeouts.get(path.rpartition("/")[2], connection.TIMEOUTS.get(path))

        def call(request: Any, timeout: float | None = None, metadata: Any = None, **more: Any) -> Any:
            token = self._token() if callable(self._token) else self._token
            headers = connection.request_metadata(token, metadata)
            try:
                return method(request, timeout=default if timeout is None else timeout, metadata=headers, **more)
            except grpc.RpcError as error:
                raise from_rpc_error(error) from error

        return call

    def unary_stream(self, path: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        method = self._channel.unary_stream(path, *args, **kwargs)
        default = self._timeouts.get(path.rpartition("/")[2])

        def call(request: Any, timeout: float | None = None, metadata: Any = None, **more: Any) -> Any:
            token = self._token() if callable(self._token) else self._token
            headers = connection.request_metadata(token, metadata)
            return _Stream(method(request, timeout=default if timeout is None else timeout, metadata=headers, **more))

        return call


class _Stream:
    """The messages of a stream, whose error is decoded. It has what the object of gRPC has, such as `cancel()`."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def __iter__(self) -> "_Stream":
        return self

    def __next__(self) -> Any:
        try:
            return next(self._call)
        except grpc.RpcError as error:
            raise from_rpc_error(error) from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)


def _next_message(call: Any) -> WatchExecutionsResponse | None:
    """Returns the next message, or None at the end of the stream."""
    is_silent = threading.Event()

    def give_up() -> None:
        is_silent.set()
        call.cancel()

    timer = threading.Timer(MAX_SILENCE, give_up)
    timer.daemon = True
    timer.start()
    try:
        return next(call, None)
    except CallhooksError as error:
        if is_silent.is_set():
            raise silence() from error
        raise
    finally:
        timer.cancel()
