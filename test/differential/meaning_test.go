package differential

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/cases"
)

// verdict is what a filter says of one resource.
type verdict int

const (
	no verdict = iota
	yes
	failed
)

func verdictOf(b bool) verdict {
	if b {
		return yes
	}
	return no
}

// meaning is what a filter means: what the RFC says, but for departures. It is
// written from the RFC alone, as a yardstick for the engine and for the packages.
type meaning struct{ departures departure }

func (m meaning) has(d departure) bool { return m.departures&d != 0 }

// refuses says whether RFC 7644 section 3.4.2.2 wants invalidFilter: the operator
// does not apply to the attribute, or the value is not of its type.
func (m meaning) refuses(l *leaf) bool {
	for _, t := range l.terms() {
		if t.misfit() {
			return true
		}
	}
	return false
}

func (t term) misfit() bool {
	op := strings.ToLower(t.op)
	if op == "pr" {
		return false
	}
	equality, part := op == "eq" || op == "ne", op == "co" || op == "sw" || op == "ew"
	if t.literal == "null" {
		return !equality
	}
	quoted := t.literal[0] == '"'
	switch t.field.kind {
	case boolean:
		return !equality || t.literal != "true" && t.literal != "false"
	case binary:
		return !equality || !quoted
	case number:
		return part || quoted || t.literal == "true" || t.literal == "false"
	case instant:
		_, err := time.Parse(time.RFC3339Nano, strings.Trim(t.literal, `"`))
		return part || !quoted || err != nil
	default:
		return !quoted
	}
}

// matches says of which documents a leaf is true.
func (m meaning) matches(l *leaf, documents []document) matches {
	all := matches{refused: m.departures == 0 && m.refuses(l) || m.unreadable(l), of: make([]verdict, len(documents))}
	for i, d := range documents {
		if !all.refused {
			all.of[i] = m.of(l, d)
		}
	}
	return all
}

// of says whether a leaf that is not refused is true of a document.
func (m meaning) of(l *leaf, d document) verdict {
	urn := strings.Contains(l.path, ":")
	if m.has(noCoreURN) && strings.Contains(strings.ToLower(l.path), ":core:2.0:") {
		return no
	}
	if m.has(noURN) && urn {
		d = nil
	}
	whole, parts := l.field.whole(d), strings.Contains(l.field.name, ".") && !l.bare() || l.within != nil
	if m.has(missingFails) && parts && len(whole) == 0 || m.has(objectFails) && l.bare() && len(whole) > 0 && l.within == nil {
		return failed
	}
	return verdictOf(m.holds(l, d))
}

// holds says so where nothing fails.
func (m meaning) holds(l *leaf, d document) bool {
	if l.within == nil {
		return m.term(l.term, l.field.of(d), l.field.whole(d))
	}
	elements := l.field.elements(d)
	if m.has(anyElement) {
		return len(elements) > 0 && m.within(l, elements) && (l.after == nil || m.term(*l.after, l.after.field.among(elements), nil))
	}
	for _, e := range elements {
		one := []any{e}
		if m.within(l, one) && (l.after == nil || m.term(*l.after, l.after.field.among(one), nil)) {
			return true
		}
	}
	return false
}

// within says whether what is in the brackets is true of the elements.
func (m meaning) within(l *leaf, elements []any) bool {
	result, each := l.joiner == "and", l.joiner == "and" && m.has(notOfEach)
	for _, t := range l.within {
		holds := m.term(t, t.field.among(elements), nil)
		if each {
			holds = holds != l.denied
		}
		if l.joiner == "and" {
			result = result && holds
		} else {
			result = result || holds
		}
	}
	return result != (l.denied && !each)
}

// term says whether a comparison is true of the values of its attribute, of which
// there is a nil for an element that has none. The whole is the attribute itself,
// where that is complex and the comparison names no part of it.
func (m meaning) term(t term, values, whole []any) bool {
	op := strings.ToLower(t.op)
	if t.bare() && (op == "pr" || t.literal == "null") {
		values = whole
	}
	if m.has(objectAsText) && (t.bare() || whole != nil && !strings.Contains(t.field.name, ".") && t.field.list) {
		values = javaScript(whole)
		if len(whole) > 0 && (op == "eq" || op == "ne" || op == "co") && t.literal != "null" {
			return op == "ne" || op == "co" && values[0] == m.literal(t)
		}
	}
	if op == "pr" || t.literal == "null" {
		return m.presence(op, values)
	}
	lacking := len(values) == 0 || slices.Contains(values, nil)
	if m.has(missingAsText) && lacking && (op == "co" || op == "sw" || op == "ew") && m.one(exact, op, "undefined", m.literal(t)) {
		return true
	}
	if op == "ne" && len(values) == 0 {
		return !m.has(neNeedsValue)
	}
	for _, v := range values {
		switch {
		case v == nil && op == "ne" && !m.has(neNeedsValue):
			return true
		case v != nil && m.one(t.field.kind, op, v, m.literal(t)):
			return true
		}
	}
	return false
}

