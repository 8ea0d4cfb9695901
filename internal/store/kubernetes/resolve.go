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
	kinds, known, _ := cache.Read(s.cache, ready, func(x *index.Index) (map[string]string, error) {
		return kindsOf(x, ids), nil
	})
	if known {
		return kinds, nil
	}
	return s.objects.LookUp(ctx, ids)
}

// kindsOf returns the kinds of those ids that SCIM knows.
func kindsOf(x *index.Index, ids []string) map[string]string {
	kinds := make(map[string]string, len(ids))
	for _, text := range ids {
		id, err := codec.ParseID(text)
		if err != nil {
			continue
		}
		if kind, known := x.Members().TypeOf(id); known {
			kinds[text] = kind
		}
	}
	return kinds
}
