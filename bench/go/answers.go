package main

import (
	"encoding/binary"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// answers reads the frames that come back on one connection.
type answers struct {
	c        *connection
	decoder  *hpack.Decoder
	current  *call // whose headers are decoded
	received uint32

	hasSettings bool
}

const unlimited = 1 << 20 // streams

func newAnswers(c *connection) *answers {
	a := &answers{c: c}
	a.decoder = hpack.NewDecoder(4096, func(field hpack.HeaderField) {
		if a.current == nil {
			return
		}
		switch field.Name {
		case "grpc-status":
			a.current.status = field.Value
		case "grpc-status-details-bin":
			a.current.details = field.Value
		}
	})
	return a
}

// take reports whether the connection goes on after this frame.
func (a *answers) take(frame http2.Frame) bool {
	stream := frame.Header().StreamID
	switch frame := frame.(type) {
	case *http2.HeadersFrame:
		a.current = a.callOf(stream)
		if _, err := a.decoder.Write(frame.HeaderBlockFragment()); err != nil || !frame.HeadersEnded() {
			return false
		}
		if frame.StreamEnded() {
			a.end(stream, "")
		}
	case *http2.DataFrame:
		a.data(stream, frame)
	case *http2.RSTStreamFrame:
		a.end(stream, "RESET_"+frame.ErrCode.String())
	case *http2.SettingsFrame:
		a.settings(frame)
	case *http2.PingFrame:
		if !frame.IsAck() {
			a.reply(http2.FramePing, http2.FlagPingAck, frame.Data[:])
		}
	case *http2.WindowUpdateFrame:
		if stream == 0 {
			a.c.mutex.Lock()
			a.c.window += int64(frame.Increment)
			a.c.pump()
			a.c.mutex.Unlock()
		}
	case *http2.GoAwayFrame:
		return a.goAway(frame)
	}
	return true
}

func (a *answers) callOf(stream uint32) *call {
	a.c.mutex.Lock()
	defer a.c.mutex.Unlock()
	return a.c.calls[stream]
}

func (a *answers) data(stream uint32, frame *http2.DataFrame) {
	a.received += frame.Length
	if a.received > receiveToReturn {
		a.c.mutex.Lock()
		a.c.returnWindow(a.received)
		a.c.mutex.Unlock()
		a.received = 0
	}
	if one := a.callOf(stream); one != nil {
		one.answer = append(one.answer, frame.Data()...)
		if frame.StreamEnded() {
			a.end(stream, "NO_TRAILERS")
		}
	}
}

func (a *answers) end(stream uint32, broken string) {
	a.c.mutex.Lock()
	one := a.c.calls[stream]
	delete(a.c.calls, stream)
	a.c.pump()
	a.c.mutex.Unlock()
	if one == nil {
		return // it was given up
	}
	one.broken = broken
	one.onEnd(one)
}

func (a *answers) settings(frame *http2.SettingsFrame) {
	if frame.IsAck() {
		return
	}
	a.c.mutex.Lock()
	if limit, ok := frame.Value(http2.SettingMaxConcurrentStreams); ok {
		a.c.maxStreams = int(min(limit, unlimited))
	} else if !a.hasSettings {
		a.c.maxStreams = unlimited
	}
	a.hasSettings = true
	a.c.mutex.Unlock()
	a.reply(http2.FrameSettings, http2.FlagSettingsAck, nil)
}

func (a *answers) reply(kind http2.FrameType, flags http2.Flags, payload []byte) {
	a.c.mutex.Lock()
	a.c.frame(kind, flags, 0, payload)
	a.c.pump()
	a.c.mutex.Unlock()
}

// goAway ends the calls that the server will not answer; it reports whether others are still under way.
func (a *answers) goAway(frame *http2.GoAwayFrame) bool {
	var lost []*call
	a.c.mutex.Lock()
	a.c.isGoing = true
	for stream, one := range a.c.calls {
		if stream > frame.LastStreamID {
			lost = append(lost, one)
			delete(a.c.calls, stream)
		}
	}
	left := len(a.c.calls)
	a.c.mutex.Unlock()
	endAll(lost, "GOAWAY")
	return left > 0
}

// messageOf returns the message of an answer, without its 5 bytes of gRPC framing; nil where it is not complete.
func messageOf(answer []byte) []byte {
	if len(answer) < 5 || answer[0] != 0 || int(binary.BigEndian.Uint32(answer[1:])) != len(answer)-5 {
		return nil
	}
	return answer[5:]
}
