package scim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// BulkRun is a bulk request while it is carried out. It says which operations may be
// begun, with references to resources that were created put in, and makes the
// answer. Several may be under way at the same time, if they have nothing to do with each
// other. Operations that refer to each other in a circle are resolved: one is
// created without the references, which are added when they can be (RFC 7644
// section 3.7.1).
type BulkRun struct {
	request *BulkRequest
	state   []bulkState
	creates map[string]int    // the operation that creates each bulkId
	ids     map[string]string // of what was created, by bulkId
	order   *bulkOrder
	errors  int
	// underWay is how many operations were begun and are not done.
	underWay int
}

// bulkState is how far one operation has come.
type bulkState struct {
	started, done, underWay bool
	// refers are the bulkIds that it refers to, but for the first ones that have been
	// created.
	refers []string
	// deferred are attributes of a POST to add once they can be resolved.
	deferred map[string]any
	result   BulkResult
}

// NewBulkRun begins to carry out a request.
func NewBulkRun(request *BulkRequest) *BulkRun {
	b := &BulkRun{request: request, state: make([]bulkState, len(request.Operations)),
		creates: map[string]int{}, ids: map[string]string{}, order: newBulkOrder(request.Operations)}
	for i, operation := range request.Operations {
		b.state[i].refers = operation.references()
		if operation.Method == http.MethodPost && operation.BulkID != "" && operation.problem == nil {
			b.creates[operation.BulkID] = i
		}
	}
	return b
}

// Next returns an operation to begin. There is none now if ok is false: more may be
// possible once one that is under way is done, and if none is, that was all.
func (b *BulkRun) Next() (index int, operation BulkOperation, ok bool) {
	for !b.stopped() {
		if b.underWay > 0 && b.request.FailOnErrors > 0 {
			break // Whether there is a next one depends on what is under way.
		}
		ready, lost, waiting := b.survey()
		switch {
		case ready >= 0:
			if problem := b.refusal(ready); problem != nil {
				b.done(ready, failure(problem))
				continue
			}
			return ready, b.begin(ready, b.prepare(ready)), true
		case b.underWay > 0:
			return 0, BulkOperation{}, false
		case lost >= 0:
			b.done(lost, failure(unresolved()))
		case waiting >= 0:
			// Only circles are left: each waits for another.
			return waiting, b.begin(waiting, b.split(waiting)), true
		default:
			return 0, BulkOperation{}, false
		}
	}
	return 0, BulkOperation{}, false
}

func (b *BulkRun) begin(index int, operation BulkOperation) BulkOperation {
	b.state[index].underWay = true
	b.underWay++
	return operation
}

// survey returns the first operation that can be carried out, the first that
// refers to what will never be, and the first POST that waits for another; -1
// for those that there are not. One that waits for what it refers to keeps no other from
// being carried out before it.
func (b *BulkRun) survey() (ready, lost, waiting int) {
	ready, lost, waiting = -1, -1, -1
	b.order.begin()
	for i := range b.state {
		if b.state[i].done {
			continue
		}
		if b.state[i].underWay {
			b.order.hold(i)
			continue
		}
		switch missing, some := b.missing(i); {
		case !some && b.order.free(i):
			return i, lost, waiting
		case !some:
			b.order.hold(i)
		case !b.pending(missing):
			if lost < 0 {
				lost = i
			}
		case waiting < 0 && b.request.Operations[i].Method == http.MethodPost:
			waiting = i
		}
	}
	return ready, lost, waiting
}

// Done tells what came of an operation that Next returned.
func (b *BulkRun) Done(index int, result BulkResult) {
	b.state[index].underWay = false
	b.underWay--
	b.done(index, result)
}

func (b *BulkRun) done(index int, result BulkResult) {
	state, operation := &b.state[index], b.request.Operations[index]
	if state.started && result.ID == "" {
		result.ID = state.result.ID
	}
	if state.started && result.Location == "" {
		result.Location = state.result.Location
	}
	if state.started && !result.failed() {
		result.Status = state.result.Status // The addition is part of the creation.
	}
	first := !state.started
	state.started, state.result = true, result
	if result.failed() {
		b.errors++
		state.deferred = nil
	} else if operation.Method == http.MethodPost && first {
		b.ids[operation.BulkID] = result.ID
	}
	state.done = state.deferred == nil || !first
}

// stopped reports whether there were as many errors as the client will have.
func (b *BulkRun) stopped() bool {
	return b.request.FailOnErrors > 0 && b.errors >= b.request.FailOnErrors
}

// refusal returns what is wrong with an operation that has not been begun.
func (b *BulkRun) refusal(index int) *Error {
	if b.state[index].started {
		return nil
	}
	return b.request.Operations[index].check()
}

// missing returns a bulkId that the operation refers to and that has no resource
// yet, if there is one.
func (b *BulkRun) missing(index int) (bulkID string, some bool) {
	state := &b.state[index]
	for len(state.refers) > 0 {
		if _, created := b.ids[state.refers[0]]; !created {
			return state.refers[0], true
		}
		state.refers = state.refers[1:]
	}
	return "", false
}

