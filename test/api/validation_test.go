package api

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

var (
	environment *envtest.Environment
	live        client.Client
	restConfig  *rest.Config
)

func TestValidation(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "API validation")
}

var _ = BeforeSuite(func() {
	gateways, err := controllertest.GatewayDefinitions() // of which documents have manifests
	Expect(err).NotTo(HaveOccurred())
	environment = &envtest.Environment{
		CRDDirectoryPaths:     append(gateways, filepath.Join("..", "..", "config", "crd", "bases")),
		ErrorIfCRDPathMissing: true,
	}
	restConfig, err = environment.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(environment.Stop)
	live, err = client.New(restConfig, client.Options{})
	Expect(err).NotTo(HaveOccurred())
})

// parse reads an object as a user writes it.
func parse(kind, name, spec string) *unstructured.Unstructured {
	GinkgoHelper()
	object := &unstructured.Unstructured{}
	Expect(yaml.Unmarshal([]byte("spec:\n"+indent(spec)), &object.Object)).To(Succeed())
	object.SetGroupVersionKind(scimv1alpha1.GroupVersion.WithKind(kind))
	object.SetNamespace(metav1.NamespaceDefault)
	object.SetName(name)
	return object
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") + "\n"
}

func accept(ctx context.Context, kind, name, spec string) {
	GinkgoHelper()
	Expect(live.Create(ctx, parse(kind, name, spec), client.DryRunAll)).To(Succeed())
}

func refuse(ctx context.Context, kind, name, spec, message string) {
	GinkgoHelper()
	err := live.Create(ctx, parse(kind, name, spec), client.DryRunAll)
	Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
	Expect(err).To(MatchError(ContainSubstring(message)))
}

// change creates an object and changes it, and returns what the API server says of that.
func change(ctx context.Context, kind, name, spec, changed string) error {
	GinkgoHelper()
	object := parse(kind, name, spec)
	Expect(live.Create(ctx, object)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) { Expect(live.Delete(ctx, object)).To(Succeed()) })
	next := object.DeepCopy()
	next.Object["spec"] = parse(kind, name, changed).Object["spec"]
	return live.Update(ctx, next)
}

// refuseChange creates an object and changes it.
func refuseChange(ctx context.Context, kind, spec, changed, message string) {
	GinkgoHelper()
	err := change(ctx, kind, "changed", spec, changed)
	Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
	Expect(err).To(MatchError(ContainSubstring(message)))
}

