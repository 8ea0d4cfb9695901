package binaries

import (
	"fmt"
	"time"
)

// linkWeight is what linking a program counts for, in bytes of Go source that the compiler gets through in the time.
const linkWeight = 600 << 10

// enoughForEstimate is the part of the work after which its speed is known well enough to tell how long the rest takes.
const enoughForEstimate = 0.04

// unit is a package as far as its compilation takes time.
type unit struct {
	imports []string
	// weight is the size of its source.
	weight int64
	// done is set once the compiler has begun with it, or it is known to be in the build cache.
	done bool
}

// progress follows a build by what the compiler begins with. Packages that are in the build cache already are never
// begun with: they are known to be there once a package begins that imports them.
type progress struct {
	units    map[string]*unit
	programs int

	packages, compiled int   // how many there are to compile, and how many of these were begun with
	total, begun       int64 // the same by weight, without the linking
}

// newProgress describes a build of so many programs from these packages, of which none is compiled.
func newProgress(units map[string]*unit, programs int) *progress {
	p := &progress{units: units, programs: programs, packages: len(units)}
	for _, u := range units {
		p.total += u.weight
	}
	return p
}

// begin notes that the compiler begins with a package. It is false for what is no package of this build.
func (p *progress) begin(path string) bool {
	u, known := p.units[path]
	if !known {
		return false
	}
	if u.done {
		return true
	}
	u.done = true
	p.compiled++
	p.begun += u.weight
	for _, imported := range u.imports {
		p.cached(imported)
	}
	return true
}

// cached takes a package that another one could be compiled with, and all below it, out of what is to be done,
// unless they were compiled just now.
func (p *progress) cached(path string) {
	u, known := p.units[path]
	if !known || u.done {
		return
	}
	u.done = true
	p.packages--
	p.total -= u.weight
	for _, imported := range u.imports {
		p.cached(imported)
	}
}

// left estimates how long the build still takes, from the speed so far. It is false while that is not known.
func (p *progress) left(linked int, elapsed time.Duration) (time.Duration, bool) {
	all := p.total + int64(p.programs)*linkWeight
	done := p.begun + int64(linked)*linkWeight
	if float64(done) < enoughForEstimate*float64(all) {
		return 0, false
	}
	return time.Duration(float64(elapsed) / float64(done) * float64(all-done)), true
}

// describe says how far the build is.
func (p *progress) describe(linked int, elapsed time.Duration) string {
	text := fmt.Sprintf("compiled %d of %d packages and linked %d of %d programs in %s",
		p.compiled, p.packages, linked, p.programs, elapsed.Round(time.Second))
	if left, known := p.left(linked, elapsed); known {
		text += fmt.Sprintf("; about %s to go", left.Round(10*time.Second))
	}
	return text
}
