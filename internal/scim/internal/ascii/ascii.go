// Package ascii compares names of the protocol, which are ASCII, without regard to case.
package ascii

// Lower is strings.ToLower for ASCII alone, and is the string itself if nothing changes.
func Lower(s string) string {
	for i := range len(s) {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				if 'A' <= b[j] && b[j] <= 'Z' {
					b[j] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// Equal is strings.EqualFold for ASCII alone: a Kelvin sign is no k in the
// name of an attribute.
func Equal(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if x, y := a[i], b[i]; x != y && LowerByte(x) != LowerByte(y) {
			return false
		}
	}
	return true
}

// LowerByte is the letter in lower case.
func LowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
