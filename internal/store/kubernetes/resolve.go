package kubernetes

import (
	"context"

	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

// resolve is the store.Resolve of the tenant: it says which of the ids are users and which
// are groups.
func (s *Store) resolve(ctx context.Context, ids []string) (map[string]string, error) {
	t := s.groupType()
	ready := func() bool {
		return s.consistency.current(ctx, t) || s.consistency.caughtUp(ctx, t, s.consistency.liveLookUps(len(ids)))
	}
	types, known, _ := cache.Read(s.cache, ready, func(x *index.Index) (map[string]string, error) {
		return typesOf(x, ids), nil
	})
	if known {
		return types, nil
	}
	return s.objects.LookUp(ctx, ids)
}

// typesOf returns the types of those ids that SCIM knows.
func typesOf(x *index.Index, ids []string) map[string]string {
	types := make(map[string]string, len(ids))
	for _, text := range ids {
		id, err := codec.ParseID(text)
		if err != nil {
			continue
		}
		if memberType, known := x.Members().TypeOf(id); known {
			types[text] = memberType
		}
	}
	return types
}
