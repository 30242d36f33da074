// Maps behind keys and types that are hard to spell. Each has a number of entries of its own.
package main

import (
	"fmt"
	"math"
	"strings"
)

type server struct {
	index map[string]int
}

type holder struct {
	at   *server
	name string
}

type point struct{ x, y int32 }

type label struct {
	text string
	n    int
}

// An elem with a field that hides the key behind it.
type keyed struct{ key map[string]int }

func filled(n int) map[string]int {
	m := map[string]int{}
	for i := 0; i < n; i++ {
		m[fmt.Sprint(i)] = i
	}
	return m
}

var (
	byPointer = map[*server]int{{filled(101)}: 1}
	byAny     = map[any]*server{&server{filled(102)}: nil, "text": {filled(103)}, 'x': {filled(104)},
		3.5: {filled(105)}, point{1, -2}: {filled(106)}, [2]int8{3, 4}: {filled(107)}}
	byStruct = map[point]*server{{1, -2}: {filled(108)}}
	byHolder = map[holder]map[string]int{{&server{filled(109)}, "a b"}: filled(110)}
	byArray  = map[[2]string]*server{{"a", `b"]`}: {filled(111)}}
	byText   = map[string]*server{
		"":                                 {filled(112)},
		"new\nline":                        {filled(113)},
		"tab\tand \x01":                    {filled(114)},
		`quote " and '`:                    {filled(115)},
		`back\slash`:                       {filled(116)},
		"]) [(":                            {filled(117)},
		"-- option":                        {filled(118)},
		strings.Repeat("é", 70):            {filled(119)},
		strings.Repeat("long ", 100) + "1": {filled(120)},
		strings.Repeat("long ", 100) + "2": {filled(121)},
		"not utf-8 \xff":                   {filled(122)},
		" spaces ":                         {filled(123)},
		"ü" + strings.Repeat("long ", 100): {filled(132)},
		"x" + strings.Repeat("ü", 200):     {filled(133)},
		strings.Repeat("long ", 100) + "€€€€€€€€€€€€€€€€€€€": {filled(134)},
	}
	byMixed = map[any]*server{1: {filled(135)}, int64(1): {filled(136)}, true: {filled(137)},
		2: {filled(138)}, "2": {filled(139)}, strings.Repeat("any ", 100): {filled(140)},
		label{strings.Repeat("in any ", 100), 5}: {filled(141)}}
	byNaN   = map[float64]*server{math.NaN(): {filled(142)}, -math.NaN(): {filled(143)}, math.Inf(-1): {filled(144)}}
	byLabel = map[label]*server{{"it's (short)", 1}: {filled(145)}, {strings.Repeat("label ", 50), 1}: {filled(146)},
		{strings.Repeat("label ", 50), 2}: {filled(147)}, {strings.Repeat("label ", 51), 2}: {filled(148)}}
	byKeyed     = map[*server]keyed{{filled(149)}: {filled(150)}}
	byBool      = map[bool]*server{true: {filled(124)}}
	byFloat     = map[float64]*server{1e100: {filled(125)}, -0.5: {filled(126)}}
	byRune      = map[rune]*server{-1: {filled(127)}}
	pointer     = filled(128)
	held    any = &pointer
	list        = []any{&[]map[string]int{filled(129)}, map[string]any{"k": []*server{{filled(130)}}}}
	chained     = map[string]map[string]map[string]*server{"a": {"b": {"c": {filled(131)}}}}
)

//go:noinline
func stop() {}

func main() {
	stop()
	fmt.Sprint(byPointer, byAny, byStruct, byHolder, byArray, byText, byBool, byFloat, byRune, held, list, chained)
	fmt.Sprint(byMixed, byNaN, byLabel, byKeyed)
}
