package accesslog

import (
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/bulk"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Words are what the log may quote of an error, since it is the same whoever asks: names
// in schemas and messages. What else stands between quotes was sent by a client, who gets
// it back, and may be personal data.
type Words map[string]struct{}

// hidden stands in the log for what was left out.
const hidden = `"…"`

// WordsOf returns the names that the schemas of a registry have, and those of SCIM's
// messages.
func WordsOf(registry *schema.Registry) Words {
	known := Words{}
	add := func(names ...string) {
		for _, name := range names {
			known[name] = struct{}{}
		}
	}
	add("schemas", "id", "externalId", "meta", "Operations", "op", "path", "value", "add", "remove", "replace", "method",
		"bulkId", "data", "version", "filter", "and", "or", "not", "pr", "true", "false", "null",
		scim.URNPatchOp, bulk.URNRequest, scim.URNSearchRequest, "]", ")", "(", "[")
	if registry == nil {
		return known
	}
	for _, schema := range registry.Schemas() {
		add(schema.ID)
		for _, attribute := range schema.Attributes {
			add(attribute.Name, schema.ID+":"+attribute.Name)
			for _, sub := range attribute.SubAttributes {
				path := attribute.Name + "." + sub.Name
				add(sub.Name, path, schema.ID+":"+path)
			}
		}
	}
	return known
}

// Without returns the text with what is quoted in it left out, but for the words. From
// the first quote on that is not around a word, all is left out up to the last one in the
// text: what a client sends may have quotes in it, too.
func (w Words) Without(text string) string {
	for at := 0; ; {
		open := strings.IndexByte(text[at:], '"')
		if open < 0 {
			return text
		}
		open += at
		length := strings.IndexByte(text[open+1:], '"')
		if length >= 0 {
			if _, known := w[text[open+1:open+1+length]]; known {
				at = open + length + 2
				continue
			}
		}
		rest := ""
		if last := strings.LastIndexByte(text, '"'); last > open {
			rest = text[last+1:]
		}
		return text[:open] + hidden + rest
	}
}
