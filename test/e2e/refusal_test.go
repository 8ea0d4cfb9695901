package e2e

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("A malformed manifest", Ordered, func() {
	var namespace string

	BeforeAll(func(ctx SpecContext) { namespace = NewNamespace(ctx, "refusal") })

	document := func(kind, name, spec string) string {
		return fmt.Sprintf(`{"apiVersion":"scim.kubescim.dev/v1alpha1","kind":%q,"metadata":{"name":%q,"namespace":%q},"spec":%s}`,
			kind, name, namespace, spec)
	}
	refused := func(kind, name, spec string, says ...string) {
		GinkgoHelper()
		_, err := RunKubectl(document(kind, name, spec), "apply", "-f", "-")
		Expect(err).To(HaveOccurred(), "the API server takes %s", spec)
		for _, part := range says {
			Expect(err).To(MatchError(ContainSubstring(part)))
		}
		Expect(KubectlGet(namespace, strings.ToLower(kind), name)).To(BeNil())
	}

	DescribeTable("of a tenant is refused with what to write instead", func(name, spec string, says ...string) {
		refused("ScimTenant", name, spec, says...)
	},
		Entry("host with a scheme", "bad", `{"identityProvider":"Okta","endpoint":{"host":"https://acme.example.com"}}`,
			"spec.endpoint.host", "must be a lower-case DNS name without scheme, port, path or wildcard, for example 'acme.api.example.com'"),
		Entry("host with a port", "bad", `{"identityProvider":"Okta","endpoint":{"host":"acme.example.com:8443"}}`, "without scheme, port"),
		Entry("host that is an address", "bad", `{"identityProvider":"Okta","endpoint":{"host":"192.0.2.1"}}`, "must be a lower-case DNS name"),
		Entry("host in upper case", "bad", `{"identityProvider":"Okta","endpoint":{"host":"Acme.example.com"}}`, "lower-case"),
		Entry("path without a slash", "bad", `{"identityProvider":"Okta","endpoint":{"path":"scim/v2"}}`,
			"spec.endpoint.path", "must start with '/'", "for example '/scim/v2'"),
		Entry("path with a slash at its end", "bad", `{"identityProvider":"Okta","endpoint":{"path":"/scim/v2/"}}`, "must not end with '/'"),
		Entry("path with dots", "bad", `{"identityProvider":"Okta","endpoint":{"path":"/scim/../v2"}}`, "spec.endpoint.path"),
		Entry("unknown identity provider", "bad", `{"identityProvider":"AzureAD"}`, "spec.identityProvider", `"Entra"`, `"Generic"`),
		Entry("no identity provider", "bad", `{"displayName":"Acme"}`, "spec.identityProvider", "Required value"),
		Entry("tls without a host", "bad", `{"identityProvider":"Okta","endpoint":{"tls":{"secretName":"acme"}}}`, "`tls` needs a `host`"),
		Entry("ingress without a host", "bad", `{"identityProvider":"Okta","endpoint":{"ingress":{"className":"nginx"}}}`, "`ingress` needs a `host`"),
		Entry("no replicas", "bad", `{"identityProvider":"Okta","server":{"replicas":0}}`, "spec.server.replicas", "greater than or equal to 1"),
		Entry("an imagePullSecret's name that cannot be", "bad", `{"identityProvider":"Okta","server":{"imagePullSecrets":[{"name":"Registry_1"}]}}`,
			"must be the name of a Secret", "'registry'"),
		Entry("unknown deletion policy", "bad", `{"identityProvider":"Okta","deletionPolicy":"Orphan"}`, `"Retain"`, `"Deactivate"`, `"Delete"`),
		Entry("unknown required attribute", "bad", `{"identityProvider":"Okta","users":{"requiredAttributes":["shoeSize"]}}`, `"externalId"`),
		Entry("a field that does not exist", "bad", `{"identityProvider":"Okta","endpoint":{"hostname":"acme.example.com"}}`,
			`unknown field "spec.endpoint.hostname"`),
		Entry("a name that Services cannot have", "acme.prod", `{"identityProvider":"Okta"}`,
			"`metadata.name` must start with a lower-case letter", "for example 'acme'"),
		Entry("a name that is too long", strings.Repeat("a", 51), `{"identityProvider":"Okta"}`, "at most 50 characters"),
	)

	DescribeTable("of an API key is refused with what to write instead", func(spec string, says ...string) {
		refused("ScimApiKey", "bad", spec, says...)
	},
		Entry("no tenant", `{"description":"for Okta"}`, "spec.tenantRef", "Required value"),
		Entry("a Secret's name that cannot be", `{"tenantRef":{"name":"acme"},"secretName":"Acme_Token"}`, "must be the name of a Secret", "'acme-okta'"),
		Entry("the name of a Secret that tenants' tokens are known by", `{"tenantRef":{"name":"acme"},"secretName":"globex-scim-verifiers"}`,
			"must not end with '-scim-verifiers'", "'acme-okta'"),
		Entry("an expiration that is no time", `{"tenantRef":{"name":"acme"},"expirationTime":"tomorrow"}`, "spec.expirationTime"),
	)

	It("does not change what an API key is for", func() {
		key := func(spec string) error {
			_, err := RunKubectl(document("ScimApiKey", "fixed", spec), "apply", "-f", "-")
			return err
		}
		Expect(key(`{"tenantRef":{"name":"acme"},"secretName":"one"}`)).To(Succeed())
		Expect(key(`{"tenantRef":{"name":"globex"},"secretName":"one"}`)).To(MatchError(And(
			ContainSubstring("`tenantRef` must not change"), ContainSubstring("Create another ScimApiKey"))))
		Expect(key(`{"tenantRef":{"name":"acme"},"secretName":"two"}`)).To(MatchError(ContainSubstring("`secretName` must not change")))
		Expect(key(`{"tenantRef":{"name":"acme"}}`)).To(MatchError(ContainSubstring("`secretName` must not change")))
		Expect(key(`{"tenantRef":{"name":"acme"},"secretName":"one","description":"for Okta"}`)).To(Succeed())
	})
})
