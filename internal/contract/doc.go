// Package contract is what the operator and the SCIM servers that it runs agree on, and
// no more: what the objects that both use are called (names.go), what a server pod finds
// where it starts (pod.go), which schemas a ScimTenant stands for (schema.go), which tokens
// are accepted (credentials.go), also of other issuers (federation.go, issuers.go), and what
// for (grants.go), which server hosts a tenant, and
// how (hosting.go), and what a pod states in its Lease: that it is alive and which
// credentials it goes by (replica.go), what it has counted (usage.go), and whom it cannot
// reach (peers.go). What is for pods of the release before is in migration.go.
//
// An operator and servers of two releases work together during an upgrade: what is
// written here can be added to, and must not be given another meaning.
//
// It has no builders of objects, which are the operator's alone (internal/operand), and
// no calls of the API server.
package contract
