package api

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("ScimRole", func() {
	of := func(value string) string { return "tenantRef: {name: acme}\nvalue: '" + value + "'\n" }

	DescribeTable("is accepted", func(ctx SpecContext, spec string) {
		accept(ctx, "ScimRole", "admin", spec)
	},
		Entry("with a value", of("a")),
		Entry("with blanks and letters of any script", of("Équipe Zürich 営業")),
		Entry("with what other applications have as values", of("urn:acme:role#billing.admin_2")),
		Entry("with every field", of("seat-pro")+"resourceType: Entitlement\ndisplay: Pro seat\ntype: License\ndescription: A seat"),
		Entry("with the longest value", of(strings.Repeat("a", 256))),
	)

	DescribeTable("is refused", func(ctx SpecContext, spec, message string) {
		refuse(ctx, "ScimRole", "admin", spec, message)
	},
		Entry("without a value", "tenantRef: {name: acme}", "spec.value"),
		Entry("without a tenant", "value: admin", "spec.tenantRef"),
		Entry("with a slash", of("a/b"), "must have no slash"),
		Entry("with a blank at its end", of("a "), "must have no slash"),
		Entry("with a blank at its beginning", of(" a"), "must have no slash"),
		Entry("with a dot at its beginning", of(".search"), "must have no slash"),
		Entry("with a line break", "tenantRef: {name: acme}\nvalue: \"a\\nb\"", "must have no slash"),
		Entry("with too long a value", of(strings.Repeat("a", 257)), "spec.value"),
		Entry("of another type", of("a")+"resourceType: Group", "spec.resourceType"),
		Entry("with too long a description", of("a")+"description: "+strings.Repeat("a", 513), "spec.description"),
	)

	DescribeTable("does not change in what identity providers know it by", func(ctx SpecContext, changed, message string) {
		refuseChange(ctx, "ScimRole", of("a"), changed, message)
	},
		Entry("its value", of("b"), "`value` must not change"),
		Entry("its tenant", "tenantRef: {name: globex}\nvalue: a", "`tenantRef` must not change"),
		Entry("what it is", of("a")+"resourceType: Entitlement", "`resourceType` must not change"),
	)

	It("changes in what people see", func(ctx SpecContext) {
		Expect(change(ctx, "ScimRole", "seen", of("a"), of("a")+"display: A\ndescription: b\ntype: c")).To(Succeed())
	})
})
