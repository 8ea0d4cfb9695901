package bulk

import (
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/internal/scim/fold"
	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
)

// mostKeys bounds how many keys of an operation are compared with those of others. One
// that has more is carried out alone.
const mostKeys = 100

// order says which operations of a bulk request must keep their order. Two must if one
// could see what the other does: they are about one resource, one names the resource that
// the other is about, as a group names its members, or both give something the same name.
// So must a DELETE, or a PATCH that gives a name, and whatever gives a resource of that
// endpoint a name, since the former may free the name that the latter takes. A PUT is not
// taken for freeing one, although it may, since each PUT has a name.
type order struct {
	of []orderKeys
	// held has, for each key, the last survey in which an operation held it.
	held   []int
	survey int
	// freeing and naming have the endpoints of held operations that do so.
	freeing, naming map[string]bool
	alone, any      bool // An operation that must be alone is held; any is.
}

// orderKeys are what an operation has to do with others.
type orderKeys struct {
	keys            []int
	endpoint        string
	freeing, naming bool
	alone           bool
}

func newOrder(operations []Operation) *order {
	numbers := map[string]int{}
	number := func(key string) int {
		n, known := numbers[key]
		if !known {
			n = len(numbers)
			numbers[key] = n
		}
		return n
	}
	for _, operation := range operations {
		if id := operation.subject(); id != "" {
			number("id " + id)
		}
	}
	order := &order{of: make([]orderKeys, len(operations))}
	for i, operation := range operations {
		order.of[i] = operation.orderKeys(numbers, number)
	}
	order.held = make([]int, len(numbers))
	return order
}

// subject is the id in the path of an operation, or the reference that stands for it.
func (o Operation) subject() string {
	_, id, _ := strings.Cut(strings.Trim(o.Path, "/"), "/")
	return id
}

// orderKeys collects what an operation has to do with others. subjects has the ids that
// operations are about, and number makes a number of a key.
func (o Operation) orderKeys(subjects map[string]int, number func(string) int) orderKeys {
	endpoint, _, _ := strings.Cut(strings.Trim(o.Path, "/"), "/")
	k := orderKeys{endpoint: endpoint, freeing: o.Method == http.MethodDelete}
	seen := map[int]bool{}
	add := func(n int) {
		if !seen[n] && !k.alone {
			seen[n] = true
			k.keys = append(k.keys, n)
			k.alone = len(k.keys) > mostKeys
		}
	}
	if id := o.subject(); id != "" {
		add(number("id " + id))
	}
	walkTexts("", decodeData(o.Data), func(attribute, text string) {
		if isName(attribute) {
			k.naming = true
			k.freeing = k.freeing || o.Method == http.MethodPatch
			add(number("name " + fold.Key(text)))
		}
		for part := range strings.SplitSeq(text, `"`) { // As in members[value eq "…"].
			if n, is := subjects["id "+part]; is {
				add(n)
			}
		}
	})
	return k
}

// isName reports whether an attribute, perhaps with its URN before it, is one that must
// not be given twice.
func isName(attribute string) bool {
	attribute = attribute[strings.LastIndexAny(attribute, ":./")+1:]
	return ascii.Equal(attribute, "userName") || ascii.Equal(attribute, "displayName")
}

// walkTexts calls back for each text in the value, with the attribute that it is assigned
// to: its key, or the path of the PATCH operation in which it is the value.
func walkTexts(attribute string, value any, found func(attribute, text string)) {
	switch v := value.(type) {
	case string:
		found(attribute, v)
	case []any:
		for _, each := range v {
			walkTexts(attribute, each, found)
		}
	case map[string]any:
		path := ""
		for name, each := range v {
			if text, is := each.(string); is && ascii.Equal(name, "path") {
				path = text
			}
		}
		for name, each := range v {
			if strings.Contains(name, `"`) { // It is a path with a filter.
				found("", name)
			}
			if ascii.Equal(name, "value") && path != "" {
				name = path
			}
			walkTexts(name, each, found)
		}
	}
}

// begin starts a survey, in which nothing is held yet.
func (b *order) begin() {
	b.survey++
	b.freeing, b.naming = map[string]bool{}, map[string]bool{}
	b.alone, b.any = false, false
}

// hold makes later operations of the survey wait for this one, if they must keep their
// order.
func (b *order) hold(i int) {
	k := b.of[i]
	for _, key := range k.keys {
		b.held[key] = b.survey
	}
	b.freeing[k.endpoint] = b.freeing[k.endpoint] || k.freeing
	b.naming[k.endpoint] = b.naming[k.endpoint] || k.naming
	b.alone, b.any = b.alone || k.alone, true
}

// free reports whether an operation need not wait for any that is held.
func (b *order) free(i int) bool {
	k := b.of[i]
	if b.alone || k.alone && b.any ||
		k.freeing && b.naming[k.endpoint] || k.naming && b.freeing[k.endpoint] {
		return false
	}
	for _, key := range k.keys {
		if b.held[key] == b.survey {
			return false
		}
	}
	return true
}