// presence is pr, or eq or ne of null, of the values.
func (m meaning) presence(op string, values []any) bool {
	present, there := 0, 0
	for _, v := range values {
		if v != nil {
			there++
		}
		if v != nil && v != "" {
			present++
		}
	}
	if m.has(emptyIsPresent) {
		present = there
	}
	switch {
	case op != "eq":
		return present > 0
	case m.has(nullIsNothing):
		return false
	case m.has(nullOfAny):
		return there == 0 || there < len(values)
	default:
		return present == 0
	}
}

// one compares one value.
func (m meaning) one(k kind, op string, v, literal any) bool {
	if b, ok := v.(bool); ok {
		return (b == literal) == (op == "eq")
	}
	if n, ok := v.(float64); ok {
		l, _ := literal.(float64)
		return ordered(op, cmp.Compare(n, l))
	}
	x, _ := v.(string)
	y, _ := literal.(string)
	switch {
	case k == instant && !m.has(timesAsText) && !(m.has(equalTimesAsText) && (op == "eq" || op == "ne")):
		a, _ := time.Parse(time.RFC3339Nano, x)
		b, _ := time.Parse(time.RFC3339Nano, y)
		return ordered(op, a.Compare(b))
	case k == text && !m.has(exactCase):
		x, y = cases.Fold().String(x), cases.Fold().String(y)
	}
	switch op {
	case "co":
		return strings.Contains(x, y)
	case "sw":
		return strings.HasPrefix(x, y)
	case "ew":
		return strings.HasSuffix(x, y)
	}
	return ordered(op, strings.Compare(x, y))
}

func ordered(op string, order int) bool {
	switch op {
	case "eq":
		return order == 0
	case "ne":
		return order != 0
	case "gt":
		return order > 0
	case "ge":
		return order >= 0
	case "lt":
		return order < 0
	default:
		return order <= 0
	}
}

// javaScript is what that language makes of an object or a list where text is
// wanted, as the only value.
func javaScript(whole []any) []any {
	if len(whole) == 0 {
		return nil
	}
	parts := make([]string, len(whole))
	for i, v := range whole {
		parts[i] = "[object Object]"
		if s, ok := v.(string); ok {
			parts[i] = s
		}
	}
	return []any{strings.Join(parts, ",")}
}

// literal is the value of the literal; nil if it cannot be read.
func (m meaning) literal(t term) any {
	s := t.literal
	switch quoted := strings.HasPrefix(s, `"`); {
	case quoted && m.has(noEscapes):
		if strings.Contains(s, `\"`) {
			return nil
		}
		return strings.Trim(s, `"`)
	case quoted && m.has(doubledBackslashes):
		// One that is before no quotation mark stands for itself.
		var b strings.Builder
		for i := range len(s) {
			b.WriteByte(s[i])
			if s[i] == '\\' && (i+1 == len(s) || s[i+1] != '"') {
				b.WriteByte('\\')
			}
		}
		s = b.String()
	}
	var v any
	if json.Unmarshal([]byte(s), &v) != nil {
		return nil
	}
	return v
}

// unreadable says whether a literal of the leaf cannot be read.
func (m meaning) unreadable(l *leaf) bool {
	for _, t := range l.terms() {
		if t.literal != "" && t.literal != "null" && m.literal(t) == nil {
			return true
		}
	}
	return false
}

// bare says whether the path names a complex attribute and not its value.
func (t term) bare() bool {
	return strings.HasSuffix(t.field.name, ".value") && !strings.HasSuffix(strings.ToLower(t.path), "value")
}

// whole are the values of all that there is of a complex attribute, an element each.
func (f *field) whole(d document) []any {
	name, _, _ := strings.Cut(f.name, ".")
	if f.urn != "" {
		d, _ = d[f.urn].(document)
	}
	switch v := d[name].(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

// elements are those of the list that the field is part of.
func (f *field) elements(d document) []any {
	name, _, _ := strings.Cut(f.name, ".")
	list, _ := d[name].([]any)
	return list
}

// among are the values of the sub-attribute in elements, nil where one has none.
func (f *field) among(elements []any) []any {
	_, sub, _ := strings.Cut(f.name, ".")
	all := make([]any, len(elements))
	for i, e := range elements {
		all[i] = e.(document)[sub]
	}
	return all
}
