package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// service is the straightforward way to do what callhooks does, as a competent first version in Go would: for each
// call it commits a claim, posts, commits the outcome and answers. It is what callhooks is compared with; it has no
// checks, no masks, no limits, and after a crash nobody knows what became of a claim.
type service struct {
	url             string
	client          *http.Client
	claim, complete *sql.Stmt
}

// serve runs the service: the arguments are the endpoint's URL and the database's DSN. It prints its address.
func serve(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: callbench service URL DSN")
	}
	database, err := sql.Open("mysql", args[1])
	if err != nil {
		return err
	}
	database.SetMaxOpenConns(64)
	database.SetMaxIdleConns(64)
	s := &service{url: args[0], client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
	if err := s.prepare(database); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	server := grpc.NewServer(grpc.ForceServerCodecV2(bytesCodec{}))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "callhooks.v1.CallLifecycle",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "OnCallStart", Handler: onCallStart}},
	}, s)
	return server.Serve(listener)
}

// The keys are those that such an API needs: an execution by its id, one for each conversation, lists by agent.
const table = `CREATE TABLE IF NOT EXISTS executions (
	execution_uuid BINARY(16) PRIMARY KEY,
	conversation_uuid BINARY(16) NOT NULL,
	agent_uuid BINARY(16) NOT NULL,
	state TINYINT NOT NULL,
	request TEXT NOT NULL,
	response TEXT,
	accepted_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
	UNIQUE KEY by_conversation (conversation_uuid),
	KEY by_agent (agent_uuid, accepted_at)
) ENGINE=InnoDB CHARACTER SET utf8mb4`

const (
	insert = "INSERT INTO executions (execution_uuid, conversation_uuid, agent_uuid, state, request) VALUES (?, ?, ?, 2, ?)"
	update = "UPDATE executions SET state = 3, response = ? WHERE execution_uuid = ? AND state = 2"
)

func (s *service) prepare(database *sql.DB) (err error) {
	if _, err = database.Exec(table); err != nil {
		return err
	}
	if s.claim, err = database.Prepare(insert); err != nil {
		return err
	}
	s.complete, err = database.Prepare(update)
	return err
}

// startRequest is an OnCallStartRequest as far as it is needed.
type startRequest struct {
	agent, conversation, phone string
	variables, metadata        structpb.Struct
}

type hookRequest struct {
	Agent        string `json:"agent_uuid"`
	Conversation string `json:"conversation_uuid"`
	Phone        string `json:"caller_phone"`
	Language     string `json:"language"`
	Queue        string `json:"queue"`
}

type hookResponse struct {
	Customer     struct{ Name string }
	Conversation string
}

func onCallStart(s any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	var message []byte
	if err := decode(&message); err != nil {
		return nil, err
	}
	answer, err := s.(*service).start(ctx, message)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return answer, nil
}

func (s *service) start(ctx context.Context, message []byte) ([]byte, error) {
	request, err := readRequest(message)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(hookRequest{
		request.agent, request.conversation, request.phone,
		request.variables.Fields["language"].GetStringValue(), request.variables.Fields["queue"].GetStringValue(),
	})
	if err != nil {
		return nil, err
	}
	agent, isAgent := parseID([]byte(request.agent))
	conversation, isConversation := parseID([]byte(request.conversation))
	if !isAgent || !isConversation {
		return nil, errors.New("an id is not a UUID")
	}
	execution := newExecutionID()
	if _, err := s.claim.ExecContext(ctx, execution[:], conversation[:], agent[:], body); err != nil {
		return nil, err
	}
	text, err := s.post(ctx, hex.EncodeToString(execution[:]), body)
	if err != nil {
		return nil, err
	}
	var response hookResponse
	if err := json.Unmarshal(text, &response); err != nil {
		return nil, err
	}
	if _, err := s.complete.ExecContext(ctx, text, execution[:]); err != nil {
		return nil, err
	}
	return answerOf(request, hex.EncodeToString(execution[:]), response)
}

// newExecutionID makes a UUID of version 7, so that new rows lie together.
func newExecutionID() (id conversationID) {
	_, _ = rand.Read(id[:])
	var now [8]byte
	binary.BigEndian.PutUint64(now[:], uint64(time.Now().UnixMilli()))
	copy(id[:6], now[2:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

func (s *service) post(ctx context.Context, execution string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer bench-token-0123456789")
	request.Header.Set("Idempotency-Key", execution)
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, errors.New(response.Status)
	}
	return io.ReadAll(response.Body)
}

func readRequest(message []byte) (*startRequest, error) {
	request := &startRequest{}
	var failed error
	err := eachField(message, func(number protowire.Number, _ uint64, part []byte) {
		switch number {
		case 1:
			request.agent = string(part)
		case 2:
			request.conversation = string(part)
		case 3:
			request.phone = string(part)
		case 4:
			failed = errors.Join(failed, proto.Unmarshal(part, &request.variables))
		case 5:
			failed = errors.Join(failed, proto.Unmarshal(part, &request.metadata))
		}
	})
	return request, errors.Join(err, failed)
}

// answerOf makes an OnCallStartResponse: proceed, with the variables of the request and of the response.
func answerOf(request *startRequest, execution string, response hookResponse) ([]byte, error) {
	variables := &request.variables
	if variables.Fields == nil {
		variables.Fields = map[string]*structpb.Value{}
	}
	variables.Fields["customer_name"] = structpb.NewStringValue(response.Customer.Name)
	variables.Fields["echo"] = structpb.NewStringValue(response.Conversation)
	encoded, err := proto.Marshal(variables)
	if err != nil {
		return nil, err
	}
	answer := protowire.AppendTag(nil, 1, protowire.VarintType)
	answer = protowire.AppendVarint(answer, 1)
	answer = protowire.AppendTag(answer, 3, protowire.BytesType)
	answer = protowire.AppendBytes(answer, encoded)
	answer = protowire.AppendTag(answer, 5, protowire.BytesType)
	return protowire.AppendBytes(answer, executionOf(request, execution)), nil
}

// executionOf makes an Execution with its id, its agent, its conversation and the state "succeeded".
func executionOf(request *startRequest, execution string) (message []byte) {
	for at, text := range []string{execution, request.agent, request.conversation} {
		message = protowire.AppendTag(message, protowire.Number(at+1), protowire.BytesType)
		message = protowire.AppendString(message, text)
	}
	message = protowire.AppendTag(message, 7, protowire.VarintType)
	return protowire.AppendVarint(message, 3)
}

// bytesCodec hands messages over as they are: generated code for two messages would be larger than this service.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "proto" }

func (bytesCodec) Marshal(message any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(message.([]byte))}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, into any) error {
	*into.(*[]byte) = data.Materialize()
	return nil
}

var _ encoding.CodecV2 = bytesCodec{}