var _ = Describe("ScimTenant", func() {
	DescribeTable("is accepted", func(ctx SpecContext, name, spec string) {
		accept(ctx, "ScimTenant", name, spec)
	},
		Entry("with an identity provider only", "acme", `identityProvider: Entra`),
		Entry("with every field", "acme", `
displayName: Acme
identityProvider: Generic
state: Paused
endpoint:
  host: acme.api.example.com
  hostPolicy: Default
  path: /api/scim/v2
  tls: {secretName: acme-tls}
  ingress: {className: nginx, annotations: {a.example.com/b: c}}
  trustedProxies: [10.0.0.0/8]
server:
  replicas: 3
  resources: {requests: {cpu: 100m}, limits: {memory: 128Mi}}
  scheduling: {nodeSelector: {disk: ssd}, tolerations: [{key: a, operator: Exists}], priorityClassName: high}
users: {requiredAttributes: [emails, name.givenName], onDelete: Delete, onRecreate: Conflict, retentionDays: 30, seats: 500,
  deactivationGuard: {maxPercent: 20, minUsers: 5, windowSeconds: 86400, allowUntil: "2026-03-02T09:00:00Z"}}
objectLimit: 1000
storageLimit: 64Mi
rateLimit: {requestsPerSecond: 100, writesPerSecond: 25, burst: 500}
credentialsNotBefore: 2026-01-01T00:00:00Z
groups: {unknownMembers: Reject}
schemaExtensions:
- id: urn:example:params:scim:schemas:extension:badge:2.0:User
  description: Badges
  attributes:
  - {name: color, canonicalValues: [red, blue], caseExact: true, required: true}
  - {name: issued, type: DateTime, mutability: Immutable, returned: Request}
  - name: doors
    type: Complex
    multiValued: true
    subAttributes: [{name: floor, type: Integer}, {name: value}]
deletionPolicy: Delete`),
		Entry("with Gateways", "acme", "identityProvider: Okta\nendpoint: {host: a.example.com, httpRoute: {parentRefs: [{name: public, namespace: infra, sectionName: https}, "+
			"{name: public, namespace: infra, sectionName: https-2}, {name: public}]}}"),
		Entry("with Gateways, and TLS that is said to end elsewhere", "acme",
			"identityProvider: Okta\nendpoint: {host: a.example.com, tls: {termination: Elsewhere}, httpRoute: {parentRefs: [{name: public}]}}"),
		Entry("with a host of one label", "acme", "identityProvider: Okta\nendpoint: {host: localhost}"),
		Entry("with no host, whatever the operator's configuration says", "acme", "identityProvider: Okta\nendpoint: {hostPolicy: None, path: /scim}"),
		Entry("with a path of one segment", "acme", "identityProvider: Okta\nendpoint: {path: /scim}"),
		Entry("with a limit on writes alone", "acme", "identityProvider: Okta\nrateLimit: {writesPerSecond: 1}"),
		Entry("with a burst of the default rates", "acme", "identityProvider: Okta\nrateLimit: {burst: 50}"),
		Entry("with a storage limit in bytes", "acme", "identityProvider: Okta\nstorageLimit: 67108864"),
		Entry("without retention", "acme", "identityProvider: Okta\nusers: {retentionDays: 0}"),
		Entry("with the longest name", strings.Repeat("a", 50), `identityProvider: Okta`),
		Entry("with nothing in what may be left out", "acme", `
identityProvider: Okta
endpoint: {ingress: {}, httpRoute: {}}
server: {scheduling: {nodeSelector: {}, tolerations: []}}
users: {requiredAttributes: []}
groups: {}
schemaExtensions: []`),
	)

	DescribeTable("may lose the last thing in a part", func(ctx SpecContext, spec, patch string) {
		tenant := parse("ScimTenant", "changed", "identityProvider: Okta\n"+spec)
		Expect(live.Create(ctx, tenant)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(live.Delete(ctx, tenant)).To(Succeed()) })
		Expect(live.Patch(ctx, tenant, client.RawPatch(types.MergePatchType, []byte(`{"spec":`+patch+`}`)))).To(Succeed())
	},
		Entry("rules for users", "users: {seats: 7, onDelete: Delete}", `{"users":{"seats":null,"onDelete":null}}`),
		Entry("rules for groups", "groups: {unknownMembers: Reject}", `{"groups":{"unknownMembers":null}}`),
		Entry("the host", "endpoint: {host: acme.example.com}", `{"endpoint":{"host":null}}`),
		Entry("the host and the class of its Ingress", "endpoint: {host: acme.example.com, ingress: {className: nginx}}",
			`{"endpoint":{"host":null,"ingress":{"className":null}}}`),
		Entry("the host and its Gateways", "endpoint: {host: acme.example.com, httpRoute: {parentRefs: [{name: public}]}}",
			`{"endpoint":{"host":null,"httpRoute":{"parentRefs":null}}}`),
		Entry("an annotation", "endpoint: {host: acme.example.com, ingress: {annotations: {a: b}}}", `{"endpoint":{"ingress":{"annotations":{"a":null}}}}`),
		Entry("the shape of the server", "server: {replicas: 3, scheduling: {nodeSelector: {a: b}, priorityClassName: high}}",
			`{"server":{"replicas":null,"scheduling":{"nodeSelector":{"a":null},"priorityClassName":null}}}`),
	)

	DescribeTable("is refused", func(ctx SpecContext, name, spec, message string) {
		refuse(ctx, "ScimTenant", name, spec, message)
	},
		Entry("without an identity provider", "acme", `displayName: Acme`, "spec.identityProvider: Required"),
		Entry("with an unknown identity provider", "acme", `identityProvider: Azure`,
			`supported values: "Entra", "Okta", "JumpCloud", "OneLogin", "PingOne", "Authentik", "Keycloak", "Generic"`),
		Entry("with a name that no Service can have", "1acme", `identityProvider: Okta`, "`metadata.name` must start with a lower-case letter"),
		Entry("with a name that is too long", strings.Repeat("a", 51), `identityProvider: Okta`, "at most 50 characters"),
		Entry("with a host and without", "acme", "identityProvider: Okta\nendpoint: {host: acme.example.com, hostPolicy: None, tls: {secretName: a}}", "remove `host` or `hostPolicy`"),
		Entry("with a policy for hosts that there is not", "acme", "identityProvider: Okta\nendpoint: {hostPolicy: Never}", "spec.endpoint.hostPolicy"),
		Entry("with a URL for a host", "acme", "identityProvider: Okta\nendpoint: {host: 'https://acme.example.com'}", "without scheme, port, path or wildcard, for example 'acme.api.example.com'"),
		Entry("with a port", "acme", "identityProvider: Okta\nendpoint: {host: 'acme.example.com:443'}", "without scheme, port"),
		Entry("with a wildcard", "acme", "identityProvider: Okta\nendpoint: {host: '*.example.com'}", "wildcard"),
		Entry("with an upper-case host", "acme", "identityProvider: Okta\nendpoint: {host: Acme.example.com}", "lower-case DNS name"),
		Entry("with an address for a host", "acme", "identityProvider: Okta\nendpoint: {host: 10.0.0.1}", "DNS name"),
		Entry("with a path without a slash", "acme", "identityProvider: Okta\nendpoint: {path: scim/v2}", "must start with '/'"),
		Entry("with a slash at the end", "acme", "identityProvider: Okta\nendpoint: {path: /scim/v2/}", "must not end with '/'"),
		Entry("with a path that climbs", "acme", "identityProvider: Okta\nendpoint: {path: /scim/../v2}", "for example '/scim/v2'"),
		Entry("with a certificate and TLS that ends elsewhere", "acme", "identityProvider: Okta\nendpoint: {host: a.example.com, tls: {secretName: a, termination: Elsewhere}}", "`tls` must have a `secretName`, or else"),
		Entry("with TLS at the Ingress and no certificate", "acme", "identityProvider: Okta\nendpoint: {host: a.example.com, tls: {termination: Ingress}}", "`tls` must have a `secretName`, or else"),
		Entry("with pods whose certificate is in what is no Secret", "acme", "identityProvider: Okta\nserver: {tls: {secretName: Pods_TLS}}", "must be the name of a Secret"),
		Entry("with a certificate for no host", "acme", "identityProvider: Okta\nendpoint: {tls: {secretName: a}}", "`tls` needs a `host`"),
		Entry("with an Ingress for no host", "acme", "identityProvider: Okta\nendpoint: {ingress: {className: a}}", "`ingress` needs a `host`"),
		Entry("with a Gateway for no host", "acme", "identityProvider: Okta\nendpoint: {httpRoute: {parentRefs: [{name: a}]}}", "`httpRoute` needs a `host`"),
		Entry("with an Ingress and a Gateway", "acme", "identityProvider: Okta\nendpoint: {host: a.example.com, ingress: {className: a}, httpRoute: {parentRefs: [{name: a}]}}",
			"a host has an Ingress or an HTTPRoute: remove `ingress`, or else `httpRoute`"),
		Entry("with a certificate and a Gateway", "acme", "identityProvider: Okta\nendpoint: {host: a.example.com, tls: {secretName: a}, httpRoute: {parentRefs: [{name: a}]}}",
			"the certificate in its `certificateRefs`: remove `tls.secretName`"),
		Entry("with no Gateway", "acme", "identityProvider: Okta\nendpoint: {host: a.example.com, httpRoute: {parentRefs: []}}", "should have at least 1 items"),
		Entry("with five Gateways", "acme", "identityProvider: Okta\nendpoint: {host: a.example.com, httpRoute: {parentRefs: [{name: a}, {name: b}, {name: c}, {name: d}, {name: e}]}}", "must have at most 4 items"),
		Entry("with a Gateway without a name", "acme", "identityProvider: Okta\nendpoint: {host: a.example.com, httpRoute: {parentRefs: [{namespace: a}]}}", "parentRefs[0].name: Required"),
		Entry("with a Gateway twice", "acme", "identityProvider: Okta\nendpoint: {host: a.example.com, httpRoute: {parentRefs: [{name: a, sectionName: b}, {name: a, sectionName: b}]}}", "a Gateway must be named once"),
		Entry("with a Gateway, and one of its listeners", "acme", "identityProvider: Okta\nendpoint: {host: a.example.com, httpRoute: {parentRefs: [{name: a, sectionName: b}, {name: a}]}}", "a Gateway must be named once"),
		Entry("with a namespace that none can have", "acme", "identityProvider: Okta\nendpoint: {host: a.example.com, httpRoute: {parentRefs: [{name: a, namespace: A}]}}", "must be the name of a namespace"),
		Entry("with a listener that none can have", "acme", "identityProvider: Okta\nendpoint: {host: a.example.com, httpRoute: {parentRefs: [{name: a, sectionName: A_B}]}}", "must be the name of a listener"),
		Entry("with no replica", "acme", "identityProvider: Okta\nserver: {replicas: 0}", "greater than or equal to 1"),
		Entry("with a guard that says nothing", "acme", "identityProvider: Okta\nusers: {deactivationGuard: {minUsers: 5}}", "maxPercent: Required value"),
		Entry("with a guard that lets nobody go", "acme", "identityProvider: Okta\nusers: {deactivationGuard: {maxPercent: 0}}", "greater than or equal to 1"),
		Entry("with a guard that looks back for days", "acme", "identityProvider: Okta\nusers: {deactivationGuard: {maxPercent: 20, windowSeconds: 86401}}",
			"less than or equal to 86400"),
		Entry("with no seat", "acme", "identityProvider: Okta\nusers: {seats: 0}", "spec.users.seats in body should be greater than or equal to 1"),
		Entry("with a retention in the past", "acme", "identityProvider: Okta\nusers: {retentionDays: -1}", "spec.users.retentionDays in body should be greater than or equal to 0"),
		Entry("with a retention of centuries", "acme", "identityProvider: Okta\nusers: {retentionDays: 36500}", "spec.users.retentionDays in body should be less than or equal to 3650"),
		Entry("with a rate that is none", "acme", "identityProvider: Okta\nrateLimit: {}", "spec.rateLimit"),
		Entry("with no requests at all", "acme", "identityProvider: Okta\nrateLimit: {requestsPerSecond: 0}", "greater than or equal to 1"),
		Entry("with fewer writes than none", "acme", "identityProvider: Okta\nrateLimit: {writesPerSecond: -1}", "greater than or equal to 1"),
		Entry("with more requests than there can be", "acme", "identityProvider: Okta\nrateLimit: {requestsPerSecond: 1000001}", "less than or equal to 1000000"),
		Entry("with a burst of none", "acme", "identityProvider: Okta\nrateLimit: {burst: 0}", "greater than or equal to 1"),
		Entry("with room for nothing", "acme", "identityProvider: Okta\nobjectLimit: 0", "spec.objectLimit in body should be greater than or equal to 1"),
		Entry("with room for no byte", "acme", "identityProvider: Okta\nstorageLimit: 1023Ki", "must be a quantity from 1Mi to 8Gi, for example '64Mi'"),
		Entry("with room for more bytes than etcd has", "acme", "identityProvider: Okta\nstorageLimit: 9Gi", "must be a quantity from 1Mi to 8Gi"),
		Entry("with a storage limit that is no quantity", "acme", "identityProvider: Okta\nstorageLimit: plenty", "spec.storageLimit"),
		Entry("with room for more than can be", "acme", "identityProvider: Okta\nobjectLimit: 1000001", "spec.objectLimit in body should be less than or equal to 1000000"),
		Entry("with a day for the time that credentials are made after", "acme", "identityProvider: Okta\ncredentialsNotBefore: 2026-01-01", "spec.credentialsNotBefore"),
		Entry("with a time in lower case, which Go cannot read", "acme", "identityProvider: Okta\ncredentialsNotBefore: 2026-01-01t00:00:00z", "must be a time in whole seconds, for example '2026-05-01T12:00:00Z'"),
		Entry("with fractions of a second, which tokens do not have", "acme", "identityProvider: Okta\ncredentialsNotBefore: 2026-01-01T00:00:00.5Z", "must be a time in whole seconds"),
		Entry("with an unknown required attribute", "acme", "identityProvider: Okta\nusers: {requiredAttributes: [password]}", "Unsupported value"),
		Entry("with an extension under a name that is no URN", "acme", "identityProvider: Okta\nschemaExtensions: [{id: badgebadge, attributes: [{name: a}]}]", "must be a URN such as"),
		Entry("with an extension under the RFC's URN", "acme", "identityProvider: Okta\nschemaExtensions: [{id: 'urn:ietf:params:scim:schemas:core:2.0:User', attributes: [{name: a}]}]", "choose one of your own"),
		Entry("with an extension under the RFC's URN in other letters", "acme", "identityProvider: Okta\nschemaExtensions: [{id: 'urn:IETF:params:scim:schemas:Core:2.0:User', attributes: [{name: a}]}]", "choose one of your own"),
		Entry("with an extension under a URN with parentheses", "acme", "identityProvider: Okta\nschemaExtensions: [{id: 'urn:example:badge(2):User', attributes: [{name: a}]}]", "without parentheses"),
		Entry("with an extension under a URN with brackets", "acme", "identityProvider: Okta\nschemaExtensions: [{id: 'urn:example:badge[2]:User', attributes: [{name: a}]}]", "must be a URN such as"),
		Entry("with two extensions under one URN in other letters", "acme", "identityProvider: Okta\nschemaExtensions: [{id: 'urn:example:badge', attributes: [{name: a}]}, {id: 'urn:example:Badge', attributes: [{name: a}]}]", "ids that differ by more than case"),
		Entry("with two attributes of one name in other letters", "acme", "identityProvider: Okta\nschemaExtensions: [{id: 'urn:example:badge', attributes: [{name: color}, {name: Color}]}]", "names that differ by more than case"),
		Entry("with two parts of one name in other letters", "acme", "identityProvider: Okta\nschemaExtensions: [{id: 'urn:example:badge', attributes: [{name: a, type: Complex, subAttributes: [{name: floor}, {name: FLOOR}]}]}]", "names that differ by more than case"),
		Entry("with an extension without attributes", "acme", "identityProvider: Okta\nschemaExtensions: [{id: 'urn:example:badge'}]", "attributes: Required"),
		Entry("with an attribute's name that no path can have", "acme", "identityProvider: Okta\nschemaExtensions: [{id: 'urn:example:badge', attributes: [{name: a.b}]}]", "must start with a letter"),
		Entry("with a complex attribute of nothing", "acme", "identityProvider: Okta\nschemaExtensions: [{id: 'urn:example:badge', attributes: [{name: a, type: Complex}]}]", "`subAttributes` belong to `type: Complex`"),
		Entry("with parts of a string", "acme", "identityProvider: Okta\nschemaExtensions: [{id: 'urn:example:badge', attributes: [{name: a, subAttributes: [{name: b}]}]}]", "`subAttributes` belong to `type: Complex`"),
		Entry("with a complex part", "acme", "identityProvider: Okta\nschemaExtensions: [{id: 'urn:example:badge', attributes: [{name: a, type: Complex, subAttributes: [{name: b, type: Complex}]}]}]", "RFC 7643 section 2.3.8"),
		Entry("with an attribute required twice", "acme", "identityProvider: Okta\nusers: {requiredAttributes: [emails, emails]}", "Duplicate value"),
	)
})

