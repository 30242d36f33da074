package main

import (
	"container/heap"
	"container/list"
	"container/ring"
	"context"
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

type Cache[K comparable, V any] struct {
	entries map[K]V
	parent  *Cache[K, V]
}

type Set[T comparable] map[T]struct{}

type failure struct{ details map[int]int }

func (f *failure) Error() string { return fmt.Sprint(len(f.details)) }

type worker struct{ jobs map[string]int }

func (w *worker) run() { fmt.Println(len(w.jobs)) }

type byLen []map[int]int

func (s byLen) Len() int           { return len(s) }
func (s byLen) Less(a, b int) bool { return len(s[a]) < len(s[b]) }
func (s byLen) Swap(a, b int)      { s[a], s[b] = s[b], s[a] }
func (s *byLen) Push(x any)        { *s = append(*s, x.(map[int]int)) }
func (s *byLen) Pop() any          { x := (*s)[0]; *s = (*s)[1:]; return x }

type large [200]byte

var (
	closures   []func() int
	deferred   = map[string]func(){}
	channel    = make(chan map[int]int, each)
	structs    = make(chan struct{ m map[string]int }, each)
	pool       sync.Pool
	contexts   = context.Background()
	finalized  []*worker
	value      [each]atomic.Value
	pointers   [each]unsafe.Pointer
	timers     []*time.Timer
	elements   = list.New()
	circle     = ring.New(each)
	caches     *Cache[int, int]
	sets       []any
	failures   error
	methods    []func()
	priorities byLen
	values     []reflect.Value
	hidden     []unsafe.Pointer
	shared     sync.Map
	bigKeys    = map[int]map[large]int{}
	bigElems   = map[int]map[int]large{}
	onces      []func() map[int]int
	conditions []*sync.Cond
)

type locker struct {
	sync.Mutex
	m map[int]int
}

func inGlobals(i int) {
	captured := ints("closure in a global")
	closures = append(closures, func() int { return len(captured) })

	both := texts("closure in a map")
	deferred[fmt.Sprint(i)] = func() { both["x"]++ }

	channel <- ints("channel's buffer")
	structs <- struct{ m map[string]int }{texts("struct in a channel's buffer")}
	contexts = context.WithValue(contexts, i, ints("context"))

	w := &worker{nil}
	logged := texts("finalizer's closure")
	runtime.SetFinalizer(w, func(*worker) { fmt.Println(len(logged)) })
	finalized = append(finalized, w)

	value[i].Store(ints("atomic.Value"))
	m := texts("unsafe pointer by sync/atomic")
	atomic.StorePointer(&pointers[i], unsafe.Pointer(&m))

	fires := ints("timer's closure")
	timers = append(timers, time.AfterFunc(time.Hour, func() { fmt.Println(len(fires)) }))

	elements.PushBack(&worker{texts("container/list")})
	circle.Value = ints("container/ring")
	circle = circle.Next()
	heap.Push(&priorities, ints("container/heap"))

	caches = &Cache[int, int]{ints("generic struct's chain"), caches}
	set := Set[string]{}
	for at, n := 0, next("generic map type in any"); at < n; at++ {
		set[fmt.Sprint(at)] = struct{}{}
	}
	sets = append(sets, set)

	failures = fmt.Errorf("%w: %v", &wrapped{&failure{ints("wrapped error")}, failures}, i)
	methods = append(methods, (&worker{texts("method value")}).run)
	values = append(values, reflect.ValueOf(ints("reflect.Value")))
	raw := texts("unsafe.Pointer to a map's variable")
	hidden = append(hidden, unsafe.Pointer(&raw))
	shared.Store(i, ints("sync.Map's elem"))

	keys := map[large]int{}
	for at, n := 0, next("map of keys in boxes"); at < n; at++ {
		keys[large{byte(at), byte(at >> 8)}] = at
	}
	bigKeys[i] = keys
	elems := map[int]large{}
	for at, n := 0, next("map of elems in boxes"); at < n; at++ {
		elems[at] = large{1}
	}
	bigElems[i] = elems

	lock := &locker{m: ints("lock of a condition")}
	conditions = append(conditions, sync.NewCond(lock))
}

func keep() {
	runtime.KeepAlive(closures)
	fmt.Println(len(closures), len(deferred), len(finalized), len(timers), failures != nil, len(methods))
	for _, one := range closures {
		fmt.Println(one())
	}
	fmt.Println(len(values), len(hidden), len(sets), len(conditions), pool.Get() != nil)
}

type wrapped struct{ one, other error }

func (w *wrapped) Error() string { return "wrapped" }
func (w *wrapped) Unwrap() error { return w.one }
