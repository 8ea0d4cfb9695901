package patch

import (
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/content"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// list is a multi-valued attribute while a PATCH works on it. Removed elements leave
// holes, so that positions stay, and an index finds elements by their key: a
// thousand changes to a group of ten thousand members do not scan it a
// thousand times.
type list struct {
	attr    *schema.Attribute
	items   []any // nil is a hole
	holes   int
	index   map[string]int // made when it is needed
	own     bool           // items is not shared with the resource
	changed bool
	// foldCost is the cost of the element that costs most; of one that is gone, too.
	foldCost int
}

// find finds an element by its key.
func (l *list) find(key string) (at int, found bool) {
	if l.index == nil {
		l.index = make(map[string]int, len(l.items))
		for i := len(l.items) - 1; i >= 0; i-- { // the first of several wins
			if l.items[i] != nil {
				l.index[content.ElementKey(l.attr, l.items[i])] = i
			}
		}
	}
	at, found = l.index[key]
	return at, found
}

// append adds an element at the end.
func (l *list) append(e any) (at int) {
	l.write()
	l.items = append(l.items, e)
	l.foldCost = max(l.foldCost, foldCost(e))
	at = len(l.items) - 1
	if l.index != nil {
		l.index[content.ElementKey(l.attr, e)] = at
	}
	return at
}

// set puts an element in the place of another; nil removes it.
func (l *list) set(at int, e any) {
	old := l.items[at]
	if e != nil && content.Equal(l.attr, old, e) {
		return
	}
	l.write()
	l.items[at] = e
	l.foldCost = max(l.foldCost, foldCost(e))
	if e == nil {
		l.holes++
	}
	if l.index == nil {
		return
	}
	key := content.ElementKey(l.attr, old)
	if e != nil && content.ElementKey(l.attr, e) == key {
		return
	}
	if e == nil && l.attr.Identified() {
		delete(l.index, key)
		return
	}
	l.index = nil // another element may have the old key, or the new one
}

// demoteOthers unsets `primary` of all elements but one (RFC 7644 section 3.5.2).
func (l *list) demoteOthers(at int) {
	for i, e := range l.items {
		if i != at && e != nil && content.IsPrimary(l.attr, e) {
			c := content.Clone(e).(scim.Complex)
			c[l.attr.PrimaryAttr().Name] = false
			l.set(i, c)
		}
	}
}

// write makes sure that the items may be changed.
func (l *list) write() {
	l.changed = true
	if !l.own {
		l.items = append(make([]any, 0, len(l.items)+len(l.items)/8+8), l.items...)
		l.own = true
	}
}

// compact is the list without holes.
func (l *list) compact() []any {
	if l.holes == 0 {
		return l.items
	}
	kept := make([]any, 0, len(l.items)-l.holes)
	for _, e := range l.items {
		if e != nil {
			kept = append(kept, e)
		}
	}
	return kept
}
