package callhooks

import (
	"context"
	_ "embed"
	"encoding/json"
	"time"

	"google.golang.org/grpc"
)

// ServiceConfig is deploy/service-config.json: timeouts, retries where they are safe, and round robin over all addresses.
// NewClient uses it. A channel of your own takes it with grpc.WithDefaultServiceConfig; there its timeouts also shorten longer
// deadlines.
//
//go:embed service-config.json
var ServiceConfig string

// channelConfig is ServiceConfig without its timeouts, and deadlines holds these by full method name. In a service config a
// timeout also shortens a longer deadline, and a caller may have a reason for a longer one.
var channelConfig, deadlines = splitConfig(ServiceConfig)

func splitConfig(text string) (string, map[string]time.Duration) {
	var config map[string]any
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		panic(err)
	}
	timeouts := map[string]time.Duration{}
	for _, entry := range config["methodConfig"].([]any) {
		method := entry.(map[string]any)
		text, ok := method["timeout"].(string)
		if !ok {
			continue // A stream has none.
		}
		timeout, err := time.ParseDuration(text)
		if err != nil {
			panic(err)
		}
		delete(method, "timeout")
		for _, name := range method["name"].([]any) {
			parts := name.(map[string]any)
			timeouts["/"+parts["service"].(string)+"/"+parts["method"].(string)] = timeout
		}
	}
	rest, err := json.Marshal(config)
	if err != nil {
		panic(err)
	}
	return string(rest), timeouts
}

// addDeadline gives an RPC whose context has no deadline that of its method.
func addDeadline(replacements map[string]time.Duration) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		timeout, ok := replacements[method]
		if !ok {
			timeout, ok = deadlines[method]
		}
		if _, has := ctx.Deadline(); !has && ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, timeout)
			defer cancel()
		}
		return invoker(ctx, method, req, reply, conn, opts...)
	}
}
