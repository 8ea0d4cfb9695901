// Package safety checks what must not go wrong whatever a client sends: no loss behind a
// success, no harm by malformed and expensive requests, and nothing of another tenant.
package safety

import "github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"

// Groups are the cases of this package.
func Groups() []suite.Group {
	return []suite.Group{
		{Name: "loss", About: "what must not be lost behind a success", Cases: lossCases()},
		{Name: "hostile", About: "random, malformed and expensive requests", Cases: hostileCases()},
		{Name: "tenancy", About: "authentication, and what a tenant sees of another", Cases: tenancyCases()},
	}
}
