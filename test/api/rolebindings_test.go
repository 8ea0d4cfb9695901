package api

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("ScimRoleBinding", func() {
	const (
		tenant  = "tenantRef: {name: acme}\n"
		group   = "group: {displayName: Viewers}\n"
		view    = "roleRef: {kind: ClusterRole, name: view}\n"
		subject = "subject: {attribute: UserName, prefix: 'oidc:'}\n"
		all     = tenant + group + view + subject
	)

	DescribeTable("is accepted", func(ctx SpecContext, spec string) {
		accept(ctx, "ScimRoleBinding", "viewers", spec)
	},
		Entry("with what is required", all),
		Entry("with every field", tenant+"group: {externalId: 00g1}\n"+view+"subject: {attribute: PrimaryEmail, prefix: 'https://idp.example.com#'}\nscope: Cluster\nmode: DryRun"),
		Entry("with a Role, by the id of a group", tenant+"group: {id: fa60496a-6064-47f0-b3c5-e47cf12f008c}\n"+subject+"roleRef: {kind: Role, name: 'team:deployer'}"),
	)

	DescribeTable("is refused", func(ctx SpecContext, name, spec, message string) {
		refuse(ctx, "ScimRoleBinding", name, spec, message)
	},
		Entry("with a name that is too long for labels", "b23456789-123456789-123456789-123456789-123456789-1", all, "at most 50 characters"),
		Entry("without a group", "viewers", tenant+view+subject, "spec.group"),
		Entry("with a group by nothing", "viewers", tenant+"group: {}\n"+view+subject, "exactly one of"),
		Entry("with a group by two things", "viewers", tenant+"group: {id: a, displayName: b}\n"+view+subject, "exactly one of"),
		Entry("with a role of another kind", "viewers", tenant+group+subject+"roleRef: {kind: Group, name: view}", "Unsupported value"),
		Entry("with a role that is a path", "viewers", tenant+group+subject+"roleRef: {kind: Role, name: 'a/b'}", "must be the name of a role"),
		Entry("with a Role for the cluster", "viewers", tenant+group+subject+"roleRef: {kind: Role, name: a}\nscope: Cluster", "needs a `roleRef` of kind 'ClusterRole'"),
		Entry("without a prefix", "viewers", tenant+group+view+"subject: {attribute: UserName}", "spec.subject.prefix"),
		Entry("with an empty prefix", "viewers", tenant+group+view+"subject: {attribute: UserName, prefix: ''}", "spec.subject.prefix"),
		Entry("with the prefix of Kubernetes", "viewers", tenant+group+view+"subject: {attribute: UserName, prefix: 'system:'}", "must not be the beginning of 'system:'"),
		Entry("with more than that prefix", "viewers", tenant+group+view+"subject: {attribute: UserName, prefix: 'system:node:'}", "must not be the beginning of 'system:'"),
		Entry("with a part of that prefix", "viewers", tenant+group+view+"subject: {attribute: UserName, prefix: 's'}", "must not be the beginning of 'system:'"),
		Entry("by another attribute", "viewers", tenant+group+view+"subject: {attribute: DisplayName, prefix: 'oidc:'}", "Unsupported value"),
	)

	DescribeTable("can be changed", func(ctx SpecContext, name, changed string) {
		Expect(change(ctx, "ScimRoleBinding", name, all+"mode: DryRun", changed)).To(Succeed())
	},
		Entry("to another group", "other-group", tenant+"group: {displayName: Others}\n"+view+subject),
		Entry("to another subject", "other-subject", tenant+group+view+"subject: {attribute: Id, prefix: 'x:'}"),
		Entry("to be done", "done", all),
	)

	DescribeTable("cannot be changed", func(ctx SpecContext, name, changed, message string) {
		Expect(change(ctx, "ScimRoleBinding", name, all, changed)).To(MatchError(ContainSubstring(message)))
	},
		Entry("to another role", "other-role", tenant+group+subject+"roleRef: {kind: ClusterRole, name: edit}", "`roleRef` must not change"),
		Entry("to the cluster", "other-scope", all+"scope: Cluster", "`scope` must not change"),
		Entry("to do nothing any more", "undone", all+"mode: DryRun", "`mode` must not go back to 'DryRun'"),
	)
})
