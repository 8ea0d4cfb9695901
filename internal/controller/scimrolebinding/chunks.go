package scimrolebinding

import (
	"hash/fnv"
	"maps"
	"math/bits"
	"slices"
	"strings"

	"github.com/kubescim/kubescim/internal/roster"
)

// The subjects of a large group are spread over several bindings by the ids of the users, so that who comes or goes
// changes one of them, and that one only. How many there are is a power of two, which doubles when they have become
// full, and halves when they have become nearly empty: not for every member who comes and goes.
const (
	// fullChunk is how many subjects the bindings have on average before there are more of them, and emptyChunk before there
	// are fewer.
	fullChunk  = 500
	emptyChunk = 60
	// maxSubjects is how many members of a group are bound at most. The API server compares who asks for something with
	// each subject of each binding of the namespace.
	maxSubjects = 20_000
	// maxChunks is over how many bindings so many are spread at the most.
	maxChunks = 128
	// longestName is how many bytes the name of a subject has at most, so that those of one binding are never more than can
	// be stored.
	longestName = 1024
	// reserved begins the names of Kubernetes' own users.
	reserved = "system:"
)

// wanted is who is to have a role, with the ids of the users.
type wanted []subject

type subject struct {
	id, name string
}

// subjectsOf returns the members as the API server knows them, and how many have no name there, or one that is too long.
func subjectsOf(members []roster.Member, prefix string) (all wanted, without int) {
	for _, member := range members {
		name := prefix + member.Name
		// The schema lets no prefix through that could lead to this.
		if member.Name == "" || len(name) > longestName || strings.HasPrefix(name, reserved) {
			without++
			continue
		}
		all = append(all, subject{id: member.ID, name: name})
	}
	return all, without
}

// tooMany reports whether there are more than may be bound.
func (w wanted) tooMany() bool { return len(w) > maxSubjects }

// allHave reports whether all of them have the role by the bindings.
func (w wanted) allHave(existing chunks) bool {
	has := tallyOf(existing)
	return !slices.ContainsFunc(w, func(s subject) bool { return has.in[s.name] == 0 })
}

// count returns over how many bindings the subjects are to be spread, of which there are so many now.
func (w wanted) count(now int) int {
	if now > 0 && len(w) <= now*fullChunk && (now == 1 || len(w) >= now*emptyChunk) {
		return now
	}
	return powerOfTwo((len(w) + fullChunk/2 - 1) / (fullChunk / 2))
}

// powerOfTwo returns the smallest one that is not below n, and 1 at least.
func powerOfTwo(n int) int {
	if n <= 1 {
		return 1
	}
	return 1 << bits.Len(uint(n-1))
}

// split spreads the subjects over so many bindings. Each has its names in order, and once.
func (w wanted) split(count int) [][]string {
	parts := make([][]string, max(count, 1))
	for _, s := range w {
		at := chunkOf(s.id, len(parts))
		parts[at] = append(parts[at], s.name)
	}
	for i := range parts {
		parts[i] = inOrder(parts[i])
	}
	return parts
}

// names are those of all subjects, in order, each once.
func (w wanted) names() []string {
	return slices.Concat(w.split(1)...)
}

// chunkOf returns in which of so many bindings a user is. In twice as many, it is the same or the one that many further.
func chunkOf(id string, count int) int {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(id)) // It never fails.
	return int(hash.Sum32() & uint32(count-1))
}

// chunks are the bindings that there are, by their numbers.
type chunks map[int]chunk

// count returns over how many bindings the subjects are spread; 0 if there are none. One that would have no subject is not there.
func (c chunks) count() int {
	if len(c) == 0 {
		return 0
	}
	return powerOfTwo(slices.Max(slices.Collect(maps.Keys(c))) + 1)
}

// keeping returns of each binding those who are wanted. So somebody may lose the role, and nobody gets it.
func (c chunks) keeping(w wanted) [][]string {
	stays, parts := setOf([][]string{w.names()}), make([][]string, c.count())
	has := tallyOf(c)
	for number := range c {
		parts[number] = has.staying(number, stays)
	}
	return parts
}
