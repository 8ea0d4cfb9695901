package directory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/types"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// CursorStore keeps how far a program is. What it keeps is a short text, of which only this package knows the
// meaning. It must not be lost to a crash after Save has returned: an older text makes changes be reported again, and
// none at all asks for a Resync.
type CursorStore interface {
	// Load returns what was saved last; nil when nothing was.
	Load(ctx context.Context) ([]byte, error)
	// Save is called once a second at the most, and once an hour at least.
	Save(ctx context.Context, cursor []byte) error
}

// File is a CursorStore in a file.
type File string

// Load implements CursorStore.
func (f File) Load(context.Context) ([]byte, error) {
	if f == "" {
		return nil, errors.New("it is to be kept in a file that has no name: name one")
	}
	content, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the cursor: %w", err)
	}
	return content, nil
}

// Save implements CursorStore. The file has the former content or the new one, also after a crash.
func (f File) Save(_ context.Context, cursor []byte) error {
	next, err := os.CreateTemp(filepath.Dir(string(f)), filepath.Base(string(f))+".*")
	if err != nil {
		return fmt.Errorf("writing the cursor: %w", err)
	}
	_, err = next.Write(cursor)
	err = errors.Join(err, next.Sync(), next.Close())
	if err == nil {
		err = os.Rename(next.Name(), string(f))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing the cursor: %w", err), os.Remove(next.Name()))
	}
	return nil
}

// revisions are resourceVersions, which are comparable within a kind.
type revisions [kinds]uint64

// cursor is how far a program is: it knows all that was written up to the revisions, and knew at that time that there
// was no more.
type cursor struct {
	Tenant    types.UID `json:"tenant"`
	Revisions revisions `json:"revisions"`
	Time      time.Time `json:"time"`
	// Stay is how long markers stayed then, and Most how many.
	Stay time.Duration `json:"stay"`
	Most int           `json:"most"`
}

// parseCursor reads a cursor; the zero cursor where there is none.
func parseCursor(text []byte) (cursor, error) {
	c := cursor{}
	if len(text) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("the cursor is not one that was saved: delete it, for a Resync: %w", err)
	}
	return c, nil
}

func (c cursor) text() []byte {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // It has nothing that cannot be written.
	}
	return text
}

// margin is by how much clocks may differ, and a watch be late.
const margin = time.Hour

// start is what there is when a program begins.
type start struct {
	tenant  *scimv1alpha1.ScimTenant // nil when there is none
	markers int
	now     time.Time
}

// since are the revisions up to which the program knows what there is of the tenant.
func (c cursor) since(tenant *scimv1alpha1.ScimTenant) revisions {
	if tenant == nil || tenant.UID != c.Tenant {
		return revisions{}
	}
	return c.Revisions
}

// missed says why deletions may be missed that were made since the cursor; empty when all that are missing are
// to be seen by markers.
//
// A marker goes before its time only if there are as many younger ones as may stay. These were made after the
// cursor, too, if that one was: so they are there still, or the program was away for too long.
func (c cursor) missed(s start) string {
	switch {
	case c.Time.IsZero():
		return "there is no cursor"
	case s.tenant == nil:
		return "there is no such ScimTenant"
	case s.tenant.UID != c.Tenant:
		return "the ScimTenant is another one than it was"
	case s.tenant.DeletionTimestamp != nil:
		return "the ScimTenant is being deleted, and its markers with it"
	}
	stay, most := min(c.Stay, s.tenant.Tombstones()), min(c.Most, s.tenant.MostTombstones())
	switch away := s.now.Sub(c.Time); {
	case away >= stay-margin:
		return fmt.Sprintf("it was away for %s, and markers stay for %s", away.Round(time.Second), stay)
	case s.markers >= most:
		return fmt.Sprintf("there are %d markers, of which no more than %d stay", s.markers, most)
	}
	return ""
}
