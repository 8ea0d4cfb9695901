package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/kubescim/kubescim/internal/signingkey"
)

// signingInterval is how soon a change of the file is seen, of which the kubelet tells
// nobody. It is short beside the minute or two that the kubelet takes itself.
const signingInterval = 10 * time.Second

// SigningKeys follows the file with the keys that access tokens are signed with.
type SigningKeys struct {
	// Path is that of the file, which a Secret is mounted at; empty for none.
	Path string
	// Accept is told the keys, and again when they change. There are none while there is no
	// file: whoever deletes the Secret wants nothing to be signed with it any more.
	Accept func(signingkey.Set)
	Log    *slog.Logger

	last     []byte // what was read last; nil when there was no file
	reported error  // what was wrong with it, and is in the log
}

// Run follows the file until the context is done.
func (s *SigningKeys) Run(ctx context.Context) {
	if s.Path == "" {
		return
	}
	again := time.NewTicker(signingInterval)
	defer again.Stop()
	for {
		s.Look()
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

// Look reads the file. One that cannot be read changes nothing: what has been signed until
// now goes on being good, and somebody is told.
func (s *SigningKeys) Look() {
	data, err := s.read()
	if err == nil && bytes.Equal(data, s.last) && (data == nil) == (s.last == nil) {
		return
	}
	var keys signingkey.Set
	if err == nil && data != nil {
		keys, err = signingkey.Parse(data)
	}
	if err != nil {
		if s.reported == nil || s.reported.Error() != err.Error() {
			s.Log.Error("the keys that access tokens are signed with cannot be read; the last ones stay in force", slog.Any("error", err))
		}
		s.reported = err
		return
	}
	s.last, s.reported = data, nil
	s.Accept(keys)
	s.Log.Info("the keys that access tokens are signed with have changed", slog.Int("keys", len(keys)))
}

// read returns what is in the file; nil when there is none.
func (s *SigningKeys) read() ([]byte, error) {
	file, err := os.Open(s.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening the file of signing keys: %w", err)
	}
	defer func() { _ = file.Close() }() // It was only read.
	data, err := io.ReadAll(io.LimitReader(file, signingkey.MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the file of signing keys: %w", err)
	}
	return data, nil
}
