// Package callhooks connects to a callhooks server: with deadlines, retries where they are safe, TLS, a token, and errors
// whose details are decoded. The messages are in the package callhooksv1 beside it.
package callhooks

import (
	"crypto/tls"
	"fmt"
	"regexp"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	callhooksv1 "github.com/callhooks/callhooks/gen/go/callhooks/v1"
)

// Options says how to connect. The zero value is a plaintext connection without a token.
type Options struct {
	// Token is a token of "callhooks token". It is sent with each RPC.
	Token string
	// TokenSource is asked for the token of each RPC instead, so that it can hand out a renewed one.
	TokenSource TokenSource
	// TLS encrypts the connection. An empty config trusts the authorities of the system; Certificates are for servers that
	// ask for one. Without it the connection is plaintext.
	TLS *tls.Config
	// Plaintext allows to send a token unencrypted to another machine, where a proxy encrypts.
	Plaintext bool
	// Timeouts replaces the deadlines of service-config.json, by full method name (callhooksv1.CallLifecycle_OnCallStart_FullMethodName).
	Timeouts map[string]time.Duration
	// DialOptions come last, so that they replace what this package sets.
	DialOptions []grpc.DialOption
}

// Client calls the services of callhooks. All RPCs share the connections of one channel. An RPC whose context has no deadline
// gets that of its method. An RPC that fails returns an *Error.
type Client struct {
	// Calls reports starts and ends of calls.
	Calls      callhooksv1.CallLifecycleClient
	Agents     callhooksv1.AgentAdminClient
	Webhooks   callhooksv1.WebhookAdminClient
	Executions callhooksv1.ExecutionLogClient
	// Conn is the channel, for other stubs such as that of the health service.
	Conn *grpc.ClientConn
}

// local matches targets that no packet leaves the machine for.
var local = regexp.MustCompile(`(?i)^unix:|^((dns|passthrough):(//[^/]*/)?)?(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$`)

// NewClient makes a client for "host:port", or another target that gRPC knows, such as "dns:///callhooks.internal:50051". It
// connects with its first RPC. It fails when a token would go unencrypted to another machine without Plaintext.
func NewClient(target string, options Options) (*Client, error) {
	tokens := options.TokenSource
	if tokens == nil && options.Token != "" {
		tokens = fixedToken(options.Token)
	}
	if tokens != nil && options.TLS == nil && !options.Plaintext && !local.MatchString(target) {
		return nil, fmt.Errorf("callhooks: the token would go to %s without encryption: set TLS, or Plaintext if a proxy encrypts", target)
	}
	conn, err := grpc.NewClient(target, append(dialOptions(options, tokens), options.DialOptions...)...)
	if err != nil {
		return nil, err
	}
	return &Client{
		Calls:      callhooksv1.NewCallLifecycleClient(conn),
		Agents:     callhooksv1.NewAgentAdminClient(conn),
		Webhooks:   callhooksv1.NewWebhookAdminClient(conn),
		Executions: callhooksv1.NewExecutionLogClient(conn),
		Conn:       conn,
	}, nil
}

// Close closes the connections. Running RPCs are cancelled.
func (c *Client) Close() error {
	return c.Conn.Close()
}

func dialOptions(options Options, tokens TokenSource) []grpc.DialOption {
	transport := insecure.NewCredentials()
	if options.TLS != nil {
		transport = credentials.NewTLS(options.TLS)
	}
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(channelConfig),
		// The config above holds, and a DNS server is not asked for another one.
		grpc.WithDisableServiceConfig(),
		// A connection that a firewall has dropped silently is noticed within 40 s, also between calls.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: 30 * time.Second, Timeout: 10 * time.Second, PermitWithoutStream: true,
		}),
		// By default a client waits up to two minutes before it connects again. With a fifth more by chance it waits 1.8 s
		// here, and four attempts of an RPC take 2.1 s at least: one of them finds the server that is back.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 500 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 1500 * time.Millisecond},
			MinConnectTimeout: 5 * time.Second,
		}),
		// The errors are decoded outside, so that a deadline that passes is decoded too.
		grpc.WithChainUnaryInterceptor(decodeErrors, addDeadline(options.Timeouts)),
		grpc.WithChainStreamInterceptor(decodeStreamErrors),
	}
	if tokens != nil {
		dial = append(dial, grpc.WithPerRPCCredentials(tokenCredentials{tokens, options.TLS != nil}))
	}
	return dial
}
