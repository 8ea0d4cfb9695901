// Package scim is the root of an engine for SCIM 2.0 (RFC 7643, RFC 7644, and the
// messages of RFC 9865), without HTTP and without storage: it reads what a client sends,
// and says what the resource is to be, or what the client did wrong. The package itself
// has the nouns that all of it shares: a [Resource], an [Error], a [Leniency].
//
// # Overview
//
// Everything starts at a [schema.Registry], which has the resource types User and Group
// with their schemas, and the extension schemas of a tenant. With a
// [schema.ResourceType], functions read requests and write answers:
//
//   - document.Decode reads the body of a POST, document.Replace that of a PUT, and both
//     give a [Resource];
//   - patch.Parse compiles the body of a PATCH, and Patch.Apply applies it as often as a
//     compare-and-swap loop wants;
//   - filter.Parse, sorting.Parse and render.ParseProjection compile the parameters of a
//     query, message.ParseSearch the body of a search;
//   - render.Resource writes a resource as a client gets it; render.JSON and
//     decode.FromJSON are for a store, and package compact for what is kept in memory;
//   - bulk.Parse reads a bulk request and says what may be carried out when;
//   - package discovery has the documents about all this.
//
// The schema alone decides: type, multiplicity, mutability, case, required and
// returned are enforced on every path, and names come out as the schema spells
// them, in whichever of the spellings that schema/names.go lists they came in. A password
// is checked and dropped: it is never part of a Resource or of an error.
//
// # Errors
//
// An error about what a client sent is an [*Error], with the status and the scimType
// of RFC 7644 section 3.12 and a text that says what to mend. The text never
// has the value of an attribute.
//
// # Leniency
//
// The zero [Leniency] is the RFC, but for the spelling of names. Each of its switches allows one
// thing that some client in the field does. None of them ever makes an operation
// remove more than it names.
//
// # Limits
//
// Input is bounded: the size and depth of documents, the length of filters, the
// number of operations, of elements, and of comparisons that a PATCH makes in all.
// Adding and removing members costs what is changed, not what the group has. The
// size of a body is for the caller to bound.
package scim
