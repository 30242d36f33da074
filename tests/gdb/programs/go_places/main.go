// 330 maps in awkward places, ten in each of 33. Each has a number of entries of its own, by
// which it is told; the program prints them with the name of the place before it stops.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"sync"
)

const each = 10

var (
	mutex sync.Mutex
	count = 2000
	told  = map[int]string{}
)

// The number of entries of the next map in a place.
func next(place string) int {
	mutex.Lock()
	defer mutex.Unlock()
	count++
	told[count] = place
	return count
}

//go:noinline
func ints(place string) map[int]int {
	m := map[int]int{}
	for i, n := 0, next(place); i < n; i++ {
		m[i] = i
	}
	return m
}

//go:noinline
func texts(place string) map[string]int {
	m := map[string]int{}
	for i, n := 0, next(place); i < n; i++ {
		m[fmt.Sprint(i)] = i
	}
	return m
}

var parked sync.WaitGroup
var never = make(chan int)

//go:noinline
func park() {
	parked.Done()
	<-never
}

func start(f func()) {
	parked.Add(1)
	go f()
}

//go:noinline
func stop() {}

// The last call: its maps are in its arguments, in registers where it begins.
//
//go:noinline
func arguments(a, b, c, d, e, f, g, h, i map[int]int, last map[string]int) int {
	stop()
	return len(a) + len(b) + len(c) + len(d) + len(e) + len(f) + len(g) + len(h) + len(i) + len(last)
}

func main() {
	for i := 0; i < each; i++ {
		inGlobals(i)
		inGoroutines()
	}
	parked.Wait()
	numbers := make([]int, 0, len(told))
	runtime.GC() // which empties pools: they are filled after it
	for i := 0; i < each; i++ {
		pool.Put(&worker{texts("sync.Pool")})
	}
	for number := range told {
		numbers = append(numbers, number)
	}
	var last [each]map[int]int
	for i := range last {
		last[i] = ints("arguments in registers")
		numbers = append(numbers, count)
	}
	sort.Ints(numbers)
	for _, number := range numbers {
		fmt.Println("map", number, told[number])
	}
	os.Stdout.Sync()
	told = nil
	more := map[string]int{"more": 1}
	fmt.Println(arguments(last[0], last[1], last[2], last[3], last[4], last[5], last[6], last[7],
		last[8], more), len(last[9]))
	keep()
}
