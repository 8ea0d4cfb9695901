package cache

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/userlabels"
)

const (
	// comparedAtOnce is how many users are compared with labels before what the stream brings has its
	// turn, and comparisonSpacing how long after a comparison of all users another one begins: who may
	// change a tenant's labels could otherwise keep the process busy with it.
	comparedAtOnce    = 256
	comparisonSpacing = 5 * time.Second
)

// labelling is which labels an attachment looks for on the objects of users. It is guarded by the
// attachment's mutex.
type labelling struct {
	by *userlabels.Set
	// compared says that every user has been compared with these labels.
	compared bool
	began    time.Time // when the last comparison of all users did
}

// right reports whether the object of a user has what selectors are to find it by.
func (l *labelling) right(e *index.Entry, user *scim.Resource) bool {
	return e.Labels == codec.LabelDigest(l.by.Of(user))
}

// Label makes the labels those that users are to have by their attributes. Users who are there already
// are compared with them by Compare.
func (c *Cache) Label(labels *userlabels.Set) { c.labels.Store(labels) }

// Compare compares users with the labels that they are to have, if those are others than before. It is
// for one goroutine.
func (c *Cache) Compare() {
	a, wanted := c.now(), c.labels.Load()
	if a == nil {
		return
	}
	a.mu.Lock()
	same := a.labels.by.Digest() == wanted.Digest()
	if same && a.labels.compared || time.Since(a.labels.began) < comparisonSpacing {
		a.mu.Unlock()
		return
	}
	*a.labels = labelling{by: wanted, began: time.Now()}
	a.mu.Unlock()
	var ids []uuid.UUID
	a.index.EachUser(func(id uuid.UUID) { ids = append(ids, id) })
	for some := range slices.Chunk(ids, comparedAtOnce) {
		a.compare(some)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.labels.compared = true
}

// compare compares some users. One of whom the stream has brought something since has been.
func (a *attachment) compare(some []uuid.UUID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range some {
		if e := a.index.Entry(a.registry.User(), id); e != nil {
			a.parts[readindex.Users].note(id.String(), a.labels.right(e, e.Compact.Expand(nil)))
		}
	}
}

// Labelled returns the digest of the labels that users have been compared with, and how many of their
// objects selectors do not find by what these should have. known is false while memory is not
// complete, or the comparison is under way.
func (c *Cache) Labelled() (digest string, unselectable int, known bool) {
	a := c.now()
	if a == nil || !c.Synced() {
		return "", 0, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.labels.by.Digest(), len(a.parts[readindex.Users].unselectable), a.labels.compared
}
