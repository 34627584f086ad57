package callhooks

import (
	"context"
	"errors"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Error is the error of an RPC, with its details decoded. Decide by Reason, or by Code where there is none. The functions of
// the package status understand it too.
type Error struct {
	Code    codes.Code
	Message string
	// Reason says why callhooks refused the request: the name of a value of ErrorReason without its prefix, such as
	// "AGENT_NOT_FOUND". It is empty where the error does not come from callhooks, or is INTERNAL.
	Reason string
	// Violations are the broken rules of VALIDATION_FAILED, as many as fit into the answer. ViolationCount counts all of them.
	Violations     []Violation
	ViolationCount int
	// ResourceType and ResourceName say what was not found, or exists already.
	ResourceType, ResourceName string
	// Preconditions stand in the way of the request, with FAILED_PRECONDITION.
	Preconditions []Precondition
	// RetryAfter says how long to wait before the request is repeated. It is 0 where a repeat would not help.
	RetryAfter time.Duration
	// RequestID is the id under which the log of callhooks has the cause of INTERNAL.
	RequestID string

	status *status.Status
}

// Violation is a rule that a field of the request breaks.
type Violation struct {
	// Field is the path from the request message: "webhook_config.assignments[0].source".
	Field string
	// Description is the end of the sentence "FIELD …".
	Description string
}

// Precondition is something that stands in the way of a request.
type Precondition struct {
	// Subject is, for example, "webhooks/<webhook_uuid>".
	Subject, Description string
}

// Error returns the code, the reason and the message.
func (e *Error) Error() string {
	text := "callhooks: " + e.Code.String()
	if e.Reason != "" {
		text += " (" + e.Reason + ")"
	}
	return text + ": " + e.Message
}

// GRPCStatus returns the status that the RPC ended with.
func (e *Error) GRPCStatus() *status.Status {
	return e.status
}

// Is makes errors.Is(err, context.DeadlineExceeded) and errors.Is(err, context.Canceled) true for these codes.
func (e *Error) Is(target error) bool {
	return (target == context.DeadlineExceeded && e.Code == codes.DeadlineExceeded) ||
		(target == context.Canceled && e.Code == codes.Canceled)
}

// FromError decodes the error of an RPC, also one of a connection that NewClient did not make. It returns nil for nil and for
// errors that are not from an RPC.
func FromError(err error) *Error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return known
	}
	got, ok := status.FromError(err)
	if !ok {
		return nil
	}
	decoded := &Error{Code: got.Code(), Message: got.Message(), status: got}
	for _, detail := range got.Details() {
		decoded.add(detail)
	}
	return decoded
}

func (e *Error) add(detail any) {
	switch detail := detail.(type) {
	case *errdetails.ErrorInfo:
		// A proxy may answer with reasons of its own.
		if detail.GetDomain() == "callhooks" {
			e.Reason = detail.GetReason()
			e.ViolationCount, _ = strconv.Atoi(detail.GetMetadata()["violations"])
		}
	case *errdetails.BadRequest:
		for _, violation := range detail.GetFieldViolations() {
			e.Violations = append(e.Violations, Violation{violation.GetField(), violation.GetDescription()})
		}
	case *errdetails.ResourceInfo:
		e.ResourceType, e.ResourceName = detail.GetResourceType(), detail.GetResourceName()
	case *errdetails.PreconditionFailure:
		for _, violation := range detail.GetViolations() {
			e.Preconditions = append(e.Preconditions, Precondition{violation.GetSubject(), violation.GetDescription()})
		}
	case *errdetails.RetryInfo:
		e.RetryAfter = detail.GetRetryDelay().AsDuration()
	case *errdetails.RequestInfo:
		e.RequestID = detail.GetRequestId()
	}
}

// decoded returns an *Error for the error of an RPC. The end of a stream, which is io.EOF, stays what it is.
func decoded(err error) error {
	if found := FromError(err); found != nil {
		return found
	}
	return err
}

func decodeErrors(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	return decoded(invoker(ctx, method, req, reply, conn, opts...))
}

func decodeStreamErrors(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	stream, err := streamer(ctx, desc, conn, method, opts...)
	if err != nil {
		return nil, decoded(err)
	}
	return decodedStream{stream}, nil
}

type decodedStream struct{ grpc.ClientStream }

func (s decodedStream) RecvMsg(message any) error {
	return decoded(s.ClientStream.RecvMsg(message))
}
