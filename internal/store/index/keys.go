package index

import (
	"hash/maphash"
	"iter"
)

// seed makes hashes that nobody can foresee, so that nobody can make many equal ones.
var seed = maphash.MakeSeed()

// hashOf is the hash that a key is found by.
func hashOf(key []byte) uint32 {
	return uint32(maphash.Bytes(seed, key))
}

// keys finds the numbers of entries by the hash of a key. The keys themselves are in
// the entries: a map from keys to entries would take three times as much memory, and be
// looked through at each garbage collection.
type keys struct {
	// one has the only entry with a hash, which is nearly all. more has the others:
	// where many have the same key, such as an address that stands for many people,
	// adding and removing one does not look at the rest.
	one  map[uint32]uint32
	more map[uint32]map[uint32]struct{}
}

func newKeys() keys {
	return keys{one: map[uint32]uint32{}, more: map[uint32]map[uint32]struct{}{}}
}

// add adds an entry, which may be there.
func (k *keys) add(hash, number uint32) {
	former, taken := k.one[hash]
	switch {
	case !taken:
		k.one[hash] = number
	case former == number:
	default:
		if k.more[hash] == nil {
			k.more[hash] = map[uint32]struct{}{}
		}
		k.more[hash][number] = struct{}{}
	}
}

// remove removes an entry, which need not be there.
func (k *keys) remove(hash, number uint32) {
	first, taken := k.one[hash]
	rest := k.more[hash]
	switch {
	case !taken:
	case first == number:
		delete(k.one, hash)
		for other := range rest {
			k.one[hash] = other
			delete(rest, other)
			break
		}
	default:
		delete(rest, number)
	}
	if len(rest) == 0 {
		delete(k.more, hash)
	}
}

// numbers has the entries with a key of the hash, in no order.
func (k *keys) numbers(hash uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		first, taken := k.one[hash]
		if !taken || !yield(first) {
			return
		}
		for number := range k.more[hash] {
			if !yield(number) {
				return
			}
		}
	}
}
