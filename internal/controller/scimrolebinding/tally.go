package scimrolebinding

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
)

// tally is who has the role while the bindings are written.
type tally struct {
	// names are those in each binding, by its number, and in how many bindings each name is.
	names map[int][]string
	in    map[string]int
}

// tallyOf returns who has the role by the bindings that there are.
func tallyOf(existing chunks) *tally {
	all := &tally{names: map[int][]string{}, in: map[string]int{}}
	for number, one := range existing {
		var names []string
		for _, s := range one.subjects {
			if s.Kind == rbacv1.UserKind {
				names = append(names, s.Name)
			}
		}
		all.put(number, names)
	}
	return all
}

// put makes these be the names in a binding.
func (t *tally) put(number int, names []string) {
	for _, name := range t.names[number] {
		if t.in[name]--; t.in[name] == 0 {
			delete(t.in, name)
		}
	}
	delete(t.names, number)
	if len(names) == 0 {
		return
	}
	t.names[number] = inOrder(slices.Clone(names))
	for _, name := range t.names[number] {
		t.in[name]++
	}
}

// next returns what a binding is to have: what is decided and, of those who are to have the role, who has it by this
// binding alone. Another binding is to have these, and could not be written.
func (t *tally) next(number int, decided []string, stays map[string]struct{}) []string {
	names := slices.Clone(decided)
	for _, name := range t.staying(number, stays) {
		if t.in[name] == 1 {
			names = append(names, name)
		}
	}
	return inOrder(names)
}

// staying returns who has the role by a binding and is to have it.
func (t *tally) staying(number int, stays map[string]struct{}) []string {
	return slices.DeleteFunc(slices.Clone(t.names[number]), func(name string) bool {
		_, stay := stays[name]
		return !stay
	})
}

// count returns how many have the role, and by how many bindings.
func (t *tally) count() (subjects, bindings int32) { return int32(len(t.in)), int32(len(t.names)) }

// hasOthers reports whether somebody has the role by a binding who is not to have it.
func (c chunk) hasOthers(stays map[string]struct{}) bool {
	return slices.ContainsFunc(c.subjects, func(s rbacv1.Subject) bool {
		_, stay := stays[s.Name]
		return !stay || s.Kind != rbacv1.UserKind
	})
}

// setOf returns all names in the parts.
func setOf(parts [][]string) map[string]struct{} {
	all := map[string]struct{}{}
	for _, names := range parts {
		for _, name := range names {
			all[name] = struct{}{}
		}
	}
	return all
}

// inOrder sorts names, and leaves each once.
func inOrder(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
