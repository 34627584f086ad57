package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// reply is what a generator looks at in an OK answer.
type reply struct {
	proceed, degraded, replayed, ownAnswer bool
	failure                                int // the execution's FailureCode
}

var errReply = errors.New("the reply is not well-formed")

// readStart reads an OnCallStartResponse. An answer is the caller's own when its variables hold the conversation.
func readStart(message, conversation []byte) (r reply, err error) {
	err = eachField(message, func(number protowire.Number, value uint64, part []byte) {
		switch number {
		case 1:
			r.proceed = value == 1
		case 2:
			r.degraded = value != 0
		case 3:
			r.ownAnswer = bytes.Contains(part, conversation)
		case 5:
			r.failure = failureOf(part)
		case 6:
			r.replayed = value != 0
		}
	})
	return r, err
}

// readEnd reads an OnCallEndResponse. An answer is the caller's own when its execution names the conversation.
func readEnd(message, conversation []byte) (r reply, err error) {
	r.proceed = true
	err = eachField(message, func(number protowire.Number, value uint64, part []byte) {
		switch number {
		case 1:
			r.ownAnswer = bytes.Contains(part, conversation)
			r.failure = failureOf(part)
		case 2:
			r.replayed = value != 0
		}
	})
	return r, err
}

// failureOf returns the code of an Execution's failure, 0 where it has none.
func failureOf(execution []byte) (code int) {
	_ = eachField(execution, func(number protowire.Number, _ uint64, part []byte) {
		if number != 8 {
			return
		}
		_ = eachField(part, func(number protowire.Number, value uint64, _ []byte) {
			if number == 1 {
				code = int(value)
			}
		})
	})
	return code
}

// reasonOf returns the reason in a `grpc-status-details-bin` header: that of its ErrorInfo, or an empty string.
func reasonOf(header string) (reason string) {
	status, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(header, "="))
	if err != nil {
		return ""
	}
	_ = eachField(status, func(number protowire.Number, _ uint64, detail []byte) {
		if number != 3 {
			return
		}
		var isInfo bool
		_ = eachField(detail, func(number protowire.Number, _ uint64, part []byte) {
			switch {
			case number == 1:
				isInfo = bytes.HasSuffix(part, []byte("google.rpc.ErrorInfo"))
			case number == 2 && isInfo:
				reason = firstField(part)
			}
		})
	})
	return reason
}

func firstField(message []byte) (text string) {
	_ = eachField(message, func(number protowire.Number, _ uint64, part []byte) {
		if number == 1 {
			text = string(part)
		}
	})
	return text
}

// eachField calls `take` for each field of a message, with its number or its bytes.
func eachField(message []byte, take func(number protowire.Number, value uint64, part []byte)) error {
	for len(message) > 0 {
		number, kind, length := protowire.ConsumeTag(message)
		if length < 0 {
			return errReply
		}
		message = message[length:]
		var value uint64
		var part []byte
		switch kind {
		case protowire.VarintType:
			value, length = protowire.ConsumeVarint(message)
		case protowire.BytesType:
			part, length = protowire.ConsumeBytes(message)
		default:
			length = protowire.ConsumeFieldValue(number, kind, message)
		}
		if length < 0 {
			return errReply
		}
		message = message[length:]
		take(number, value, part)
	}
	return nil
}

var statusNames = [...]string{"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
	"ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
	"UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"}

func statusName(code string) string {
	number, err := strconv.Atoi(code)
	if err != nil || number < 0 || number >= len(statusNames) {
		return "STATUS_" + code
	}
	return statusNames[number]
}

var failureNames = [...]string{"", "TIMEOUT", "DNS", "CONNECT", "TLS", "PROTOCOL", "EGRESS_DENIED", "HTTP_STATUS",
	"REDIRECT", "RESPONSE_TOO_LARGE", "INVALID_RESPONSE", "ASSIGNMENT_MISSING", "RENDER", "OVERLOADED", "EXPIRED",
	"WEBHOOK_REMOVED", "INTERRUPTED", "SHUTDOWN", "INTERNAL"}

func failureName(code int) string {
	if code < 0 || code >= len(failureNames) {
		return "FAILURE_" + strconv.Itoa(code)
	}
	return failureNames[code]
}
