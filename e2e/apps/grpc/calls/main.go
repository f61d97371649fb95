// Unary gRPC calls over one client connection, and a server that says which pod answered.
//
//	calls serve PORT             answers UnaryCall with the name of its pod (POD_NAME)
//	calls unary HOST:PORT TIMES  makes TIMES calls on one connection, eight at a time
//	calls empty HOST:PORT        makes one EmptyCall
//
// The clients print {"servers": {name: calls}, "failures": {"CODE: message": calls}, "connections": N} as JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"
)

// atOnce is how many calls run at a time.
const atOnce = 8

type server struct {
	testgrpc.UnimplementedTestServiceServer
	name string
}

func (s *server) UnaryCall(context.Context, *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	return &testgrpc.SimpleResponse{ServerId: s.name}, nil
}

func (s *server) EmptyCall(context.Context, *testgrpc.Empty) (*testgrpc.Empty, error) {
	return &testgrpc.Empty{}, nil
}

func serve(port string) error {
	listener, err := net.Listen("tcp", "0.0.0.0:"+port)
	if err != nil {
		return err
	}
	own := grpc.NewServer()
	testgrpc.RegisterTestServiceServer(own, &server{name: os.Getenv("POD_NAME")})
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	go func() {
		<-ended
		own.GracefulStop()
	}()
	return own.Serve(listener)
}

type summary struct {
	mutex       sync.Mutex
	Servers     map[string]int `json:"servers"`
	Failures    map[string]int `json:"failures"`
	Connections int64          `json:"connections"`
}

func (s *summary) add(name string, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err == nil {
		s.Servers[name]++
		return
	}
	given := status.Convert(err)
	s.Failures[fmt.Sprintf("%s: %s", codes.Code(given.Code()), given.Message())]++
}

func call(method, target string, times int) error {
	result := &summary{Servers: map[string]int{}, Failures: map[string]int{}}
	dialer := func(ctx context.Context, address string) (net.Conn, error) {
		atomic.AddInt64(&result.Connections, 1)
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}
	connection, err := grpc.NewClient(target,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(dialer))
	if err != nil {
		return err
	}
	defer connection.Close()
	client := testgrpc.NewTestServiceClient(connection)
	var waiting sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for range times {
		slots <- struct{}{}
		waiting.Go(func() {
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if method == "empty" {
				_, err := client.EmptyCall(ctx, &testgrpc.Empty{})
				result.add("", err)
				return
			}
			response, err := client.UnaryCall(ctx, &testgrpc.SimpleRequest{})
			result.add(response.GetServerId(), err)
		})
	}
	waiting.Wait()
	return json.NewEncoder(os.Stdout).Encode(result)
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 2 && arguments[0] == "serve":
		return serve(arguments[1])
	case len(arguments) == 2 && arguments[0] == "empty":
		return call("empty", arguments[1], 1)
	case len(arguments) == 3 && arguments[0] == "unary":
		times, err := strconv.Atoi(arguments[2])
		if err != nil {
			return err
		}
		return call("unary", arguments[1], times)
	}
	return fmt.Errorf("usage: calls serve PORT | unary HOST:PORT TIMES | empty HOST:PORT")
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
