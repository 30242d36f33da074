// Maps in all kinds of places, for programs that are built and stripped in all kinds of ways. It prints
// "ADDRESS COUNT" of each, then gets a signal: without debug info there is no function to stop in.
package main

import (
	"fmt"
	"os"
	"reflect"
	"runtime"
	"syscall"
	"time"
)

type session struct {
	name string
	seen map[uint16]bool
}

var (
	sessions = map[string]*session{}
	large    = map[int]string{}
	lists    [][]map[string]float64
	any      interface{}
	byKind   = map[interface{}]map[[3]uint64]string{}
	keep     func() int
)

func report(m interface{}) {
	v := reflect.ValueOf(m)
	fmt.Printf("0x%x %d\n", v.Pointer(), v.Len())
}

func fill() {
	for i := 0; i < 40; i++ {
		one := &session{fmt.Sprint("s", i), map[uint16]bool{uint16(i): true}}
		if i%7 == 0 {
			one.seen[999] = true
		}
		sessions[one.name] = one
	}
	report(sessions)
	report(sessions["s7"].seen)
	for i := 0; i < 20000; i++ {
		large[i] = "x"
	}
	for i := 0; i < 19000; i++ {
		delete(large, i)
	}
	report(large)
	lists = [][]map[string]float64{nil, {{"a": 1, "b": 2, "c": 3}, nil}}
	report(lists[1][0])
	any = &session{"in an interface", map[uint16]bool{1: true, 2: true, 3: true, 4: true}}
	report(any.(*session).seen)
	byKind[7] = map[[3]uint64]string{{1, 2, 3}: "x", {4, 5, 6}: "y"}
	byKind["seven"] = nil
	report(byKind)
	report(byKind[7])
	held := map[int8][]byte{1: nil, 2: nil, 3: nil, 4: nil, 5: nil, 6: nil}
	report(held)
	keep = func() int { return len(held) }
}

//go:noinline
func park(ready chan<- bool, wait <-chan bool) {
	own := map[uint32][2]string{}
	for i := uint32(0); i < 90; i++ {
		own[i] = [2]string{"a", "b"}
	}
	report(own)
	ready <- true
	<-wait
	runtime.KeepAlive(own)
}

func main() {
	fill()
	ready, wait := make(chan bool), make(chan bool)
	go park(ready, wait)
	<-ready
	runtime.GC()
	if len(os.Args) > 1 {
		panic("asked to")
	}
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	time.Sleep(time.Minute) // the signal may be another thread's
	fmt.Println(len(sessions), keep())
	close(wait)
}
