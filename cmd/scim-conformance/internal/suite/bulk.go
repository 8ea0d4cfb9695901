package suite

import (
	"net/http"
	"slices"
	"strings"
)

// Bulk sends a bulk request; see BulkOf.
func (t *T) Bulk(members string, operations ...string) *Answer {
	return t.Post("/Bulk", BulkOf(members, operations...))
}

// BulkOf is a request with operations, each the JSON text of one. Members, as
// "failOnErrors":1, go before them.
func BulkOf(members string, operations ...string) string {
	if members != "" {
		members += ","
	}
	return `{"schemas":["` + URNBulk + `"],` + members + `"Operations":[` + strings.Join(operations, ",") + `]}`
}

// BulkPost is an operation that makes a resource.
func BulkPost(endpoint, bulkID string, doc Document) string {
	return JSON(Document{"method": "POST", "path": endpoint, "bulkId": bulkID, "data": doc})
}

// BulkOn is an operation on what a path names; data is nil for none.
func BulkOn(method, path string, data any) string {
	operation := Document{"method": method, "path": path}
	if data != nil {
		operation["data"] = data
	}
	return JSON(operation)
}

// BulkResults checks that the answer is a BulkResponse (RFC 7644 section 3.7) with
// so many operations, and returns them.
func BulkResults(a *Answer, n int) []Document {
	a.OK(http.StatusOK).Has("schemas", []any{urnBulkAnswer})
	list, _ := a.At("Operations").([]any)
	a.Expect(len(list) == n, "%d operations, not %d", n, len(list))
	operations := make([]Document, len(list))
	for i, each := range list {
		o, _ := each.(Document)
		status, isText := o["status"].(string)
		a.Expect(isText && len(status) == 3, "the status of each operation as a string: %s", JSON(o))
		if status >= "400" {
			response, _ := o["response"].(Document)
			schemas, _ := response["schemas"].([]any)
			a.Expect(slices.Contains(schemas, any(URNError)) && response["status"] == status, "a SCIM Error as `response` of an operation that failed: %s", JSON(o))
		} else {
			location, _ := o["location"].(string)
			a.Expect(strings.HasPrefix(location, a.t.Target.URL+"/"), "the location of each operation: %s", JSON(o))
		}
		operations[i] = o
	}
	return operations
}

// BulkMade is the resource that an operation has made.
func BulkMade(a *Answer, o Document, endpoint string) *Resource {
	location, _ := o["location"].(string)
	path := strings.TrimPrefix(location, a.t.Target.URL)
	a.Expect(o["status"] == "201" && strings.HasPrefix(path, endpoint+"/"), "status 201 and a location below %s: %s", endpoint, JSON(o))
	return &Resource{T: a.t, Path: path, ID: strings.TrimPrefix(path, endpoint+"/")}
}
