package scim

import (
	"encoding/json"
	"strconv"

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

// ParseSearchRequest reads the body of a search. Members that it does not know are
// ignored, as are unknown parameters of a query (RFC 7644 section 3.4.2).
func ParseSearchRequest(doc []byte, l Leniency) (*SearchRequest, error) {
	o, err := parseObject(doc)
	if err != nil {
		return nil, err
	}
	if err := checkMessage(o, URNSearchRequest, l); err != nil {
		return nil, err
	}
	s := &SearchRequest{}
	for _, m := range o {
		if m.Value == nil {
			continue
		}
		if err := s.member(lowerASCII(m.Name), m); err != nil {
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
		return "", badRequest(InvalidSyntax, "%q must be a string, not %s", m.Name, kindOf(m.Value))
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
		return nil, badRequest(InvalidSyntax, "%q must be an array of strings, not %s", m.Name, kindOf(m.Value))
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
	return nil, badRequest(InvalidSyntax, "%q must be a whole number, not %s", m.Name, kindOf(m.Value))
}

// ListResponse is the answer to a query (RFC 7644 section 3.4.2).
type ListResponse struct {
	TotalResults int
	// StartIndex is the 1-based position of the first result. It is left out when 0,
	// as is right with a cursor.
	StartIndex   int
	ItemsPerPage int
	Resources    []json.RawMessage
	// NextCursor and PreviousCursor are left out when empty (RFC 9865 section 2.3).
	NextCursor, PreviousCursor string
}

// MarshalJSON is the body of the answer. Resources is there even when empty, since
// clients expect it.
func (l ListResponse) MarshalJSON() ([]byte, error) {
	size := 256
	for _, r := range l.Resources {
		size += len(r) + 1
	}
	b := append(make([]byte, 0, size), `{"schemas":["`+URNListResponse+`"],"totalResults":`...)
	b = strconv.AppendInt(b, int64(l.TotalResults), 10)
	if l.StartIndex > 0 {
		b = strconv.AppendInt(append(b, `,"startIndex":`...), int64(l.StartIndex), 10)
	}
	b = strconv.AppendInt(append(b, `,"itemsPerPage":`...), int64(l.ItemsPerPage), 10)
	if l.NextCursor != "" {
		b = appendString(append(b, `,"nextCursor":`...), l.NextCursor)
	}
	if l.PreviousCursor != "" {
		b = appendString(append(b, `,"previousCursor":`...), l.PreviousCursor)
	}
	b = append(b, `,"Resources":[`...)
	for i, r := range l.Resources {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, r...)
	}
	return append(b, "]}"...), nil
}
