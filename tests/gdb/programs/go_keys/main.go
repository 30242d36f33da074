// Maps with keys of many types in interfaces, for hmap-find.
package main

import "sync"

type pt struct{ x, y int }

var byAny = map[any]string{"k": "text", 2: "number", pt{3, 4}: "point", 2.5: "float", true: "yes"}
var syncs sync.Map

//go:noinline
func stop() {}

func main() {
	for i := 0; i < 100; i++ {
		syncs.Store(i, i)
	}
	syncs.Store("five", "5")
	stop()
	println(len(byAny))
}
