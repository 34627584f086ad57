package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sync"
	"time"
)

// phase is a part of an open loop: calls a second for so many seconds.
type phase struct {
	Rate    float64
	Seconds float64
}

// runSpec says what one run of calls is. With Phases it is an open loop, else a closed one of so many Callers, which
// ends after Calls or Seconds.
type runSpec struct {
	Target      string // host:port
	Path        string // of the RPC; "" posts the message to the target directly, as HTTP
	Message     []byte // in which Marker stands for the conversation's id
	Marker      string
	Seed        uint64
	Connections int
	Callers     int
	Calls       int
	Seconds     float64
	RampSeconds float64 // of a closed loop, before the measured window
	Phases      []phase
	TimeoutMs   int
	GoodMs      float64 // an answer is good when it is OK, not degraded, and no later than this
	Pids        []int   // processes whose CPU time is read at both ends of the window
	BucketMs    float64 // of the timeline; 0: none
	Repeat      string  // the id of an earlier run: its refused calls are repeated, with its seed
	Limit       int     // of these
}

// outcome is how one call ended.
type outcome struct {
	number    uint64
	dueMs     float32 // since the run's beginning
	latencyMs float32
	code      string // OK, or the status with its reason
	reply     reply
}

// run is the state of a run that goes on.
type run struct {
	spec        runSpec
	ids         conversations
	connections []*connection
	direct      *direct
	startedAt   time.Time
	endpoint    *endpoint
	numbers     []uint64 // what is repeated; nil: the calls count up

	mutex    sync.Mutex
	next     uint64
	open     int
	isOver   bool
	outcomes []outcome
	maxLag   time.Duration // how late a call was issued at most
	idle     chan struct{} // closed when the last call has ended
}

const (
	expireEvery  = 100 * time.Millisecond
	framingBytes = 5
)

// perform runs to the end: every call has ended when it returns.
func (r *run) perform() (*result, error) {
	if !bytes.Contains(r.spec.Message, []byte(r.spec.Marker)) || len(r.spec.Marker) != uuidLength {
		return nil, errors.New("the message does not hold its marker")
	}
	r.idle = make(chan struct{})
	timeout := time.Duration(r.spec.TimeoutMs) * time.Millisecond
	if r.spec.Path == "" {
		r.direct = newDirect(r.spec.Target, timeout)
	}
	for range max(1, r.spec.Connections) {
		r.connections = append(r.connections, newConnection(r.spec.Target, r.spec.Path, timeout))
	}
	stop := make(chan struct{})
	go r.expire(stop, timeout)
	r.startedAt = time.Now()
	window, err := r.load()
	if err != nil {
		return nil, err
	}
	r.finish()
	<-r.idle
	close(stop)
	for _, c := range r.connections {
		c.close()
	}
	return r.result(window), nil
}

// load issues the calls and returns the measured window.
func (r *run) load() (window, error) {
	if len(r.spec.Phases) > 0 {
		begin := r.mark()
		err := r.openLoop()
		return window{begin, r.mark()}, err
	}
	for at := range r.spec.Callers {
		r.mutex.Lock()
		one := r.nextCall(time.Now())
		r.mutex.Unlock()
		if one != nil {
			r.start(one, at)
		}
	}
	if r.spec.Calls > 0 || r.numbers != nil {
		begin := r.mark()
		<-r.idle
		return window{begin, r.mark()}, nil
	}
	time.Sleep(time.Duration(r.spec.RampSeconds * float64(time.Second)))
	begin := r.mark()
	time.Sleep(time.Duration(r.spec.Seconds * float64(time.Second)))
	return window{begin, r.mark()}, nil
}

