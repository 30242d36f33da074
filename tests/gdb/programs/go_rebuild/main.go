// Two maps side by side, and a signal: without debug info there is no function to stop in.
package main

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

type session struct {
	name string
	hits int
}

var small = map[string]int{}
var large = map[int]string{}
var sessions = map[string]*session{}

func main() {
	for i := 0; i < 12; i++ {
		small[fmt.Sprint("key", i)] = i
	}
	for i := 0; i < 30000; i++ {
		large[i] = "x"
	}
	sessions["a"] = &session{"a", 1}
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	time.Sleep(time.Minute) // the signal may be another thread's
	fmt.Println(len(small), len(large), len(sessions))
}
