// Maps of a package whose path begins with "go.". Each has a number of entries of its own.
package main

import (
	"fmt"

	"go.example.org/names/table"
)

func filled(n int) map[string]int {
	m := map[string]int{}
	for i := 0; i < n; i++ {
		m[fmt.Sprint(i)] = i
	}
	return m
}

//go:noinline
func stop() {}

func main() {
	for i := int32(0); i < 3001; i++ {
		table.Entries[i] = nil
	}
	table.Entries[7] = &table.Entry{Weights: filled(3002)}
	table.Held = &table.Entry{Weights: filled(3003)}
	stop()
}
