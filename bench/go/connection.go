package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// call is one RPC under way.
type call struct {
	number     uint64
	due        time.Time
	message    []byte // with its 5 bytes of gRPC framing
	onEnd      func(*call)
	connection *connection // that it was started on

	status, details string // of the trailers; status is "" where no answer came
	broken          string // why no answer came
	answer          []byte
	answerDone      bool
}

// connection is a gRPC client connection with a fixed header block: frames are put together by hand, because a client
// that shares its core with the endpoint and the database must cost a fraction of the server's work.
type connection struct {
	address string
	block   []byte // the encoded headers of every call

	mutex      sync.Mutex
	socket     net.Conn // nil while it is not connected
	out        []byte   // frames that nobody has written yet
	wake       chan struct{}
	waiting    []*call // beyond the limit of streams or the send window
	calls      map[uint32]*call
	nextStream uint32
	window     int64
	maxStreams int
	isGoing    bool // the server said GOAWAY
	isDialling bool
}

const (
	firstWindow     = 65_535
	receiveWindow   = 1 << 30
	receiveToReturn = 1 << 26
	frameHead       = 9
	dialAgainAfter  = 50 * time.Millisecond
)

// newConnection makes a connection for calls of one method; it connects with its first call.
func newConnection(address, path string, timeout time.Duration) *connection {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	encoder.SetMaxDynamicTableSize(0) // the same block again and again must not depend on what went before
	for _, field := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", path}, {":authority", address},
		{"content-type", "application/grpc"}, {"te", "trailers"}, {"user-agent", "callhooks-bench"},
		{"grpc-timeout", fmt.Sprintf("%dm", timeout.Milliseconds())},
	} {
		_ = encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1], Sensitive: true})
	}
	c := &connection{address: address, block: block.Bytes(), wake: make(chan struct{}, 1)}
	c.calls = make(map[uint32]*call)
	return c
}

// start sends a call, now or as soon as the connection allows.
func (c *connection) start(one *call) {
	c.mutex.Lock()
	c.waiting = append(c.waiting, one)
	c.dial()
	c.pump()
	c.mutex.Unlock()
}

// dial begins to connect where that is needed. The mutex is held.
func (c *connection) dial() {
	if c.socket == nil && !c.isDialling {
		c.isDialling = true
		go c.connect()
	}
}

// underWay returns how many calls have no answer yet.
func (c *connection) underWay() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return len(c.waiting) + len(c.calls)
}

// expire ends every call that was due before `before` and has no answer.
func (c *connection) expire(before time.Time) {
	var late []*call
	c.mutex.Lock()
	kept := c.waiting[:0]
	for _, one := range c.waiting {
		if one.due.Before(before) {
			late = append(late, one)
		} else {
			kept = append(kept, one)
		}
	}
	c.waiting = kept
	for stream, one := range c.calls {
		if !one.due.Before(before) {
			continue
		}
		late = append(late, one)
		delete(c.calls, stream)
		c.frame(http2.FrameRSTStream, 0, stream, binary.BigEndian.AppendUint32(nil, uint32(http2.ErrCodeCancel)))
	}
	c.pump()
	c.mutex.Unlock()
	endAll(late, "NO_ANSWER")
}

// close ends the connection and every call on it.
func (c *connection) close() {
	c.mutex.Lock()
	socket := c.socket
	c.mutex.Unlock()
	if socket != nil {
		socket.Close()
	}
}

func endAll(calls []*call, why string) {
	for _, one := range calls {
		one.broken = why
		one.onEnd(one)
	}
}

// pump turns waiting calls into frames as far as streams and window allow. The mutex is held.
func (c *connection) pump() {
	if c.socket == nil {
		return
	}
	sent := 0
	for _, one := range c.waiting {
		if c.isGoing || len(c.calls) >= c.maxStreams || c.window < int64(len(one.message)) {
			break
		}
		stream := c.nextStream
		c.nextStream += 2
		c.calls[stream] = one
		c.window -= int64(len(one.message))
		c.frame(http2.FrameHeaders, http2.FlagHeadersEndHeaders, stream, c.block)
		c.frame(http2.FrameData, http2.FlagDataEndStream, stream, one.message)
		sent++
	}
	c.waiting = c.waiting[sent:]
	if len(c.out) > 0 {
		c.wakeWriter()
	}
}

func (c *connection) wakeWriter() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *connection) frame(kind http2.FrameType, flags http2.Flags, stream uint32, payload []byte) {
	length := len(payload)
	c.out = append(c.out, byte(length>>16), byte(length>>8), byte(length), byte(kind), byte(flags))
	c.out = binary.BigEndian.AppendUint32(c.out, stream)
	c.out = append(c.out, payload...)
}

// connect dials until it succeeds or nobody waits any more.
func (c *connection) connect() {
	for {
		socket, err := net.Dial("tcp", c.address)
		if err == nil {
			c.open(socket)
			return
		}
		time.Sleep(dialAgainAfter)
		c.mutex.Lock()
		c.isDialling = len(c.waiting) > 0
		goesOn := c.isDialling
		c.mutex.Unlock()
		if !goesOn {
			return
		}
	}
}

func (c *connection) open(socket net.Conn) {
	c.mutex.Lock()
	c.socket, c.nextStream, c.window, c.maxStreams = socket, 1, firstWindow, 100
	c.isGoing, c.isDialling = false, false
	c.out = append(c.out[:0], http2.ClientPreface...)
	settings := binary.BigEndian.AppendUint16(nil, uint16(http2.SettingInitialWindowSize))
	c.frame(http2.FrameSettings, 0, 0, binary.BigEndian.AppendUint32(settings, receiveWindow))
	c.returnWindow(receiveWindow - firstWindow)
	c.pump()
	c.mutex.Unlock()
	ended := make(chan struct{})
	go c.write(socket, ended)
	go c.read(socket, ended)
}

func (c *connection) returnWindow(bytes uint32) {
	c.frame(http2.FrameWindowUpdate, 0, 0, binary.BigEndian.AppendUint32(nil, bytes))
	c.wakeWriter()
}

func (c *connection) write(socket net.Conn, ended <-chan struct{}) {
	var spare []byte
	for {
		select {
		case <-ended:
			return
		case <-c.wake:
		}
		c.mutex.Lock()
		full := c.out
		c.out = spare[:0]
		c.mutex.Unlock()
		if _, err := socket.Write(full); err != nil {
			socket.Close()
			return
		}
		spare = full
	}
}

// read takes answers until the connection breaks; then every call on it has ended.
func (c *connection) read(socket net.Conn, ended chan<- struct{}) {
	framer := http2.NewFramer(io.Discard, bufio.NewReaderSize(socket, 1<<16))
	framer.SetReuseFrames()
	framer.SetMaxReadFrameSize(1 << 24)
	answers := newAnswers(c)
	for {
		frame, err := framer.ReadFrame()
		if err != nil || !answers.take(frame) {
			break
		}
	}
	socket.Close()
	close(ended)
	c.mutex.Lock()
	c.socket = nil
	lost := make([]*call, 0, len(c.calls))
	for _, one := range c.calls {
		lost = append(lost, one)
	}
	clear(c.calls)
	if len(c.waiting) > 0 {
		c.dial()
	}
	c.mutex.Unlock()
	endAll(lost, "CONNECTION_LOST")
}
