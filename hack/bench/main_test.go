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

func TestParseCounts(t *testing.T) {
	for text, want := range map[string]struct {
		counts []int
		ok     bool
	}{
		"1 100 1000": {[]int{1, 100, 1000}, true},
		" 5 ":        {[]int{5}, true},
		"":           {nil, true},
		"0":          {},
		"10 10":      {},
		"100 1":      {},
		"1001":       {},
		"many":       {},
	} {
		got, err := parseCounts(text, 1000)
		if !slices.Equal(got, want.counts) || (err == nil) != want.ok {
			t.Errorf("parseCounts(%q) = %v, %v; want %v", text, got, err, want.counts)
		}
	}
}
