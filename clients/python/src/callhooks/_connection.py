"""What the synchronous and the asyncio client have in common: the settings of their channels."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import grpc

Token = str | Callable[[], str]
"""A token of `callhooks token`, or a function that returns the one to send now."""

AsyncToken = Token | Callable[[], Awaitable[str]]
"""What an asyncio client takes: also a coroutine function that returns the token."""

SERVICE_CONFIG: str = files("callhooks").joinpath("service-config.json").read_text()
"""deploy/service-config.json: timeouts, retries where they are safe, and round robin over all addresses."""

Option = tuple[str, int | str]
Metadata = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True)
class Tls:
    """The certificates of a connection, each as PEM."""

    ca: bytes | None = None
    """The certificates of the authorities that sign the server's. None: the ones that gRPC brings."""
    certificate: bytes | None = None
    """This client's certificate, for servers that ask for one."""
    private_key: bytes | None = None
    server_name: str | None = None
    """The name that the server's certificate must have, where it is not that of the address."""


# Addresses that no packet leaves the machine for.
_LOCAL = re.compile(
    r"unix:.*|((dns|ipv4|ipv6):(//[^/]*/)?)?(localhost|127(\.\d+){3}|\[::1\])(:\d+)?", re.IGNORECASE
)


def _split_config() -> tuple[str, dict[str, float]]:
    """Returns the service config without its timeouts, and these in seconds by the path of the method.

    In a service config a timeout also shortens a longer deadline, and a caller may have a reason for a longer one.
    """
    config = json.loads(SERVICE_CONFIG)
    timeouts: dict[str, float] = {}
    for method in config["methodConfig"]:
        timeout = method.pop("timeout", None)
        if timeout is None:  # A stream has none.
            continue
        for name in method["name"]:
            timeouts[f"/{name['service']}/{name['method']}"] = float(timeout.removesuffix("s"))
    return json.dumps(config), timeouts


CHANNEL_CONFIG, TIMEOUTS = _split_config()

_OPTIONS: dict[str, int | str] = {
    "grpc.service_config": CHANNEL_CONFIG,
    # The config above holds, and a DNS server is not asked for another one.
    "grpc.service_config_disable_resolution": 1,
    # A connection that a firewall has dropped silently is noticed within 40 s, also between calls.
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.http2.max_pings_without_data": 0,
    # By default a client waits up to two minutes before it connects again, and 30 s before it looks for new replicas.
    # With a fifth more by chance it waits 1.8 s here, and four attempts of an RPC take 2.1 s at least: one of them finds
    # the server that is back.
    "grpc.initial_reconnect_backoff_ms": 500,
    "grpc.max_reconnect_backoff_ms": 1_500,
    "grpc.dns_min_time_between_resolutions_ms": 5_000,
}


def channel_options(tls: bool | Tls | None, replacements: Mapping[str, int | str]) -> list[Option]:
    """Returns the options of a channel."""
    options = dict(_OPTIONS)
    if isinstance(tls, Tls) and tls.server_name is not None:
        options["grpc.ssl_target_name_override"] = tls.server_name
    return list((options | dict(replacements)).items())


def channel_credentials(
    address: str, tls: bool | Tls | None, token: AsyncToken | None
) -> grpc.ChannelCredentials | None:
    """Returns the credentials of a channel, or None for plaintext.

    Raises ValueError when a token would go unencrypted to another machine and the caller has not said `tls=False`.
    """
    if tls is None and token is not None and not _LOCAL.fullmatch(address):
        raise ValueError(
            f"the token would go to {address} without encryption: set tls to True, or to False if a proxy encrypts"
        )
    if tls is None or tls is False:
        return None
    pem = Tls() if tls is True else tls
    return grpc.ssl_channel_credentials(pem.ca, pem.private_key, pem.certificate)


def request_metadata(token: str | None, given: Sequence[tuple[str, str | bytes]] | None) -> Metadata:
    """Returns the gRPC headers of an RPC, with the token in `authorization`."""
    metadata = tuple(given or ())
    return metadata if token is None else (*metadata, ("authorization", f"Bearer {token}"))
