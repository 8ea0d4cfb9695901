package differential

import "strings"

// departure is a way in which a package departs from what the RFC has one comparison
// mean.
type departure uint32

const (
	exactCase departure = 1 << iota
	timesAsText
	equalTimesAsText
	neNeedsValue
	nullIsNothing
	nullOfAny
	emptyIsPresent
	missingAsText
	missingFails
	objectAsText
	objectFails
	noCoreURN
	noURN
	anyElement
	doubledBackslashes
	noEscapes
	notOfEach
	noTypes
)

// decisions say what the RFC has against each departure. The engine is right in all.
var decisions = map[departure]string{
	exactCase:          "letters of a string that is not caseExact are compared whatever their case (RFC 7643 section 2.2, RFC 7644 section 3.4.2.2)",
	timesAsText:        "dateTimes are compared as instants and not as text (RFC 7644 section 3.4.2.2, table 3: chronologically)",
	equalTimesAsText:   "eq and ne of dateTimes are about instants too: one has many spellings (RFC 7643 section 2.3.5)",
	neNeedsValue:       "ne is true of an attribute without a value: it is not identical to the operand (RFC 7644 section 3.4.2.2, table 3)",
	nullIsNothing:      "null is unassigned, so eq null finds what has no value (RFC 7643 section 2.5)",
	nullOfAny:          "eq null is the opposite of ne null, also where one value of several lacks a part (RFC 7643 section 2.5)",
	emptyIsPresent:     "pr wants a non-empty value, and ne null means the same (RFC 7644 section 3.4.2.2, table 3)",
	missingAsText:      `an attribute without a value does not contain "e", as if it were the word undefined (RFC 7643 section 2.5)`,
	missingFails:       "an attribute without a value does not match, and is no failure (RFC 7644 section 3.4.2)",
	objectAsText:       "a multi-valued attribute matches if a value of it does, and a complex one by its value (RFC 7644 section 3.4.2.2: emails co)",
	objectFails:        "a complex attribute is compared by its value, and that is no failure (RFC 7644 section 3.4.2.2: emails co)",
	noCoreURN:          "a core attribute may be named with the URN of its schema (RFC 7644 section 3.10)",
	noURN:              "an attribute may be named with the URN of its schema, and one of an extension must be (RFC 7644 section 3.10)",
	anyElement:         "what is in brackets, and after them, is about one and the same value (RFC 7644 section 3.4.2.2: valuePath)",
	doubledBackslashes: `a string has the escapes of JSON, \\ and \u00e4 among them (RFC 7644 section 3.4.2.2: compValue is that of JSON)`,
	noEscapes:          `a string has the escapes of JSON, \" among them (RFC 7644 section 3.4.2.2: compValue is that of JSON)`,
	noTypes:            "a comparison that the attribute's type does not allow is invalidFilter (RFC 7644 section 3.4.2.2); a parser without schemas cannot know the type",
	notOfEach:          "not is of the whole that is in its parentheses (RFC 7644 section 3.4.2.2: precedence)",
}

// logic is a way in which a package departs from what the RFC makes of and, or, not
// and parentheses.
type logic struct {
	decision string
	// about reports whether the filter is one of those that it concerns.
	about func(*expr) bool
}

// rival is a package that filters.
type rival struct {
	name, script string
	departures   departure
	logic        []logic
}

var rivals = []rival{
	{"scim2-parse-filter", "scim2-parse-filter.mjs",
		exactCase | timesAsText | neNeedsValue | nullIsNothing | emptyIsPresent | objectAsText | noCoreURN | anyElement | doubledBackslashes | noTypes,
		[]logic{
			{"a negative number is a number wherever it stands (RFC 7159 section 6); the package takes it at the end only",
				func(e *expr) bool { return negativeInside(e.String()) }},
		}},
	{"scimmy", "scimmy.mjs",
		exactCase | equalTimesAsText | nullOfAny | emptyIsPresent | missingAsText | missingFails | objectFails | noURN | noEscapes | notOfEach | noTypes,
		[]logic{
			{"parentheses may stand in parentheses, and in strings (RFC 7644 figure 1)", func(e *expr) bool { return nested(e.String()) }},
			{"not is of the whole that is in its parentheses, where the package puts it before each part (RFC 7644 section 3.4.2.2: precedence)", (*expr).deniesSeveral},
			{"not of a comparison with a multi-valued attribute is true if no value matches (RFC 7644 section 3.4.2.2: multi-valued attributes, not)", (*expr).deniesList},
			{"an or in parentheses, or in brackets, is joined with all that is beside it (RFC 7644 section 3.4.2.2: precedence)", (*expr).joinsAlternatives},
			{"comparisons of a multi-valued attribute without brackets may each be true of another value (RFC 7644 section 3.4.2.2: valuePath)", (*expr).namesListTwice},
		}},
}

// negativeInside says whether there is a negative number before the end.
func negativeInside(filter string) bool {
	i := strings.Index(filter, " -")
	return i >= 0 && strings.ContainsAny(filter[i+1:], " )]")
}

// nested says whether there is a parenthesis in parentheses.
func nested(filter string) bool {
	depth := 0
	for _, c := range filter {
		switch c {
		case '(':
			if depth++; depth > 1 {
				return true
			}
		case ')':
			depth--
		}
	}
	return false
}

// deniesSeveral says whether a not is of more than one comparison.
func (e *expr) deniesSeveral() bool {
	switch {
	case e == nil || e.op == "":
		return false
	case e.op == "not" && (e.left.op != "" || len(e.left.leaf.terms()) > 1):
		return true
	}
	return e.left.deniesSeveral() || e.right.deniesSeveral()
}

// deniesList says whether a not is of a comparison with a multi-valued attribute.
func (e *expr) deniesList() bool {
	switch {
	case e == nil || e.op == "":
		return false
	case e.op == "not" && e.left.op == "" && e.left.leaf.field.list:
		return true
	}
	return e.left.deniesList() || e.right.deniesList()
}

// joinsAlternatives says whether an or is an operand of an and.
func (e *expr) joinsAlternatives() bool {
	if e == nil || e.op == "" {
		return false
	}
	if e.op == "and" && (e.left.hasAlternatives() || e.right.hasAlternatives()) {
		return true
	}
	return e.left.joinsAlternatives() || e.right.joinsAlternatives()
}

func (e *expr) hasAlternatives() bool {
	return e.op == "or" || e.op == "" && e.leaf.joiner == "or" && len(e.leaf.within) > 1 || e.op == "and" && (e.left.hasAlternatives() || e.right.hasAlternatives())
}

// namesListTwice says whether an and joins two comparisons of one list.
func (e *expr) namesListTwice() bool {
	if e == nil || e.op == "" {
		return false
	}
	if e.op == "and" {
		seen := map[string]bool{}
		for _, l := range e.leaves() {
			name, _, _ := strings.Cut(l.field.name, ".")
			if l.field.list && seen[name] {
				return true
			}
			seen[name] = true
		}
	}
	return e.left.namesListTwice() || e.right.namesListTwice()
}
