package index

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/scim/fold"
)

// collection is the entries of one resource type, and how they are found.
type collection struct {
	entries []*Entry // by number; nil where a number is free
	free    []uint32

	byID       keys
	byName     keys
	byExternal keys
	byEmail    keys
	// order has the entries by time of creation and id. While it is not sorted,
	// which is until somebody reads it after many were put, it is nil.
	order []*Entry

	left   departures
	active int   // of the entries, those of users who are
	bytes  int64 // that they take where they are stored, without slices
}

func newCollection() collection {
	return collection{byID: newKeys(), byName: newKeys(), byExternal: newKeys(), byEmail: newKeys()}
}

func (c *collection) count() int { return len(c.entries) - len(c.free) }

// all has the entries in no order.
func (c *collection) all() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		for _, e := range c.entries {
			if e != nil && !yield(e) {
				return
			}
		}
	}
}

// get returns the entry with the id, nil for none.
func (c *collection) get(id uuid.UUID) *Entry {
	if number, known := c.number(id); known {
		return c.entries[number]
	}
	return nil
}

func (c *collection) number(id uuid.UUID) (number uint32, known bool) {
	for number := range c.byID.numbers(hashOf(id[:])) {
		if c.entries[number].ID == id {
			return number, true
		}
	}
	return 0, false
}

// named, external and addressed return the entries with a userName or displayName, an
// externalId and an e-mail address, in no order.
func (c *collection) named(name string) []*Entry {
	key := fold.Key(name)
	return c.matching(&c.byName, key, func(e *Entry) bool { return fold.Equal(e.Name, key) })
}

func (c *collection) external(id string) []*Entry {
	return c.matching(&c.byExternal, id, func(e *Entry) bool { return e.ExternalID == id })
}

func (c *collection) addressed(email string) []*Entry {
	key := fold.Key(email)
	return c.matching(&c.byEmail, key, func(e *Entry) bool {
		return slices.ContainsFunc(e.Emails, func(email string) bool { return fold.Equal(email, key) })
	})
}

func (c *collection) matching(by *keys, key string, has func(*Entry) bool) []*Entry {
	var found []*Entry
	for number := range by.numbers(hashOf([]byte(key))) {
		if e := c.entries[number]; has(e) {
			found = append(found, e)
		}
	}
	return found
}

// put adds an entry, or takes it in place of the former one.
func (c *collection) put(e *Entry) {
	var former *Entry
	number, known := c.number(e.ID)
	switch last := len(c.free) - 1; {
	case known:
		former = c.entries[number]
		c.link(number, former, (*keys).remove)
		c.account(former, -1)
	case last >= 0:
		number, c.free = c.free[last], c.free[:last]
	default:
		number = uint32(len(c.entries))
		c.entries = append(c.entries, nil)
	}
	c.entries[number] = e
	c.link(number, e, (*keys).add)
	c.account(e, 1)
	if c.order == nil {
		return
	}
	at, found := slices.BinarySearchFunc(c.order, e, compareEntries)
	if found { // It is as old as the former one, so that none need be moved.
		c.order[at] = e
		return
	}
	c.order = slices.Insert(c.order, at, e)
	if former != nil {
		c.unorder(former)
	}
}

// remove removes the entry with the id, and returns it; nil for none.
func (c *collection) remove(id uuid.UUID) *Entry {
	number, known := c.number(id)
	if !known {
		return nil
	}
	e := c.entries[number]
	c.link(number, e, (*keys).remove)
	c.account(e, -1)
	c.entries[number], c.free = nil, append(c.free, number)
	c.unorder(e)
	return e
}

// link adds the number of an entry to what it is found by, or removes it from there.
func (c *collection) link(number uint32, e *Entry, change func(*keys, uint32, uint32)) {
	change(&c.byID, hashOf(e.ID[:]), number)
	change(&c.byName, hashOf([]byte(fold.Key(e.Name))), number)
	if e.ExternalID != "" {
		change(&c.byExternal, hashOf([]byte(e.ExternalID)), number)
	}
	for _, email := range e.Emails {
		change(&c.byEmail, hashOf([]byte(fold.Key(email))), number)
	}
}

// account adds an entry to the counts, or with -1 takes it out of them.
func (c *collection) account(e *Entry, sign int) {
	c.bytes += int64(sign) * int64(e.Bytes)
	if e.Active {
		c.active += sign
	}
	switch {
	case e.Left == 0:
	case sign > 0:
		c.left.add(e.Left, time.Now())
	default:
		c.left.remove(e.Left)
	}
}

// unorder removes the entry from the order.
func (c *collection) unorder(e *Entry) {
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
	c.order = slices.AppendSeq(make([]*Entry, 0, c.count()+c.count()/8+16), c.all())
	slices.SortFunc(c.order, compareEntries)
}

func compareEntries(a, b *Entry) int {
	return cmp.Or(a.Compact.Created().Compare(b.Compact.Created()), cmp.Compare(a.Compact.ID(), b.Compact.ID()))
}
