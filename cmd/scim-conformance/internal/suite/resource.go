package suite

import "net/http"

// Resource is a user or group that the case has made.
type Resource struct {
	T        *T
	ID, Path string
	Name     string // the userName or displayName
	Doc      Document
	ETag     string
}

// Resource is the one that an answer shows.
func (a *Answer) Resource(endpoint string) *Resource {
	id := a.Text("id")
	r := &Resource{T: a.t, ID: id, Path: endpoint + "/" + id, Doc: a.Doc, ETag: a.Header.Get("ETag")}
	if r.Name, _ = a.Doc["userName"].(string); r.Name == "" {
		r.Name, _ = a.Doc["displayName"].(string)
	}
	return r
}

// Get reads the resource as it is now.
func (r *Resource) Get(parameters ...string) *Answer {
	return r.T.Get(Query(r.Path, parameters...)).OK(http.StatusOK)
}

// Patched changes the resource, which must succeed, and reads what it is then.
func (r *Resource) Patched(operations ...string) *Answer {
	r.T.Patch(r.Path, operations...).OK(http.StatusOK, http.StatusNoContent)
	return r.Get()
}

// Replaced puts a document in its place, which must succeed, and reads what it is
// then.
func (r *Resource) Replaced(doc Document) *Answer {
	r.T.Put(r.Path, JSON(doc)).OK(http.StatusOK)
	return r.Get()
}
