package history

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	. "github.com/onsi/gomega"
)

func TestRollback(t *testing.T) {
	ann, anna, anne := user("1", "n-a", "Ann"), user("1", "n-a", "Anna"), user("1", "n-a", "Anne")
	before := []porcupine.Operation{
		op(0, 1, create("n-a", "Ann"), done(ann)),
		// Saved at 10.
		op(11, 12, show("1", "Anna"), done(anna)),
		op(13, 14, create("n-b", "Bob"), done(user("2", "n-b", "Bob"))),
		op(15, 16, readID("1"), done(anna)),
		// Restored at 20, noticed at 30.
	}
	for name, c := range map[string]struct {
		after []porcupine.Operation
		lost  bool // that no single server could have answered so before the roll-back
		kept  bool // and after it
	}{
		"what is lost is not there":                 {after: []porcupine.Operation{op(31, 32, list(), done(ann))}},
		"what is lost is shown until it is noticed": {after: []porcupine.Operation{op(21, 32, list(), done(anna)), op(31, 32, readID("2"), missing)}},
		"and not after that":                        {after: []porcupine.Operation{op(31, 32, readID("1"), done(anna))}, kept: true},
		"a write is of what there is, at once":      {after: []porcupine.Operation{op(21, 22, show("2", "Bobby"), missing), op(23, 24, create("n-b", "New"), done(user("3", "n-b", "New")))}},
		"and none of what is lost":                  {after: []porcupine.Operation{op(21, 22, show("2", "Bobby"), done())}, kept: true},
		"a write is not missed":                     {after: []porcupine.Operation{op(21, 22, show("1", "Anne"), done()), op(31, 32, readID("1"), done(ann))}, kept: true},
		"what was saved while it was written may be there": {after: []porcupine.Operation{
			op(9, 18, show("1", "Anne"), done()), op(31, 32, readID("1"), done(anne)),
		}},
		"and need not be": {after: []porcupine.Operation{op(9, 18, show("1", "Anne"), done()), op(31, 32, readID("1"), done(ann))}},
		"what was under way may have been tried again": {after: []porcupine.Operation{
			op(19, 25, show("1", "Anne"), done()), op(31, 32, readID("1"), done(anne)),
		}},
		"what is wrong before is told": {after: []porcupine.Operation{op(17, 18, readID("1"), done(ann))}, lost: true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			operations := append(append([]porcupine.Operation{}, before...), c.after...)
			r := Rollback{Saved: 10, Restored: 20, Noticed: 30}
			check := func(history []porcupine.Operation) error {
				return Check(history, time.Minute, filepath.Join(t.TempDir(), "history.html"))
			}
			g.Expect(check(r.Lost(operations)) != nil).To(Equal(c.lost), "before")
			g.Expect(check(r.Kept(operations)) != nil).To(Equal(c.kept), "after")
		})
	}
}
