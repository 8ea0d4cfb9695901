package api

import (
	. "github.com/onsi/ginkgo/v2"
)

var _ = Describe("ScimEventSink", func() {
	const least = "tenantRef: {name: acme}\nurl: https://app.example.com/events\n"

	DescribeTable("is accepted", func(ctx SpecContext, spec string) {
		accept(ctx, "ScimEventSink", "app", spec)
	},
		Entry("with what it must have", least),
		Entry("with every field", least+`
audience: app
format: CloudEvent
content: Full
additionalEvents: [SessionRevoked]
caBundle: "-----BEGIN CERTIFICATE-----"`),
		Entry("at another port", "tenantRef: {name: acme}\nurl: https://192.0.2.7:8443/events?for=acme"),
	)

	DescribeTable("is refused", func(ctx SpecContext, spec, message string) {
		refuse(ctx, "ScimEventSink", "app", spec, message)
	},
		Entry("without a tenant", "url: https://app.example.com/events", "spec.tenantRef: Required"),
		Entry("without a URL", "tenantRef: {name: acme}", "spec.url: Required"),
		Entry("without TLS", "tenantRef: {name: acme}\nurl: http://app.example.com/events", "must be a URL that begins with 'https://'"),
		Entry("with a password", "tenantRef: {name: acme}\nurl: https://a:b@app.example.com/", "has no user or fragment"),
		Entry("with a format that there is not", least+"format: XML", "spec.format"),
		Entry("with an event that there is not", least+"additionalEvents: [Created]", "spec.additionalEvents"),
		Entry("with a private key", least+`caBundle: "-----BEGIN CERTIFICATE----- PRIVATE KEY"`, "and no private key"),
	)

	It("stays with its tenant", func(ctx SpecContext) {
		refuseChange(ctx, "ScimEventSink", least, "tenantRef: {name: globex}\nurl: https://app.example.com/events", "`tenantRef` must not change")
	})
})
