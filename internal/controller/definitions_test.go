package controller_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestDefinitionsAreNotLowered changes the release that a CustomResourceDefinition says it is of, as the charts of
// releases do.
func TestDefinitionsAreNotLowered(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	env := startEnvironment(t)
	changed := func(name, annotations string) error {
		definition := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: name}}
		definition.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
		return env.Client.Patch(ctx, definition, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"annotations":`+annotations+`}}`)))
	}
	released := func(release string) error {
		return changed("scimusers.scim.kubescim.dev", `{"scim.kubescim.dev/release":`+release+`}`)
	}

	// The API server takes a moment to go by a new policy.
	g.Eventually(func() error {
		g.Expect(released(`"0.9.0"`)).To(Succeed())
		return released("null")
	}).WithTimeout(time.Minute).Should(MatchError(And(
		ContainSubstring("stays as release 0.9.0 of Kubescim has it, and is not lowered to an earlier one"), ContainSubstring("docs/upgrading.md"))))
	g.Expect(released(`"0.8.12"`)).To(MatchError(ContainSubstring("is not lowered to that of release 0.8.12")))
	g.Expect(released(`"0.9.0-rc.1"`)).NotTo(Succeed())
	g.Expect(released(`"latest"`)).NotTo(Succeed())
	for _, newer := range []string{`"0.9.0"`, `"0.10.0-rc.1"`, `"0.10.0"`} {
		g.Expect(released(newer)).To(Succeed())
	}
	g.Expect(changed("scimusers.scim.kubescim.dev", `{"example.com/note":"a"}`)).To(Succeed())
	g.Expect(changed("scimgroups.scim.kubescim.dev", `{"example.com/note":"a"}`)).To(Succeed(), "one whose release nobody has said")
}
