package callhooks

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	callhooksv1 "github.com/callhooks/callhooks/gen/go/callhooks/v1"
)

// The tests of the repository start servers and name them in the environment.
func env(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Skip("make test-clients sets ", name)
	}
	return value
}

func connect(t *testing.T, variable string, options Options) *Client {
	t.Helper()
	client, err := NewClient(env(t, variable), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func newUUID() string {
	bytes := make([]byte, 16)
	rand.Read(bytes)
	return fmt.Sprintf("%x-%x-%x-%x-%x", bytes[:4], bytes[4:6], bytes[6:8], bytes[8:10], bytes[10:])
}

func errorOf(t *testing.T, err error) *Error {
	t.Helper()
	var found *Error
	if !errors.As(err, &found) {
		t.Fatalf("got %v, want an *Error", err)
	}
	return found
}

func createAgent(t *testing.T, client *Client) string {
	t.Helper()
	variables, err := structpb.NewStruct(map[string]any{"name": "there", "visits": 0})
	if err != nil {
		t.Fatal(err)
	}
	config := &callhooksv1.WebhookConfig{
		ApiSchema: &callhooksv1.ApiSchema{Url: env(t, "CALLHOOKS_TEST_ENDPOINT"), Method: "POST"},
		Assignments: []*callhooksv1.Assignment{
			{AttributeName: "name", DynamicVariable: "name"},
			{AttributeName: "visits", DynamicVariable: "visits"},
		},
	}
	reply, err := client.Agents.CreateAgent(t.Context(), &callhooksv1.CreateAgentRequest{
		Agent: &callhooksv1.Agent{
			DynamicVariables: variables,
			Webhooks:         []*callhooksv1.Webhook{{WebhookType: callhooksv1.WebhookType_WEBHOOK_TYPE_PRE_CALL, WebhookConfig: config}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return reply.GetAgent().GetAgentUuid()
}

func TestACallStartsAndEndsAndItsExecutionIsRead(t *testing.T) {
	client := connect(t, "CALLHOOKS_TEST_ADDRESS", Options{})
	agent, conversation := createAgent(t, client), newUUID()
	start, err := client.Calls.OnCallStart(t.Context(), &callhooksv1.OnCallStartRequest{
		AgentUuid: agent, ConversationUuid: conversation, CallerPhone: "+4930123",
	})
	if err != nil {
		t.Fatal(err)
	}
	if start.GetDecision() != callhooksv1.CallDecision_CALL_DECISION_PROCEED {
		t.Errorf("got the decision %v", start.GetDecision())
	}
	texts := Texts(start.GetDynamicVariables())
	if texts["name"] != "Ada" || texts["visits"] != "3" {
		t.Errorf("got the variables %v", texts)
	}
	if _, err := client.Calls.OnCallEnd(t.Context(), &callhooksv1.OnCallEndRequest{AgentUuid: agent, ConversationUuid: conversation}); err != nil {
		t.Error(err)
	}
	read, err := client.Executions.GetExecution(t.Context(), &callhooksv1.GetExecutionRequest{ExecutionUuid: start.GetExecution().GetExecutionUuid()})
	if err != nil || read.GetExecution().GetState() != callhooksv1.ExecutionState_EXECUTION_STATE_SUCCEEDED {
		t.Errorf("got %v and %v", read, err)
	}
}

func TestAnErrorHasItsReasonAndViolations(t *testing.T) {
	client := connect(t, "CALLHOOKS_TEST_ADDRESS", Options{})
	_, err := client.Calls.OnCallStart(t.Context(), &callhooksv1.OnCallStartRequest{AgentUuid: "x", ConversationUuid: "y"})
	found := errorOf(t, err)
	if found.Code != codes.InvalidArgument || found.Reason != "VALIDATION_FAILED" || len(found.Violations) != 2 || found.ViolationCount != 2 ||
		found.Violations[0].Field != "agent_uuid" {
		t.Errorf("got %+v", found)
	}
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("the package status sees %v", status.Code(err))
	}
}

func TestAnErrorNamesWhatWasNotFound(t *testing.T) {
	client := connect(t, "CALLHOOKS_TEST_ADDRESS", Options{})
	agent := newUUID()
	_, err := client.Agents.GetAgent(t.Context(), &callhooksv1.GetAgentRequest{AgentUuid: agent})
	if found := errorOf(t, err); found.Reason != "AGENT_NOT_FOUND" || found.ResourceType != "agent" || found.ResourceName != agent {
		t.Errorf("got %+v", found)
	}
}

func TestATokenGoesOverMutualTLS(t *testing.T) {
	authorities := x509.NewCertPool()
	pem, err := os.ReadFile(env(t, "CALLHOOKS_TEST_CERTS") + "/ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	authorities.AppendCertsFromPEM(pem)
	certs := env(t, "CALLHOOKS_TEST_CERTS")
	pair, err := tls.LoadX509KeyPair(certs+"/client.pem", certs+"/client.key")
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{RootCAs: authorities, Certificates: []tls.Certificate{pair}, ServerName: "endpoint.example"}
	tokens := []string{"wrong", env(t, "CALLHOOKS_TEST_TOKEN")}
	client := connect(t, "CALLHOOKS_TEST_TLS_ADDRESS", Options{TLS: config, TokenSource: func(context.Context) (string, error) {
		next := tokens[0]
		tokens = tokens[1:]
		return next, nil
	}})
	_, err = client.Agents.ListAgents(t.Context(), &callhooksv1.ListAgentsRequest{})
	if errorOf(t, err).Reason != "UNAUTHENTICATED" {
		t.Errorf("got %v", err)
	}
	if _, err := client.Agents.ListAgents(t.Context(), &callhooksv1.ListAgentsRequest{}); err != nil {
		t.Error(err)
	}
}

func TestATokenGoesUnencryptedToThisMachineOnly(t *testing.T) {
	for _, target := range []string{"callhooks:50051", "dns:///callhooks:50051", "10.0.0.1:50051"} {
		if _, err := NewClient(target, Options{Token: "t"}); err == nil {
			t.Errorf("%s gets the token", target)
		}
	}
	for target, options := range map[string]Options{
		"localhost:50051": {Token: "t"}, "dns:///127.0.0.1:1": {Token: "t"}, "[::1]:1": {Token: "t"}, "unix:/x": {Token: "t"},
		"callhooks:50051": {Token: "t", Plaintext: true}, "callhooks:50052": {Token: "t", TLS: &tls.Config{}},
	} {
		client, err := NewClient(target, options)
		if err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		client.Close()
	}
}

// The flaky server fails as often as a request asks for, and says the number of the attempt.
func start(ctx context.Context, client *Client, wish string) (string, error) {
	reply, err := client.Calls.OnCallStart(ctx, &callhooksv1.OnCallStartRequest{ConversationUuid: newUUID(), CallerPhone: wish})
	return reply.GetRejectReason(), err
}

func TestAStartIsRepeatedWhereThatIsSafe(t *testing.T) {
	client := connect(t, "CALLHOOKS_TEST_FLAKY_ADDRESS", Options{})
	for wish, want := range map[string]string{"UNAVAILABLE*2": "3", "RESOURCE_EXHAUSTED*1+10": "2"} {
		if attempt, err := start(t.Context(), client, wish); err != nil || attempt != want {
			t.Errorf("%s: got %q and %v", wish, attempt, err)
		}
	}
	if _, err := start(t.Context(), client, "ABORTED*1"); errorOf(t, err).Message != "attempt 1" {
		t.Errorf("got %v", err)
	}
}

func TestAStartWaitsAsLongAsTheServerAsksFor(t *testing.T) {
	client := connect(t, "CALLHOOKS_TEST_FLAKY_ADDRESS", Options{})
	began := time.Now()
	if _, err := start(t.Context(), client, "RESOURCE_EXHAUSTED*1+700"); err != nil || time.Since(began) < 690*time.Millisecond {
		t.Errorf("got %v after %v", err, time.Since(began))
	}
}

func TestACreateIsNotRepeatedWhenItsEffectIsUnknown(t *testing.T) {
	client := connect(t, "CALLHOOKS_TEST_FLAKY_ADDRESS", Options{})
	create := func(wish string) (*callhooksv1.CreateAgentResponse, error) {
		return client.Agents.CreateAgent(t.Context(), &callhooksv1.CreateAgentRequest{
			Agent: &callhooksv1.Agent{AgentUuid: newUUID(), DisplayName: wish},
		})
	}
	if reply, err := create("RESOURCE_EXHAUSTED*1+10"); err != nil || reply.GetAgent().GetEtag() != "2" {
		t.Errorf("got %v and %v", reply, err)
	}
	if _, err := create("UNAVAILABLE*1"); errorOf(t, err).Message != "attempt 1" {
		t.Errorf("got %v", err)
	}
}

func TestAnRPCEndsAtTheDeadlineOfItsContextOrOfItsMethod(t *testing.T) {
	short := map[string]time.Duration{callhooksv1.CallLifecycle_OnCallStart_FullMethodName: 100 * time.Millisecond}
	impatient := connect(t, "CALLHOOKS_TEST_FLAKY_ADDRESS", Options{Timeouts: short})
	if _, err := start(t.Context(), impatient, "silent"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := start(ctx, connect(t, "CALLHOOKS_TEST_FLAKY_ADDRESS", Options{}), "silent"); errorOf(t, err).Code != codes.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
	if deadlines[callhooksv1.CallLifecycle_OnCallStart_FullMethodName] != 15*time.Second || len(deadlines) != 15 {
		t.Errorf("got the deadlines %v", deadlines)
	}
}
