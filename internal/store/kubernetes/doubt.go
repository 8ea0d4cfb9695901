package kubernetes

import (
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// doubt is what a request does not know of its own writes. An answer that does not
// come leaves open whether the write was made, or will be: it may still be on its
// way. So what is found out later about another try says nothing about that one: a
// claim that it relies on is not released, and the client is told neither that
// nothing was done nor 404, 409 or 412, of which it would conclude that.
//
// The zero doubt is that of a request which has written nothing.
type doubt struct {
	// unsure says that a write may have happened, or a part of what is to be written.
	unsure bool
	// base is the revision of the object that the write was computed from. While the
	// object has it, the write has not happened.
	base string
	// stamps are those of the writes that were sent and not acknowledged.
	stamps []scimv1alpha1.ResourceMeta
}

// sent notes what came of a write of the object that was computed from its revision.
func (d *doubt) sent(object client.Object, base string, err error) {
	if err == nil {
		return
	}
	d.stamps = append(d.stamps, codec.MetaOf(object))
	if !failure.IsDefinite(err) {
		d.unsure, d.base = true, base
	}
}

// begun notes that a part of what is to be written has been, so that what becomes of
// the rest cannot be told as if nothing had.
func (d *doubt) begun() { d.unsure, d.base = true, "" }

// made reports whether the object is as a write of this request left it that was not
// acknowledged.
func (d *doubt) made(object client.Object) bool {
	found := codec.MetaOf(object)
	for _, stamp := range d.stamps {
		if stamp.RequestID == found.RequestID && sameTime(stamp, found) {
			return true
		}
	}
	return false
}

// sameTime compares times as they are stored, which is in microseconds.
func sameTime(a, b scimv1alpha1.ResourceMeta) bool {
	return a.LastModifiedTime.Truncate(time.Microsecond).Equal(b.LastModifiedTime.Truncate(time.Microsecond))
}

// overtaken reports whether somebody else has written the object since a write that
// may have happened before that.
func (d *doubt) overtaken(object client.Object) bool {
	return d.unsure && d.base != "" && d.base != object.GetResourceVersion() && !d.made(object)
}

// refuse makes of the error that ends the request the one that the client gets.
func (d *doubt) refuse(err error) error {
	if err == nil || !d.unsure {
		return err
	}
	return fmt.Errorf("%w (%w)", store.Unsure(), err)
}
