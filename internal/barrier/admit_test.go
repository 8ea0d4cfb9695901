package barrier

import (
	"context"
	"log/slog"
	"strconv"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/prometheus/client_golang/prometheus"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubescim/kubescim/internal/contract"
)

// replicaLease is the Lease of a replica at a resourceVersion, which reaches it by
// the address.
func replicaLease(name string, revision int, address string) *coordinationv1.Lease {
	var print fingerprint
	return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{
		Name: name, ResourceVersion: strconv.Itoa(revision), Annotations: map[string]string{
			contract.AnnotationPeerAddress:     address,
			contract.AnnotationPeerFingerprint: printed(print),
		},
	}}
}

func TestAdmit(t *testing.T) {
	g := NewWithT(t)
	b, err := New(Options{
		Pod:    Pod{Namespace: "acme", Name: "acme-scim-0", UID: "1", IP: "127.0.0.1"},
		Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	g.Expect(err).NotTo(HaveOccurred())
	untended, cancel := context.WithCancel(t.Context())
	cancel()

	first, err := b.admit(untended, replicaLease("acme-scim-1", 10, "127.0.0.1:1"), true)
	g.Expect(err).NotTo(HaveOccurred())
	renewed, err := b.admit(untended, replicaLease("acme-scim-1", 11, "127.0.0.1:1"), true)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(renewed).To(BeIdenticalTo(first), "it is the same process")
	g.Expect(b.owed).To(BeZero())

	next, err := b.admit(untended, replicaLease("acme-scim-1", 20, "127.0.0.1:2"), true)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(first.gone.Load()).To(BeTrue())
	g.Expect(b.owed).To(BeEquivalentTo(1), "nobody knows what the first process told")

	_, err = b.admit(untended, replicaLease("acme-scim-1", 11, "127.0.0.1:1"), false)
	g.Expect(err).To(HaveOccurred(), "somebody was slow to say what has changed since")
	g.Expect(b.peers).To(HaveKeyWithValue("acme-scim-1", next))

	for i := len(b.peers); i < maxPeers; i++ {
		_, err := b.admit(untended, replicaLease("acme-scim-x"+strconv.Itoa(i), 30, "127.0.0.1:3"), true)
		g.Expect(err).NotTo(HaveOccurred())
	}
	_, err = b.admit(untended, replicaLease("acme-scim-y", 30, "127.0.0.1:3"), true)
	g.Expect(err).To(MatchError(errTooMany))
}

func TestContactOf(t *testing.T) {
	g := NewWithT(t)
	g.Expect(contactOf(replicaLease("acme-scim-1", 1, "127.0.0.1:1"))).To(Equal(contact{address: "127.0.0.1:1"}))
	g.Expect(contactOf(&coordinationv1.Lease{})).To(Equal(contact{}), "an older release")
	broken := replicaLease("acme-scim-1", 1, "127.0.0.1:1")
	broken.Annotations[contract.AnnotationPeerFingerprint] = "abcd"
	g.Expect(contactOf(broken)).To(Equal(contact{}))
}
