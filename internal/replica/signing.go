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
	"path/filepath"
	"time"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/signingkey"
)

// signingInterval is how soon a change of the file is seen, of which the kubelet tells
// nobody. It is short beside the minute or two that the kubelet takes itself.
const signingInterval = 10 * time.Second

// KeyFile follows a file with keys, which a Secret is mounted at. Make it with NewSigningKeys or
// NewVerifyingKeys.
type KeyFile[K any] struct {
	path  string // empty for none
	holds string // what is in it, in words
	most  int64  // bytes
	parse func(data []byte) (keys []K, err error)
	// accept is told the keys, and again when they change. There are none while there is no
	// file.
	accept func(keys []K)
	log    *slog.Logger

	last     []byte // what was read last; nil when there was no file
	reported error  // what was wrong with it, and is in the log
}

// NewSigningKeys returns what follows the file with the keys that access tokens are signed with, and
// has them accepted. Whoever deletes the Secret wants nothing to be signed with it any more.
func NewSigningKeys(path string, accept func(signingkey.Set), log *slog.Logger) *KeyFile[signingkey.Key] {
	return &KeyFile[signingkey.Key]{
		path: path, holds: "the keys that access tokens are signed with", most: signingkey.MaxFileBytes, log: log,
		parse:  func(data []byte) ([]signingkey.Key, error) { return signingkey.Parse(data) },
		accept: func(keys []signingkey.Key) { accept(keys) },
	}
}

// NewVerifyingKeys returns what follows the file beside that of the signing keys with the keys of
// other servers, which access tokens of tenants that are moved are checked with, too.
func NewVerifyingKeys(signingKeys string, accept func(signingkey.VerifyingSet), log *slog.Logger) *KeyFile[signingkey.VerifyingKey] {
	path := ""
	if signingKeys != "" {
		path = filepath.Join(filepath.Dir(signingKeys), contract.VerifyingKeysFile)
	}
	return &KeyFile[signingkey.VerifyingKey]{
		path: path, holds: "the keys of other servers that access tokens are checked with", most: signingkey.MaxVerifyingBytes, log: log,
		parse:  func(data []byte) ([]signingkey.VerifyingKey, error) { return signingkey.ParseVerifying(data) },
		accept: func(keys []signingkey.VerifyingKey) { accept(keys) },
	}
}

// Run follows the file until the context is done.
func (s *KeyFile[K]) Run(ctx context.Context) {
	if s.path == "" {
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
func (s *KeyFile[K]) Look() {
	data, err := s.read()
	if err == nil && bytes.Equal(data, s.last) && (data == nil) == (s.last == nil) {
		return
	}
	var keys []K
	if err == nil && data != nil {
		keys, err = s.parse(data)
	}
	if err != nil {
		if s.reported == nil || s.reported.Error() != err.Error() {
			s.log.Error(s.holds+" cannot be read; the last ones stay in force", slog.Any("error", err))
		}
		s.reported = err
		return
	}
	s.last, s.reported = data, nil
	s.accept(keys)
	s.log.Info(s.holds+" have changed", slog.Int("keys", len(keys)))
}

// read returns what is in the file; nil when there is none.
func (s *KeyFile[K]) read() ([]byte, error) {
	file, err := os.Open(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening the file of keys: %w", err)
	}
	defer func() { _ = file.Close() }() // It was only read.
	data, err := io.ReadAll(io.LimitReader(file, s.most+1))
	if err != nil {
		return nil, fmt.Errorf("reading the file of keys: %w", err)
	}
	return data, nil
}
