"""The client for synchronous programs."""

from collections.abc import Callable, Mapping
from typing import Any

import grpc

from callhooks import _connection as connection
from callhooks.errors import from_rpc_error
from callhooks.v1.agent_admin_pb2_grpc import AgentAdminStub
from callhooks.v1.call_lifecycle_pb2_grpc import CallLifecycleStub
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
        channel: Any = _Channel(self._channel, token, timeouts or {})
        self.calls = CallLifecycleStub(channel)
        self.agents = AgentAdminStub(channel)
        self.webhooks = WebhookAdminStub(channel)
        self.executions = ExecutionLogStub(channel)

    @property
    def channel(self) -> grpc.Channel:
        """The channel, for other stubs such as that of the health service."""
        return self._channel

    def close(self) -> None:
        """Closes the connections. Running RPCs are cancelled."""
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
