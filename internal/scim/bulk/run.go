package bulk

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/appendjson"
)

// Run is a bulk request while it is carried out. It says which operations may be
// begun, with references to resources that were created put in, and makes the
// answer. Several may be under way at the same time, if they have nothing to do with each
// other. Operations that refer to each other in a circle are resolved: one is
// created without the references, which are added when they can be (RFC 7644
// section 3.7.1). What it was is known then only: if they cannot be added, what was
// created is deleted again.
type Run struct {
	request *Request
	state   []state
	creates map[string]int    // the operation that creates each bulkId
	refer   map[string][]int  // the operations that refer to each bulkId
	ids     map[string]string // of what was created, by bulkId
	order   *order
	errors  int
	// underWay is how many operations were begun and are not done.
	underWay int
}

// state is how far one operation has come.
type state struct {
	started, done, underWay bool
	// refers are the bulkIds that it refers to, but for the first ones that have been
	// created.
	refers []string
	about  string // the one of them that is in the path, if any
	// deferred are attributes of a POST to add once they can be resolved.
	deferred map[string]any
	// problem is why they cannot be added, once that is known.
	problem *Result
	result  Result
}

// NewRun begins to carry out a request.
func NewRun(request *Request) *Run {
	b := &Run{request: request, state: make([]state, len(request.Operations)),
		creates: map[string]int{}, refer: map[string][]int{}, ids: map[string]string{}, order: newOrder(request.Operations)}
	for i, operation := range request.Operations {
		b.state[i].refers = operation.references()
		b.state[i].about, _ = referenceInPath(operation.Path)
		for _, id := range b.state[i].refers {
			if known := b.refer[id]; len(known) == 0 || known[len(known)-1] != i {
				b.refer[id] = append(known, i)
			}
		}
		if operation.Method == http.MethodPost && operation.BulkID != "" && operation.problem == nil {
			b.creates[operation.BulkID] = i
		}
	}
	for id := range b.refer {
		if _, is := b.creates[id]; !is {
			b.lose(id)
		}
	}
	return b
}

// lose makes it known first to those which refer to a bulkId that there is nothing of it.
func (b *Run) lose(bulkID string) {
	delete(b.ids, bulkID)
	for _, i := range b.refer[bulkID] {
		b.state[i].refers = append([]string{bulkID}, b.state[i].refers...)
	}
}

// Next returns an operation to begin. There is none now if ok is false: more may be
// possible once one that is under way is done, and if none is, that was all.
func (b *Run) Next() (index int, operation Operation, ok bool) {
	for b.underWay == 0 || b.request.FailOnErrors == 0 { // Else whether there is a next one depends on what is under way.
		ready, lost, waiting, adding := b.survey()
		switch {
		case ready >= 0:
			if problem := b.refusal(ready); problem != nil {
				b.finish(ready, failure(problem))
				continue
			}
			return ready, b.begin(ready, b.prepare(ready)), true
		case b.underWay > 0 && (lost >= 0 || waiting >= 0):
			return 0, Operation{}, false
		case lost >= 0:
			if undo, needed := b.giveUp(lost); needed {
				return lost, b.begin(lost, undo), true
			}
		case waiting >= 0:
			// Only circles are left: each waits for another.
			return waiting, b.begin(waiting, b.split(waiting)), true
		case adding >= 0:
			return adding, b.begin(adding, b.prepare(adding)), true
		default:
			return 0, Operation{}, false
		}
	}
	return 0, Operation{}, false
}

func (b *Run) begin(index int, operation Operation) Operation {
	b.state[index].underWay = true
	b.underWay++
	return operation
}

// survey returns the first operation that can be carried out, the first that
// refers to what will never be, the first POST that waits for another, and the first
// whose additions can be made, which is done last, since then it is known what there will
// be; -1 for those that there are not. One that waits for what it refers to keeps no other from
// being carried out before it. After too many errors, what has begun is brought to an end
// and nothing else begins.
func (b *Run) survey() (ready, lost, waiting, adding int) {
	ready, lost, waiting, adding = -1, -1, -1, -1
	b.order.begin()
	unknown := slices.ContainsFunc(b.state, func(s state) bool { return s.underWay && !s.started }) // what will come of something
	for i := range b.state {
		state := &b.state[i]
		if state.underWay {
			b.order.hold(i)
			continue
		}
		if state.done || b.stopped() && !state.started {
			continue
		}
		switch missing, some := b.missing(i); {
		case state.problem != nil && lost < 0:
			lost = i
		case state.problem != nil:
		case !some && state.started:
			if adding < 0 && !unknown && b.order.free(i) {
				adding = i
			}
		case !some && b.order.free(i):
			return i, lost, waiting, adding
		case !some:
			b.order.hold(i)
		case !b.pending(missing):
			if lost < 0 {
				lost = i
			}
		case waiting < 0 && !state.started && b.request.Operations[i].Method == http.MethodPost:
			waiting = i
		}
	}
	return ready, lost, waiting, adding
}

