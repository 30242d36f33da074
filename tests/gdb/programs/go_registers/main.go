// A frame's variable that debug info has in a register, which holds another map by now.
package main

import "fmt"

//go:noinline
func made(n int) map[int]int {
	m := map[int]int{}
	for i := 0; i < n; i++ {
		m[i] = i
	}
	return m
}

//go:noinline
func stop(m map[int]int) int { return len(m) }

//go:noinline
func inner() int { return stop(made(8002)) }

//go:noinline
func outer() int {
	held := made(8001)
	n := inner()
	return n + len(held)
}

func main() {
	fmt.Println(outer())
}
