// Package server is the HTTP side of a SCIM server (RFC 7644 section 3): it
// authenticates, limits, routes, and answers in SCIM messages, errors included.
// What SCIM means is in package scim, what is kept in package store.
//
// A Tenant is the runtime of one tenant and an http.Handler. It has its own
// store, keys, settings and metrics and shares nothing with other Tenants, so
// that one process may host any number of them.
package server
