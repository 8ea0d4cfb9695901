package claim

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// Fence makes sure that no write which is still under way can give the holder of a
// claim its name: it writes the holder at the revision that was read or, when there is
// none, makes a marker. A kept user who has the name gives it up.
func (c Claims) Fence(ctx context.Context, t *schema.ResourceType, name, holderID string, holder *codec.Record) error {
	by := codec.WriterOf(ctx)
	if _, err := codec.ParseID(holderID); err != nil {
		return nil //nolint:nilerr // Nobody writes what has no id: the claim was made by hand.
	}
	if holder != nil && holder.Object.GetDeletionTimestamp() != nil {
		return nil
	}
	if holder != nil {
		object := holder.Object
		if holder.Kept() && holder.Has(t, name) {
			codec.ReleaseName(object, by)
		}
		codec.Annotate(object, codec.AnnotationFenced, by)
		return failure.Wrap(c.client.Update(ctx, object, by.Owner), "fencing the holder %s of a claim", holderID)
	}
	now := metav1.NowMicro()
	object, err := codec.Marker(c.tenant, codec.NewObject(t), t, holderID, codec.Stamp(now, now, by), by)
	if err != nil {
		return err
	}
	return failure.Wrap(c.client.Create(ctx, object, by.Owner), "fencing the holder %s of a claim", holderID)
}
