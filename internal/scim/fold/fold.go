// Package fold compares strings without regard to case.
package fold

import (
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"

	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
)

// Key is the key by which two strings of an attribute that is not caseExact are
// compared, and by which a userName is unique. It maps as the PRECIS profile
// UsernameCaseMapped does in the version that RFC 7644 section 5 refers to (RFC
// 7613 section 3.2): full-width and half-width characters to their ordinary forms,
// case by Unicode default case folding, and then normalisation form C.
//
// Unlike the profile it refuses nothing: a display name may have a space, and a
// comparison must have an answer. One mapping serves all strings, so that what a
// filter says of a part of a value (co, sw, ew) agrees with what eq says of the
// whole. Fold(Fold(s)) is Fold(s).
func Key(s string) string {
	upper := false
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return foldUnicode(s)
		}
		upper = upper || 'A' <= s[i] && s[i] <= 'Z'
	}
	if !upper {
		return s
	}
	return ascii.Lower(s)
}

// foldRounds bounds the repetition in foldUnicode.
const foldRounds = 4

// foldUnicode repeats its mappings until nothing changes: composition can bring
// forth a character that folds once more.
func foldUnicode(s string) string {
	folder := cases.Fold()
	for range foldRounds {
		next := norm.NFC.String(folder.String(norm.NFD.String(width.Fold.String(s))))
		if next == s {
			break
		}
		s = next
	}
	return s
}

// mostShrink is to which part of its length in bytes a string may fold: three
// full-width or three decomposed characters become one of the size of one of them.
const mostShrink = 4

// Equal says whether a string folds to a key, which is the result of Fold. It
// allocates nothing for ASCII, and does not fold what is too long.
func Equal(s, key string) bool {
	same := len(s) == len(key)
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return len(s) <= mostShrink*len(key) && foldUnicode(s) == key
		}
		same = same && ascii.LowerByte(s[i]) == key[i]
	}
	return same
}
