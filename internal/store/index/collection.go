package index

import (
	"cmp"
	"slices"

	"github.com/google/uuid"
)

// collection is the entries of one resource type, and how they are found.
type collection struct {
	byID       map[uuid.UUID]*Entry
	byName     multimap
	byExternal multimap
	byEmail    multimap
	// order has the entries by time of creation and id. While it is not sorted,
	// which is until somebody reads it after many were put, it is nil.
	order []*Entry
}

func newCollection() collection {
	return collection{byID: map[uuid.UUID]*Entry{}, byName: newMultimap(), byExternal: newMultimap(), byEmail: newMultimap()}
}

func (c *collection) put(e *Entry) {
	c.byID[e.ID] = e
	c.byName.add(e.Name, e)
	if e.ExternalID != "" {
		c.byExternal.add(e.ExternalID, e)
	}
	for _, email := range e.Emails {
		c.byEmail.add(email, e)
	}
	if c.order != nil {
		at, _ := slices.BinarySearchFunc(c.order, e, compareEntries)
		c.order = slices.Insert(c.order, at, e)
	}
}

func (c *collection) remove(id uuid.UUID) *Entry {
	e := c.byID[id]
	if e == nil {
		return nil
	}
	delete(c.byID, id)
	c.byName.remove(e.Name, e)
	c.byExternal.remove(e.ExternalID, e)
	for _, email := range e.Emails {
		c.byEmail.remove(email, e)
	}
	if at, found := slices.BinarySearchFunc(c.order, e, compareEntries); found {
		c.order = slices.Delete(c.order, at, at+1)
	}
	return e
}

// sort makes the order. Putting entries in one by one, in any order, would cost
// the square of their number.
func (c *collection) sort() {
	if c.order != nil {
		return
	}
	c.order = make([]*Entry, 0, len(c.byID)+len(c.byID)/8+16)
	for _, e := range c.byID {
		c.order = append(c.order, e)
	}
	slices.SortFunc(c.order, compareEntries)
}

func compareEntries(a, b *Entry) int {
	return cmp.Or(a.Frozen.Meta().Created.Compare(b.Frozen.Meta().Created), cmp.Compare(a.Frozen.ID(), b.Frozen.ID()))
}

// multimap has the entries with a key: nearly always one, for which a slice would
// cost more than the entry's place.
type multimap struct {
	one  map[string]*Entry
	more map[string][]*Entry // the others of the same key
}

func newMultimap() multimap {
	return multimap{one: map[string]*Entry{}, more: map[string][]*Entry{}}
}

func (m multimap) add(key string, e *Entry) {
	switch former := m.one[key]; former {
	case nil:
		m.one[key] = e
	case e:
	default:
		if !slices.Contains(m.more[key], e) {
			m.more[key] = append(m.more[key], e)
		}
	}
}

func (m multimap) remove(key string, e *Entry) {
	rest := m.more[key]
	switch {
	case m.one[key] != e:
		rest = slices.DeleteFunc(rest, func(other *Entry) bool { return other == e })
	case len(rest) > 0:
		m.one[key] = rest[0]
		rest = rest[1:]
	default:
		delete(m.one, key)
	}
	if len(rest) == 0 {
		delete(m.more, key)
	} else {
		m.more[key] = rest
	}
}

// get returns the entries with the key.
func (m multimap) get(key string) []*Entry {
	first := m.one[key]
	if first == nil {
		return nil
	}
	return append([]*Entry{first}, m.more[key]...)
}
