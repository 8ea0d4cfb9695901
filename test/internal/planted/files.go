package planted

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

const (
	notesPattern     = "notes-*"
	sightingsPattern = "sightings-*"
)

// lines is a file that lines are added to, by anybody at any time.
type lines struct {
	mu   sync.Mutex
	file *os.File
	out  *bufio.Writer
	err  error // the first one
}

func newLines(folder, pattern string) (*lines, error) {
	file, err := os.CreateTemp(folder, pattern)
	if err != nil {
		return nil, err
	}
	return &lines{file: file, out: bufio.NewWriter(file)}, nil
}

func (l *lines) add(parts ...[]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, part := range append(parts, []byte("\n")) {
		if _, err := l.out.Write(part); l.err == nil {
			l.err = err
		}
	}
}

// Close ends the file, and returns what went wrong since it was begun.
func (l *lines) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.err, l.out.Flush(), l.file.Close())
}

// Notes are the values that one process knows of. Nothing is noted in a nil Notes.
type Notes struct {
	*lines
	known sync.Map // by Value
}

// OpenNotes begins the notes of a process.
func OpenNotes(folder string) (*Notes, error) {
	file, err := newLines(folder, notesPattern)
	if err != nil {
		return nil, fmt.Errorf("begin to note what is secret: %w", err)
	}
	return &Notes{lines: file}, nil
}

// Add notes a value, unless it is a short one.
func (n *Notes) Add(kind Kind, what, text string) {
	if n == nil || len(text) < Shortest {
		return
	}
	v := Value{Kind: kind, What: what, Text: text}
	if _, known := n.known.LoadOrStore(v, true); known {
		return
	}
	line, _ := json.Marshal(v) // Strings can always be marshalled.
	n.add(line)
}

// Sightings are what is seen, where. Nothing is written down in a nil Sightings.
type Sightings struct{ *lines }

// OpenSightings begins the sightings of a process.
func OpenSightings(folder string) (*Sightings, error) {
	file, err := newLines(folder, sightingsPattern)
	if err != nil {
		return nil, fmt.Errorf("begin to note what is seen: %w", err)
	}
	return &Sightings{lines: file}, nil
}

// Add notes what is seen at a place.
func (s *Sightings) Add(place string, text []byte) {
	if s == nil {
		return
	}
	s.add([]byte(place), []byte("\t"), bytes.ReplaceAll(text, []byte("\n"), []byte(" ")))
}

// values returns what all processes have noted.
func values(folder string) (all []Value, err error) {
	err = eachLine(folder, notesPattern, func(line []byte) error {
		var v Value
		err := json.Unmarshal(line, &v)
		all = append(all, v)
		return err
	})
	return all, err
}

// sightings calls see with what all processes have seen.
func sightings(folder string, see func(place string, text []byte)) error {
	return eachLine(folder, sightingsPattern, func(line []byte) error {
		place, text, _ := bytes.Cut(line, []byte("\t"))
		see(string(place), text)
		return nil
	})
}

func eachLine(folder, pattern string, do func([]byte) error) error {
	paths, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil {
		return err
	}
	for _, path := range paths {
		if err := eachLineOf(path, do); err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
	}
	return nil
}

func eachLineOf(path string, do func([]byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // It is only read.
	for reader := bufio.NewReader(file); ; {
		line, err := reader.ReadBytes('\n')
		if len(line) > 0 {
			if err := do(bytes.TrimSuffix(line, []byte("\n"))); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
