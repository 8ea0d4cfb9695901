package kubernetes

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
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
	kinds, known, _ := fromMemory(s.cache, ready, func(x *index.Index) (map[string]string, error) {
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
			if _, err := idOf(id); err == nil && kinds[id] == "" {
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

// kindOfMember is the kind of the objects that hold members of a type.
func kindOfMember(memberType string) readindex.Kind {
	if memberType == store.MemberGroup {
		return readindex.Groups
	}
	return readindex.Users
}

// newMember returns an empty object of a kind that a member may be of.
func newMember(kind readindex.Kind) client.Object {
	if kind == readindex.Groups {
		return &v1alpha1.ScimGroup{}
	}
	return &v1alpha1.ScimUser{}
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
			object := newMember(kindOfMember(kind))
			err := s.client.Get(ctx, client.ObjectKey{Namespace: s.tenant.Namespace, Name: id}, object)
			if apierrors.IsNotFound(err) {
				return nil
			}
			if failure.IsUnreadable(err) {
				s.leaveOut(kindOfMember(kind), id)
				return nil
			}
			if err != nil {
				return failure.Wrap(err, "looking up the %s %s", kind, id)
			}
			s.cache.Acknowledge(kindOfMember(kind), object)
			if tenantOf(object) == s.tenant.Name && exists(object) {
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
		s.cache.Acknowledge(kindOfMember(kind), object)
		if wanted[object.Name] && exists(object) {
			found = append(found, object.Name)
		}
		return nil
	})
	return found, err
}
