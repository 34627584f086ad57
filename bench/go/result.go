package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// instant is one end of the measured window.
type instant struct {
	atMs  float32
	cpuMs map[string]float64 // used so far, of each watched process
}

type window struct{ begin, end instant }

// latencies are percentiles in milliseconds.
type latencies struct {
	Count float64 `json:"count"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`
}

// bucket is a part of the timeline, by the instants at which calls were due.
type bucket struct {
	AtMs float64 `json:"atMs"`
	Due  int     `json:"due"`
	Good int     `json:"good"`
	Bad  int     `json:"bad"`
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
}

// result is what a run reports.
type result struct {
	Seconds   float64            `json:"seconds"`   // of the window
	PerSecond float64            `json:"perSecond"` // OK answers within the window
	CpuMs     map[string]float64 `json:"cpuMs"`
	Issued    int                `json:"issued"`
	Ok        int                `json:"ok"`
	Good      int                `json:"good"`
	Replayed  int                `json:"replayed"`
	Degraded  int                `json:"degraded"`
	Blocked   int                `json:"blocked"` // told not to proceed
	Foreign   int                `json:"foreign"` // OK answers that were not the caller's own
	Codes     map[string]int     `json:"codes"`
	Failures  map[string]int     `json:"failures"`  // of degraded and other failed executions, by code
	Latency   latencies          `json:"latency"`   // of OK answers, see isMeasured
	GoodAfter latencies          `json:"goodAfter"` // of good ones among these
	MaxLagMs  float64            `json:"maxLagMs"`  // how late the open loop issued a call at most
	Timeline  []bucket           `json:"timeline,omitempty"`
	Refused   int                `json:"refused"` // told that a repeat is safe
	Repeats   *repeats           `json:"repeats,omitempty"`
}

// repeats are what became of refused calls that were repeated.
type repeats struct {
	Ran     int `json:"ran"`     // the webhook ran once, in answer to the repeat
	Lost    int `json:"lost"`    // answered, and the webhook never ran
	Double  int `json:"double"`  // the webhook ran more than once
	Refused int `json:"refused"` // refused again
}

func (r *run) mark() instant {
	return instant{msBetween(r.startedAt, time.Now()), cpuOf(r.spec.Pids)}
}

// result counts the outcomes. Nothing is under way any more.
func (r *run) result(w window) *result {
	out := &result{Seconds: float64(w.end.atMs-w.begin.atMs) / 1000, Issued: len(r.outcomes)}
	out.CpuMs = map[string]float64{}
	for pid, used := range w.end.cpuMs {
		out.CpuMs[pid] = used - w.begin.cpuMs[pid]
	}
	out.MaxLagMs = r.maxLag.Seconds() * 1000
	out.Codes, out.Failures = map[string]int{}, map[string]int{}
	var inWindow, good []float64
	for i := range r.outcomes {
		one := &r.outcomes[i]
		out.count(one)
		if one.code != "OK" {
			continue
		}
		if r.isMeasured(one, w) {
			inWindow = append(inWindow, float64(one.latencyMs))
		}
		if r.isGood(one) && (len(r.spec.Phases) == 0 || r.isMeasured(one, w)) {
			good = append(good, float64(one.latencyMs))
		}
	}
	out.PerSecond = float64(len(inWindow)) / out.Seconds
	out.Latency, out.GoodAfter = percentiles(inWindow), percentiles(good)
	out.Good = len(good)
	if r.spec.BucketMs > 0 {
		out.Timeline = r.timeline()
	}
	if r.numbers != nil {
		out.Repeats = r.repeats()
	}
	return out
}

// isMeasured reports whether an answer counts for the latencies: in a closed loop it came within the window, in an
// open one its call was due in the first phase.
func (r *run) isMeasured(one *outcome, w window) bool {
	if len(r.spec.Phases) > 0 {
		return float64(one.dueMs) < r.spec.Phases[0].Seconds*1000
	}
	at := one.dueMs + one.latencyMs
	return at >= w.begin.atMs && at < w.end.atMs
}

func (out *result) count(one *outcome) {
	out.Codes[one.code]++
	if isRefusal(one.code) {
		out.Refused++
	}
	if one.code != "OK" {
		return
	}
	out.Ok++
	for _, part := range []struct {
		holds bool
		count *int
	}{
		{one.reply.replayed, &out.Replayed}, {one.reply.degraded, &out.Degraded},
		{!one.reply.proceed, &out.Blocked}, {!one.reply.ownAnswer && !one.reply.degraded, &out.Foreign},
	} {
		if part.holds {
			*part.count++
		}
	}
	if one.reply.failure != 0 {
		out.Failures[failureName(one.reply.failure)]++
	}
}

func (r *run) isGood(one *outcome) bool {
	return one.code == "OK" && !one.reply.degraded && float64(one.latencyMs) <= r.spec.GoodMs
}

// isRefusal reports whether a code tells the caller to repeat the call.
func isRefusal(code string) bool {
	return strings.HasSuffix(code, " LIMIT_REACHED") || strings.HasSuffix(code, " DATABASE_UNAVAILABLE") ||
		strings.HasSuffix(code, " SHUTTING_DOWN")
}

func (r *run) refusedNumbers() (numbers []uint64) {
	for i := range r.outcomes {
		if isRefusal(r.outcomes[i].code) {
			numbers = append(numbers, r.outcomes[i].number)
		}
	}
	return numbers
}

func (r *run) repeats() *repeats {
	out := &repeats{}
	for i := range r.outcomes {
		one := &r.outcomes[i]
		times := r.endpoint.timesSeen(r.ids.id(one.number))
		switch {
		case times > 1:
			out.Double++
		case isRefusal(one.code):
			out.Refused++
		case times == 1 && one.code == "OK" && !one.reply.degraded:
			out.Ran++
		default:
			out.Lost++
		}
	}
	return out
}

func (r *run) timeline() []bucket {
	var buckets []bucket
	var times [][]float64
	for i := range r.outcomes {
		one := &r.outcomes[i]
		at := int(float64(one.dueMs) / r.spec.BucketMs)
		for len(buckets) <= at {
			buckets = append(buckets, bucket{AtMs: float64(len(buckets)) * r.spec.BucketMs})
			times = append(times, nil)
		}
		buckets[at].Due++
		if r.isGood(one) {
			buckets[at].Good++
			times[at] = append(times[at], float64(one.latencyMs))
		} else {
			buckets[at].Bad++
		}
	}
	for at := range buckets {
		these := percentiles(times[at])
		buckets[at].P50, buckets[at].P99 = these.P50, these.P99
	}
	return buckets
}

func percentiles(times []float64) latencies {
	if len(times) == 0 {
		return latencies{}
	}
	slices.Sort(times)
	at := func(share float64) float64 { return times[min(len(times)-1, int(share*float64(len(times))))] }
	return latencies{float64(len(times)), at(0.5), at(0.9), at(0.99), at(0.999), times[len(times)-1]}
}

const ticksPerSecond = 100 // USER_HZ is 100 on every Linux

// cpuOf returns the CPU time of processes with all their threads, in milliseconds.
func cpuOf(pids []int) map[string]float64 {
	used := map[string]float64{}
	for _, pid := range pids {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			continue
		}
		// The name, in brackets, may hold blanks; user and system time are the 12th and 13th field after it.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		user, _ := strconv.ParseFloat(fields[11], 64)
		system, _ := strconv.ParseFloat(fields[12], 64)
		used[strconv.Itoa(pid)] = (user + system) * 1000 / ticksPerSecond
	}
	return used
}
