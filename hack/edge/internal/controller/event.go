package controller

import "strings"

// longestNote is how long the text of an event may be, in bytes.
const longestNote = 1024

// short is as much of the problems as fits into an event.
func short(problems []string) string {
	text := strings.Join(problems, "\n")
	if len(text) <= longestNote {
		return text
	}
	const more = "…"
	return strings.ToValidUTF8(text[:longestNote-len(more)], "") + more
}
