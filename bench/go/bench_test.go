package main

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

func TestConversationsAreUUIDsThatCanBeMadeAgain(t *testing.T) {
	ids := conversations{mix(7)}
	seen := map[conversationID]bool{}
	for number := range uint64(10_000) {
		var text [uuidLength]byte
		ids.write(text[:], number)
		id, ok := parseID(text[:])
		if !ok || id != ids.id(number) || text[14] != '4' || seen[id] {
			t.Fatalf("number %d made %s", number, text)
		}
		seen[id] = true
	}
	if _, ok := parseID([]byte(strings.Repeat("x", uuidLength))); ok {
		t.Fatal("x is no hex digit")
	}
}

func field(to []byte, number protowire.Number, part []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, number, protowire.BytesType), part)
}

func flag(to []byte, number protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(to, number, protowire.VarintType), value)
}

func TestRepliesAreRead(t *testing.T) {
	mine := []byte("c0000000-0000-4000-8000-000000000001")
	failure := field(nil, 8, flag(nil, 1, 13))
	message := flag(field(field(flag(flag(nil, 1, 1), 2, 1), 3, mine), 5, failure), 6, 1)
	got, err := readStart(message, mine)
	if err != nil || got != (reply{proceed: true, degraded: true, replayed: true, ownAnswer: true, failure: 13}) {
		t.Fatalf("got %+v, %v", got, err)
	}
	// The execution names the conversation too: only the variables prove that the answer came from the endpoint.
	got, err = readStart(field(nil, 5, field(nil, 3, mine)), mine)
	if err != nil || got.ownAnswer {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, err = readStart(message[:len(message)-1], mine); err == nil {
		t.Fatal("a cut reply was read")
	}
}

func TestReasonsOfErrorsAreRead(t *testing.T) {
	other := field(field(nil, 1, []byte("type.googleapis.com/google.rpc.RetryInfo")), 2, field(nil, 1, []byte("no")))
	info := field(field(nil, 1, []byte("type.googleapis.com/google.rpc.ErrorInfo")), 2, field(nil, 1, []byte("LIMIT_REACHED")))
	header := base64.StdEncoding.EncodeToString(field(field(nil, 3, other), 3, info))
	if reason := reasonOf(header); reason != "LIMIT_REACHED" {
		t.Fatalf("got %q", reason)
	}
}

func TestEndpointAnswersEachRequestWithItsOwnConversation(t *testing.T) {
	e, err := startEndpoint()
	if err != nil {
		t.Fatal(err)
	}
	e.reset(true)
	ids := conversations{1}
	d := newDirect(e.address, time.Second)
	for number := range uint64(3) {
		var text [uuidLength]byte
		ids.write(text[:], number)
		one := &call{message: []byte(`.....{"conversation_uuid":"` + string(text[:]) + `"}`), onEnd: func(*call) {}}
		d.send(one)
		d.send(one)
		if !strings.Contains(string(one.answer), string(text[:])) || e.timesSeen(ids.id(number)) != 2 {
			t.Fatalf("got %s (%s)", one.answer, one.broken)
		}
	}
	if e.requests.Load() != 6 || e.repeated() != 3 {
		t.Fatalf("%d requests, %d repeated", e.requests.Load(), e.repeated())
	}
	response, err := http.Get("http://" + e.address)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
}
