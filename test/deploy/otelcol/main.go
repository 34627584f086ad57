// Otelcol receives traces with the OTLP receiver of the OpenTelemetry collector, over gRPC and over HTTP, and prints each
// batch as one line of JSON in the form of OTLP. Its first line names the addresses that it listens on.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	ctx := context.Background()
	grpc, http := freeAddress(), freeAddress()
	traces, err := newReceiver(ctx, grpc, http)
	if err != nil {
		return err
	}
	if err := traces.Start(ctx, componenttest.NewNopHost()); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"grpc": grpc, "http": http}); err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
	return traces.Shutdown(ctx)
}

func newReceiver(ctx context.Context, grpc, http string) (receiver.Traces, error) {
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	settings := confmap.NewFromStringMap(map[string]any{
		"protocols": map[string]any{
			"grpc": map[string]any{"endpoint": grpc},
			"http": map[string]any{"endpoint": http},
		},
	})
	if err := settings.Unmarshal(config); err != nil {
		return nil, err
	}
	printing, err := consumer.NewTraces(printTraces)
	if err != nil {
		return nil, err
	}
	set := receiver.Settings{
		ID:                component.NewID(factory.Type()),
		TelemetrySettings: componenttest.NewNopTelemetrySettings(),
		BuildInfo:         component.NewDefaultBuildInfo(),
	}
	return factory.CreateTraces(ctx, set, config, printing)
}

var output sync.Mutex

func printTraces(_ context.Context, traces ptrace.Traces) error {
	var marshaler ptrace.JSONMarshaler
	line, err := marshaler.MarshalTraces(traces)
	if err != nil {
		return err
	}
	output.Lock()
	defer output.Unlock()
	_, err = fmt.Printf("%s\n", line)
	return err
}

// freeAddress returns an address of loopback on which nothing listens now.
func freeAddress() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
