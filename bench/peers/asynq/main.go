// An asynq server whose handler does nothing, or an asynq client that enqueues:
//
//	asynq consume ADDRESS CONCURRENCY            until SIGTERM
//	asynq enqueue ADDRESS COUNT IN_FLIGHT        prints the milliseconds it took
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hibiken/asynq"
)

func main() {
	redis := asynq.RedisClientOpt{Addr: os.Args[2]}
	number := func(index int) int {
		value, err := strconv.Atoi(os.Args[index])
		check(err)
		return value
	}
	switch os.Args[1] {
	case "consume":
		config := asynq.Config{Concurrency: number(3), LogLevel: asynq.WarnLevel}
		nothing := func(context.Context, *asynq.Task) error { return nil }
		check(asynq.NewServer(redis, config).Run(asynq.HandlerFunc(nothing)))
	case "enqueue":
		fmt.Println(enqueue(asynq.NewClient(redis), number(3), number(4)))
	}
}

func enqueue(client *asynq.Client, count, inFlight int) float64 {
	defer client.Close()
	payload := []byte(fmt.Sprintf(`{"n":1,"text":"%s"}`, strings.Repeat("x", 182)))
	each := func(tasks int) {
		var all sync.WaitGroup
		for range inFlight {
			all.Go(func() {
				for range tasks / inFlight {
					_, err := client.Enqueue(asynq.NewTask("bench:message", payload))
					check(err)
				}
			})
		}
		all.Wait()
	}
	each(count / 10)
	began := time.Now()
	each(count)
	return float64(time.Since(began).Microseconds()) / 1000
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
