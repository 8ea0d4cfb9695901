package patch

import (
	"unicode/utf8"

	"github.com/kubescim/kubescim/internal/scim"
)

// foldCost is how much more work it is to compare the texts of a value than short ones of
// ASCII. Letters beyond ASCII have to be folded and normalised, which takes for each byte
// as long as some comparisons of short texts.
func foldCost(v any) (most int) {
	switch v := v.(type) {
	case string:
		for i := range len(v) {
			if v[i] >= utf8.RuneSelf {
				return 4 * len(v)
			}
		}
		return len(v) / 64
	case []any:
		for _, e := range v {
			most = max(most, foldCost(e))
		}
	case scim.Complex:
		for _, e := range v {
			most = max(most, foldCost(e))
		}
	}
	return most
}

// maxWork bounds how many comparisons of short texts the operations of one PATCH take,
// all together: 5,000 filters over 100,000 members would keep a server busy.
const maxWork = 5_000_000

// spend counts work, and refuses more than is reasonable.
func (p *applier) spend(n int) error {
	if p.work += n; p.work > maxWork {
		return scim.BadRequest(scim.TooMany, "the operations take more than %d comparisons all together: send fewer at a time, or paths with value eq", maxWork)
	}
	return nil
}

// look counts so many comparisons with elements.
func (p *applier) look(l *list, n int) error { return p.spend(n * (1 + l.foldCost)) }

// lookUp counts the work of finding elements by key, which is that of making the index
// where there is none.
func (p *applier) lookUp(l *list, n int) error {
	if l.index == nil {
		n += len(l.items)
	}
	return p.look(l, n)
}

// changeWork is to how many comparisons the change of an element comes, which is copied.
const changeWork = 20
