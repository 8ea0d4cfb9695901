package main

import (
	"slices"
	"testing"
)

func TestParseSizes(t *testing.T) {
	for text, want := range map[string][]int{
		"1000":              {1000},
		"1000 10000 100000": {1000, 10_000, 100_000},
		" 500  1000 ":       {500, 1000},
		"":                  nil,
		"100":               nil,
		"1000 1500":         nil,
		"10000 1000":        nil,
		"1e3":               nil,
		"-1000":             nil,
		"10000000":          nil,
	} {
		got, err := parseSizes(text)
		if !slices.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("parseSizes(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
}