var _ = Describe("ScimApiKey", func() {
	DescribeTable("is accepted", func(ctx SpecContext, spec string) {
		accept(ctx, "ScimApiKey", "acme", spec)
	},
		Entry("with a tenant only", `tenantRef: {name: acme}`),
		Entry("with every field", "tenantRef: {name: acme}\ndescription: Entra\nsecretName: acme-token\nexpirationTime: 2030-01-01T00:00:00Z\nbearerToken: {issuer: Operator}\nstate: Active\naccess: ReadWrite\nresources: [Users, Groups]\n"+
			"allowedCIDRs: [203.0.113.0/24]\ndelivery: {mode: Once, ttlSeconds: 3600}\nrotation: {everyDays: 90, overlapHours: 0}"),
		Entry("with a token that is made elsewhere", "tenantRef: {name: acme}\nbearerToken: {issuer: Offline}"),
	)

	DescribeTable("is refused", func(ctx SpecContext, name, spec, message string) {
		refuse(ctx, "ScimApiKey", name, spec, message)
	},
		Entry("without a tenant", "acme", `description: x`, "spec.tenantRef: Required"),
		Entry("with a Secret name that is none", "acme", "tenantRef: {name: acme}\nsecretName: Acme_Token", "must be the name of a Secret"),
		Entry("with the name of a Secret of verifiers", "acme", "tenantRef: {name: acme}\nsecretName: t3-scim-verifiers", "Choose another name, for example 'acme-okta'"),
		Entry("with the name of a Secret of signing keys", "acme", "tenantRef: {name: acme}\nsecretName: t3-scim-signing", "Choose another name, for example 'acme-okta'"),
		Entry("with the name of a Secret of a shared server's signing keys", "acme", "tenantRef: {name: acme}\nsecretName: t3-scim-server-signing", "Choose another name, for example 'acme-okta'"),
		Entry("with a name that names a Secret of signing keys", "own-scim-signing", "tenantRef: {name: acme}", "set `spec.secretName`"),
		Entry("with a name that names a Secret of verifiers", "own-scim-verifiers", "tenantRef: {name: acme}", "set `spec.secretName`"),
		Entry("with a time in lower case, which Go cannot read", "acme", "tenantRef: {name: acme}\nexpirationTime: 2026-01-01t00:00:00z", "must be a time, for example '2026-05-01T12:00:00Z'"),
		Entry("with a bearer token of nobody", "acme", "tenantRef: {name: acme}\nbearerToken: {}", "spec.bearerToken"),
		Entry("with a token that somebody else makes", "acme", "tenantRef: {name: acme}\nbearerToken: {issuer: Vault}", `supported values: "Operator", "Offline"`),
		Entry("with a name that is no label", strings.Repeat("a", 64), "tenantRef: {name: acme}", "at most 63 characters"),
	)

	DescribeTable("cannot change", func(ctx SpecContext, spec, changed, message string) {
		refuseChange(ctx, "ScimApiKey", spec, changed, message)
	},
		Entry("its tenant", `tenantRef: {name: acme}`, `tenantRef: {name: globex}`, "`tenantRef` must not change"),
		Entry("who makes its token", "tenantRef: {name: acme}\nbearerToken: {issuer: Offline}", "tenantRef: {name: acme}\nbearerToken: {issuer: Operator}", "`bearerToken` must not change"),
		Entry("who makes its token to the default", "tenantRef: {name: acme}\nbearerToken: {issuer: Offline}", "tenantRef: {name: acme}", "Create another ScimApiKey with the other `issuer`"),
		Entry("its Secret", "tenantRef: {name: acme}\nsecretName: a", "tenantRef: {name: acme}\nsecretName: b", "`secretName` must not change"),
		Entry("its Secret to the default", "tenantRef: {name: acme}\nsecretName: a", "tenantRef: {name: acme}", "`secretName` must not change"),
	)
})

