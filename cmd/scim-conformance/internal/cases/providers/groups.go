// Package providers sends what identity providers really send: the steps of their own
// tests, and requests that depart from the RFCs, as far as a server for the provider must
// understand them.
package providers

import (
	"slices"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// Groups are the cases of this package.
func Groups() []suite.Group {
	return []suite.Group{
		{Name: "okta", About: "the steps of Okta's SCIM 2.0 specification test and of its CRUD suite", Cases: oktaCases()},
		{Name: "entra", About: "what the SCIM Validator of Microsoft Entra ID checks, and its test of a connection", Cases: slices.Concat(entraUsers(), entraGroups(), entraCredentials())},
		{Name: "lenient", About: "requests that depart from the RFCs", Cases: lenientCases()},
		{Name: "clients", About: "sequences of requests of identity providers", Cases: clientCases()},
	}
}
