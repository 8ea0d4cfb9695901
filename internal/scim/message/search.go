package message

import (
	"strconv"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
	"github.com/kubescim/kubescim/internal/scim/internal/strictjson"
)

// SearchRequest is the body of a POST to /.search (RFC 7644 section 3.4.3): a query
// whose parameters stay out of the URL. What is nil was not given: an empty Filter is
// an error, and not a search without one. Cursor is RFC 9865's; the empty one starts.
type SearchRequest struct {
	Attributes, ExcludedAttributes []string
	Filter                         *string
	SortBy, SortOrder              string
	StartIndex, Count              *int
	Cursor                         *string
}

// ParseSearch reads the body of a search. Members that it does not know are
// ignored, as are unknown parameters of a query (RFC 7644 section 3.4.2).
func ParseSearch(doc []byte, l scim.Leniency) (*SearchRequest, error) {
	o, err := Parse(doc)
	if err != nil {
		return nil, err
	}
	if err := Check(o, scim.URNSearchRequest, l); err != nil {
		return nil, err
	}
	s := &SearchRequest{}
	for _, m := range o {
		if m.Value == nil {
			continue
		}
		if err := s.member(ascii.Lower(m.Name), m); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *SearchRequest) member(name string, m strictjson.Member) (err error) {
	switch name {
	case "attributes":
		s.Attributes, err = stringList(m)
	case "excludedattributes":
		s.ExcludedAttributes, err = stringList(m)
	case "filter":
		s.Filter, err = stringPointer(m)
	case "sortby":
		s.SortBy, err = stringOf(m)
	case "sortorder":
		s.SortOrder, err = stringOf(m)
	case "startindex":
		s.StartIndex, err = intOf(m)
	case "count":
		s.Count, err = intOf(m)
	case "cursor":
		s.Cursor, err = stringPointer(m)
	}
	return err
}

func stringOf(m strictjson.Member) (string, error) {
	s, ok := m.Value.(string)
	if !ok {
		return "", scim.BadRequest(scim.InvalidSyntax, "%q must be a string, not %s", m.Name, strictjson.Describe(m.Value))
	}
	return s, nil
}

func stringPointer(m strictjson.Member) (*string, error) {
	s, err := stringOf(m)
	return &s, err
}

func stringList(m strictjson.Member) ([]string, error) {
	list, ok := m.Value.([]any)
	if !ok {
		return nil, scim.BadRequest(scim.InvalidSyntax, "%q must be an array of strings, not %s", m.Name, strictjson.Describe(m.Value))
	}
	out := make([]string, 0, len(list))
	for _, e := range list {
		s, err := stringOf(strictjson.Member{Name: m.Name, Value: e})
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func intOf(m strictjson.Member) (*int, error) {
	if n, ok := m.Value.(strictjson.Number); ok {
		if i, err := strconv.Atoi(string(n)); err == nil {
			return &i, nil
		}
	}
	return nil, scim.BadRequest(scim.InvalidSyntax, "%q must be a whole number, not %s", m.Name, strictjson.Describe(m.Value))
}
