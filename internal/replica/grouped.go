package replica

import (
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// grouped are objects by name, and by what they belong to.
type grouped[O client.Object] struct {
	group  func(O) string
	byName map[string]O
	names  map[string]map[string]struct{} // by group
}

func group[O client.Object](objects []O, by func(O) string) *grouped[O] {
	g := &grouped[O]{group: by, byName: make(map[string]O, len(objects)), names: map[string]map[string]struct{}{}}
	for _, object := range objects {
		g.put(watch.Added, object)
	}
	return g
}

// put makes what is known be as it is after a change, and returns the groups that it is about.
// Of one that is deleted, the object need not say more than its name.
func (g *grouped[O]) put(change watch.EventType, object O) (groups []string) {
	name := object.GetName()
	if former, known := g.byName[name]; known {
		of := g.group(former)
		groups = append(groups, of)
		delete(g.byName, name)
		if delete(g.names[of], name); len(g.names[of]) == 0 {
			delete(g.names, of)
		}
	}
	if change == watch.Deleted {
		return groups
	}
	of := g.group(object)
	g.byName[name] = object
	if g.names[of] == nil {
		g.names[of] = map[string]struct{}{}
	}
	g.names[of][name] = struct{}{}
	if len(groups) == 0 || groups[0] != of {
		groups = append(groups, of)
	}
	return groups
}

// in returns the objects of a group, by name.
func (g *grouped[O]) in(group string) map[string]O {
	found := make(map[string]O, len(g.names[group]))
	for name := range g.names[group] {
		found[name] = g.byName[name]
	}
	return found
}
