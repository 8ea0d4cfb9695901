package fold

import (
	"strings"
	"testing"
)

func TestFold(t *testing.T) {
	for in, out := range map[string]string{
		"": "", "bob": "bob", "BOB@Example.COM": "bob@example.com", "Bob Smith": "bob smith",
		"ÉLODIE": "élodie", "E\u0301lodie": "élodie", "Ｂｏｂ": "bob", "STRASSE": "strasse", "Straße": "strasse", "ẞ": "ss",
		"ΟΔΟΣ": "οδοσ", "οδος": "οδοσ", "\u212A": "k", "ﬁ": "fi", "ｶﾞ": "ガ", "Ǆ": "ǆ", "a\x00B": "a\x00b", "\xffA": "\xffa",
	} {
		if got := Key(in); got != out {
			t.Errorf("%q: got %q, want %q", in, got, out)
		}
		if !Equal(in, Key(in)) || Equal(in+"x", Key(in)) || Equal(in, Key(in)+"x") {
			t.Errorf("%q: EqualFold", in)
		}
	}
	if testing.AllocsPerRun(10, func() { Equal("Bjensen@Example.com", "bjensen@example.com"); Key("bob") }) > 0 {
		t.Error("ASCII allocates")
	}
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"Bob", "É", "ΐ", "İ", "\u0345", "ﾞ", "\xff", "ᾳ\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := Key(s)
		if again := Key(once); again != once {
			t.Errorf("%q folds to %q, and that to %q", s, once, again)
		}
		if !Equal(s, once) {
			t.Errorf("%q is not equal to its fold", s)
		}
	})
}

// Equal does not fold what is so much longer than the key that it cannot be equal.
func TestFoldShrinksSoMuchAtMost(t *testing.T) {
	short := func(s string) {
		if folded := Key(s); len(s) > mostShrink*len(folded) || !Equal(s, folded) {
			t.Errorf("%q, of %d bytes, folds to %q, of %d", s, len(s), folded, len(folded))
		}
	}
	for r := range rune(0x30000) {
		short(string(r))
		short("a" + string(r))
		short("\uff21" + string(r)) // a full-width A
	}
	for _, s := range []string{"\u1112\u1161\u11ab", "\uff76\uff9e", "u\u0308\u0304", "\uff35\u0308\u0304", "\u0391\u0313\u0300\u0345", "\U0001d400\u0301"} {
		short(s)
		short(strings.Repeat(s, 100))
	}
}
