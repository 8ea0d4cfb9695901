package history

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// Check looks for an order in which a single server could have answered the
// operations. When there is none, or none is found in time, it draws the history
// into an HTML file at the path, for a browser, and returns an error that names
// the file.
func Check(operations []porcupine.Operation, limit time.Duration, path string) error {
	result, info := porcupine.CheckOperationsVerbose(model(), operations, limit)
	if result == porcupine.Ok {
		return nil
	}
	if err := porcupine.VisualizePath(model(), info, path); err != nil {
		return fmt.Errorf("drawing a history that is %s: %w", result, err)
	}
	if result == porcupine.Unknown {
		return fmt.Errorf("no order of %d operations was found in %s, and neither was it shown that there is none; "+
			"check fewer operations, or give it more time; the history is drawn in %s", len(operations), limit, path)
	}
	return fmt.Errorf("no single server could have given these %d answers; open %s in a browser to see all of them\n%s",
		len(operations), path, whereItEnds(operations, info))
}

// whereItEnds tells of each prefix that is not linearizable how far an order goes
// and what comes next. It is where to look first, and not always what is wrong.
func whereItEnds(operations []porcupine.Operation, info porcupine.LinearizationInfo) string {
	const shown = 8
	var text strings.Builder
	orders := info.PartialLinearizationsOperations()
	for i, part := range byPrefix(operations) {
		var longest []porcupine.Operation
		for _, order := range orders[i] {
			if len(order) > len(longest) {
				longest = order
			}
		}
		if len(longest) == len(part) {
			continue
		}
		fmt.Fprintf(&text, "userNames with %s: %d of %d operations can be put in an order, which ends with\n",
			part[0].Input.(Request).Prefix, len(longest), len(part))
		for _, operation := range longest[max(0, len(longest)-shown):] {
			fmt.Fprintf(&text, "  %s\n", line(operation))
		}
		text.WriteString("and cannot go on with\n")
		for _, operation := range following(part, longest, shown) {
			fmt.Fprintf(&text, "  %s\n", line(operation))
		}
	}
	return text.String()
}

// following are the first operations of the part that are not in the order.
func following(part, order []porcupine.Operation, limit int) []porcupine.Operation {
	rest := slices.DeleteFunc(slices.Clone(part), func(operation porcupine.Operation) bool {
		return slices.ContainsFunc(order, func(other porcupine.Operation) bool {
			return operation.Call == other.Call && operation.ClientId == other.ClientId && reflect.DeepEqual(operation.Input, other.Input)
		})
	})
	slices.SortFunc(rest, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	return rest[:min(limit, len(rest))]
}

// line is an operation with its time since the history began.
func line(operation porcupine.Operation) string {
	return fmt.Sprintf("%.3f to %.3f s, %v: %s", float64(operation.Call)/1e9, float64(operation.Return)/1e9,
		operation.Metadata, describe(operation.Input.(Request), operation.Output.(Answer)))
}
