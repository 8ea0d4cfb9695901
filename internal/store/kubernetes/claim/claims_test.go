package claim

import (
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

// A claim is created once, whoever tries, and only its holder holds it.
func TestCreate(t *testing.T) {
	g, users := NewWithT(t), users(t)
	claims := newClaims(t, people{})
	g.Expect(claims.Get(t.Context(), users, "babs")).To(BeNil())
	created, err := claims.Create(t.Context(), users, "babs", babs)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(created.Labels).To(Equal(map[string]string{
		scimv1alpha1.LabelTenant: acme.Name, scimv1alpha1.LabelLease: scimv1alpha1.LeaseClaim, LabelAttribute: "userName"}))
	for _, holder := range []string{babs, jim} {
		_, err = claims.Create(t.Context(), users, "BABS", holder)
		g.Expect(apierrors.IsAlreadyExists(err)).To(BeTrue(), holder)
	}
	held, err := claims.Held(t.Context(), users, "Babs", babs)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(HolderOf(held)).To(Equal(babs))
	g.Expect(claims.Held(t.Context(), users, "babs", jim)).To(BeNil())
	g.Expect(claims.Held(t.Context(), users, "jim", jim)).To(BeNil())
}

// Whoever has read a claim before it was written again is too late.
func TestTransfer(t *testing.T) {
	g, users := NewWithT(t), users(t)
	claims := newClaims(t, people{})
	created, err := claims.Create(t.Context(), users, "babs", babs)
	g.Expect(err).NotTo(HaveOccurred())
	own, err := claims.Transfer(t.Context(), created, babs)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(own.ResourceVersion).NotTo(Equal(created.ResourceVersion), "to its holder it is written too")
	_, err = claims.Transfer(t.Context(), created, jim)
	g.Expect(apierrors.IsConflict(err)).To(BeTrue())
	next, err := claims.Transfer(t.Context(), own, jim)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(HolderOf(next)).To(Equal(jim))
	g.Expect(HolderOf(own)).To(Equal(babs), "what was read is as it was")
	g.Expect(next.Spec.LeaseTransitions).To(HaveValue(BeEquivalentTo(2)))
}

// A claim goes at the revision that was read, and stays when it has changed hands since.
func TestRelease(t *testing.T) {
	g, users := NewWithT(t), users(t)
	claims := newClaims(t, people{})
	created, err := claims.Create(t.Context(), users, "babs", babs)
	g.Expect(err).NotTo(HaveOccurred())
	next, err := claims.Transfer(t.Context(), created, jim)
	g.Expect(err).NotTo(HaveOccurred())

	g.Expect(claims.Release(t.Context(), created)).To(Succeed())
	g.Expect(claims.Remove(t.Context(), created)).To(BeFalse())
	g.Expect(claims.Held(t.Context(), users, "babs", jim)).NotTo(BeNil())

	g.Expect(claims.Remove(t.Context(), next)).To(BeTrue())
	g.Expect(claims.Get(t.Context(), users, "babs")).To(BeNil())
	g.Expect(claims.Remove(t.Context(), next)).To(BeFalse(), "it is gone already")
	g.Expect(claims.Release(t.Context(), nil)).To(Succeed(), "of who had none")
}

func TestRepeat(t *testing.T) {
	g, users := NewWithT(t), users(t)
	claims := newClaims(t, people{})
	by := codec.Writer{Actor: store.Actor{RequestID: "request"}, Owner: "scim"}
	g.Expect(claims.Repeat(t.Context(), users, "babs", babs, by)).To(BeNil(), "nobody holds it")
	_, err := claims.Create(t.Context(), users, "babs", babs)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(claims.Repeat(t.Context(), users, "babs", jim, by)).To(BeNil(), "somebody else holds it")

	repeated, err := claims.Repeat(t.Context(), users, "babs", babs, by)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(repeated.Annotations).To(HaveKeyWithValue(codec.AnnotationRepeated, "request"))
	stored, err := claims.Get(t.Context(), users, "babs")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(codec.IsRepeated(stored)).To(BeTrue())
	again, err := claims.Repeat(t.Context(), users, "babs", babs, by)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(again.ResourceVersion).To(Equal(stored.ResourceVersion), "once is enough")
}
