package main

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pace wakes its reader at exact instants. The runtime's own timers are late by up to a millisecond.
type pace struct {
	file *os.File
	fd   int
}

func newPace() (*pace, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return &pace{os.NewFile(uintptr(fd), "timer"), fd}, nil
}

// sleep waits for so long.
func (p *pace) sleep(duration time.Duration) {
	if duration <= 0 {
		return
	}
	at := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(duration))}
	if err := unix.TimerfdSettime(p.fd, 0, &at, nil); err != nil {
		time.Sleep(duration)
		return
	}
	var expirations [8]byte
	_, _ = p.file.Read(expirations[:])
}

func (p *pace) close() { p.file.Close() }
