package main

import (
	"bytes"
	"io"
	"net/http"
	"time"
)

// direct posts messages to the endpoint itself, without a service between: what a call costs at least.
type direct struct {
	url    string
	client *http.Client
}

func newDirect(target string, timeout time.Duration) *direct {
	transport := &http.Transport{MaxIdleConnsPerHost: 1024}
	return &direct{"http://" + target + "/direct", &http.Client{Transport: transport, Timeout: timeout}}
}

// send makes one call and ends it.
func (d *direct) send(one *call) {
	defer one.onEnd(one)
	response, err := d.client.Post(d.url, "application/json", bytes.NewReader(one.message[framingBytes:]))
	if err != nil {
		one.broken = "NO_ANSWER"
		return
	}
	defer response.Body.Close()
	one.answer, err = io.ReadAll(response.Body)
	if err != nil {
		one.broken = "BROKEN_ANSWER"
		return
	}
	one.status = "0"
}
