package api

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("ScimServer", func() {
	DescribeTable("is accepted", func(ctx SpecContext, spec string) {
		accept(ctx, "ScimServer", "shared", spec)
	},
		Entry("with nothing in its spec", "{}"),
		Entry("with every field", `
replicas: 3
resources: {requests: {cpu: 100m}, limits: {memory: 1Gi}}
scheduling: {nodeSelector: {disk: ssd}, tolerations: [{key: a, operator: Exists}], priorityClassName: high}
imagePullSecrets: [{name: registry}]
tls: {secretName: shared-scim-server-tls}
endpoint:
  host: scim.example.com
  tls: {secretName: scim-tls}
  ingress: {className: nginx, annotations: {cert-manager.io/cluster-issuer: letsencrypt}}`),
		Entry("with a Gateway", "endpoint: {host: scim.example.com, httpRoute: {parentRefs: [{name: public, namespace: infra}]}}"),
	)

	DescribeTable("is refused", func(ctx SpecContext, name, spec, message string) {
		refuse(ctx, "ScimServer", name, spec, message)
	},
		Entry("with a name that is no label", "Shared.1", "{}", "must start with a lower-case letter"),
		Entry("with a host that is none", "shared", "endpoint: {host: 'https://scim.example.com'}", "must be a lower-case DNS name without scheme"),
		Entry("with a certificate for no host", "shared", "endpoint: {tls: {secretName: scim-tls}}", "`tls` needs a `host`"),
		Entry("with TLS and no certificate", "shared", "tls: {}", "secretName"),
		Entry("with a certificate in what is no Secret", "shared", "tls: {secretName: Pods_TLS}", "must be the name of a Secret"),
		Entry("with an Ingress for no host", "shared", "endpoint: {ingress: {className: nginx}}", "`ingress` needs a `host`"),
		Entry("with a Gateway for no host", "shared", "endpoint: {httpRoute: {parentRefs: [{name: a}]}}", "`httpRoute` needs a `host`"),
		Entry("with an Ingress and a Gateway", "shared", "endpoint: {host: a.example.com, ingress: {className: a}, httpRoute: {parentRefs: [{name: a}]}}", "a host has an Ingress or an HTTPRoute"),
		Entry("with a certificate and a Gateway", "shared", "endpoint: {host: a.example.com, tls: {secretName: a}, httpRoute: {parentRefs: [{name: a}]}}", "remove `tls.secretName`"),
	)
})

var _ = Describe("A ScimTenant on a shared server", func() {
	const entra, onShared = "identityProvider: Entra\n", "identityProvider: Entra\nserverRef: {name: shared}\n"

	DescribeTable("is accepted", func(ctx SpecContext, spec string) {
		accept(ctx, "ScimTenant", "acme", spec)
	},
		Entry("by path", onShared),
		Entry("with a host and a path of its own", onShared+"endpoint: {host: acme.example.com, path: /scim, tls: {secretName: acme-tls}}"),
		Entry("behind proxies", onShared+"endpoint: {trustedProxies: [10.0.0.0/8]}"),
	)

	DescribeTable("is refused", func(ctx SpecContext, name, spec, message string) {
		refuse(ctx, "ScimTenant", name, spec, message)
	},
		Entry("with a server of its own too", "acme", onShared+"server: {replicas: 3}", "remove one of them"),
		Entry("with a path and no host", "acme", onShared+"endpoint: {path: /scim}", "Set `endpoint.host`, or remove `endpoint.path`"),
		Entry("named like a well-known path", ".well-known", onShared, "must start with a lower-case letter"),
		Entry("on no server", "acme", entra+"serverRef: {}", "spec.serverRef"),
		Entry("on a server whose name none can have", "acme", entra+"serverRef: {name: Shared.1}", "must be the name of a ScimServer"),
	)

	DescribeTable("can be moved", func(ctx SpecContext, name, spec, changed string) {
		Expect(change(ctx, "ScimTenant", name, spec, changed)).To(Succeed())
	},
		Entry("to a server of its own", "to-its-own", onShared, entra+"server: {replicas: 3}"),
		Entry("to another shared one", "to-another", onShared, entra+"serverRef: {name: other}"),
		Entry("to a shared one, with what shapes its own taken out", "to-shared", entra+"server: {replicas: 3}", onShared),
	)

	It("is not moved with what shapes a server of its own", func(ctx SpecContext) {
		refuseChange(ctx, "ScimTenant", entra+"server: {replicas: 3}", onShared+"server: {replicas: 3}", "remove one of them")
	})

	It("changes in all else", func(ctx SpecContext) {
		Expect(change(ctx, "ScimTenant", "changing", onShared, onShared+"state: Paused")).To(Succeed())
	})
})
