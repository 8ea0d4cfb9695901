package index

import (
	"math/bits"

	"github.com/google/uuid"
)

// Place is which members of its group a slice is for: those whose hash has the number in its
// lowest bits, as many as the depth. When there are too many of them, the depth grows by one,
// and the other half are for the slice whose number has that bit too: extendible hashing
// (Fagin and others, 1979), in which each bucket itself says what it is for. So a group
// begins with slice 0 of depth 0, and a slice with as many bits as its number has.
//
// The zero place is for nobody.
type Place struct {
	// Tag is that of the group whose slice it is; another one's is for nobody.
	Tag    string
	Number uint32
	Depth  int
}

// NewPlace is the place of a slice that is new.
func NewPlace(tag string, number uint32) Place {
	return Place{Tag: tag, Number: number, Depth: bits.Len32(number)}
}

// Covers reports whether a member is for the slice.
func (p Place) Covers(id uuid.UUID) bool {
	return p.Tag != "" && (hashOfMember(id)^p.Number)&(1<<p.Depth-1) == 0
}

// Next is the number of the slice at which to look for a member that this one does not cover.
func (p Place) Next(id uuid.UUID) uint32 {
	differs := bits.TrailingZeros32(hashOfMember(id) ^ p.Number)
	return p.Number | 1<<differs
}

// hashOfMember is FNV-1a of an id, of which both halves count. That of the library allocates,
// and a group may have thousands of places to ask.
func hashOfMember(id uuid.UUID) uint32 {
	const offset, prime = 14695981039346656037, 1099511628211
	sum := uint64(offset)
	for _, b := range id {
		sum = (sum ^ uint64(b)) * prime
	}
	return uint32(sum>>32) ^ uint32(sum)
}
