// The plugin of the program beside it.
package main

type Holder struct {
	Name  string
	Index map[string]uint16
}

var Inside = map[uint32]string{1: "one", 2: "two", 3: "three"}

func Make() any {
	return &Holder{"holder", map[string]uint16{"a": 1, "b": 2, "c": 3, "d": 4}}
}

func main() {}
