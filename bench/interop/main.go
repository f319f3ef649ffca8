// Command interop is the other side of test/contract/asynq-interop.test.ts: asynq itself, as a client, a server and a
// tool. Each verb takes the address of Redis and writes JSON, one value a line.
//
//	interop enqueue ADDR         tasks as JSON lines on stdin
//	interop consume ADDR QUEUE N a server until N tasks were handled; payload "fail" fails, "skip" goes to the archive
//	interop inspect ADDR VERB …  what asynq's command line does, which is a thin layer over the same Inspector
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/hibiken/asynq"
)

func main() {
	if len(os.Args) < 3 {
		fail(errors.New("usage: interop enqueue|consume|inspect ADDR …"))
	}
	redis := asynq.RedisClientOpt{Addr: os.Args[2]}
	switch os.Args[1] {
	case "enqueue":
		enqueue(redis)
	case "consume":
		consume(redis, os.Args[3], number(os.Args[4]))
	case "inspect":
		inspect(redis, os.Args[3], os.Args[4:])
	default:
		fail(fmt.Errorf("unknown verb %q", os.Args[1]))
	}
}

type task struct {
	Type      string            `json:"type"`
	Payload   string            `json:"payload"`
	Queue     string            `json:"queue"`
	ID        string            `json:"id"`
	Headers   map[string]string `json:"headers"`
	Delay     int               `json:"delay"`     // milliseconds
	Unique    int               `json:"unique"`    // seconds
	Retention int               `json:"retention"` // seconds
	Timeout   int               `json:"timeout"`   // seconds
	Deadline  int64             `json:"deadline"`  // unix seconds
	MaxRetry  *int              `json:"maxRetry"`
	Group     string            `json:"group"`
}

func enqueue(redis asynq.RedisClientOpt) {
	client := asynq.NewClient(redis)
	defer client.Close()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var t task
		if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
			fail(err)
		}
		info, err := client.Enqueue(asynq.NewTaskWithHeaders(t.Type, []byte(t.Payload), t.Headers), options(t)...)
		switch {
		case errors.Is(err, asynq.ErrDuplicateTask):
			say(map[string]any{"error": "duplicate"})
		case errors.Is(err, asynq.ErrTaskIDConflict):
			say(map[string]any{"error": "conflict"})
		case err != nil:
			fail(err)
		default:
			say(map[string]any{"id": info.ID, "state": info.State.String(), "at": time.Now().UnixMicro()})
		}
	}
}

func options(t task) []asynq.Option {
	all := []asynq.Option{asynq.Queue(t.Queue)}
	if t.ID != "" {
		all = append(all, asynq.TaskID(t.ID))
	}
	if t.Delay > 0 {
		all = append(all, asynq.ProcessIn(time.Duration(t.Delay)*time.Millisecond))
	}
	if t.Unique > 0 {
		all = append(all, asynq.Unique(time.Duration(t.Unique)*time.Second))
	}
	if t.Retention > 0 {
		all = append(all, asynq.Retention(time.Duration(t.Retention)*time.Second))
	}
	if t.Timeout > 0 {
		all = append(all, asynq.Timeout(time.Duration(t.Timeout)*time.Second))
	}
	if t.Deadline > 0 {
		all = append(all, asynq.Deadline(time.Unix(t.Deadline, 0)))
	}
	if t.MaxRetry != nil {
		all = append(all, asynq.MaxRetry(*t.MaxRetry))
	}
	if t.Group != "" {
		all = append(all, asynq.Group(t.Group))
	}
	return all
}

func consume(redis asynq.RedisClientOpt, queue string, wanted int) {
	done := make(chan struct{}, wanted)
	server := asynq.NewServer(redis, asynq.Config{
		Queues:                   map[string]int{queue: 1},
		Concurrency:              2,
		LogLevel:                 asynq.FatalLevel,
		TaskCheckInterval:        50 * time.Millisecond,
		DelayedTaskCheckInterval: 100 * time.Millisecond,
		RetryDelayFunc:           func(int, error, *asynq.Task) time.Duration { return time.Second },
	})
	handler := asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		id, _ := asynq.GetTaskID(ctx)
		retried, _ := asynq.GetRetryCount(ctx)
		maxRetry, _ := asynq.GetMaxRetry(ctx)
		deadline, _ := ctx.Deadline()
		say(map[string]any{
			"id": id, "type": t.Type(), "payload": string(t.Payload()), "headers": t.Headers(),
			"retried": retried, "maxRetry": maxRetry, "deadline": deadline.Unix(),
		})
		defer func() { done <- struct{}{} }()
		switch string(t.Payload()) {
		case "fail":
			return errors.New("it broke in Go")
		case "skip":
			return asynq.SkipRetry
		}
		if writer := t.ResultWriter(); writer != nil {
			_, _ = writer.Write([]byte("result of Go"))
		}
		return nil
	})
	if err := server.Start(handler); err != nil {
		fail(err)
	}
	for range wanted {
		<-done
	}
	time.Sleep(100 * time.Millisecond)
	server.Shutdown()
}

func inspect(redis asynq.RedisClientOpt, verb string, args []string) {
	inspector := asynq.NewInspector(redis)
	defer inspector.Close()
	var err error
	switch verb {
	case "pause":
		err = inspector.PauseQueue(args[0])
	case "resume":
		err = inspector.UnpauseQueue(args[0])
	case "archive":
		err = inspector.ArchiveTask(args[0], args[1])
	case "run":
		err = inspector.RunTask(args[0], args[1])
	case "delete":
		err = inspector.DeleteTask(args[0], args[1])
	case "cancel":
		err = inspector.CancelProcessing(args[0])
	case "task":
		err = answer(inspector.GetTaskInfo(args[0], args[1]))
	case "queue":
		err = answer(inspector.GetQueueInfo(args[0]))
	case "history":
		err = answer(inspector.History(args[0], number(args[1])))
	case "servers":
		err = answer(inspector.Servers())
	case "schedules":
		err = answer(inspector.SchedulerEntries())
	case "scheduled-events":
		err = answer(inspector.ListSchedulerEnqueueEvents(args[0]))
	case "list":
		err = list(inspector, args[0], args[1])
	default:
		err = fmt.Errorf("unknown verb %q", verb)
	}
	if err != nil {
		fail(err)
	}
}

func list(inspector *asynq.Inspector, queue, state string) error {
	switch state {
	case "pending":
		return answer(inspector.ListPendingTasks(queue))
	case "active":
		return answer(inspector.ListActiveTasks(queue))
	case "scheduled":
		return answer(inspector.ListScheduledTasks(queue))
	case "retry":
		return answer(inspector.ListRetryTasks(queue))
	case "archived":
		return answer(inspector.ListArchivedTasks(queue))
	case "completed":
		return answer(inspector.ListCompletedTasks(queue))
	}
	return fmt.Errorf("unknown state %q", state)
}

func answer(value any, err error) error {
	if err == nil {
		say(value)
	}
	return err
}

func say(value any) {
	line, err := json.Marshal(value)
	if err != nil {
		fail(err)
	}
	fmt.Println(string(line))
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		fail(err)
	}
	return n
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
