package scim

import "unicode/utf8"

// list is a multi-valued attribute while a PATCH works on it. Removed elements leave
// holes, so that positions stay, and an index finds elements by their key: a
// thousand changes to a group of ten thousand members do not scan it a
// thousand times.
type list struct {
	attr    *Attribute
	items   []any // nil is a hole
	holes   int
	index   map[string]int // made when it is needed
	own     bool           // items is not shared with the resource
	changed bool
	// heft is that of the element with the most; of one that is gone, too.
	heft int
}

// heft is how much more work it is to compare the texts of a value than short ones of
// ASCII. Letters beyond ASCII have to be folded and normalised, which takes for each byte
// as long as some comparisons of short texts.
func heft(v any) (most int) {
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
			most = max(most, heft(e))
		}
	case Complex:
		for _, e := range v {
			most = max(most, heft(e))
		}
	}
	return most
}

// find finds an element by its key.
func (l *list) find(key string) (at int, found bool) {
	if l.index == nil {
		l.index = make(map[string]int, len(l.items))
		for i := len(l.items) - 1; i >= 0; i-- { // the first of several wins
			if l.items[i] != nil {
				l.index[elementKey(l.attr, l.items[i])] = i
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
	l.heft = max(l.heft, heft(e))
	at = len(l.items) - 1
	if l.index != nil {
		l.index[elementKey(l.attr, e)] = at
	}
	return at
}

// set puts an element in the place of another; nil removes it.
func (l *list) set(at int, e any) {
	old := l.items[at]
	if e != nil && equalContent(l.attr, old, e) {
		return
	}
	l.write()
	l.items[at] = e
	l.heft = max(l.heft, heft(e))
	if e == nil {
		l.holes++
	}
	if l.index == nil {
		return
	}
	key := elementKey(l.attr, old)
	if e != nil && elementKey(l.attr, e) == key {
		return
	}
	if e == nil && l.attr.identified {
		delete(l.index, key)
		return
	}
	l.index = nil // another element may have the old key, or the new one
}

// demoteOthers unsets `primary` of all elements but one (RFC 7644 section 3.5.2).
func (l *list) demoteOthers(at int) {
	for i, e := range l.items {
		if i != at && e != nil && isPrimary(l.attr, e) {
			c := cloneValue(e).(Complex)
			c[l.attr.primary.Name] = false
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
