package codec

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// idLength is the length of an id as text.
const idLength = 36

var errNoID = errors.New("ids are UUIDs in lower case")

// ParseID returns the SCIM id that an object's name is.
func ParseID(name string) (uuid.UUID, error) {
	id, err := uuid.Parse(name)
	// A form that can be parsed, of this length and in lower case, is the one that we write.
	if err != nil || len(name) != idLength || strings.ToLower(name) != name {
		return uuid.UUID{}, fmt.Errorf("%q is no SCIM id: %w", name, errNoID)
	}
	return id, nil
}

// RevisionOf returns the resourceVersion of an object, or of a whole collection, as the
// number that it has been since Kubernetes 1.35 (KEP-5504); 0 when it is none.
func RevisionOf(of interface{ GetResourceVersion() string }) uint64 {
	revision, err := strconv.ParseUint(of.GetResourceVersion(), 10, 64)
	if err != nil {
		return 0
	}
	return revision
}
