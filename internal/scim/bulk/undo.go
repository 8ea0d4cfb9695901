package bulk

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
)

// giveUp ends an operation that refers to what will never be, or whose addition has failed.
// What it has created already is to be deleted again, by the operation that it returns,
// unless another one has been carried out that needs it.
func (b *Run) giveUp(index int) (undo Operation, needed bool) {
	state, operation := &b.state[index], b.request.Operations[index]
	if !state.started {
		b.finish(index, failure(unresolved()))
		return Operation{}, false
	}
	if state.problem == nil {
		problem := failure(unresolved())
		state.problem = &problem
	}
	for _, i := range b.refer[operation.BulkID] {
		if other := b.state[i]; i != index && other.done && !other.result.failed() {
			b.finish(index, b.incomplete(index))
			return Operation{}, false
		}
	}
	b.lose(operation.BulkID)
	return Operation{Method: http.MethodDelete, Path: operation.Path + "/" + state.result.ID, Version: state.result.Version, Undoes: true}, true
}

// undone ends an operation whose creation was to be undone.
func (b *Run) undone(index int, result Result) {
	state := &b.state[index]
	if result.failed() && result.Status != http.StatusNotFound {
		b.ids[b.request.Operations[index].BulkID] = state.result.ID
		b.finish(index, b.incomplete(index))
		return
	}
	b.finish(index, Result{Status: state.problem.Status, Response: state.problem.Response})
}

// incomplete is the result of an operation that has created something, which stays, and
// could not add what it should have besides.
func (b *Run) incomplete(index int) Result {
	state := b.state[index]
	var why struct {
		Type   scim.ErrorType `json:"scimType"`
		Detail string         `json:"detail"`
	}
	_ = json.Unmarshal(state.problem.Response, &why) // It is ours.
	result := failure(scim.Errorf(state.problem.Status, why.Type, "what this operation creates is there, at its location, but without %s, which could not be added: %s",
		strings.Join(slices.Sorted(maps.Keys(state.deferred)), ", "), why.Detail))
	result.ID, result.Location, result.Version = state.result.ID, state.result.Location, state.result.Version
	return result
}
