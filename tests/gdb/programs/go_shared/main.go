// A library for a program of C, which is in c/.
package main

import "C"

import (
	"fmt"
	"reflect"
)

var sessions = map[string]int{}

//export Fill
func Fill() {
	for i := 0; i < 1000; i++ {
		sessions[fmt.Sprint("key", i)] = i
	}
	fmt.Printf("0x%x %d\n", reflect.ValueOf(sessions).Pointer(), len(sessions))
}

func main() {}