// pending reports whether an operation that is yet to come creates the bulkId.
func (b *BulkRun) pending(bulkID string) bool {
	i, is := b.creates[bulkID]
	return is && !b.state[i].done
}

// split returns the operation without those attributes that cannot be resolved
// yet, and keeps them to be added later.
func (b *BulkRun) split(index int) BulkOperation {
	operation, now, later := b.request.Operations[index], map[string]any{}, map[string]any{}
	attributes, _ := decodeData(operation.Data).(map[string]any)
	for name, value := range attributes {
		resolvable := true
		resolved := walkReferences(value, func(id string) string {
			created, is := b.ids[id]
			resolvable = resolvable && is
			return created
		})
		if resolvable {
			now[name] = resolved
		} else {
			later[name] = value
		}
	}
	b.state[index].deferred = later
	operation.Data = marshal(now)
	return operation
}

// prepare returns the operation with its references put in.
func (b *BulkRun) prepare(index int) BulkOperation {
	state, operation := b.state[index], b.request.Operations[index]
	resolve := func(id string) string { return b.ids[id] }
	if state.deferred != nil {
		return addition(operation.Path+"/"+state.result.ID, walkReferences(state.deferred, resolve))
	}
	if id, is := referenceInPath(operation.Path); is {
		operation.Path = strings.Replace(operation.Path, bulkIDPrefix+id, b.ids[id], 1)
	}
	if data := decodeData(operation.Data); data != nil {
		operation.Data = marshal(walkReferences(data, resolve))
	}
	return operation
}

// addition is the PATCH that adds attributes to what was created without them.
func addition(path string, attributes any) BulkOperation {
	return BulkOperation{Method: http.MethodPatch, Path: path, Data: marshal(map[string]any{
		"schemas":    []string{URNPatchOp},
		"Operations": []any{map[string]any{"op": "add", "value": attributes}},
	})}
}

func unresolved() *Error {
	return Errorf(http.StatusConflict, "",
		"the operation refers to a bulkId that no operation of this request has created; the operation that should have may have failed")
}

func failure(problem *Error) BulkResult {
	body, _ := problem.MarshalJSON()
	return BulkResult{Status: problem.Status, Response: body}
}

// Response is the body of the answer: the results of the operations that were
// carried out, in the order of the request (RFC 7644 section 3.7.3).
func (b *BulkRun) Response() json.RawMessage {
	type entry struct {
		Method   string          `json:"method"`
		BulkID   string          `json:"bulkId,omitempty"`
		Version  string          `json:"version,omitempty"`
		Location string          `json:"location,omitempty"`
		Status   string          `json:"status"`
		Response json.RawMessage `json:"response,omitempty"`
	}
	entries := make([]entry, 0, len(b.state))
	for i, state := range b.state {
		if !state.started {
			continue
		}
		entries = append(entries, entry{
			Method:   b.request.Operations[i].Method,
			BulkID:   b.request.Operations[i].BulkID,
			Version:  state.result.Version,
			Location: state.result.Location,
			Status:   strconv.Itoa(state.result.Status),
			Response: state.result.Response,
		})
	}
	return marshal(map[string]any{"schemas": []string{URNBulkResponse}, "Operations": entries})
}

// decodeData reads an operation's data, numbers as they are; nil when there is
// none. That it is JSON has been checked with the whole request.
func decodeData(data json.RawMessage) any {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return nil
	}
	return value
}

// walkReferences returns a copy of the value in which each reference is what
// resolve makes of its bulkId.
func walkReferences(value any, resolve func(bulkID string) string) any {
	switch v := value.(type) {
	case string:
		if id, is := strings.CutPrefix(v, bulkIDPrefix); is {
			return resolve(id)
		}
		return v
	case []any:
		copied := make([]any, len(v))
		for i := range v {
			copied[i] = walkReferences(v[i], resolve)
		}
		return copied
	case map[string]any:
		copied := make(map[string]any, len(v))
		for name := range v {
			copied[name] = walkReferences(v[name], resolve)
		}
		return copied
	default:
		return v
	}
}

// references are the bulkIds that an operation refers to, in its path and its data.
func (o BulkOperation) references() (bulkIDs []string) {
	if id, is := referenceInPath(o.Path); is {
		bulkIDs = append(bulkIDs, id)
	}
	walkReferences(decodeData(o.Data), func(id string) string {
		bulkIDs = append(bulkIDs, id)
		return ""
	})
	return bulkIDs
}

// referenceInPath returns the bulkId in a path such as /Users/bulkId:x.
func referenceInPath(path string) (string, bool) {
	_, id, is := strings.Cut(path, "/"+bulkIDPrefix)
	id, _, _ = strings.Cut(id, "/")
	return id, is
}
