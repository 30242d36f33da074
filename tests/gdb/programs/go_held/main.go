// Maps of many shapes, and by how much each has made the heap grow, as runtime.MemStats counts it.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

type wide struct{ a, b, c, d, e int64 }
type boxed [200]byte
type pointers [30]*int

var ints map[int]int
var few map[int]int
var bytes map[byte]bool
var texts map[string]string
var wides map[int64]wide
var odd map[[3]byte]int16
var boxes map[int]boxed
var boxesOfPointers map[int]pointers
var keys map[boxed]int
var anys map[int]any
var grown map[uint32]uint32
var large map[int]*int
var hinted map[int]string
var chained map[int][3]int

//go:noinline
func stop() {}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return now.HeapAlloc
}

var names [14]string
var sizes [14]uint64

func main() {
	debug.SetGCPercent(-1)
	heap()
	fill := []func(){
		func() {
			names[0], ints = "ints", fresh(ints)
			for i := 0; i < 1000; i++ {
				ints[i] = i
			}
		},
		func() {
			names[1], few = "few", fresh(few)
			for i := 0; i < 5; i++ {
				few[i] = i
			}
		},
		func() {
			names[2], bytes = "bytes", fresh(bytes)
			for i := 0; i < 200; i++ {
				bytes[byte(i)] = true
			}
		},
		func() {
			names[3], texts = "texts", fresh(texts)
			for i := 0; i < 999; i++ {
				texts[letters[i:i+9]] = letters
			}
		},
		func() {
			names[4], wides = "wides", fresh(wides)
			for i := int64(0); i < 3000; i++ {
				wides[i] = wide{a: i}
			}
		},
		func() {
			names[5], odd = "odd", fresh(odd)
			for i := 0; i < 700; i++ {
				odd[[3]byte{byte(i), byte(i >> 8)}] = 1
			}
		},
		func() {
			names[6], boxes = "boxes", fresh(boxes)
			for i := 0; i < 300; i++ {
				boxes[i] = boxed{1}
			}
		},
		func() {
			names[7], boxesOfPointers = "boxesOfPointers", fresh(boxesOfPointers)
			for i := 0; i < 90; i++ {
				boxesOfPointers[i] = pointers{}
			}
		},
		func() {
			names[8], keys = "keys", fresh(keys)
			for i := 0; i < 60; i++ {
				keys[boxed{byte(i)}] = i
			}
		},
		func() {
			names[9], anys = "anys", fresh(anys)
			for i := 0; i < 150; i++ {
				anys[i] = nil
			}
		},
		func() {
			names[10], grown = "grown", fresh(grown)
			for i := uint32(0); i < 100000; i++ {
				grown[i] = i
			}
		},
		func() {
			names[11], large = "large", fresh(large)
			for i := 0; i < 20000; i++ {
				large[i] = nil
			}
		},
		func() { names[12], hinted = "hinted", make(map[int]string, 5000) },
		func() {
			names[13], chained = "chained", fresh(chained)
			for i := 0; i < 416; i++ {
				chained[i] = [3]int{i}
			}
		},
	}
	for i := range fill { // the first time, the runtime makes things of its own
		before := heap()
		fill[i]()
		sizes[i] = heap() - before
	}
	ints, few, bytes, texts, wides, odd, boxes = nil, nil, nil, nil, nil, nil, nil
	boxesOfPointers, keys, anys, grown, large, hinted, chained = nil, nil, nil, nil, nil, nil, nil
	for i, one := range fill {
		before := heap()
		one()
		sizes[i] = heap() - before
	}
	for i, name := range names {
		fmt.Println("held", name, sizes[i])
	}
	os.Stdout.Sync()
	stop()
	fmt.Println(len(ints), len(few), len(bytes), len(texts), len(wides), len(odd), len(boxes),
		len(boxesOfPointers), len(keys), len(anys), len(grown), len(large), len(hinted), len(chained))
}

//go:noinline
func fresh[K comparable, V any](_ map[K]V) map[K]V { return make(map[K]V) }

var letters = string(make([]byte, 0, 1)) + text()

func text() string {
	out := make([]byte, 1100)
	for i := range out {
		out[i] = byte('a' + (i*i/7+i)%26)
	}
	return string(out)
}