// Done tells what came of an operation that Next returned.
func (b *Run) Done(index int, result Result) {
	b.state[index].underWay = false
	b.underWay--
	b.done(index, result)
}

// done takes note of what came of the creation, the addition, or of undoing the creation.
func (b *Run) done(index int, result Result) {
	state, operation := &b.state[index], b.request.Operations[index]
	switch {
	case state.problem != nil:
		b.undone(index, result)
	case state.started && result.failed():
		state.problem = &result
	case state.started: // The addition is part of the creation.
		result.Status, result.ID, result.Location = state.result.Status, state.result.ID, state.result.Location
		b.finish(index, result)
	case state.deferred == nil || result.failed():
		b.finish(index, result)
	default:
		state.started, state.result = true, result
	}
	if operation.Method == http.MethodPost && result.ID != "" && !state.result.failed() {
		b.ids[operation.BulkID] = state.result.ID
	}
}

// finish is the end of an operation.
func (b *Run) finish(index int, result Result) {
	state := &b.state[index]
	state.started, state.done, state.deferred, state.result = true, true, nil, result
	if !result.failed() {
		return
	}
	b.errors++
	id := b.request.Operations[index].BulkID
	if creator, is := b.creates[id]; is && creator == index && result.ID == "" {
		b.lose(id)
	}
}

// stopped reports whether there were as many errors as the client will have.
func (b *Run) stopped() bool {
	return b.request.FailOnErrors > 0 && b.errors >= b.request.FailOnErrors
}

// refusal returns what is wrong with an operation that has not been begun.
func (b *Run) refusal(index int) *scim.Error {
	if b.state[index].started {
		return nil
	}
	return b.request.Operations[index].check()
}

// missing returns a bulkId that the operation refers to and that has no resource
// yet, if there is one, or has not all of one that the operation is about.
func (b *Run) missing(index int) (bulkID string, some bool) {
	state := &b.state[index]
	if i, known := b.creates[state.about]; known && !b.state[i].done {
		return state.about, true
	}
	for len(state.refers) > 0 {
		if _, created := b.ids[state.refers[0]]; !created {
			return state.refers[0], true
		}
		state.refers = state.refers[1:]
	}
	return "", false
}

// pending reports whether an operation that is yet to come creates the bulkId.
func (b *Run) pending(bulkID string) bool {
	i, is := b.creates[bulkID]
	return is && !b.state[i].done && !b.stopped()
}

// split returns the operation without those attributes that cannot be resolved
// yet, and keeps them to be added later.
func (b *Run) split(index int) Operation {
	operation, now, later := b.request.Operations[index], map[string]any{}, map[string]any{}
	attributes, _ := decodeData(operation.Data).(map[string]any)
	for name, value := range attributes {
		resolvable := true
		resolved := walkReferences(value, false, func(id string) string {
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
	operation.Data = appendjson.Marshal(now)
	return operation
}

// prepare returns the operation with its references put in.
func (b *Run) prepare(index int) Operation {
	state, operation := b.state[index], b.request.Operations[index]
	resolve := func(id string) string { return b.ids[id] }
	if state.deferred != nil {
		return addition(operation.Path+"/"+state.result.ID, walkReferences(state.deferred, false, resolve))
	}
	if id, is := referenceInPath(operation.Path); is {
		operation.Path = strings.Replace(operation.Path, bulkIDPrefix+id, b.ids[id], 1)
	}
	if data := decodeData(operation.Data); data != nil {
		operation.Data = appendjson.Marshal(walkReferences(data, operation.Method == http.MethodPatch, resolve))
	}
	return operation
}

// addition is the PATCH that adds attributes to what was created without them.
func addition(path string, attributes any) Operation {
	return Operation{Method: http.MethodPatch, Path: path, Data: appendjson.Marshal(map[string]any{
		"schemas":    []string{scim.URNPatchOp},
		"Operations": []any{map[string]any{"op": "add", "value": attributes}},
	})}
}

func unresolved() *scim.Error {
	return scim.Errorf(http.StatusConflict, "",
		"the operation refers to a bulkId that no operation of this request has created; the operation that should have may have failed")
}

func failure(problem *scim.Error) Result {
	body, _ := problem.MarshalJSON()
	return Result{Status: problem.Status, Response: body}
}

// Response is the body of the answer: the results of the operations that were
// carried out, in the order of the request (RFC 7644 section 3.7.3).
func (b *Run) Response() json.RawMessage {
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
	return appendjson.Marshal(map[string]any{"schemas": []string{URNResponse}, "Operations": entries})
}
