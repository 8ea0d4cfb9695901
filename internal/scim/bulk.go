package scim

import (
	"encoding/json"
	"net/http"
	"strings"
)

// URNs of the bulk messages (RFC 7644 section 3.7).
const (
	URNBulkRequest  = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	URNBulkResponse = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
)

// bulkIDPrefix begins a reference to a resource that the same bulk request
// creates (RFC 7644 section 3.7.2).
const bulkIDPrefix = "bulkId:"

// BulkRequest is the body of a bulk request (RFC 7644 section 3.7).
type BulkRequest struct {
	// FailOnErrors is the number of errors after which no more operations are
	// carried out; 0 carries out all.
	FailOnErrors int
	Operations   []BulkOperation
}

// BulkOperation is one request within a bulk request.
type BulkOperation struct {
	Method string
	// BulkID names what a POST creates, for other operations to refer to.
	BulkID string
	// Version is the entity tag that the resource must have, as in If-Match.
	Version string
	// Path is relative to the base URL: /Users or /Users/{id}.
	Path string
	Data json.RawMessage
}

// BulkResult is what came of one operation.
type BulkResult struct {
	// Status is the HTTP status code.
	Status int
	// ID is the id of the resource; a POST that succeeded has it.
	ID                string
	Location, Version string
	// Response is the SCIM Error of an operation that failed.
	Response json.RawMessage
}

func (r BulkResult) failed() bool { return r.Status >= http.StatusBadRequest }

// bulkBody is a bulk request on the wire.
type bulkBody struct {
	FailOnErrors *int `json:"failOnErrors"`
	Operations   []struct {
		Method, BulkID, Version, Path string
		Data                          json.RawMessage
	} `json:"Operations"`
}

// ParseBulk reads the body of a bulk request. More operations than max are
// refused with 413 (section 3.7.4).
func ParseBulk(doc []byte, max int) (*BulkRequest, error) {
	object, err := parseObject(doc)
	if err != nil {
		return nil, err
	}
	if err := checkMessage(object, URNBulkRequest, Leniency{}); err != nil {
		return nil, err
	}
	var body bulkBody
	if err := json.Unmarshal(doc, &body); err != nil {
		return nil, badRequest(InvalidSyntax, "the body is no bulk request: Operations must be an array of objects with method, path, bulkId, version and data")
	}
	if len(body.Operations) == 0 {
		return nil, badRequest(InvalidSyntax, "Operations must have at least one operation")
	}
	if len(body.Operations) > max {
		return nil, Errorf(http.StatusRequestEntityTooLarge, "",
			"the bulk request has %d operations and maxOperations is %d; send several requests", len(body.Operations), max)
	}
	request := &BulkRequest{}
	if body.FailOnErrors != nil {
		if *body.FailOnErrors < 1 {
			return nil, badRequest(InvalidValue, "failOnErrors must be at least 1; leave it out to carry out all operations")
		}
		request.FailOnErrors = *body.FailOnErrors
	}
	seen := map[string]bool{}
	for i, operation := range body.Operations {
		if operation.BulkID != "" && seen[operation.BulkID] {
			return nil, badRequest(InvalidValue, "operation %d has a bulkId that another operation has", i)
		}
		seen[operation.BulkID] = true
		request.Operations = append(request.Operations, BulkOperation{
			Method:  strings.ToUpper(operation.Method),
			BulkID:  operation.BulkID,
			Version: operation.Version,
			Path:    operation.Path,
			Data:    patchMessage(operation.Method, operation.Data),
		})
	}
	return request, nil
}

// patchMessage makes the PatchOp message of a PATCH whose data is the bare array
// of its operations, as in the example of RFC 7644 section 3.7.3.
func patchMessage(method string, data json.RawMessage) json.RawMessage {
	bare := strings.HasPrefix(strings.TrimSpace(string(data)), "[")
	if !bare || !strings.EqualFold(method, http.MethodPatch) {
		return data
	}
	return marshal(map[string]any{"schemas": []string{URNPatchOp}, "Operations": data})
}

// check returns what is wrong with an operation by itself; nil if nothing is.
func (o BulkOperation) check() *Error {
	segments := strings.Split(strings.Trim(o.Path, "/"), "/")
	wanted := 2
	switch o.Method {
	case http.MethodPost:
		wanted = 1
		if o.BulkID == "" {
			return badRequest(InvalidValue, "a POST needs a bulkId")
		}
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return badRequest(InvalidValue, "method must be POST, PUT, PATCH or DELETE")
	}
	if !strings.HasPrefix(o.Path, "/") || len(segments) != wanted || strings.HasPrefix(segments[wanted-1], ".") ||
		strings.EqualFold(segments[0], "Bulk") || strings.EqualFold(segments[0], "Me") {
		return badRequest(InvalidPath, "path must be that of a resource, /Users/{id} or /Groups/{id}, and for a POST that of its endpoint")
	}
	if o.Method != http.MethodDelete && len(o.Data) == 0 {
		return badRequest(InvalidSyntax, "a %s needs data", o.Method)
	}
	return nil
}
