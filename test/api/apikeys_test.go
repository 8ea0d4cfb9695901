package api

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var _ = Describe("What a ScimApiKey may do and how long it lives", func() {
	const (
		acme      = "tenantRef: {name: acme}\n"
		federated = acme + "federated: {issuer: 'https://login.example.com/t/v2.0', audiences: ['api://scim'], claims: {sub: s1}}\n"
		offline   = acme + "bearerToken: {issuer: Offline}\n"
		client    = acme + "oauthClient: {}\n"
		entra     = acme + "federated: {entra: {tenantID: 11111111-2222-3333-4444-555555555555, objectID: 66666666-7777-8888-9999-aaaaaaaaaaaa, audiences: ['api://scim']}}\n"
		account   = acme + "federated: {serviceAccount: {name: app}}\n"
		pem       = "\"-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n\""
	)
	// with returns the spec with something more in federated.
	with := func(spec, more string) string {
		return strings.TrimSuffix(spec, "}\n") + ", " + more + "}\n"
	}

	DescribeTable("is accepted", func(ctx SpecContext, spec string) {
		accept(ctx, "ScimApiKey", "acme", spec)
	},
		Entry("suspended", acme+"state: Suspended"),
		Entry("to read users alone", acme+"access: ReadOnly\nresources: [Users]"),
		Entry("from some networks", acme+"allowedCIDRs: [203.0.113.0/24, '2001:db8::/32', 198.51.100.7/32]"),
		Entry("from anywhere, said at length", acme+"allowedCIDRs: [0.0.0.0/0, '::/0']"),
		Entry("for some requests in a second", acme+"rateLimit: {requestsPerSecond: 50}"),
		Entry("for some writes in a second, and more at once", acme+"rateLimit: {writesPerSecond: 5, burst: 100}"),
		Entry("handed over once", acme+"delivery: {mode: Once}"),
		Entry("handed over once, for a minute", acme+"delivery: {mode: Once, ttlSeconds: 60}"),
		Entry("rotated", acme+"rotation: {everyDays: 90, overlapHours: 72}"),
		Entry("rotated on demand, with no overlap", acme+"rotation: {overlapHours: 0}"),
		Entry("rotated every day, and good for two", acme+"rotation: {everyDays: 1, overlapHours: 24}"),
		Entry("as an OAuth client", client),
		Entry("as an OAuth client whose secret is made elsewhere", acme+"oauthClient: {secretIssuer: Offline}"),
		Entry("as an OAuth client whose secret is rotated", client+"rotation: {everyDays: 365, overlapHours: 2160}"),
		Entry("as a federated one", federated),
		Entry("as a federated one, with authorities of its own", with(federated, "caBundle: "+pem)),
		Entry("as a federated one, at a port", strings.Replace(federated, "login.example.com", "127.0.0.1:8443", 1)),
		Entry("as a federated one, with 16 audiences and claims", acme+"federated: {issuer: 'https://login.example.com', audiences: ["+listed("a%d", 16)+"], claims: {sub: s, "+listed("c%d: v", 15)+"}}"),
		Entry("as one of Entra", entra),
		Entry("as one of a ServiceAccount", account),
		Entry("as one of a ServiceAccount that writes", account+"access: ReadWrite"),
		Entry("as one of a ServiceAccount elsewhere", acme+"federated: {serviceAccount: {name: app.v1, namespace: team-b, audiences: [scim]}}"),
		Entry("as a federated one that may read from one network", federated+"access: ReadOnly\nallowedCIDRs: [203.0.113.0/24]"),
	)

	many := "allowedCIDRs: [" + strings.Repeat("203.0.113.0/24,", 32) + "198.51.100.0/24]"
	DescribeTable("is refused", func(ctx SpecContext, spec, message string) {
		refuse(ctx, "ScimApiKey", "acme", spec, message)
	},
		Entry("in another state", acme+"state: Paused", `supported values: "Active", "Suspended"`),
		Entry("with another access", acme+"access: WriteOnly", `supported values: "ReadWrite", "ReadOnly"`),
		Entry("for no resources", acme+"resources: []", "spec.resources"),
		Entry("for other resources", acme+"resources: [Roles]", `supported values: "Users", "Groups"`),
		Entry("for resources twice", acme+"resources: [Users, Users]", "Duplicate value"),
		Entry("from no network", acme+"allowedCIDRs: []", "spec.allowedCIDRs"),
		Entry("from an address", acme+"allowedCIDRs: [203.0.113.7]", "or '203.0.113.7/32' for one address"),
		Entry("from a network with bits behind its prefix", acme+"allowedCIDRs: [203.0.113.7/24]", "without bits behind its prefix"),
		Entry("from a network of mapped addresses", acme+"allowedCIDRs: ['::ffff:203.0.113.0/120']", "must be a network in CIDR notation"),
		Entry("from too many networks", acme+many, "must have at most 32 items"),
		Entry("for requests of no rate", acme+"rateLimit: {burst: 100}", "`burst` is of a rate"),
		Entry("for no requests", acme+"rateLimit: {requestsPerSecond: 0}", "greater than or equal to 1"),
		Entry("handed over by mail", acme+"delivery: {mode: Mail}", `supported values: "Secret", "Once"`),
		Entry("with a time for a Secret that stays", acme+"delivery: {ttlSeconds: 3600}", "`ttlSeconds` is for the `mode` 'Once'"),
		Entry("with a time for a Secret that stays, said at length", acme+"delivery: {mode: Secret, ttlSeconds: 3600}", "`ttlSeconds` is for the `mode` 'Once'"),
		Entry("handed over for a moment", acme+"delivery: {mode: Once, ttlSeconds: 59}", "greater than or equal to 60"),
		Entry("handed over for longer than 30 days", acme+"delivery: {mode: Once, ttlSeconds: 2592001}", "spec.delivery.ttlSeconds"),
		Entry("rotated all the time", acme+"rotation: {everyDays: 0}", "greater than or equal to 1"),
		Entry("rotated after more than a year", acme+"rotation: {everyDays: 366}", "less than or equal to 365"),
		Entry("with an overlap that ended before", acme+"rotation: {overlapHours: -1}", "greater than or equal to 0"),
		Entry("with an overlap of three tokens", acme+"rotation: {everyDays: 1, overlapHours: 25}", "`overlapHours` must not be longer than `everyDays`"),
		Entry("rotated, but made elsewhere", offline+"rotation: {everyDays: 90}", "apply another ScimCredential to rotate"),
		Entry("handed over once, but made elsewhere", offline+"delivery: {mode: Once}", "the token of this key is made elsewhere"),
		Entry("rotated, with a client's secret that is made elsewhere", acme+"oauthClient: {secretIssuer: Offline}\nrotation: {everyDays: 90}", "the secret of this client is made elsewhere"),
		Entry("rotated, but federated", federated+"rotation: {everyDays: 90}", "no secret to rotate"),
		Entry("handed over, but federated", federated+"delivery: {mode: Once}", "no secret to hand over"),
		Entry("as two things", client+"bearerToken: {issuer: Operator}", "a key has one of `bearerToken`, `oauthClient` and `federated`"),
		Entry("as two other things", federated+"oauthClient: {}", "or create a ScimApiKey for each"),
		Entry("federated with nobody", acme+"federated: {}", "spec.federated"),
		Entry("federated with two", with(entra, "serviceAccount: {name: app}"), "must have one of `issuer`, `entra` and `serviceAccount`"),
		Entry("federated with two others", with(federated, "serviceAccount: {name: app}"), "create a ScimApiKey for each other"),
		Entry("federated for any audience at all", acme+"federated: {issuer: 'https://login.example.com', claims: {sub: s1}}", "`issuer` needs `audiences` and `claims`"),
		Entry("federated with anybody of an issuer", acme+"federated: {issuer: 'https://login.example.com', audiences: [scim]}", "`issuer` needs `audiences` and `claims`"),
		Entry("federated with claims of Entra's own", with(entra, "claims: {sub: s1}"), "are for an `issuer`"),
		Entry("federated with authorities of the cluster's own", with(account, "caBundle: "+pem), "are for an `issuer`"),
		Entry("federated with a claim that is checked anyway", strings.Replace(federated, "sub: s1", "sub: s1, iss: x", 1), "which are checked anyway"),
		Entry("federated with authorities that are none", with(federated, "caBundle: none"), "must be certificates in PEM"),
		Entry("federated with a private key", with(federated, "caBundle: "+strings.ReplaceAll(pem, "END CERTIFICATE", "BEGIN PRIVATE KEY")), "and no private key"),
		Entry("federated with too many authorities", with(federated, "caBundle: "+strings.Replace(pem, "MIIB", strings.Repeat("A", 16384), 1)), "spec.federated.caBundle"),
		Entry("federated with too many audiences", strings.Replace(federated, "'api://scim'", listed("a%d", 17), 1), "must have at most 16 items"),
		Entry("federated with an audience twice", strings.Replace(federated, "'api://scim'", "scim, scim", 1), "Duplicate value"),
		Entry("federated with an audience that is none", strings.Replace(federated, "'api://scim'", "''", 1), "spec.federated.audiences"),
		Entry("federated with a tenant of Entra by name", strings.Replace(entra, "11111111-2222-3333-4444-555555555555", "acme.onmicrosoft.com", 1), "must be the directory (tenant) id of Entra"),
		Entry("federated with an id in capitals", strings.Replace(entra, "aaaaaaaaaaaa", "AAAAAAAAAAAA", 1), "must be the object id of the enterprise application in Entra in lower case"),
		Entry("federated with Entra for any audience", strings.Replace(entra, "'api://scim'", "", 1), "spec.federated.entra.audiences"),
		Entry("federated with everybody of Entra", acme+"federated: {entra: {tenantID: 11111111-2222-3333-4444-555555555555, audiences: [scim]}}", "spec.federated.entra.objectID: Required"),
		Entry("federated with no ServiceAccount", acme+"federated: {serviceAccount: {namespace: acme}}", "spec.federated.serviceAccount.name: Required"),
		Entry("federated with a user of the cluster", acme+"federated: {serviceAccount: {name: 'app:x'}}", "must be the name of a ServiceAccount"),
		Entry("federated with a namespace that is none", acme+"federated: {serviceAccount: {name: app, namespace: 'a:b'}}", "must be the name of a namespace"),
		Entry("federated without TLS", strings.Replace(federated, "https:", "http:", 1), "must be the URL of the issuer, which begins with 'https://'"),
		Entry("federated with a name", strings.Replace(federated, "https://login.example.com/t/v2.0", "login.example.com", 1), "must be the URL of the issuer"),
		Entry("federated with a user in the URL", strings.Replace(federated, "login.", "me@login.", 1), "has no user, query or fragment"),
		Entry("federated for any audience", strings.Replace(federated, "'api://scim'", "", 1), "spec.federated.audiences"),
		Entry("federated with everybody of an issuer", strings.Replace(federated, "sub: s1", "tid: t1", 1), "must have `sub`"),
	)

	DescribeTable("cannot change", func(ctx SpecContext, spec, changed, message string) {
		refuseChange(ctx, "ScimApiKey", spec, changed, message)
	},
		Entry("from a bearer token to a client", acme, client, "`oauthClient` must not change"),
		Entry("from a client to a bearer token", client, acme, "`oauthClient` must not change"),
		Entry("who makes its client's secret", client, acme+"oauthClient: {secretIssuer: Offline}", "`oauthClient` must not change"),
		Entry("from a bearer token to a federated key", acme, federated, "`federated` must not be set or taken out later"),
		Entry("from a federated key to a bearer token", federated, acme, "a key stays what it is"),
		Entry("from one issuer to another", federated, strings.Replace(federated, "login.", "idp.", 1), "`issuer` must not change"),
		Entry("from an issuer to Entra", federated, entra, "who makes the tokens must not change"),
		Entry("from Entra to the cluster", entra, account, "who makes the tokens must not change"),
		Entry("from the cluster to an issuer", account, federated, "who makes the tokens must not change"),
		Entry("from one tenant of Entra to another", entra, strings.Replace(entra, "11111111", "21111111", 1), "`tenantID` and `objectID` must not change"),
		Entry("from one application of Entra to another", entra, strings.Replace(entra, "66666666", "26666666", 1), "`tenantID` and `objectID` must not change"),
		Entry("from one ServiceAccount to another", account, strings.Replace(account, "app", "app2", 1), "`name` and `namespace` must not change"),
		Entry("to a ServiceAccount elsewhere", account, strings.Replace(account, "app", "app, namespace: team-b", 1), "`name` and `namespace` must not change"),
	)

	DescribeTable("can change", func(ctx SpecContext, spec, changed string) {
		Expect(change(ctx, "ScimApiKey", "changed", spec, changed)).To(Succeed())
	},
		Entry("its state", acme+"state: Suspended", acme+"state: Active"),
		Entry("what it may do", acme+"access: ReadOnly\nresources: [Users]", acme),
		Entry("how it is handed over and rotated", acme+"delivery: {mode: Once}\nrotation: {everyDays: 1}", acme+"delivery: {mode: Secret}"),
		Entry("how it is handed over and rotated, to nothing", acme+"delivery: {mode: Once}\nrotation: {everyDays: 1}", acme+"delivery: {}\nrotation: {}"),
		Entry("which audiences a federated key takes", federated, strings.Replace(federated, "api://scim", "scim", 1)),
		Entry("which claims a federated key takes", federated, strings.Replace(federated, "s1", "s2", 1)),
		Entry("which authorities a federated key takes", federated, with(federated, "caBundle: "+pem)),
		Entry("which audiences a key of Entra takes", entra, strings.Replace(entra, "api://scim", "scim", 1)),
		Entry("which audiences a key of a ServiceAccount takes", account, strings.Replace(account, "app", "app, audiences: [scim]", 1)),
	)
})

