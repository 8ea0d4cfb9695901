package api

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("What a ScimApiKey may do and how long it lives", func() {
	const (
		acme      = "tenantRef: {name: acme}\n"
		federated = acme + "federated: {issuer: 'https://login.example.com/t/v2.0', audiences: ['api://scim'], claims: {sub: s1}}\n"
		offline   = acme + "bearerToken: {issuer: Offline}\n"
		client    = acme + "oauthClient: {}\n"
	)

	DescribeTable("is accepted", func(ctx SpecContext, spec string) {
		accept(ctx, "ScimApiKey", "acme", spec)
	},
		Entry("suspended", acme+"state: Suspended"),
		Entry("to read users alone", acme+"access: ReadOnly\nresources: [Users]"),
		Entry("from some networks", acme+"allowedCIDRs: [203.0.113.0/24, '2001:db8::/32', 198.51.100.7/32]"),
		Entry("from anywhere, said at length", acme+"allowedCIDRs: [0.0.0.0/0, '::/0']"),
		Entry("handed over once", acme+"delivery: {mode: Once}"),
		Entry("handed over once, for a minute", acme+"delivery: {mode: Once, ttlSeconds: 60}"),
		Entry("rotated", acme+"rotation: {everyDays: 90, overlapHours: 72}"),
		Entry("rotated on demand, with no overlap", acme+"rotation: {overlapHours: 0}"),
		Entry("rotated every day, and good for two", acme+"rotation: {everyDays: 1, overlapHours: 24}"),
		Entry("as an OAuth client", client),
		Entry("as an OAuth client whose secret is made elsewhere", acme+"oauthClient: {secretIssuer: Offline}"),
		Entry("as an OAuth client whose secret is rotated", client+"rotation: {everyDays: 365, overlapHours: 2160}"),
		Entry("as a federated one", federated),
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
		Entry("handed over in a way that is none", acme+"delivery: {}", "spec.delivery"),
		Entry("handed over by mail", acme+"delivery: {mode: Mail}", `supported values: "Secret", "Once"`),
		Entry("with a time for a Secret that stays", acme+"delivery: {ttlSeconds: 3600}", "`ttlSeconds` is for the `mode` 'Once'"),
		Entry("with a time for a Secret that stays, said at length", acme+"delivery: {mode: Secret, ttlSeconds: 3600}", "`ttlSeconds` is for the `mode` 'Once'"),
		Entry("handed over for a moment", acme+"delivery: {mode: Once, ttlSeconds: 59}", "greater than or equal to 60"),
		Entry("handed over for longer than 30 days", acme+"delivery: {mode: Once, ttlSeconds: 2592001}", "spec.delivery.ttlSeconds"),
		Entry("rotated in a way that is none", acme+"rotation: {}", "spec.rotation"),
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
		Entry("federated with nobody", acme+"federated: {}", "spec.federated.issuer: Required"),
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
	)

	DescribeTable("can change", func(ctx SpecContext, spec, changed string) {
		Expect(change(ctx, "ScimApiKey", "changed", spec, changed)).To(Succeed())
	},
		Entry("its state", acme+"state: Suspended", acme+"state: Active"),
		Entry("what it may do", acme+"access: ReadOnly\nresources: [Users]", acme),
		Entry("how it is handed over and rotated", acme+"delivery: {mode: Once}\nrotation: {everyDays: 1}", acme+"delivery: {mode: Secret}"),
		Entry("which audiences a federated key takes", federated, strings.Replace(federated, "api://scim", "scim", 1)),
	)
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
	)
})
