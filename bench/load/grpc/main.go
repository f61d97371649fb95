// Streams of gRPC messages: `server PORT` answers them, `client MODE PORT SECONDS STREAMS` sends them and prints one line
// of JSON. Messages are bytes as they are, so that the time is the transport's and not that of protobuf.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"sort"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Streams share connections as those of an application's few channels do.
const connections = 4

type raw struct{}

func (raw) Name() string { return "raw" }

func (raw) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }

func (raw) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = append((*message.(*[]byte))[:0], data...)
	return nil
}

// echo answers each message with itself.
func echo(_ any, stream grpc.ServerStream) error {
	var message []byte
	for stream.RecvMsg(&message) == nil {
		if err := stream.SendMsg(&message); err != nil {
			return err
		}
	}
	return nil
}

// flood answers one message with the same again and again, as fast as they are taken.
func flood(_ any, stream grpc.ServerStream) error {
	var message []byte
	if err := stream.RecvMsg(&message); err != nil {
		return err
	}
	for stream.Context().Err() == nil {
		if err := stream.SendMsg(&message); err != nil {
			return err
		}
	}
	return nil
}

var streams = []grpc.StreamDesc{
	{StreamName: "Echo", Handler: echo, ServerStreams: true, ClientStreams: true},
	{StreamName: "Flood", Handler: flood, ServerStreams: true},
}

func serve(port string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.ForceServerCodec(raw{}))
	server.RegisterService(&grpc.ServiceDesc{ServiceName: "bench.Streams", HandlerType: (*any)(nil), Streams: streams}, nil)
	return server.Serve(listener)
}

type result struct {
	Messages int     `json:"messages"`
	Seconds  float64 `json:"seconds"`
	P50Ms    float64 `json:"p50Ms"`
	P99Ms    float64 `json:"p99Ms"`
	Errors   int     `json:"errors"`
}

// one runs a stream until the end and gives the time of each message; of a flood, the time since the one before.
func one(mode string, connection *grpc.ClientConn, end time.Time) ([]float64, error) {
	// a message that never comes ends the run, late
	ctx, cancel := context.WithDeadline(context.Background(), end.Add(5*time.Second))
	defer cancel()
	desc, size := &streams[0], 100
	if mode == "flood" {
		desc, size = &streams[1], 1024
	}
	stream, err := connection.NewStream(ctx, desc, "/bench.Streams/"+desc.StreamName, grpc.ForceCodec(raw{}))
	if err != nil {
		return nil, err
	}
	message, answer := make([]byte, size), []byte{}
	if mode == "flood" {
		if err := stream.SendMsg(&message); err != nil {
			return nil, err
		}
	}
	var times []float64
	for last := time.Now(); last.Before(end); {
		if mode == "echo" {
			if err := stream.SendMsg(&message); err != nil {
				return times, err
			}
		}
		if err := stream.RecvMsg(&answer); err != nil {
			return times, err
		}
		now := time.Now()
		times = append(times, float64(now.Sub(last))/1e6)
		last = now
	}
	return times, nil
}

func load(mode string, port string, seconds float64, count int) (result, error) {
	pool := make([]*grpc.ClientConn, connections)
	for index := range pool {
		connection, err := grpc.NewClient("127.0.0.1:"+port, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return result{}, err
		}
		defer connection.Close()
		pool[index] = connection
	}
	var (
		mutex  sync.Mutex
		group  sync.WaitGroup
		all    []float64
		broken int
		first  error
	)
	start := time.Now()
	end := start.Add(time.Duration(seconds * float64(time.Second)))
	for index := range count {
		group.Go(func() {
			times, err := one(mode, pool[index%connections], end)
			mutex.Lock()
			defer mutex.Unlock()
			all = append(all, times...)
			if err != nil {
				broken++
				first = err
			}
		})
	}
	group.Wait()
	if first != nil {
		fmt.Fprintln(os.Stderr, first)
	}
	sort.Float64s(all)
	at := func(share float64) float64 {
		if len(all) == 0 {
			return 0
		}
		return all[int(share*float64(len(all)-1))]
	}
	return result{len(all), time.Since(start).Seconds(), at(0.5), at(0.99), broken}, nil
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 2 && arguments[0] == "server":
		return serve(arguments[1])
	case len(arguments) == 5 && arguments[0] == "client":
		seconds, err := strconv.ParseFloat(arguments[3], 64)
		if err != nil {
			return err
		}
		count, err := strconv.Atoi(arguments[4])
		if err != nil {
			return err
		}
		measured, err := load(arguments[1], arguments[2], seconds, count)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(measured)
	}
	return fmt.Errorf("usage: server PORT | client echo|flood PORT SECONDS STREAMS")
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