// openLoop issues calls when they are due, whatever became of those before.
func (r *run) openLoop() error {
	pace, err := newPace()
	if err != nil {
		return err
	}
	defer pace.close()
	at := 0
	begin := r.startedAt
	for _, phase := range r.spec.Phases {
		count := int(phase.Rate * phase.Seconds)
		step := float64(time.Second) / phase.Rate
		for issued := 0; issued < count; {
			due := begin.Add(time.Duration(float64(issued) * step))
			if wait := time.Until(due); wait > 0 {
				pace.sleep(wait)
				continue
			}
			r.mutex.Lock()
			one := r.nextCall(due)
			r.maxLag = max(r.maxLag, time.Since(due))
			r.mutex.Unlock()
			r.start(one, at)
			issued++
			at++
		}
		begin = begin.Add(time.Duration(phase.Seconds * float64(time.Second)))
	}
	pace.sleep(time.Until(begin))
	return nil
}

// nextCall makes the next call; nil when there is none. The mutex is held.
func (r *run) nextCall(due time.Time) *call {
	if r.isOver || r.numbers != nil && r.next >= uint64(len(r.numbers)) ||
		r.spec.Calls > 0 && r.next >= uint64(r.spec.Calls) {
		return nil
	}
	number := r.next
	r.next++
	r.open++
	if r.numbers != nil {
		number = r.numbers[number]
	}
	return &call{number: number, due: due, message: r.messageOf(number), onEnd: r.ended}
}

func (r *run) messageOf(number uint64) []byte {
	message := make([]byte, framingBytes+len(r.spec.Message))
	binary.BigEndian.PutUint32(message[1:], uint32(len(r.spec.Message)))
	copy(message[framingBytes:], r.spec.Message)
	at := bytes.Index(message, []byte(r.spec.Marker))
	r.ids.write(message[at:], number)
	return message
}

func (r *run) start(one *call, at int) {
	if r.direct != nil {
		go r.direct.send(one)
		return
	}
	one.connection = r.connections[at%len(r.connections)]
	one.connection.start(one)
}

// ended notes how a call ended; in a closed loop its caller makes the next one.
func (r *run) ended(one *call) {
	now := time.Now()
	ended := outcome{number: one.number, dueMs: msBetween(r.startedAt, one.due), latencyMs: msBetween(one.due, now)}
	ended.code, ended.reply = r.judge(one)
	r.mutex.Lock()
	r.outcomes = append(r.outcomes, ended)
	r.open--
	var next *call
	if len(r.spec.Phases) == 0 {
		next = r.nextCall(now)
	}
	r.closeIfIdle()
	r.mutex.Unlock()
	if next != nil {
		next.connection = one.connection
		if r.direct != nil {
			go r.direct.send(next)
		} else {
			one.connection.start(next)
		}
	}
}

// judge returns the code of an ended call and, where that is OK, what its answer says.
func (r *run) judge(one *call) (string, reply) {
	switch {
	case one.broken != "":
		return one.broken, reply{}
	case one.status != "0":
		code := statusName(one.status)
		if reason := reasonOf(one.details); reason != "" {
			code += " " + reason
		}
		return code, reply{}
	}
	var id [uuidLength]byte
	r.ids.write(id[:], one.number)
	read := readStart
	switch {
	case r.direct != nil:
		return "OK", reply{proceed: true, ownAnswer: bytes.Contains(one.answer, id[:])}
	case bytes.HasSuffix([]byte(r.spec.Path), []byte("/OnCallEnd")):
		read = readEnd
	}
	said, err := read(messageOf(one.answer), id[:])
	if err != nil {
		return "UNREADABLE", reply{}
	}
	return "OK", said
}

func (r *run) finish() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.isOver = true
	r.closeIfIdle()
}

// closeIfIdle says that nothing is under way and nothing follows. The mutex is held.
func (r *run) closeIfIdle() {
	hasNoMore := r.isOver || r.numbers != nil && r.next >= uint64(len(r.numbers)) ||
		r.spec.Calls > 0 && r.next >= uint64(r.spec.Calls)
	if r.open > 0 || !hasNoMore {
		return
	}
	select {
	case <-r.idle:
	default:
		close(r.idle)
	}
}

func (r *run) expire(stop <-chan struct{}, timeout time.Duration) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(expireEvery):
			for _, c := range r.connections {
				c.expire(time.Now().Add(-timeout))
			}
		}
	}
}

func msBetween(from, to time.Time) float32 { return float32(to.Sub(from).Seconds() * 1000) }
