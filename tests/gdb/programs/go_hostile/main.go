// Maps of Go whose keys, elems and types are hostile. Stops in main.stop.
package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

type EVILTYPE_EVILTYPE_EVIL struct {
	Text  string
	Inner map[string]int
}

var (
	texts                  = map[string]string{}
	structs                = map[string]EVILTYPE_EVILTYPE_EVIL{}
	EVILVARI_EVILVARI_EVIL = map[any]any{}
	synced                 sync.Map
)

//go:noinline
func stop() {
	fmt.Fprint(os.Stderr)
}

func main() {
	// The texts of hostile.h, each as a line of hexadecimal digits.
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	for _, line := range strings.Fields(string(data)) {
		var bytes []byte
		if _, err := fmt.Sscanf(line, "%x", &bytes); err != nil {
			panic(err)
		}
		text := string(bytes)
		texts[text] = text + "\x00" + text
		structs[text] = EVILTYPE_EVILTYPE_EVIL{text, map[string]int{text: 1}}
		EVILVARI_EVILVARI_EVIL[text] = structs[text]
		synced.Store(text, text)
	}
	large := strings.Repeat("\x1b", 1<<20)
	texts[large] = large
	stop()
}
