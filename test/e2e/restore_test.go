package e2e

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/test/internal/backup"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// It waits for minutes, and begins first, so that the suite need not wait for it in the end.
var _ = Describe("A namespace that is restored from a backup", SpecPriority(1), func() {
	// Longer than the server waits before it repairs what a crash may have left.
	const gap = 150 * time.Second

	It("has the same users, members and ids, though users come minutes after their groups", func(ctx SpecContext) {
		t := Serve(ctx, "restored", scimv1alpha1.IdentityProviderGeneric)
		directory := backup.Fill(t)
		directory.Same(t)
		archive := backup.Take(ctx, t.Namespace)
		archive.Delete(ctx)

		var putBack []string
		for _, kind := range archive.Order(backup.Manner{}) {
			if kind == "ScimUser" {
				archive.Keeps(putBack, gap)
			}
			archive.PutBack(ctx, kind, backup.Manner{})
			putBack = append(putBack, kind)
		}
		back := backup.Reconnect(ctx, t)
		directory.Same(back)
		archive.Keeps(putBack, gap)
		directory.Same(back)
	})

	It("knows the same tokens without any Secret, unless they are older than its credentialsNotBefore", func(ctx SpecContext) {
		t := Serve(ctx, "secretless", scimv1alpha1.IdentityProviderGeneric)
		Apply(NewKey(t.Namespace, "git", t.Name, Offline))
		token := newToken(t, "git")
		WaitFor(t.Namespace, "condition=Ready", "scimapikey/git")
		archive := backup.Take(ctx, t.Namespace)
		archive.Delete(ctx)

		for _, kind := range []string{"ScimCredential", "ScimApiKey", "ScimTenant"} {
			archive.PutBack(ctx, kind, backup.Manner{})
		}
		back := backup.Reconnect(ctx, t)
		answers(back, token, http.StatusOK)
		WaitFor(t.Namespace, "condition=Ready", "scimapikey/git", "scimapikey/"+t.Name)
		Expect(Kubectl("get", "secrets", "-n", t.Namespace, "-o", "name")).To(Equal("secret/"+t.Name+"-scim-signing\n"), "no token is made again")
		Expect(KubectlList(t.Namespace, "scimcredentials")).To(HaveLen(2))

		tenantNotBefore(back, `"`+time.Now().UTC().Add(time.Second).Format(time.RFC3339)+`"`)
		for _, refused := range []string{token, t.Token} {
			answersWithinASecond(back, refused, http.StatusUnauthorized)
		}
	})
})
