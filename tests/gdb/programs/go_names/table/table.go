// Package table has a path that begins with "go.", which gdb takes for something else.
package table

type Entry struct {
	Weights map[string]int
}

var Entries = map[int32]*Entry{}

var Held any
