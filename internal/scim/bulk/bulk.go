// Package bulk reads a bulk request and says which of its operations may be carried out
// when (RFC 7644 section 3.7).
package bulk

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/appendjson"
	"github.com/kubescim/kubescim/internal/scim/message"
)

// URNs of the bulk messages (RFC 7644 section 3.7).
const (
	URNRequest  = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	URNResponse = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
)

// bulkIDPrefix begins a reference to a resource that the same bulk request
// creates (RFC 7644 section 3.7.2).
const bulkIDPrefix = "bulkId:"

// Request is the body of a bulk request (RFC 7644 section 3.7).
type Request struct {
	// FailOnErrors is the number of errors after which no more operations are
	// carried out; 0 carries out all.
	FailOnErrors int
	Operations   []Operation
}

// Operation is one request within a bulk request.
type Operation struct {
	Method string
	// BulkID names what a POST creates, for other operations to refer to.
	BulkID string
	// Version is the entity tag that the resource must have, as in If-Match.
	Version string
	// Path is relative to the base URL: /Users or /Users/{id}.
	Path string
	Data json.RawMessage
	// Undoes is true for the deletion of what another operation of the request has created, in the state in which that
	// left it. No operation that a client sends is one.
	Undoes bool

	problem *scim.Error // why it cannot be carried out, where that is known already
}

// Result is what came of one operation.
type Result struct {
	// Status is the HTTP status code.
	Status int
	// ID is the id of the resource; a POST that succeeded has it.
	ID                string
	Location, Version string
	// Response is the SCIM Error of an operation that failed.
	Response json.RawMessage
}

func (r Result) failed() bool { return r.Status >= http.StatusBadRequest }

// wireRequest is a bulk request on the wire.
type wireRequest struct {
	FailOnErrors *int            `json:"failOnErrors"`
	Operations   []wireOperation `json:"Operations"`
}

// wireOperation is an operation on the wire. Its members are read one by one, so that a
// wrong one fails this operation and no other.
type wireOperation struct {
	Method, BulkID, Version, Path, Data json.RawMessage
}

// Parse reads the body of a bulk request. More operations than limit are
// refused with 413 (section 3.7.4). What is wrong with one operation is told when it is
// carried out.
func Parse(doc []byte, limit int, l scim.Leniency) (*Request, error) {
	object, err := message.Parse(doc)
	if err != nil {
		return nil, err
	}
	if err := message.Check(object, URNRequest, l); err != nil {
		return nil, err
	}
	var body wireRequest
	if err := json.Unmarshal(doc, &body); err != nil {
		return nil, scim.BadRequest(scim.InvalidSyntax, "the body is no bulk request: Operations must be an array of objects with method, path, bulkId, version and data, and failOnErrors a whole number")
	}
	if len(body.Operations) == 0 {
		return nil, scim.BadRequest(scim.InvalidSyntax, "Operations must have at least one operation")
	}
	if len(body.Operations) > limit {
		return nil, scim.Errorf(http.StatusRequestEntityTooLarge, "",
			"the bulk request has %d operations and maxOperations is %d; send several requests", len(body.Operations), limit)
	}
	request := &Request{}
	if body.FailOnErrors != nil {
		if *body.FailOnErrors < 0 {
			return nil, scim.BadRequest(scim.InvalidValue, "failOnErrors must be 0 or more; with 0, or without it, all operations are carried out")
		}
		request.FailOnErrors = *body.FailOnErrors
	}
	for _, operation := range body.Operations {
		request.Operations = append(request.Operations, operation.read())
	}
	refuseDoubles(request.Operations)
	return request, nil
}

// read reads the members of an operation.
func (o wireOperation) read() Operation {
	var operation Operation
	for _, member := range []struct {
		name string
		raw  json.RawMessage
		text *string
	}{
		{"method", o.Method, &operation.Method}, {"path", o.Path, &operation.Path},
		{"bulkId", o.BulkID, &operation.BulkID}, {"version", o.Version, &operation.Version},
	} {
		if member.raw != nil && json.Unmarshal(member.raw, member.text) != nil {
			operation.problem = scim.BadRequest(scim.InvalidSyntax, "%q of an operation must be a string", member.name)
		}
	}
	operation.Method = strings.ToUpper(operation.Method)
	operation.Data = patchMessage(operation.Method, o.Data)
	return operation
}

// refuseDoubles makes the operations fail that share a bulkId, since there is no telling
// which of them a reference means.
func refuseDoubles(operations []Operation) {
	first := map[string]int{}
	for i := range operations {
		id := operations[i].BulkID
		if id == "" {
			continue
		}
		j, seen := first[id]
		if !seen {
			first[id] = i
			continue
		}
		problem := scim.BadRequest(scim.InvalidValue, "several operations of the request have this bulkId; give each its own")
		operations[i].problem, operations[j].problem = problem, problem
	}
}

// patchMessage makes the PatchOp message of a PATCH whose data is the bare array
// of its operations, as in the example of RFC 7644 section 3.7.3.
func patchMessage(method string, data json.RawMessage) json.RawMessage {
	bare := strings.HasPrefix(strings.TrimSpace(string(data)), "[")
	if !bare || method != http.MethodPatch {
		return data
	}
	return appendjson.Marshal(map[string]any{"schemas": []string{scim.URNPatchOp}, "Operations": data})
}

// check returns what is wrong with an operation by itself; nil if nothing is.
func (o Operation) check() *scim.Error {
	if o.problem != nil {
		return o.problem
	}
	segments := strings.Split(strings.Trim(o.Path, "/"), "/")
	wanted := 2
	switch o.Method {
	case http.MethodPost:
		wanted = 1
		if o.BulkID == "" {
			return scim.BadRequest(scim.InvalidValue, "a POST in a bulk request needs a bulkId, which may be any text that no other operation has")
		}
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return scim.BadRequest(scim.InvalidValue, "method must be POST, PUT, PATCH or DELETE")
	}
	if !strings.HasPrefix(o.Path, "/") || len(segments) != wanted || strings.HasPrefix(segments[wanted-1], ".") ||
		strings.EqualFold(segments[0], "Bulk") || strings.EqualFold(segments[0], "Me") {
		return scim.BadRequest(scim.InvalidPath, "path must be that of a user or group, /Users/{id} or /Groups/{id}, and for a POST /Users or /Groups")
	}
	if o.Method != http.MethodDelete && (len(o.Data) == 0 || string(o.Data) == "null") {
		return scim.BadRequest(scim.InvalidSyntax, "a %s needs data: what the body of that request would be", o.Method)
	}
	return nil
}
