package api

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

var _ = Describe("ScimCredential", func() {
	const (
		keyID  = "abcdefghij234567"
		issued = "issueTime: 2026-01-01T00:00:00Z"
	)
	hash := "sha256: " + strings.Repeat("0a", 32)
	entra := "apiKeyRef: {name: entra}\n" + hash + "\n" + issued + "\n"

	DescribeTable("is accepted", func(ctx SpecContext, spec string) {
		accept(ctx, "ScimCredential", keyID, spec)
	},
		Entry("with what it must have", entra),
		Entry("with every field", entra+"notBefore: 2026-02-01T00:00:00Z\nexpirationTime: 2027-01-01T00:00:00Z"),
		Entry("of a key that is not there yet", "apiKeyRef: {name: to-come}\n"+hash+"\n"+issued),
		Entry("that has expired", entra+"expirationTime: 2025-01-01T00:00:00Z"),
	)

	DescribeTable("is refused", func(ctx SpecContext, name, spec, message string) {
		refuse(ctx, "ScimCredential", name, spec, message)
	},
		Entry("with a name that is no key id", "entra", entra, "`metadata.name` must be the key id of the token, the 16 characters after `kscim_`"),
		Entry("with a name that says how to have it made", "entra", entra, "Let `kubectl scim key generate` make both"),
		Entry("with a key id and more", keyID+"a", entra, "`metadata.name` must be the key id"),
		Entry("with a digit that no key id has", "abcdefghij234561", entra, "`metadata.name` must be the key id"),
		Entry("without a key", keyID, hash+"\n"+issued, "spec.apiKeyRef: Required"),
		Entry("with a key that has no name", keyID, "apiKeyRef: {name: ''}\n"+hash+"\n"+issued, "spec.apiKeyRef.name"),
		Entry("with a key whose name is too long", keyID, "apiKeyRef: {name: "+strings.Repeat("a", 64)+"}\n"+hash+"\n"+issued, "spec.apiKeyRef.name: Too long"),
		Entry("without a hash", keyID, "apiKeyRef: {name: entra}\n"+issued, "spec.sha256: Required"),
		Entry("with the token for a hash", keyID, "apiKeyRef: {name: entra}\nsha256: kscim_"+keyID+strings.Repeat("_", 42)+"\n"+issued, "must be the SHA-256 hash of the token"),
		Entry("with capitals in the hash", keyID, "apiKeyRef: {name: entra}\nsha256: "+strings.Repeat("0A", 32)+"\n"+issued, "in lower-case hexadecimal digits"),
		Entry("with half a hash", keyID, "apiKeyRef: {name: entra}\nsha256: "+strings.Repeat("0a", 16)+"\n"+issued, "spec.sha256"),
		Entry("without the time of issue", keyID, "apiKeyRef: {name: entra}\n"+hash, "spec.issueTime: Required"),
		Entry("with a day for a time", keyID, entra+"expirationTime: 2027-01-01", "spec.expirationTime"),
		Entry("with a time in lower case, which Go cannot read", keyID, entra+"expirationTime: 2027-01-01t00:00:00z", "must be a time in whole seconds, for example '2026-05-01T12:00:00Z'"),
		Entry("with a zone that there is not, which Go cannot read", keyID, entra+"notBefore: 2027-01-01T00:00:00+99:00", "must be a time in whole seconds"),
		Entry("with half a second, which Go drops", keyID, strings.Replace(entra, "00Z", "00.5Z", 1), "must be a time in whole seconds"),
	)

	const another = "Make another token with another ScimCredential"
	DescribeTable("cannot change", func(ctx SpecContext, spec, changed, message string) {
		err := change(ctx, "ScimCredential", keyID, spec, changed)
		Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
		Expect(err).To(MatchError(And(ContainSubstring(message), ContainSubstring(another))))
	},
		Entry("its key", entra, strings.Replace(entra, "entra", "okta", 1), "a credential does not change"),
		Entry("its hash", entra, strings.Replace(entra, "0a", "0b", 1), "a credential does not change"),
		Entry("when it was issued", entra, strings.Replace(entra, "2026", "2027", 1), "a credential does not change"),
		Entry("when it begins", entra+"notBefore: 2026-02-01T00:00:00Z", entra+"notBefore: 2026-03-01T00:00:00Z", "`notBefore` must not change"),
		Entry("that it begins later", entra+"notBefore: 2026-02-01T00:00:00Z", entra, "`notBefore` must not change"),
		Entry("that it began at once", entra, entra+"notBefore: 2026-02-01T00:00:00Z", "`notBefore` must not change"),
		Entry("to a later expiration", entra+"expirationTime: 2027-01-01T00:00:00Z", entra+"expirationTime: 2027-01-01T00:00:01Z", "neither put off nor taken out"),
		Entry("to no expiration", entra+"expirationTime: 2027-01-01T00:00:00Z", entra, "neither put off nor taken out"),
		Entry("to an expiration that is later in another zone", entra+"expirationTime: 2027-01-01T00:00:00Z", entra+"expirationTime: 2027-01-01T00:00:00-01:00", "neither put off nor taken out"),
	)

	DescribeTable("can change", func(ctx SpecContext, spec, changed string) {
		Expect(change(ctx, "ScimCredential", keyID, spec, changed)).To(Succeed())
	},
		Entry("to one that expires", entra, entra+"expirationTime: 2027-01-01T00:00:00Z"),
		Entry("to an earlier expiration", entra+"expirationTime: 2027-01-01T00:00:00Z", entra+"expirationTime: 2026-06-01T00:00:00Z"),
		Entry("to an expiration when it was issued", entra, entra+"expirationTime: 2026-01-01T00:00:00Z"),
		Entry("to the same times in another zone", entra+"notBefore: 2026-02-01T00:00:00Z",
			strings.Replace(entra, "T00:00:00Z", "T01:00:00+01:00", 1)+"notBefore: 2026-02-01T01:00:00+01:00"),
	)

	It("is found by its key, and shown with it", func(ctx SpecContext) {
		credential := parse("ScimCredential", keyID, entra+"expirationTime: 2027-01-01T00:00:00Z")
		Expect(live.Create(ctx, credential)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(live.Delete(ctx, credential)).To(Succeed()) })
		for key, names := range map[string][]string{"entra": {keyID}, "okta": {}} {
			found := &unstructured.UnstructuredList{}
			found.SetGroupVersionKind(scimv1alpha1.GroupVersion.WithKind("ScimCredentialList"))
			Expect(live.List(ctx, found, client.InNamespace(metav1.NamespaceDefault), client.MatchingFields{"spec.apiKeyRef.name": key})).To(Succeed())
			listed := []string{}
			for _, item := range found.Items {
				listed = append(listed, item.GetName())
			}
			Expect(listed).To(Equal(names))
		}
		Expect(table(ctx, credential, "scimcredentials", "Name", "API key", "Issued", "Expires", "Age")).
			To(And(HaveKeyWithValue("API key", "entra"), HaveKeyWithValue("Expires", "2027-01-01T00:00:00Z")))
	})
})
