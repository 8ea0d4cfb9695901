package scimtenant

import (
	"context"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// An API server may answer a page that is short, or empty, although more follow.
func TestSweepGoesOnAfterAShortPage(t *testing.T) {
	for name, pages := range map[string][]int{
		"no user":                        {0},
		"one page":                       {3},
		"a short page":                   {1, 2},
		"an empty page":                  {0, 2},
		"empty pages on both sides":      {0, 0, 1, 0},
		"a full page and one with a few": {pageSize, 1},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			next, deactivated, wanted := 0, 0, 0
			for _, count := range pages {
				wanted += count
			}
			fakes := fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
				List: func(_ context.Context, _ client.WithWatch, list client.ObjectList, _ ...client.ListOption) error {
					users := &scimv1alpha1.ScimUserList{}
					if next < len(pages) {
						users.Items = make([]scimv1alpha1.ScimUser, pages[next])
					}
					if next++; next < len(pages) {
						users.ListMeta = metav1.ListMeta{Continue: fmt.Sprint(next)}
					}
					users.DeepCopyInto(list.(*scimv1alpha1.ScimUserList))
					return nil
				},
				Patch: func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
					return nil
				},
			}).Build()
			w := &sweeper{live: fakes}
			tenant := &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: "acme", Name: "acme", UID: "1"}}
			for range len(pages) + 1 {
				done, err := w.deactivateUsers(t.Context(), &scope{tenant: tenant})
				g.Expect(err).NotTo(HaveOccurred())
				if deactivated = w.progress.add(tenant.UID, 0, nil); done {
					break
				}
			}
			g.Expect(deactivated).To(Equal(wanted))
		})
	}
}
