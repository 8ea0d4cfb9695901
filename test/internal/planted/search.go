package planted

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

const (
	// OfUsers begins the name of a place where users are kept: what is personal is theirs.
	OfUsers = "users' own "
	// indexed is how many bytes at the start of a form lead to it. No form is as short.
	indexed = 8
	// around is how much of a text an excerpt has, before and behind what was found.
	around = 60
)

// Found is a value that was seen.
type Found struct {
	Value Value
	Place string
	// Excerpt is what stands around it, without the value.
	Excerpt string
}

// String tells it without the value.
func (f Found) String() string {
	return fmt.Sprintf("%s (%s) is in %s: %s", f.Value.Kind, f.Value.What, f.Place, f.Excerpt)
}

// form is a value as it may look.
type form struct {
	text  []byte
	value Value
}

// index has forms by how they start.
type index struct {
	starts [1 << 16]bool // the first two bytes of any
	forms  map[[indexed]byte][]form
}

func newIndex(all []Value) *index {
	x := &index{forms: map[[indexed]byte][]form{}}
	for _, v := range all {
		for _, text := range v.forms() {
			if len(text) < indexed {
				continue
			}
			start := [indexed]byte([]byte(text))
			x.starts[int(start[0])<<8|int(start[1])] = true
			x.forms[start] = append(x.forms[start], form{[]byte(text), v})
		}
	}
	return x
}

// in calls found with each form in a text, and where it is.
func (x *index) in(text []byte, found func(f form, at int)) {
	for at := 0; at+indexed <= len(text); at++ {
		if !x.starts[int(text[at])<<8|int(text[at+1])] {
			continue
		}
		for _, f := range x.forms[[indexed]byte(text[at:at+indexed])] {
			if bytes.HasPrefix(text[at:], f.text) {
				found(f, at)
			}
		}
	}
}

// Search returns the values that were seen where they must not be, each once for a place; and
// the places where something was seen that is visible.
func Search(folder string) (found []Found, visibleAt []string, err error) {
	all, err := values(folder)
	if err != nil {
		return nil, nil, err
	}
	x, known := newIndex(all), map[[2]string]bool{}
	err = sightings(folder, func(place string, text []byte) {
		x.in(text, func(f form, at int) {
			key := [2]string{place, f.value.Text}
			switch {
			case known[key], f.value.Kind == Personal && strings.HasPrefix(place, OfUsers):
				return
			case f.value.Kind == Visible:
				visibleAt = append(visibleAt, place)
			default:
				found = append(found, Found{f.value, place, excerpt(text, at, f.text)})
			}
			known[key] = true
		})
	})
	slices.Sort(visibleAt)
	return found, slices.Compact(visibleAt), err
}

func excerpt(text []byte, at int, without []byte) string {
	end := at + len(without)
	part := text[max(0, at-around):min(len(text), end+around)]
	return string(bytes.ReplaceAll(part, without, []byte("[…]")))
}
