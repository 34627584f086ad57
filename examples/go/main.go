// A small voice platform: it takes one call with the context that callhooks loads for it.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/callhooks/callhooks/gen/go/callhooks"
	pb "github.com/callhooks/callhooks/gen/go/callhooks/v1"
)

const (
	// startTimeout covers all attempts. The caller hears the phone ring meanwhile.
	startTimeout = 12 * time.Second
	// recordTimeout says how long the program waits for the end of the post-call webhook.
	recordTimeout = 10 * time.Second
)

// platform takes the calls of one agent.
type platform struct {
	client *callhooks.Client
	agent  string
}

func main() {
	log.SetFlags(0)
	agent := argument(1, "a0000000-0000-4000-8000-000000000001")
	phone := argument(2, "+14155550123")
	address := os.Getenv("CALLHOOKS_ADDRESS")
	if address == "" {
		address = "127.0.0.1:50051"
	}
	client, err := callhooks.NewClient(address, callhooks.Options{Token: os.Getenv("CALLHOOKS_TOKEN")})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	p := platform{client, agent}
	if err := p.takeCall(context.Background(), argument(3, uuid.NewString()), phone); err != nil {
		log.Print(err)
		client.Close()
		os.Exit(1)
	}
}

// takeCall answers a call, or turns it away, and reports its end. It fails when the request itself was wrong.
func (p platform) takeCall(ctx context.Context, conversation, phone string) error {
	greeting, talk, err := p.start(ctx, conversation, phone)
	if err != nil {
		say("Sorry, we can't take your call now.")
		return fmt.Errorf("the request was wrong: %w", err)
	}
	say(greeting)
	if talk {
		// Here the agent would talk.
		p.end(ctx, conversation, phone, 42*time.Second)
	}
	return p.printRecord(ctx, conversation)
}

// start asks callhooks what to do with a call. It returns what the caller hears first, and whether the call goes on.
func (p platform) start(ctx context.Context, conversation, phone string) (greeting string, talk bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	// The client repeats the RPC after UNAVAILABLE and LIMIT_REACHED, and waits as long as the server asks for.
	reply, err := p.client.Calls.OnCallStart(ctx, &pb.OnCallStartRequest{
		AgentUuid: p.agent, ConversationUuid: conversation, CallerPhone: phone,
	})
	if err != nil {
		printError("start", err)
		if callhooksIsAway(err) {
			return "Hello!", true, nil // The caller is not to blame: talk without the context.
		}
		return "", false, err
	}
	switch {
	case reply.GetRejected():
		fmt.Println("start: BLOCK, rejected:", reply.GetRejectReason()) // This is for your people, and not for the caller.
		return "Sorry, we can't take your call.", false, nil
	case reply.GetDecision() == pb.CallDecision_CALL_DECISION_BLOCK:
		fmt.Println("start: BLOCK")
		return "Sorry, we can't take your call now. Please try again later.", false, nil
	case reply.GetDegraded():
		fmt.Println("start: PROCEED, degraded") // The variables are those of the agent and the request.
	default:
		fmt.Println("start: PROCEED")
	}
	known := callhooks.Texts(reply.GetDynamicVariables())
	printVariables(known)
	return greet(known["customer_name"]), true, nil
}

// end reports a call. callhooks sends the post-call webhook in the background.
func (p platform) end(ctx context.Context, conversation, phone string, duration time.Duration) {
	reply, err := p.client.Calls.OnCallEnd(ctx, &pb.OnCallEndRequest{
		AgentUuid: p.agent, ConversationUuid: conversation, CallerPhone: phone,
		CallDuration: durationpb.New(duration),
		CallSummary:  "The caller asked for the opening hours.",
	})
	if err != nil {
		printError("end", err) // A platform would keep the report, and repeat it later.
		return
	}
	fmt.Println("end:", strings.TrimPrefix(reply.GetExecution().GetState().String(), "EXECUTION_STATE_"))
}

// printRecord prints how the webhooks of a conversation ended.
func (p platform) printRecord(ctx context.Context, conversation string) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	request := &pb.ListExecutionsRequest{AgentUuid: p.agent, ConversationUuid: conversation}
	for {
		reply, err := p.client.Executions.ListExecutions(ctx, request)
		if err != nil {
			return fmt.Errorf("read the record: %w", err)
		}
		executions := reply.GetExecutions()
		if slices.ContainsFunc(executions, func(e *pb.Execution) bool { return e.GetFinishedAt() == nil }) {
			time.Sleep(200 * time.Millisecond)
			continue
		}
		slices.SortFunc(executions, func(a, b *pb.Execution) int { return int(a.GetWebhookType() - b.GetWebhookType()) })
		for _, execution := range executions {
			printExecution(execution)
		}
		return nil
	}
}

// callhooksIsAway reports whether callhooks could not answer now. Other errors mean that the request was wrong.
func callhooksIsAway(err error) bool {
	var failure *callhooks.Error
	away := []codes.Code{codes.Unavailable, codes.ResourceExhausted, codes.DeadlineExceeded, codes.Aborted, codes.Internal}
	return errors.As(err, &failure) && slices.Contains(away, failure.Code)
}

func greet(name string) string {
	if name == "" {
		return "Hello!"
	}
	return fmt.Sprintf("Hello %s!", name)
}

func say(text string) { fmt.Println("say:", text) }

func printVariables(known map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(known)) {
		fmt.Printf("known: %s=%s\n", name, known[name])
	}
}

func printExecution(execution *pb.Execution) {
	webhook := strings.TrimPrefix(execution.GetWebhookType().String(), "WEBHOOK_TYPE_")
	line := webhook + ": " + strings.TrimPrefix(execution.GetState().String(), "EXECUTION_STATE_")
	if failure := execution.GetFailure(); failure != nil {
		line += ", " + strings.TrimPrefix(failure.GetCode().String(), "FAILURE_CODE_")
	}
	fmt.Println(line)
}

func printError(step string, err error) {
	var failure *callhooks.Error
	if !errors.As(err, &failure) {
		fmt.Printf("%s: %v\n", step, err)
		return
	}
	reason := failure.Reason
	if reason == "" {
		reason = failure.Code.String() // A connection that fails has no reason.
	}
	fmt.Printf("%s: %s\n", step, reason)
	for _, violation := range failure.Violations {
		fmt.Printf("  %s %s\n", violation.Field, violation.Description)
	}
}

func argument(index int, otherwise string) string {
	if len(os.Args) > index {
		return os.Args[index]
	}
	return otherwise
}
