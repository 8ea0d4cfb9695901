package appendjson

import (
	"bytes"
	"encoding/json"
)

// Marshal writes "<" as it is, which json.Marshal would make "\u003c" of. It cannot
// fail: the documents have strings, numbers and booleans only.
func Marshal(v any) json.RawMessage {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n")
}
