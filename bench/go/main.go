// Command callbench is the part of the bench that must be cheap: the endpoint that webhooks are sent to, the generator of
// calls, and (`callbench service`) the Go service that callhooks is compared with.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"
)

// command is one line of standard input; its answer is one line of standard output with the same Id.
type command struct {
	Id      string
	Do      string // run, counts, reset, delay
	Run     runSpec
	Track   bool
	DelayMs float64
}

type answer struct {
	Id       string  `json:"id"`
	Error    string  `json:"error,omitempty"`
	Result   *result `json:"result,omitempty"`
	Requests int64   `json:"requests"` // at the endpoint, since the last reset
	Repeated int     `json:"repeated"` // conversations that the endpoint saw more than once
}

func main() {
	debug.SetGCPercent(400) // memory is there; the core is shared
	if len(os.Args) > 1 && os.Args[1] == "service" {
		if err := serve(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	endpoint, err := startEndpoint()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	b := &bench{endpoint: endpoint, out: json.NewEncoder(os.Stdout), runs: map[string]*run{}}
	b.tell(map[string]string{"endpoint": endpoint.address})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go b.obey(c)
	}
}

// bench is the endpoint with the runs so far.
type bench struct {
	endpoint *endpoint
	mutex    sync.Mutex
	out      *json.Encoder
	runs     map[string]*run // for their repeats
}

func (b *bench) tell(what any) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	_ = b.out.Encode(what)
}

func (b *bench) obey(c command) {
	told := answer{Id: c.Id}
	switch c.Do {
	case "run":
		result, err := b.run(c)
		told.Result = result
		if err != nil {
			told.Error = err.Error()
		}
	case "reset":
		b.endpoint.reset(c.Track)
	case "delay":
		b.endpoint.delay.Store(int64(c.DelayMs * float64(time.Millisecond)))
	case "counts":
	default:
		told.Error = "there is no command " + c.Do
	}
	told.Requests = b.endpoint.requests.Load()
	told.Repeated = b.endpoint.repeated()
	b.tell(told)
}

func (b *bench) run(c command) (*result, error) {
	r := &run{spec: c.Run, endpoint: b.endpoint, ids: conversations{mix(uint64(time.Now().UnixNano()))}}
	b.mutex.Lock()
	if earlier := b.runs[c.Run.Repeat]; earlier != nil {
		r.ids = earlier.ids
		r.numbers = earlier.refusedNumbers()
		r.numbers = r.numbers[:min(len(r.numbers), c.Run.Limit)]
		delete(b.runs, c.Run.Repeat)
	}
	b.mutex.Unlock()
	if c.Run.Repeat != "" && len(r.numbers) == 0 {
		return &result{Repeats: &repeats{}}, nil
	}
	result, err := r.perform()
	if err == nil && result.Refused > 0 {
		b.mutex.Lock()
		b.runs[c.Id] = r
		b.mutex.Unlock()
	}
	return result, err
}
