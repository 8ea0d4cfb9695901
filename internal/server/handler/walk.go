package handler

import (
	"net/http"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/message"
	"github.com/kubescim/kubescim/internal/server/cursor"
	"github.com/kubescim/kubescim/internal/server/exchange"
)

// step is one page of a walk by cursors.
type step struct {
	after *cursor.Position // nil at the start
	count int              // of resources in the page
}

// nextStep reads where a walk is, and how many resources it takes in a page. That must
// stay as it began (RFC 9865 section 2.2, invalidCount); a client that names no count
// goes on with that of the start.
func nextStep(x *exchange.Exchange, search *message.SearchRequest) (step, error) {
	next := step{count: pageSize(x, search)}
	after, count, err := cursors(x, search).Open(*search.Cursor)
	if err != nil {
		return next, err
	}
	next.after = after
	switch {
	case count == 0 || count == next.count:
	case search.Count == nil: // Whoever has the token may have made the cursor.
		next.count = min(max(count, 0), x.Shared.Limits.MaxPage)
	default:
		return next, scim.Errorf(http.StatusBadRequest, scim.InvalidCount,
			"count must be %d for each page, as it was for the first one; to have pages of another size, start again with an empty cursor", count)
	}
	return next, nil
}

// nextCursor returns the cursor that leads on from a page; empty where there is nothing
// more. A page of no resources leads to where it is itself, so that it does not look like
// the last.
func nextCursor(x *exchange.Exchange, search *message.SearchRequest, at step, page collected) string {
	switch {
	case at.count == 0 && page.total > 0:
		var here cursor.Position
		if at.after != nil {
			here = *at.after
		}
		return cursors(x, search).Seal(here, 0)
	case at.count > 0 && page.more && len(page.rendered) > 0:
		return cursors(x, search).Seal(page.last, at.count)
	}
	return ""
}

// cursors makes and reads the cursors of a search.
func cursors(x *exchange.Exchange, search *message.SearchRequest) cursor.Sealer {
	return cursor.For(x.Verifier, x.Entry.Resource, search)
}
