package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// endpoint is the webhooks' target: an HTTP/1.1 server that does as little as possible. It counts requests, in all and
// per conversation, and answers with the conversation of the request, so that each caller can see that it got its own
// answer.
type endpoint struct {
	address  string
	delay    atomic.Int64 // of each answer, as a time.Duration
	requests atomic.Int64
	mutex    sync.Mutex
	seen     map[conversationID]uint8 // nil while nobody asks for it
}

var (
	conversationKey = []byte(`"conversation_uuid":"`)
	contentLength   = []byte("content-length:")
)

func startEndpoint() (*endpoint, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &endpoint{address: listener.Addr().String()}
	go func() {
		for {
			socket, err := listener.Accept()
			if err != nil {
				return
			}
			go e.serve(socket)
		}
	}()
	return e, nil
}

// reset forgets what was counted; `track` says whether requests are counted per conversation from now on.
func (e *endpoint) reset(track bool) {
	e.requests.Store(0)
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.seen = nil
	if track {
		e.seen = make(map[conversationID]uint8)
	}
}

// timesSeen returns how many requests came for a conversation since the last reset.
func (e *endpoint) timesSeen(id conversationID) uint8 {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.seen[id]
}

// repeated returns how many conversations were seen more than once.
func (e *endpoint) repeated() (count int) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	for _, times := range e.seen {
		if times > 1 {
			count++
		}
	}
	return count
}

func (e *endpoint) serve(socket net.Conn) {
	defer socket.Close()
	reader := bufio.NewReaderSize(socket, 2048)
	var body, answer []byte
	for {
		length, err := readHead(reader)
		if err != nil {
			return
		}
		if cap(body) < length {
			body = make([]byte, length)
		}
		body = body[:length]
		if _, err := io.ReadFull(reader, body); err != nil {
			return
		}
		conversation := conversationOf(body)
		e.count(conversation)
		if delay := time.Duration(e.delay.Load()); delay > 0 {
			time.Sleep(delay)
		}
		answer = appendAnswer(answer[:0], conversation)
		if _, err := socket.Write(answer); err != nil {
			return
		}
	}
}

func (e *endpoint) count(conversation []byte) {
	e.requests.Add(1)
	id, ok := parseID(conversation)
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if ok && e.seen != nil && e.seen[id] < 255 {
		e.seen[id]++
	}
}

// readHead reads up to the body and returns the body's length.
func readHead(reader *bufio.Reader) (length int, err error) {
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return length, nil
		}
		if len(line) > len(contentLength) && bytes.EqualFold(line[:len(contentLength)], contentLength) {
			length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(contentLength):])))
			if err != nil {
				return 0, err
			}
		}
	}
}

func conversationOf(body []byte) []byte {
	at := bytes.Index(body, conversationKey)
	if at < 0 || len(body) < at+len(conversationKey)+uuidLength {
		return nil
	}
	return body[at+len(conversationKey):][:uuidLength]
}

func appendAnswer(to, conversation []byte) []byte {
	const before = `{"customer":{"name":"Ada Lovelace","tier":"gold"},"conversation":"`
	const after = `"}`
	to = append(to, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "...)
	to = strconv.AppendInt(to, int64(len(before)+len(conversation)+len(after)), 10)
	to = append(to, "\r\n\r\n"...)
	to = append(to, before...)
	to = append(to, conversation...)
	return append(to, after...)
}
