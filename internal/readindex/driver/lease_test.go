package driver

import (
	"testing"

	. "github.com/onsi/gomega"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/readindex"
)

func TestContactOf(t *testing.T) {
	g := NewWithT(t)
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{
		contract.AnnotationPeerAddress:     "127.0.0.1:1",
		contract.AnnotationPeerFingerprint: readindex.Fingerprint{}.String(),
	}}}
	g.Expect(contactOf(lease)).To(Equal(readindex.Contact{Address: "127.0.0.1:1"}))
	g.Expect(contactOf(&coordinationv1.Lease{})).To(Equal(readindex.Contact{}), "an older release")
	lease.Annotations[contract.AnnotationPeerFingerprint] = "abcd"
	g.Expect(contactOf(lease)).To(Equal(readindex.Contact{}))
}
