package codec

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec/codectest"
)

// BenchmarkUser is what a write does besides its calls to the API server: it makes an
// object of a user, and a user of the object in the answer.
func BenchmarkUser(b *testing.B) {
	var event struct{ Object *scimv1alpha1.ScimUser }
	if err := json.Unmarshal(fmt.Appendf(nil, codectest.UserEvent, uuid.NewString(), 100_000), &event); err != nil {
		b.Fatal(err)
	}
	read, err := Decode("acme", registry.User(), event.Object)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Encode(client.ObjectKey{Namespace: "default", Name: "acme"}, &scimv1alpha1.ScimUser{}, read.Resource, event.Object.Spec.Meta, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Decode("acme", registry.User(), event.Object); err != nil {
				b.Fatal(err)
			}
		}
	})
}
