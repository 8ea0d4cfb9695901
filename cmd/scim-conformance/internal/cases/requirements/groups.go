// Package requirements checks what RFC 7643, RFC 7644, RFC 9865 and RFC 6749 demand, subject by
// subject, with an eye to what servers commonly get wrong.
package requirements

import (
	"slices"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// Groups are the cases of this package.
func Groups() []suite.Group {
	return []suite.Group{
		{Name: "attributes", About: "names in any case, null, primary values, dates, types and schemas of documents", Cases: attributeCases()},
		{Name: "identity", About: "id, externalId and meta", Cases: identityCases()},
		{Name: "users", About: "userName, password, and the groups that a user is in", Cases: userCases()},
		{Name: "schemas", About: "groups, and what the schemas say of attributes", Cases: schemaCases()},
		{Name: "messages", About: "media types, and creating with POST", Cases: messageCases()},
		{Name: "filter", About: "filters", Cases: filterCases()},
		{Name: "query", About: "queries of types and of the root, and their parameters", Cases: queryCases()},
		{Name: "sort", About: "sortBy and sortOrder", Cases: sortCases()},
		{Name: "pages", About: "pages by index", Cases: pageCases()},
		{Name: "projection", About: "attributes, excludedAttributes, and .search", Cases: projectionCases()},
		{Name: "put", About: "replacing with PUT", Cases: putCases()},
		{Name: "patch", About: "changing with PATCH", Cases: slices.Concat(patchCases(), removeAndReplaceCases())},
		{Name: "delete", About: "DELETE", Cases: deleteCases()},
		{Name: "bulk", About: "bulk requests", Cases: bulkCases()},
		{Name: "urls", About: "URNs in paths, and /Me", Cases: urlCases()},
		{Name: "errors", About: "errors, and the header with the token", Cases: errorCases()},
		{Name: "versions", About: "ETags and conditional requests", Cases: versionCases()},
		{Name: "discovery", About: "ServiceProviderConfig, ResourceTypes and Schemas", Cases: discoveryCases()},
		{Name: "cursor", About: "pages by cursor (RFC 9865)", Cases: slices.Concat(cursorWalkCases(), cursorCases())},
		{Name: "events", About: "what is said of events (RFC 9967)", Cases: eventCases()},
		{Name: "oauth", About: "access tokens for OAuth clients (RFC 6749)", Cases: oauthCases()},
		{Name: "federation", About: "access tokens for the tokens of another issuer (RFC 7523)", Cases: federationCases()},
		{Name: "concurrency", About: "several clients at the same time, and reading what was just written", Cases: concurrencyCases()},
	}
}
