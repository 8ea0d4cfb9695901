package binaries

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/kubescim/kubescim/hack/internal/gobuild"
)

// listed is what `go list` says of a package.
type listed struct {
	ImportPath, Dir string
	GoFiles         []string
	Imports         []string
	ImportMap       map[string]string // for what the standard library carries with it
}

// units finds all packages that a build of these needs. Go downloads the modules that are missing first.
func (s *Set) units(ctx context.Context, packages []string) (map[string]*unit, error) {
	cmd := gobuild.List(ctx, append([]string{"-mod=readonly", "-deps", "-json=ImportPath,Dir,GoFiles,Imports,ImportMap"}, packages...)...)
	cmd.Dir = s.module
	var output, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &complaints
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("find the source: %w\n%s", err, lastLines(complaints.String(), 20))
	}
	units := map[string]*unit{}
	for decoder := json.NewDecoder(&output); ; {
		var pkg listed
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			return units, nil
		} else if err != nil {
			return nil, fmt.Errorf("read what go list says: %w", err)
		}
		units[pkg.ImportPath] = pkg.unit()
	}
}

// unit weighs the package.
func (p listed) unit() *unit {
	u := &unit{}
	for _, path := range p.Imports {
		if mapped := p.ImportMap[path]; mapped != "" {
			path = mapped
		}
		u.imports = append(u.imports, path)
	}
	for _, name := range p.GoFiles {
		if info, err := os.Stat(filepath.Join(p.Dir, name)); err == nil {
			u.weight += info.Size()
		}
	}
	return u
}

// follower reads what `go build -v` prints: the packages that it begins with, one a line, and what is wrong.
type follower struct {
	lock     sync.Mutex
	progress *progress
	line     bytes.Buffer
	rest     strings.Builder
}

// Write implements io.Writer.
func (f *follower) Write(text []byte) (int, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	for _, b := range text {
		if b != '\n' {
			f.line.WriteByte(b)
			continue
		}
		if line := f.line.String(); !f.progress.begin(line) {
			f.rest.WriteString(line + "\n")
		}
		f.line.Reset()
	}
	return len(text), nil
}

// said is all that was printed beside the names of packages.
func (f *follower) said() string {
	f.lock.Lock()
	defer f.lock.Unlock()
	return f.rest.String() + f.line.String()
}

// describe says how far the build is.
func (f *follower) describe(linked int, elapsed time.Duration) string {
	f.lock.Lock()
	defer f.lock.Unlock()
	return f.progress.describe(linked, elapsed)
}
