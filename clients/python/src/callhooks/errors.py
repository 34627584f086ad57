"""The error of an RPC, with its details decoded."""

from collections.abc import Iterator
from dataclasses import dataclass

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import (
    BadRequest,
    ErrorInfo,
    PreconditionFailure,
    RequestInfo,
    ResourceInfo,
    RetryInfo,
)
from google.rpc.status_pb2 import Status

_DETAILS = "grpc-status-details-bin"


@dataclass(frozen=True)
class Violation:
    """A rule that a field of the request breaks."""

    field: str
    """The path from the request message: `webhook_config.assignments[0].source`."""
    description: str
    """The end of the sentence "FIELD …"."""


@dataclass(frozen=True)
class Precondition:
    """Something that stands in the way of a request."""

    subject: str
    """For example `webhooks/<webhook_uuid>`."""
    description: str


class CallhooksError(grpc.RpcError):
    """The error of an RPC. Decide by `reason`, or by `code()` where there is none."""

    reason: str | None = None
    """Why callhooks refused the request: the name of a value of `ErrorReason` without its prefix, such as
    `AGENT_NOT_FOUND`. It is None where the error does not come from callhooks, or is `INTERNAL`."""
    violations: tuple[Violation, ...] = ()
    """The broken rules of `VALIDATION_FAILED`, as many as fit into the answer."""
    violation_count: int = 0
    """How many rules are broken."""
    resource_type: str | None = None
    """What was not found, or exists already."""
    resource_name: str | None = None
    preconditions: tuple[Precondition, ...] = ()
    """What stands in the way of the request, with `FAILED_PRECONDITION`."""
    retry_after: float | None = None
    """How many seconds to wait before the request is repeated. It is None where a repeat would not help."""
    request_id: str | None = None
    """The id under which the log of callhooks has the cause of `INTERNAL`."""

    def __init__(self, code: grpc.StatusCode, message: str, trailers: object = ()) -> None:
        super().__init__(message)
        self._code = code
        self._message = message
        for detail in _details(trailers):
            self._add(detail)

    def code(self) -> grpc.StatusCode:
        """Returns the gRPC status code."""
        return self._code

    def details(self) -> str:
        """Returns the message of the error."""
        return self._message

    def __str__(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        return f"{self._code.name}{reason}: {self._message}"

    def _add(self, detail: Any) -> None:
        info, bad_request, resource = ErrorInfo(), BadRequest(), ResourceInfo()
        failure, retry, request = PreconditionFailure(), RetryInfo(), RequestInfo()
        if detail.Unpack(info):
            if info.domain == "callhooks":  # A proxy may answer with reasons of its own.
                self.reason = info.reason
                count = info.metadata.get("violations", "")
                self.violation_count = int(count) if count.isdecimal() else 0
        elif detail.Unpack(bad_request):
            self.violations = tuple(Violation(v.field, v.description) for v in bad_request.field_violations)
        elif detail.Unpack(resource):
            self.resource_type, self.resource_name = resource.resource_type, resource.resource_name
        elif detail.Unpack(failure):
            self.preconditions = tuple(Precondition(v.subject, v.description) for v in failure.violations)
        elif detail.Unpack(retry):
            self.retry_after = retry.retry_delay.ToTimedelta().total_seconds()
        elif detail.Unpack(request):
            self.request_id = request.request_id


def _details(trailers: object) -> Iterator[Any]:
    """Yields the details of an error. Details that do not decode are ignored, because a proxy may have written them."""
    for key, value in trailers or ():  # type: ignore[attr-defined]
        if key == _DETAILS:
            try:
                yield from Status.FromString(value).details
            except DecodeError:
                return


def from_rpc_error(error: grpc.RpcError) -> grpc.RpcError:
    """Returns a `CallhooksError` for the error of an RPC."""
    if isinstance(error, CallhooksError) or not hasattr(error, "code"):
        return error
    return CallhooksError(error.code(), error.details() or "", error.trailing_metadata())
