package message

import (
	"encoding/json"
	"strconv"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/appendjson"
)

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
	b := append(make([]byte, 0, size), `{"schemas":["`+scim.URNListResponse+`"],"totalResults":`...)
	b = strconv.AppendInt(b, int64(l.TotalResults), 10)
	if l.StartIndex > 0 {
		b = strconv.AppendInt(append(b, `,"startIndex":`...), int64(l.StartIndex), 10)
	}
	b = strconv.AppendInt(append(b, `,"itemsPerPage":`...), int64(l.ItemsPerPage), 10)
	if l.NextCursor != "" {
		b = appendjson.String(append(b, `,"nextCursor":`...), l.NextCursor)
	}
	if l.PreviousCursor != "" {
		b = appendjson.String(append(b, `,"previousCursor":`...), l.PreviousCursor)
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
