// Package server is the HTTP side of a SCIM server (RFC 7644 section 3). A Tenant
// is the runtime of one tenant and an http.Handler: it authenticates a request, lets it in
// or not, and has it answered. It has its own store, keys, settings and metrics and shares
// nothing with other Tenants, so that one process may host any number of them.
//
// What it is made of are the packages below: auth, limit, accesslog, listen and request
// know one subject each, and no tenant; exchange is one request and its answer; handler
// answers by URL and method, with cursors from cursor. What SCIM means is in package scim,
// what is kept in package store.
package server
