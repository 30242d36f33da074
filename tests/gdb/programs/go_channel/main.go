// A map in a channel, which only an interface leads to.
package main

import "strconv"

type box struct {
	value any
	count int
}

var hold func() int

func fill() {
	channel := make(chan map[string]int, 2)
	numbers := map[string]int{}
	for i := 0; i < 33; i++ {
		numbers[strconv.Itoa(i)] = i
	}
	channel <- numbers
	held := &box{channel, 3}
	hold = func() int { return held.count }
}

//go:noinline
func stop() {}

func main() {
	fill()
	stop()
	println(hold())
}
