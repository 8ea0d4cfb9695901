package userlabels

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// longestValue is how many characters the value of a label has at the most.
const longestValue = 63

// letters are those of the Latin alphabet that Unicode does not take for others with a mark.
var letters = map[rune]string{
	'ß': "ss", 'ẞ': "SS", 'æ': "ae", 'Æ': "AE", 'œ': "oe", 'Œ': "OE", 'ø': "o", 'Ø': "O", 'ł': "l", 'Ł': "L",
	'đ': "d", 'Đ': "D", 'ð': "d", 'Ð': "D", 'þ': "th", 'Þ': "Th", 'ħ': "h", 'Ħ': "H", 'ı': "i",
}

// Value makes of a text the value of a label: letters without their marks, digits, and '-' for whatever
// else there is, once for any number; '.' and '_' stay. It begins and ends with a letter or digit and is
// cut after 63 characters. It is empty when no letter or digit of ASCII is left.
//
// Several texts may become one value.
func Value(text string) string {
	value := make([]byte, 0, longestValue)
	for _, r := range norm.NFKD.String(text) {
		if unicode.Is(unicode.Mn, r) {
			continue // The mark of the letter before it.
		}
		value = appendRune(value, r)
		if len(value) >= longestValue {
			value = value[:longestValue]
			break
		}
	}
	return strings.TrimRight(string(value), "-_.")
}

// appendRune adds what there is in a label's value of one character.
func appendRune(value []byte, r rune) []byte {
	if other, known := letters[r]; known {
		return append(value, other...)
	}
	if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
		return append(value, byte(r))
	}
	if len(value) == 0 {
		return value
	}
	if r == '.' || r == '_' {
		return append(value, byte(r))
	}
	if value[len(value)-1] == '-' {
		return value
	}
	return append(value, '-')
}