var _ = Describe("The labels of a ScimTenant's users", func() {
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"
	labels := func(key, attribute string) string {
		return fmt.Sprintf("identityProvider: Okta\nusers: {labels: [{key: %q, attribute: %q}]}", key, attribute)
	}
	DescribeTable("are accepted", func(ctx SpecContext, key, attribute string) {
		accept(ctx, "ScimTenant", "acme", labels(key, attribute))
	},
		Entry("of a plain key", "team", "userType"),
		Entry("of a key in a domain", "example.com/team", "name.familyName"),
		Entry("of a domain that looks like one of Kubernetes", "notkubernetes.io/team", "active"),
		Entry("of the enterprise extension", "team", enterprise+"department"),
		Entry("of an extension of the tenant's own, which the operator looks at", "team", "urn:example:badge:2.0:User:colour"),
	)
	DescribeTable("are refused", func(ctx SpecContext, key, attribute, message string) {
		refuse(ctx, "ScimTenant", "acme", labels(key, attribute), message)
	},
		Entry("with a key that is none", "team!", "userType", "must be the name of a label"),
		Entry("with a key that is too long", strings.Repeat("x", 64), "userType", "must be the name of a label"),
		Entry("in the domain of Kubernetes", "kubernetes.io/team", "userType", "must not be in a domain that others go by"),
		Entry("in one below it", "app.kubernetes.io/name", "userType", "must not be in a domain that others go by"),
		Entry("in k8s.io", "x-k8s.k8s.io/team", "userType", "must not be in a domain that others go by"),
		Entry("in Kubescim's own", "scim.kubescim.dev/tenant", "userType", "must not be in a domain that others go by"),
		Entry("by which Velero leaves objects out", "velero.io/exclude-from-backup", "active", "must not be in a domain that others go by"),
		Entry("by which Argo CD knows its own", "argocd.argoproj.io/instance", "title", "must not be in a domain that others go by"),
		Entry("of an attribute that there is not", "team", "departement", "must be an attribute with one value"),
		Entry("of an attribute without its URN", "team", "department", "must be an attribute with one value"),
		Entry("of one with several values", "team", "emails", "must be an attribute with one value"),
		Entry("of the password", "team", "password", "must be an attribute with one value"),
		Entry("of what the enterprise extension has not", "team", enterprise+"shoeSize", "must be one of the enterprise extension's attributes"),
	)
	It("are refused when there are too many, or two of one key", func(ctx SpecContext) {
		var many []string
		for i := range 17 {
			many = append(many, fmt.Sprintf("{key: team%d, attribute: title}", i))
		}
		refuse(ctx, "ScimTenant", "acme", "identityProvider: Okta\nusers: {labels: ["+strings.Join(many, ", ")+"]}", "must have at most 16 items")
		refuse(ctx, "ScimTenant", "acme", "identityProvider: Okta\nusers: {labels: [{key: a, attribute: title}, {key: a, attribute: locale}]}", "Duplicate value")
	})
})

