// A program with a plugin: types and maps of another module of the runtime's.
package main

import (
	"fmt"
	"os"
	"plugin"
)

var held any    // a value of a type that only the plugin has
var pairs []any // several of them
var own = map[string]int{"own": 1}

//go:noinline
func stop() {}

func main() {
	opened, err := plugin.Open(os.Args[1])
	if err != nil {
		fmt.Println("cannot open:", err)
		os.Exit(1)
	}
	made, err := opened.Lookup("Make")
	if err != nil {
		os.Exit(1)
	}
	held = made.(func() any)()
	for i := 0; i < 5; i++ {
		pairs = append(pairs, made.(func() any)())
	}
	fmt.Println("told plugin", len(pairs), len(own))
	stop()
	fmt.Println(held, pairs)
}
