// Long chains: of nodes with a map each, of nodes of which only the last has one, of maps in maps.
// Prints the address and the length of each map.
package main

import (
	"fmt"
	"unsafe"
)

const length = 5000

type node struct {
	next *node
	m    map[int]int
}

type level map[int]level

var (
	each   *node
	far    *node
	levels level
)

func address[M ~map[int]V, V any](m M) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&m)) }

//go:noinline
func stop() {}

func main() {
	for i := 0; i < length; i++ {
		each = &node{each, map[int]int{i: i}}
		fmt.Printf("%p 1 each\n", address(each.m))
	}
	far = &node{nil, map[int]int{1: 1, 2: 2}}
	fmt.Printf("%p 2 far\n", address(far.m))
	for i := 0; i < length; i++ {
		far = &node{far, nil}
	}
	levels = level{}
	fmt.Printf("%p 0 level\n", address(levels))
	for i := 0; i < length; i++ {
		levels = level{i: levels}
		fmt.Printf("%p 1 level\n", address(levels))
	}
	stop()
}