const meta = "meta: {createdTime: '2026-01-01T00:00:00.000000Z', lastModifiedTime: '2026-01-01T00:00:00.000000Z'}"

var _ = Describe("ScimUser", func() {
	It("is accepted with the RFC's attributes", func(ctx SpecContext) {
		accept(ctx, "ScimUser", "2819c223-7f76-453a-919d-413861904646", `
tenantRef: {name: acme}
userName: bjensen@example.com
externalId: "701984"
active: true
name: {formatted: Ms. Barbara J Jensen, familyName: Jensen, givenName: Barbara}
emails: [{value: bjensen@example.com, type: work, primary: true}]
addresses: [{type: work, streetAddress: 100 Universal City Plaza, locality: Hollywood}]
enterprise: {employeeNumber: "701984", manager: {value: "26118915", ref: ../Users/26118915}}
`+meta)
	})
	DescribeTable("is refused", func(ctx SpecContext, spec, message string) {
		refuse(ctx, "ScimUser", "2819c223-7f76-453a-919d-413861904646", spec, message)
	},
		Entry("without a userName", "tenantRef: {name: acme}\n"+meta, "spec.userName: Required"),
		Entry("with a userName that is too long", "tenantRef: {name: acme}\nuserName: "+strings.Repeat("a", 1025)+"\n"+meta, "Too long"),
		Entry("with more e-mail addresses than can be", "tenantRef: {name: acme}\nuserName: a\nemails: ["+strings.Repeat("{value: a},", 101)+"]\n"+meta, "Too many"),
	)
	It("is active when nothing is said, and found by that", func(ctx SpecContext) {
		for active, spec := range map[string]string{"true": "", "false": "active: false\n"} {
			user := parse("ScimUser", "is-"+active, "tenantRef: {name: acme}\nuserName: a\n"+spec+meta)
			Expect(live.Create(ctx, user)).To(Succeed())
			DeferCleanup(func(ctx SpecContext) { Expect(live.Delete(ctx, user)).To(Succeed()) })
			found := &unstructured.UnstructuredList{}
			found.SetGroupVersionKind(scimv1alpha1.GroupVersion.WithKind("ScimUserList"))
			Expect(live.List(ctx, found, client.MatchingFields{"spec.active": active})).To(Succeed())
			Expect(found.Items).To(ConsistOf(HaveField("GetName()", "is-"+active)))
		}
	})
	It("is found by its userName and e-mail address, as they are folded", func(ctx SpecContext) {
		user := parse("ScimUser", "folded", "tenantRef: {name: acme}\nuserName: Babs\nlookup: {userName: babs, email: babs@example.com}\n"+meta)
		Expect(live.Create(ctx, user)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(live.Delete(ctx, user)).To(Succeed()) })
		for field, value := range map[string]string{"spec.lookup.userName": "babs", "spec.lookup.email": "babs@example.com"} {
			found := &unstructured.UnstructuredList{}
			found.SetGroupVersionKind(scimv1alpha1.GroupVersion.WithKind("ScimUserList"))
			Expect(live.List(ctx, found, client.MatchingFields{field: value})).To(Succeed())
			Expect(found.Items).To(ConsistOf(HaveField("GetName()", "folded")), field)
		}
	})
	It("cannot change its tenant", func(ctx SpecContext) {
		refuseChange(ctx, "ScimUser", "tenantRef: {name: acme}\nuserName: a\n"+meta, "tenantRef: {name: globex}\nuserName: a\n"+meta, "`tenantRef` must not change")
	})
})

