// Package oauth is the protocol of the token endpoint of a tenant: the client credentials
// grant of OAuth 2.0 (RFC 6749 section 4.4), access tokens that are JWTs (RFC 9068), and the
// documents that tell a client where the endpoint is (RFC 8414, RFC 9728). It reads what a
// client sends and writes what it gets; it knows no HTTP server, no Kubernetes and no clock.
//
// A client's id is the name of its ScimApiKey. That stays while secrets come and go, is the
// same in a namespace that is restored or moved, needs no encoding in Basic credentials, and
// is unique where it has to be, which is within one token endpoint (RFC 6749 section 2.2): a
// tenant's own. It is no secret and no key id: of those, a key has one for each live secret.
// A client's secret is a token of package apikey. A federated key has none: its client sends
// an assertion instead, which package federation checks (RFC 7523 section 2.2).
//
// An access token rests on the secret that it was issued for, whose key id it names, or on
// the federated key, whose key id is another one whenever it trusts other assertions. Each
// replica checks the signature by itself, once; and with each request whether that secret is
// accepted at the moment. So what ends a secret ends its access tokens, by the same watch
// and within the same second, and a key that is deleted and made again under its name does
// not bring them back.
package oauth
