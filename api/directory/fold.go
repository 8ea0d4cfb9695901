package directory

import (
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// foldRounds bounds the repetition in Fold.
const foldRounds = 4

// Fold returns the key by which userNames, e-mail addresses and displayNames are found: two of them with one key are
// the same to the SCIM server.
func Fold(s string) string {
	ascii, lower := true, []byte(s)
	for i, b := range lower {
		ascii = ascii && b < utf8.RuneSelf
		if 'A' <= b && b <= 'Z' {
			lower[i] = b + 'a' - 'A'
		}
	}
	if ascii {
		return string(lower)
	}
	folder := cases.Fold()
	// Composition can bring forth a character that folds once more.
	for range foldRounds {
		next := norm.NFC.String(folder.String(norm.NFD.String(width.Fold.String(s))))
		if next == s {
			break
		}
		s = next
	}
	return s
}
