package main

import (
	"fmt"
	"sync"
	"time"
	"unicode/utf8"
)

// The screen, in characters.
const (
	width  = 124
	height = 36
	// below is the row that the second half begins at.
	below = 24
)

// screen notes when which line is printed in which half. Several goroutines print.
type screen struct {
	mu    sync.Mutex
	began time.Time
	// next is the row of each half that the next line goes to.
	next   [2]int
	events []event
}

// Halves of the screen.
const (
	upper = iota
	lower
)

func newScreen() *screen { return &screen{began: time.Now(), next: [2]int{1, below}} }

// print writes a line. What has no room any more is left out.
func (s *screen) print(half int, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row, end := s.next[half], [2]int{below - 1, height}[half]
	if row > end {
		return
	}
	s.next[half]++
	if utf8.RuneCountInString(text) > width {
		text = string([]rune(text)[:width-1]) + "…"
	}
	at := time.Since(s.began).Round(time.Millisecond).Seconds()
	s.events = append(s.events, event{at: at, text: fmt.Sprintf("\x1b[%d;1H%s", row, text)})
}

// recorded is what was printed so far.
func (s *screen) recorded() *cast {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &cast{
		header: header{Version: 2, Width: width, Height: height, Timestamp: s.began.Unix(), Title: "A provider's session, and the users that it makes"},
		events: s.events,
	}
}
