// Package transport has what a client's calls to the API server pass through: wrappers of an
// http.RoundTripper that count bytes, name the request in the audit log, keep client-go from
// repeating a write, and spare a server that does not answer. They know no object and no
// tenant.
package transport
