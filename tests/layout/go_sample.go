// A program of the layout matrix: it prints the layout of its own types by unsafe.Offsetof.
package main

import (
	"fmt"
	"sync"
	"unsafe"
)

type inner struct {
	a uint8
	b uint32
}

type key struct {
	name  string
	place [3]int16
}

type value struct {
	flag  bool
	inner inner
	next  *value
	list  []string
	any   interface{}
	big   [20]float64
	words map[string]uint16
}

type server struct {
	port     int32
	sessions map[key]value
}

var counts = map[string]int{}
var theServer = &server{port: 80, sessions: map[key]value{}}
var shared sync.Map

//go:noinline
func stop() {
}

func field(owner, name string, offset, size uintptr) {
	fmt.Printf("%s,%s,%d,%d\n", owner, name, offset, size)
}

func main() {
	for i := 0; i < 100; i++ {
		counts[fmt.Sprint(i)] = i
		theServer.sessions[key{name: fmt.Sprint(i), place: [3]int16{1, 2, int16(i)}}] =
			value{flag: i%2 == 0, inner: inner{uint8(i), uint32(i)}, any: i}
		shared.Store(i, fmt.Sprint(-i))
	}
	delete(counts, "7")
	var i inner
	var k key
	var v value
	var s server
	field("main.inner", "", 0, unsafe.Sizeof(i))
	field("main.inner", "a", unsafe.Offsetof(i.a), unsafe.Sizeof(i.a))
	field("main.inner", "b", unsafe.Offsetof(i.b), unsafe.Sizeof(i.b))
	field("main.key", "", 0, unsafe.Sizeof(k))
	field("main.key", "name", unsafe.Offsetof(k.name), unsafe.Sizeof(k.name))
	field("main.key", "place", unsafe.Offsetof(k.place), unsafe.Sizeof(k.place))
	field("main.value", "", 0, unsafe.Sizeof(v))
	field("main.value", "flag", unsafe.Offsetof(v.flag), unsafe.Sizeof(v.flag))
	field("main.value", "inner", unsafe.Offsetof(v.inner), unsafe.Sizeof(v.inner))
	field("main.value", "next", unsafe.Offsetof(v.next), unsafe.Sizeof(v.next))
	field("main.value", "list", unsafe.Offsetof(v.list), unsafe.Sizeof(v.list))
	field("main.value", "any", unsafe.Offsetof(v.any), unsafe.Sizeof(v.any))
	field("main.value", "big", unsafe.Offsetof(v.big), unsafe.Sizeof(v.big))
	field("main.value", "words", unsafe.Offsetof(v.words), unsafe.Sizeof(v.words))
	field("main.server", "", 0, unsafe.Sizeof(s))
	field("main.server", "port", unsafe.Offsetof(s.port), unsafe.Sizeof(s.port))
	field("main.server", "sessions", unsafe.Offsetof(s.sessions), unsafe.Sizeof(s.sessions))
	stop()
	fmt.Println(len(counts), len(theServer.sessions))
}
