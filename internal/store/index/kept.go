package index

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/scim/fold"
)

// Kept is a user or group that SCIM does not know any more, and whose object is
// still there.
type Kept struct {
	ID      uuid.UUID
	Group   bool
	Name    string
	Deleted time.Time
	// Left is when a user became inactive, or was deleted while active, in microseconds since 1970; 0 for one
	// who never was active.
	Left int64
	// Revision is the resourceVersion of the object that it was read from.
	Revision uint64
	// Released reports whether somebody else may have the name by now.
	Released bool
	Bytes    int32 // about how much it takes where it is stored
	// Marker reports whether it stands for nobody. Then it has no name: there may be many.
	Marker bool
}

// key is the hash by which what is kept is found by its name.
func (k Kept) key() uint32 { return hashOf([]byte(fold.Key(k.Name))) }

// keptSet is what is kept of one tenant.
type keptSet struct {
	byID map[uuid.UUID]Kept
	// byName finds those who have their name still by the hash of it.
	byName map[uint32][]uuid.UUID

	left        departures
	markers     int   // of them
	bytes       int64 // that they take where they are stored
	markerBytes int64 // of these
}

func newKeptSet() keptSet {
	return keptSet{byID: map[uuid.UUID]Kept{}, byName: map[uint32][]uuid.UUID{}}
}

// put adds one that is not there.
func (s *keptSet) put(k Kept) {
	s.byID[k.ID] = k
	if !k.Released {
		s.byName[k.key()] = append(s.byName[k.key()], k.ID)
	}
	s.bytes += int64(k.Bytes)
	if k.Left != 0 {
		s.left.add(k.Left, time.Now())
	}
	if k.Marker {
		s.markers++
		s.markerBytes += int64(k.Bytes)
	}
}

func (s *keptSet) remove(id uuid.UUID) {
	former, known := s.byID[id]
	if !known {
		return
	}
	s.bytes -= int64(former.Bytes)
	if former.Left != 0 {
		s.left.remove(former.Left)
	}
	if former.Marker {
		s.markers--
		s.markerBytes -= int64(former.Bytes)
	}
	delete(s.byID, id)
	name := former.key()
	s.byName[name] = slices.DeleteFunc(s.byName[name], func(one uuid.UUID) bool { return one == id })
	if len(s.byName[name]) == 0 {
		delete(s.byName, name)
	}
}

func (s *keptSet) has(id uuid.UUID) bool {
	_, known := s.byID[id]
	return known
}

// each calls back for the groups, or else the users.
func (s *keptSet) each(groups bool, yield func(Kept)) {
	for _, kept := range s.byID {
		if kept.Group == groups {
			yield(kept)
		}
	}
}

// bearers returns the ids of the groups, or else the users, that have the name still.
func (s *keptSet) bearers(groups bool, name string) (ids []uuid.UUID) {
	asked := Kept{Group: groups, Name: name}
	for _, id := range s.byName[asked.key()] {
		if k := s.byID[id]; k.Group == groups && fold.Equal(k.Name, fold.Key(name)) {
			ids = append(ids, id)
		}
	}
	return ids
}
