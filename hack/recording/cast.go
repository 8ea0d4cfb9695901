package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// cast is a recording in the form of asciinema, asciicast version 2: a line for the header, and one for
// each event.
type cast struct {
	header header
	events []event
}

type header struct {
	Version   int    `json:"version"`
	Width     int    `json:"width"`
	Height    int    `json:"height"`
	Timestamp int64  `json:"timestamp,omitempty"`
	Title     string `json:"title,omitempty"`
}

// event is what was printed, and how many seconds after the beginning.
type event struct {
	at   float64
	text string
}

func (e event) MarshalJSON() ([]byte, error) { return json.Marshal([]any{e.at, "o", e.text}) }

func (e *event) UnmarshalJSON(text []byte) error {
	var kind string
	return json.Unmarshal(text, &[]any{&e.at, &kind, &e.text})
}

func (c *cast) encode() []byte {
	out := &bytes.Buffer{}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for _, line := range append([]any{c.header}, values(c.events)...) {
		if err := encoder.Encode(line); err != nil {
			panic(err) // Texts and numbers are always encoded.
		}
	}
	return out.Bytes()
}

func values(events []event) []any {
	all := make([]any, len(events))
	for i, e := range events {
		all[i] = e
	}
	return all
}

func decode(content []byte) (*cast, error) {
	first, rest, _ := bytes.Cut(content, []byte("\n"))
	c := &cast{}
	if err := json.Unmarshal(first, &c.header); err != nil {
		return nil, fmt.Errorf("the first line is no header: %w", err)
	}
	if c.header.Version != 2 {
		return nil, errors.New("it is no asciicast of version 2")
	}
	for line := range bytes.Lines(rest) {
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("the line %q is no event: %w", line, err)
		}
		c.events = append(c.events, e)
	}
	return c, nil
}
