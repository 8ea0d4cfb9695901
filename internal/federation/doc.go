// Package federation checks assertions: JWTs of other issuers that stand for a federated key
// (RFC 7521, RFC 7523 section 3). It reads an assertion, knows the keys of issuers for a
// while, and says what is wrong when an assertion does not stand for a key. Where the keys
// come from is for its caller to say; it knows no HTTP and no Kubernetes.
//
// An issuer is named by the author of a tenant, who may be an adversary, and an assertion is
// sent by anybody. So there is a bound for how many issuers have their keys in memory, how
// many keys each has, how often each is asked, and how many are asked at the same time.
//
// The verifier and the key set of go-oidc are not used. That key set asks the issuer again
// at every signature that is wrong, which anybody can send; that verifier takes an assertion
// up to five minutes early, and two names for one issuer, and says what is wrong in a text
// that has parts of the assertion in it.
package federation
