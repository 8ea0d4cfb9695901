package store

import (
	"net/http"
	"strconv"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/compact"
	"github.com/kubescim/kubescim/internal/scim/fold"
)

const (
	// MaxResourceSize is how many bytes of JSON a user may have, and a group without its
	// members: what a person is described by, certificates and links to photos
	// included. Whatever is larger costs everybody who reads or copies it.
	MaxResourceSize = 64 << 10
	// ObjectOverhead is about how many bytes a user or group takes where it is stored
	// besides its own: names, times, who wrote it last and which fields.
	ObjectOverhead = 1 << 10
	// MemberSize is about how many bytes a member of a group takes there.
	MemberSize = 40
)

// SizeOf returns how many bytes of JSON a resource has, without the members of a group,
// the groups of a user, and whether a user is active: nobody is too large to be
// deactivated.
func SizeOf(r *scim.Resource) int {
	size := len(compact.Of(r).Text())
	if active, assigned := r.Active(); assigned {
		size -= len(`,"active":`) + len(strconv.FormatBool(active))
	}
	return size
}

// StoredSize returns about how many bytes the content of a resource takes where it is
// stored.
func StoredSize(r *scim.Resource) int64 {
	return int64(SizeOf(r)) + int64(len(r.Members().IDs()))*MemberSize
}

// CheckSize returns 413 for a resource that is too large. One that is so already, since
// somebody made it otherwise, may be made smaller, or be changed so that it is no larger.
func CheckSize(next, current *scim.Resource) error {
	size := SizeOf(next)
	if size <= MaxResourceSize || current != nil && size <= SizeOf(current) {
		return nil
	}
	return scim.Errorf(http.StatusRequestEntityTooLarge, "",
		"the %s would have %d bytes and %d is the most that it can have; shorten long values, or leave out some of those of which there are many",
		fold.Key(next.Type().Name), size, MaxResourceSize)
}
