package scimapikey_test

import (
	"context"
	"errors"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

// mostWrites is more than the operator writes in a key's whole life.
const mostWrites = 30

// errCrash is what a client of an operator gets that is gone.
var errCrash = errors.New("the operator is gone")

// life is one life of the operator, which ends with one of its writes.
type life struct {
	*operator

	writes, last int
	// made is true when the last write was made and only its answer got lost.
	made bool
}

// dyingAt starts a life that ends with its write of this number, beginning at 1.
func dyingAt(last int, made bool) *life {
	l := &life{last: last, made: made}
	l.operator = operatorWith(intercepted(func(_ string, _ client.Object, write func() error) error {
		l.writes++
		if l.writes < l.last || l.writes == l.last && l.made {
			if err := write(); err != nil {
				return err
			}
		}
		if l.writes >= l.last {
			return errCrash
		}
		return nil
	}))
	return l
}

// crashed reports whether the life has ended.
func (l *life) crashed() bool { return l.writes >= l.last }

// run reconciles a key while a server pod follows the credentials, until the key is left as
// it is or the life has ended.
func (l *life) run(ctx context.Context, tenant *scimv1alpha1.ScimTenant, key *scimv1alpha1.ScimApiKey) {
	GinkgoHelper()
	for range 10 {
		if _, err := l.reconcile(ctx, key); err != nil {
			Expect(err).To(MatchError(errCrash))
		}
		if l.crashed() {
			return
		}
		accept(ctx, tenant, "acme-scim-0")
	}
}

// atEveryWrite does a thing with lives that end at the first write, at the second one, and
// so on, until one does not end.
func atEveryWrite(do func(l *life)) {
	GinkgoHelper()
	for _, made := range []bool{false, true} {
		ended := false
		for last := 1; !ended; last++ {
			Expect(last).To(BeNumerically("<", mostWrites))
			By(fmt.Sprintf("crashing at write %d, made: %v", last, made))
			l := dyingAt(last, made)
			do(l)
			ended = !l.crashed()
		}
	}
}

var _ = Describe("A crash of the operator", func() {
	It("at any write leaves a key that the next life delivers, with the token that is in its Secret, if one is", func(ctx context.Context) {
		tenant := newTenant(ctx)
		number := 0
		atEveryWrite(func(l *life) {
			number++
			key := newKey(ctx, tenant, fmt.Sprintf("key-%d", number))
			l.run(ctx, tenant, key)
			before := ""
			if secret(ctx, key.Namespace, key.Name) != nil {
				before = tokenOf(ctx, key)
				Expect(accepts(ctx, tenant, before)).To(BeTrue(), "a token that can be read works")
			}

			settle(ctx, startOperator(nil), tenant, key)
			Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
			Expect(credentialsOf(ctx, key)).To(ConsistOf(HaveField("Annotations", BeEmpty())))
			Expect(accepts(ctx, tenant, tokenOf(ctx, key))).To(BeTrue())
			Expect(current(ctx, key).Status.SecretName).To(Equal(key.Name))
			if before != "" {
				Expect(tokenOf(ctx, key)).To(Equal(before))
			}
		})
	})

	It("at any write of a revocation leaves a key that the next life revokes", func(ctx context.Context) {
		tenant := newTenant(ctx)
		number := 0
		atEveryWrite(func(l *life) {
			number++
			key, token := deliver(ctx, startOperator(nil), tenant, fmt.Sprintf("key-%d", number))
			Expect(env.Client.Delete(ctx, key)).To(Succeed())
			l.run(ctx, tenant, key)
			settle(ctx, startOperator(nil), tenant, key)
			Expect(gone(ctx, key)).To(BeTrue())
			Expect(credentialsOf(ctx, key)).To(BeEmpty())
			Expect(accepts(ctx, tenant, token)).To(BeFalse())
		})
	})

	It("while replicas are waited for leads to another token", func(ctx context.Context) {
		tenant := newTenant(ctx)
		key := newKey(ctx, tenant, "okta")
		startOperator(nil).reconcileUntilStable(ctx, key)
		first := current(ctx, key).Status.KeyID
		Expect(first).NotTo(BeEmpty())
		settle(ctx, startOperator(nil), tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		Expect(credentialsOf(ctx, key)).To(ConsistOf(HaveField("Name", Not(Equal(first)))))
	})
})
