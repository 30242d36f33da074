// Maps that only goroutines know, which are parked. Each has a number of entries of its own.
package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"
)

var parked sync.WaitGroup
var never = make(chan int)
var total int

//go:noinline
func park() {
	parked.Done()
	<-never
}

// It does not escape: its header lies on the goroutine's stack.
func onStack() {
	seen := map[int]int{}
	for i := 0; i < 5001; i++ {
		seen[i] = i
	}
	park()
	total += len(seen)
}

// No variable of the program has this type.
func rareType() {
	rare := map[[3]uint16]int8{}
	for i := 0; i < 5002; i++ {
		rare[[3]uint16{uint16(i), 1, 2}] = 1
	}
	park()
	total += len(rare)
}

//go:noinline
func made(n int) map[string]int {
	m := make(map[string]int, n)
	for i := 0; i < n; i++ {
		m[fmt.Sprint("key", i)] = i
	}
	return m
}

// On the heap, and only a local leads to it.
func onHeap() {
	held := made(5003)
	park()
	total += len(held)
}

type server struct {
	name  string
	index map[string]int
	next  *server
}

//go:noinline
func (s *server) run() {
	park()
	total += len(s.index)
}

//go:noinline
func newServer(n int) *server {
	return &server{"server", made(n), &server{"next", made(n + 1), nil}}
}

// In what a method's receiver points to: 5004, 5005.
func method() {
	newServer(5004).run()
}

// One in each of several calls of one function: 5010 to 5012.
//
//go:noinline
func recurse(depth int) int {
	own := made(5010 + depth)
	if depth == 2 {
		park()
	} else {
		recurse(depth + 1)
	}
	return len(own)
}

// Of maps in a frame one may be inside of the other: elems are followed.
func nested() {
	outer := map[string]map[string]int{}
	for i := 0; i < 5020; i++ {
		outer[fmt.Sprint(i)] = nil
	}
	outer["inner"] = made(5022)
	park()
	total += len(outer)
}

type pair[K comparable, V any] struct {
	table map[K]V
}

//go:noinline
func (p *pair[K, V]) hold() int {
	park()
	return len(p.table)
}

func generic() {
	p := &pair[int32, string]{map[int32]string{}}
	for i := 0; i < 5030; i++ {
		p.table[int32(i)] = "x"
	}
	total += p.hold()
}

// It escapes, since another function is given a pointer to it.
//
//go:noinline
func fill(m *sync.Map, n int) {
	for i := 0; i < n; i++ {
		m.Store(i, i)
	}
	runtime.KeepAlive(m)
}

func syncMap() {
	shared := &sync.Map{}
	fill(shared, 5040)
	park()
	shared.Delete(1)
}

type session struct {
	id     int
	shared sync.Map
	more   [4]int
}

//go:noinline
func newSession() *session {
	s := &session{id: 1}
	fill(&s.shared, 5041)
	return s
}

func syncMapInside() {
	s := newSession()
	park()
	s.shared.Delete(1)
}

// A map that an iteration goes through.
func ranging() {
	walked := made(5050)
	for key := range walked {
		if key != "" {
			park()
		}
	}
}

// In a frame that is suspended by the scheduler, not by a channel.
func spinning() {
	kept := map[uint32]uint32{}
	for i := uint32(0); i < 5060; i++ {
		kept[i] = i
	}
	parked.Done()
	for i := uint32(0); total >= 0; i++ {
		if kept[i%5060] == 6000 {
			return
		}
		runtime.Gosched()
	}
}

func sleeping() {
	slept := map[int64]bool{}
	for i := int64(0); i < 5061; i++ {
		slept[i] = true
	}
	parked.Done()
	time.Sleep(time.Hour)
	total += len(slept)
}

//go:noinline
func stop() {}

func main() {
	all := []func(){onStack, rareType, onHeap, method, func() { recurse(0) }, nested, generic, syncMap,
		syncMapInside, ranging, spinning, sleeping}
	for _, one := range all {
		parked.Add(1)
		go one()
	}
	parked.Wait()
	mine := map[int16]int{}
	for i := 0; i < 5070; i++ {
		mine[int16(i)] = i
	}
	stop()
	total += len(mine)
}
