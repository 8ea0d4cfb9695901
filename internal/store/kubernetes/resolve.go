package kubernetes

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

const (
	// resolveByGet is the number of ids up to which each is looked up by a GET;
	// for more of them a LIST of metadata is cheaper.
	resolveByGet = 64
	// resolveParallel is the number of GETs under way at once.
	resolveParallel = 8
)

// resolve is the store.Resolve of the tenant: it says which of the ids are users and which
// are groups.
func (s *Store) resolve(ctx context.Context, ids []string) (map[string]string, error) {
	t := s.groupType()
	ready := func() bool { return s.current(ctx, t) || s.caughtUp(ctx, t, s.liveLookUps(len(ids))) }
	kinds, known, _ := cache.Read(s.cache, ready, func(x *index.Index) (map[string]string, error) {
		return kindsOf(x, ids), nil
	})
	if known {
		return kinds, nil
	}
	lookUp := s.lookUpByGet
	if len(ids) > resolveByGet {
		lookUp = s.lookUpByList
	}
	kinds = map[string]string{}
	for _, kind := range []string{store.MemberUser, store.MemberGroup} {
		rest := make([]string, 0, len(ids))
		for _, id := range ids {
			if _, err := codec.ParseID(id); err == nil && kinds[id] == "" {
				rest = append(rest, id)
			}
		}
		if len(rest) == 0 {
			break
		}
		found, err := lookUp(ctx, kind, rest)
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			kinds[id] = kind
		}
	}
	return kinds, nil
}

// liveLookUps is about how many objects would be LISTed to look so many ids up.
func (s *Store) liveLookUps(ids int) int {
	if ids <= resolveByGet {
		return 0
	}
	counts := s.cache.Counts()
	return counts.Users + counts.Groups
}

// lookUpByGet returns those ids that SCIM knows as the kind.
func (s *Store) lookUpByGet(ctx context.Context, kind string, ids []string) ([]string, error) {
	var (
		mu     sync.Mutex
		found  []string
		lookup errgroup.Group
	)
	lookup.SetLimit(resolveParallel)
	for _, id := range ids {
		lookup.Go(func() error {
			object := codec.NewObjectOf(codec.KindOfMember(kind))
			err := s.client.Get(ctx, client.ObjectKey{Namespace: s.tenant.Namespace, Name: id}, object)
			if apierrors.IsNotFound(err) {
				return nil
			}
			if failure.IsUnreadable(err) {
				s.leaveOut(codec.KindOfMember(kind), id)
				return nil
			}
			if err != nil {
				return failure.Wrap(err, "looking up the %s %s", kind, id)
			}
			s.cache.Acknowledge(codec.KindOfMember(kind), object)
			if codec.TenantOf(object) == s.tenant.Name && codec.Exists(object) {
				mu.Lock()
				defer mu.Unlock()
				found = append(found, id)
			}
			return nil
		})
	}
	return found, lookup.Wait()
}

// lookUpByList does the same from the metadata of all objects of the kind.
func (s *Store) lookUpByList(ctx context.Context, kind string, ids []string) ([]string, error) {
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	var found []string
	err := s.eachMetadata(ctx, "Scim"+kind, func(object *metav1.PartialObjectMetadata) error {
		s.cache.Acknowledge(codec.KindOfMember(kind), object)
		if wanted[object.Name] && codec.Exists(object) {
			found = append(found, object.Name)
		}
		return nil
	})
	return found, err
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
