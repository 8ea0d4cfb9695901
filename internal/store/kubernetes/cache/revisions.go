package cache

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// Revisions are how far another replica must have come to be as new as what this one has
// acknowledged.
func (c *Cache) Revisions() readindex.Revisions { return c.streams.progress.marks.Of(c.id) }

// Acknowledge notes that an answer to a client rests on the object as it was read or written.
func (c *Cache) Acknowledge(kind readindex.Kind, object client.Object) {
	if c != nil {
		c.streams.progress.acknowledge(c.id, kind, codec.RevisionOf(object))
	}
}

// AcknowledgeAll notes that an answer to a client rests on the revisions.
func (c *Cache) AcknowledgeAll(revisions readindex.Revisions) {
	if c == nil {
		return
	}
	for kind, revision := range revisions {
		c.streams.progress.acknowledge(c.id, readindex.Kind(kind), revision)
	}
}

// Seen returns what the API server has shown up to now, for Contradicts.
func (c *Cache) Seen() Seen {
	if c == nil {
		return Seen{}
	}
	return c.streams.progress.seen(c.id)
}

// Contradicts reports whether the latest revision of a kind, as the API server has answered
// it to a call that was made when it had shown what is known, is one of another history.
func (c *Cache) Contradicts(known Seen, kind readindex.Kind, revision uint64) bool {
	return c != nil && c.streams.progress.contradicts(known, kind, revision)
}

// latestOf is Latest with another client. The members are told of what contradicts that etcd
// was not restored.
func (c *Cache) latestOf(ctx context.Context, from client.Reader, members Members) (readindex.Revisions, error) {
	known := c.streams.progress.seen(c.id)
	found, err := latest(ctx, from, c.streams.namespace)
	if err != nil {
		return readindex.Revisions{}, err
	}
	for kind, revision := range found {
		if c.Contradicts(known, readindex.Kind(kind), revision) {
			members.Rewound()
		}
	}
	return found, nil
}

// latest reads the latest resourceVersions of a namespace.
func latest(ctx context.Context, from client.Reader, namespace string) (readindex.Revisions, error) {
	var revisions readindex.Revisions
	for kind, name := range map[readindex.Kind]string{
		readindex.Users: "ScimUserList", readindex.Groups: "ScimGroupList", readindex.GroupMembers: "ScimGroupMembersList",
	} {
		list := &metav1.PartialObjectMetadataList{} // which can be read, whatever the one object is like
		list.SetGroupVersionKind(scimv1alpha1.GroupVersion.WithKind(name))
		if err := from.List(ctx, list, client.InNamespace(namespace), client.Limit(1)); err != nil {
			return readindex.Revisions{}, fmt.Errorf("reading the latest resourceVersion of a %s: %w", name, failure.Redact(err))
		}
		revisions[kind] = codec.RevisionOf(list)
	}
	return revisions, nil
}
