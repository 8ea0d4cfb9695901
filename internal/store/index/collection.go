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

// put adds an entry, or takes it in place of the former one, which it returns.
func (c *collection) put(e *Entry) (former *Entry) {
	former = c.byID[e.ID]
	if former != nil {
		c.unlink(former)
	}
	c.byID[e.ID] = e
	c.byName.add(e.Name, e)
	if e.ExternalID != "" {
		c.byExternal.add(e.ExternalID, e)
	}
	for _, email := range e.Emails {
		c.byEmail.add(email, e)
	}
	if c.order == nil {
		return former
	}
	at, found := slices.BinarySearchFunc(c.order, e, compareEntries)
	if found { // It is as old as the former one, so that none need be moved.
		c.order[at] = e
		return former
	}
	c.order = slices.Insert(c.order, at, e)
	if former != nil {
		c.takeOut(former)
	}
	return former
}

func (c *collection) remove(id uuid.UUID) *Entry {
	e := c.byID[id]
	if e == nil {
		return nil
	}
	delete(c.byID, id)
	c.unlink(e)
	c.takeOut(e)
	return e
}

// unlink makes the entry be found by none of its keys but the id.
func (c *collection) unlink(e *Entry) {
	c.byName.remove(e.Name, e)
	c.byExternal.remove(e.ExternalID, e)
	for _, email := range e.Emails {
		c.byEmail.remove(email, e)
	}
}

// takeOut takes the entry out of the order.
func (c *collection) takeOut(e *Entry) {
	if at, found := slices.BinarySearchFunc(c.order, e, compareEntries); found {
		c.order = slices.Delete(c.order, at, at+1)
	}
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

// multimap has the entries with a key: nearly always one, for which a set would
// cost more than the entry's place. Where it is all of them, as with an address that
// stands for many people, adding and removing one does not look at the others.
type multimap struct {
	one  map[string]*Entry
	more map[string]map[*Entry]struct{} // the others of the same key
}

func newMultimap() multimap {
	return multimap{one: map[string]*Entry{}, more: map[string]map[*Entry]struct{}{}}
}

func (m multimap) add(key string, e *Entry) {
	switch former := m.one[key]; former {
	case nil:
		m.one[key] = e
	case e:
	default:
		if m.more[key] == nil {
			m.more[key] = map[*Entry]struct{}{}
		}
		m.more[key][e] = struct{}{}
	}
}

func (m multimap) remove(key string, e *Entry) {
	rest := m.more[key]
	if m.one[key] == e {
		delete(m.one, key)
		for other := range rest {
			m.one[key] = other
			delete(rest, other)
			break
		}
	} else {
		delete(rest, e)
	}
	if len(rest) == 0 {
		delete(m.more, key)
	}
}

// get returns the entries with the key, in no order.
func (m multimap) get(key string) []*Entry {
	first := m.one[key]
	if first == nil {
		return nil
	}
	rest := m.more[key]
	found := append(make([]*Entry, 0, 1+len(rest)), first)
	for e := range rest {
		found = append(found, e)
	}
	return found
}
