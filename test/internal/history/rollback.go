package history

import (
	"slices"

	"github.com/anishathalye/porcupine"
)

// Rollback is that the state of the server was put back to what it had been, and that the
// server went on from there. Its moments are those of Recorder.At.
type Rollback struct {
	// Saved is when the state was that which was put back.
	Saved int64
	// Restored is when nothing was carried out any more that is lost, and nothing yet that
	// is not.
	Restored int64
	// Noticed is from when on reads are to show nothing of what is lost. Writes are carried
	// out on what there is from Restored on.
	Noticed int64
}

// Lost returns the history up to the roll-back, as if that had not come: of what was under
// way, nothing is known.
func (r Rollback) Lost(operations []porcupine.Operation) []porcupine.Operation {
	return until(operations, r.Restored)
}

// Kept returns the history that the server has after the roll-back: what was answered
// before the state was saved, and what was sent after it was restored, without the reads
// of which nothing is promised. Of what was under way at either moment, nothing is known.
func (r Rollback) Kept(operations []porcupine.Operation) []porcupine.Operation {
	kept := until(operations, r.Saved)
	for _, operation := range operations {
		read := operation.Input.(Request).Kind.IsRead()
		switch {
		case operation.Call < r.Saved, operation.Return < r.Restored, read && operation.Call < r.Noticed:
			continue
		case operation.Call < r.Restored:
			// It may have been tried again after that.
			operation = open(operation, operations)
			operation.Call = r.Restored
		}
		kept = append(kept, operation)
	}
	return kept
}

// until returns the history up to a moment.
func until(operations []porcupine.Operation, moment int64) []porcupine.Operation {
	var before []porcupine.Operation
	for _, operation := range operations {
		switch {
		case operation.Call >= moment:
		case operation.Return < moment:
			before = append(before, operation)
		case !operation.Input.(Request).Kind.IsRead():
			before = append(before, open(operation, operations))
		}
	}
	return before
}

// open returns an operation as one of which nothing is known. What its client does next is
// another's, so that it gets a client of its own.
func open(operation porcupine.Operation, operations []porcupine.Operation) porcupine.Operation {
	operation.Output = Answer{}
	for _, other := range operations {
		operation.Return = max(operation.Return, other.Return)
	}
	operation.ClientId += 1 + slices.MaxFunc(operations, func(a, b porcupine.Operation) int { return a.ClientId - b.ClientId }).ClientId
	return operation
}
