package main

import (
	"fmt"
	"sync"
)

//go:noinline
func (w *worker) serve() {
	park()
	w.jobs["x"]++
}

//go:noinline
func share(m *sync.Map, held map[int]int) {
	m.Store("held", held)
}

func inGoroutines() {
	start(func() { // it does not escape
		local := map[int]int{}
		for i, n := 0, next("local on a goroutine's stack"); i < n; i++ {
			local[i] = i
		}
		park()
		fmt.Println(len(local))
	})
	start(func() {
		local := texts("local of a goroutine, on the heap")
		park()
		fmt.Println(len(local))
	})
	start(func() {
		(&worker{texts("receiver of a goroutine's method")}).serve()
	})
	start(func() {
		local := [3]map[int]int{1: ints("array of maps of a goroutine")}
		park()
		for i := range local {
			fmt.Println(len(local[i]))
		}
	})
	captured := ints("captured by a goroutine")
	start(func() {
		park()
		fmt.Println(len(captured))
	})
	start(func() { // in a sync.Map that only the goroutine knows
		local := &sync.Map{}
		share(local, ints("sync.Map of a goroutine"))
		park()
		local.Delete("x")
	})
	start(func() { // blocked in a send: the map is in the goroutine's sudog
		blocked := make(chan map[int]int)
		m := ints("sent by a blocked goroutine")
		parked.Done()
		blocked <- m
	})
	start(func() { // a deferred call has it
		m := texts("deferred call's argument")
		defer func(m map[string]int) { fmt.Println(len(m)) }(m)
		park()
	})
	start(func() {
		m := texts("range over a map")
		for key := range m {
			if key != "" {
				park()
			}
		}
	})
}
