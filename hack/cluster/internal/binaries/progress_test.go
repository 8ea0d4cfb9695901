package binaries

import (
	"testing"
	"time"
)

// chain is three packages, each of which imports the next one, and one that stands alone.
func chain() *progress {
	return newProgress(map[string]*unit{
		"top":    {imports: []string{"middle"}, weight: 4 << 20},
		"middle": {imports: []string{"bottom", "unsafe"}, weight: 2 << 20},
		"bottom": {weight: 2 << 20},
		"alone":  {weight: 8 << 20},
	}, 0)
}

func TestProgressEstimates(t *testing.T) {
	tests := map[string]struct {
		begun              []string
		compiled, packages int
		left               time.Duration
	}{
		"nothing is compiled yet":             {compiled: 0, packages: 4},
		"an eighth of the source":             {begun: []string{"bottom"}, compiled: 1, packages: 4, left: 7 * time.Minute},
		"all but what stands alone":           {begun: []string{"bottom", "middle", "top"}, compiled: 3, packages: 4, left: time.Minute},
		"what was in the cache is no work":    {begun: []string{"top"}, compiled: 1, packages: 2, left: 2 * time.Minute},
		"a package that is told of twice":     {begun: []string{"bottom", "bottom"}, compiled: 1, packages: 4, left: 7 * time.Minute},
		"everything":                          {begun: []string{"bottom", "middle", "top", "alone"}, compiled: 4, packages: 4},
		"a line that is no package is no one": {begun: []string{"# bottom"}, compiled: 0, packages: 4},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := chain()
			for _, path := range test.begun {
				p.begin(path)
			}
			if p.compiled != test.compiled || p.packages != test.packages {
				t.Errorf("compiled %d of %d packages, want %d of %d", p.compiled, p.packages, test.compiled, test.packages)
			}
			left, known := p.left(0, time.Minute)
			if known != (test.compiled > 0) || left != test.left {
				t.Errorf("left %s (known: %t), want %s", left, known, test.left)
			}
		})
	}
}

func TestProgressCountsLinking(t *testing.T) {
	p := newProgress(map[string]*unit{"main": {weight: linkWeight}}, 3)
	p.begin("main")
	if left, _ := p.left(1, time.Minute); left != time.Minute {
		t.Errorf("with half of the work done in a minute, %s are left, want 1m", left)
	}
	if got, want := p.describe(1, time.Minute), "compiled 1 of 1 packages and linked 1 of 3 programs in 1m0s; about 1m0s to go"; got != want {
		t.Errorf("describe: %q, want %q", got, want)
	}
}
