package bulk

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/kubescim/kubescim/internal/scim/internal/appendjson"
	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
)

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
// resolve makes of its bulkId. In a PATCH they may also stand in the filter of a path.
func walkReferences(value any, patch bool, resolve func(bulkID string) string) any {
	switch v := value.(type) {
	case string:
		if id, is := strings.CutPrefix(v, bulkIDPrefix); is {
			return resolve(id)
		}
		return v
	case []any:
		copied := make([]any, len(v))
		for i := range v {
			copied[i] = walkReferences(v[i], patch, resolve)
		}
		return copied
	case map[string]any:
		copied := make(map[string]any, len(v))
		for name, each := range v {
			if path, is := each.(string); is && patch && ascii.Equal(name, "path") {
				each = resolveInPath(path, resolve)
			}
			if patch {
				name = resolveInPath(name, resolve)
			}
			copied[name] = walkReferences(each, patch, resolve)
		}
		return copied
	default:
		return v
	}
}

// pathLiteral is a string in the filter of a path, as in members[value eq "…"].
var pathLiteral = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// resolveInPath returns the path, or the key that is one, with the references in its filter
// resolved.
func resolveInPath(path string, resolve func(bulkID string) string) string {
	if !strings.Contains(path, "[") {
		return path
	}
	return pathLiteral.ReplaceAllStringFunc(path, func(literal string) string {
		var text string
		if json.Unmarshal([]byte(literal), &text) != nil {
			return literal
		}
		id, is := strings.CutPrefix(text, bulkIDPrefix)
		if !is {
			return literal
		}
		return string(appendjson.Marshal(resolve(id)))
	})
}

// references are the bulkIds that an operation refers to, in its path and its data.
func (o Operation) references() (bulkIDs []string) {
	if id, is := referenceInPath(o.Path); is {
		bulkIDs = append(bulkIDs, id)
	}
	walkReferences(decodeData(o.Data), o.Method == http.MethodPatch, func(id string) string {
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