var _ = Describe("ScimGroup", func() {
	It("is accepted with members", func(ctx SpecContext) {
		accept(ctx, "ScimGroup", "group", "tenantRef: {name: acme}\ndisplayName: Tour Guides\nmemberCount: 1\nmembers: [2819c223-7f76-453a-919d-413861904646]\n"+meta)
	})
	DescribeTable("is refused", func(ctx SpecContext, spec, message string) {
		refuse(ctx, "ScimGroup", "group", spec, message)
	},
		Entry("without a displayName", "tenantRef: {name: acme}\nmemberCount: 0\n"+meta, "spec.displayName: Required"),
		Entry("with more members than can be", fmt.Sprintf("tenantRef: {name: acme}\ndisplayName: a\nmemberCount: 0\nmembers: [%s]\n%s", strings.Repeat("a,", scimv1alpha1.MaxGroupMembers+1), meta), "Too many"),
	)
})

var _ = Describe("ScimGroupMembers", func() {
	const refs = "tenantRef: {name: acme}\ngroupRef: {name: group}\n"
	ids := func(count int) string { return "[" + strings.Repeat("a,", count) + "]" }

	DescribeTable("is accepted", func(ctx SpecContext, spec string) {
		accept(ctx, "ScimGroupMembers", "group-1", refs+spec+"\n"+meta)
	},
		Entry("empty", "memberCount: 0"),
		Entry("full of users", fmt.Sprintf("memberCount: 1000\nmembers: %s", ids(scimv1alpha1.MaxSliceMembers))),
		Entry("full of users and groups", fmt.Sprintf("memberCount: 1000\nmembers: %s\nmemberGroups: %s", ids(scimv1alpha1.MaxSliceMembers-1), ids(1))),
	)
	DescribeTable("is refused", func(ctx SpecContext, spec, message string) {
		refuse(ctx, "ScimGroupMembers", "group-1", spec+"\n"+meta, message)
	},
		Entry("without a group", "tenantRef: {name: acme}\nmemberCount: 0", "spec.groupRef: Required"),
		Entry("without a tenant", "groupRef: {name: group}\nmemberCount: 0", "spec.tenantRef: Required"),
		Entry("without a count", refs, "spec.memberCount: Required"),
		Entry("with a group's name that is no label", "tenantRef: {name: acme}\ngroupRef: {name: "+strings.Repeat("a", 64)+"}\nmemberCount: 0", "Too long"),
		Entry("with too many users", refs+"memberCount: 0\nmembers: "+ids(scimv1alpha1.MaxSliceMembers+1), "Too many"),
		Entry("with too many users and groups", refs+"memberCount: 0\nmembers: "+ids(scimv1alpha1.MaxSliceMembers)+"\nmemberGroups: "+ids(1), "must not have more than 1000 items"),
	)
	DescribeTable("cannot change", func(ctx SpecContext, changed, message string) {
		refuseChange(ctx, "ScimGroupMembers", refs+"memberCount: 0\n"+meta, changed+"\nmemberCount: 0\n"+meta, message)
	},
		Entry("its tenant", "tenantRef: {name: globex}\ngroupRef: {name: group}", "`tenantRef` must not change"),
		Entry("its group", "tenantRef: {name: acme}\ngroupRef: {name: other}", "`groupRef` must not change"),
	)
})