// listed returns so many items of a list in YAML.
func listed(format string, items int) string {
	all := make([]string, items)
	for i := range all {
		all[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(all, ", ")
}

var _ = Describe("A part of a ScimApiKey", func() {
	It("may be left with nothing in it by a patch", func(ctx SpecContext) {
		key := parse("ScimApiKey", "patched", "tenantRef: {name: acme}\ndelivery: {mode: Once}\nrotation: {overlapHours: 0}")
		Expect(live.Create(ctx, key)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(live.Delete(ctx, key)).To(Succeed()) })
		patch := `{"spec":{"delivery":{"mode":null},"rotation":{"overlapHours":null}}}`
		Expect(live.Patch(ctx, key, client.RawPatch(types.MergePatchType, []byte(patch)))).To(Succeed())
		Expect(key.Object["spec"]).To(And(HaveKeyWithValue("delivery", BeEmpty()), HaveKeyWithValue("rotation", BeEmpty())))
	})
})

var _ = Describe("The trusted proxies of a ScimTenant", func() {
	It("are networks", func(ctx SpecContext) {
		accept(ctx, "ScimTenant", "acme", "identityProvider: Entra\nendpoint: {trustedProxies: [10.0.0.0/8, 'fd00::/8']}")
	})
	DescribeTable("are refused", func(ctx SpecContext, proxies, message string) {
		refuse(ctx, "ScimTenant", "acme", "identityProvider: Entra\nendpoint: {trustedProxies: ["+proxies+"]}", message)
	},
		Entry("as nothing", "", "spec.endpoint.trustedProxies"),
		Entry("as an address", "10.0.0.1", "must be a network in CIDR notation"),
		Entry("twice", "10.0.0.0/8, 10.0.0.0/8", "Duplicate value"),
		Entry("as everybody", "10.0.0.0/8, 0.0.0.0/0", "`trustedProxies` must not be every address"),
		Entry("as everybody by IPv6", "'::/0'", "then anybody could say in a header from where they come"),
	)
})
