package objects

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

const (
	// ByGet is the number of ids up to which each is looked up by a GET;
	// for more of them a LIST of metadata is cheaper.
	ByGet = 64
	// parallel is the number of GETs under way at once.
	parallel = 8
)

// LookUp returns the types of those ids that SCIM knows: store.MemberUser or
// store.MemberGroup.
func (r *Reader) LookUp(ctx context.Context, ids []string) (map[string]string, error) {
	lookUp := r.lookUpByGet
	if len(ids) > ByGet {
		lookUp = r.lookUpByList
	}
	types := map[string]string{}
	for _, memberType := range []string{store.MemberUser, store.MemberGroup} {
		rest := make([]string, 0, len(ids))
		for _, id := range ids {
			if _, err := codec.ParseID(id); err == nil && types[id] == "" {
				rest = append(rest, id)
			}
		}
		if len(rest) == 0 {
			break
		}
		found, err := lookUp(ctx, memberType, rest)
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			types[id] = memberType
		}
	}
	return types, nil
}

// lookUpByGet returns those ids that SCIM knows as members of the type.
func (r *Reader) lookUpByGet(ctx context.Context, memberType string, ids []string) ([]string, error) {
	var (
		mu     sync.Mutex
		found  []string
		lookup errgroup.Group
	)
	lookup.SetLimit(parallel)
	for _, id := range ids {
		lookup.Go(func() error {
			object := codec.NewObjectOf(codec.KindOfMember(memberType))
			err := r.Client.Get(ctx, client.ObjectKey{Namespace: r.Tenant.Namespace, Name: id}, object)
			if apierrors.IsNotFound(err) {
				return nil
			}
			if failure.IsUnreadable(err) {
				r.leaveOut(codec.KindOfMember(memberType), id)
				return nil
			}
			if err != nil {
				return failure.Wrap(err, "looking up the %s %s", memberType, id)
			}
			r.Cache.Acknowledge(codec.KindOfMember(memberType), object)
			if codec.TenantOf(object) == r.Tenant.Name && codec.Exists(object) {
				mu.Lock()
				defer mu.Unlock()
				found = append(found, id)
			}
			return nil
		})
	}
	return found, lookup.Wait()
}

// lookUpByList does the same from the metadata of all objects of such members.
func (r *Reader) lookUpByList(ctx context.Context, memberType string, ids []string) ([]string, error) {
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	var found []string
	err := r.EachMetadata(ctx, "Scim"+memberType, func(object *metav1.PartialObjectMetadata) error {
		r.Cache.Acknowledge(codec.KindOfMember(memberType), object)
		if wanted[object.Name] && codec.Exists(object) {
			found = append(found, object.Name)
		}
		return nil
	})
	return found, err
}
