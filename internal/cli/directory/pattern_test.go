package directory

import "testing"

func TestPatterns(t *testing.T) {
	for _, tc := range []struct {
		pattern string
		like    []string
		unlike  []string
	}{
		{"Alice", []string{"alice", "ALICE"}, []string{"alice m", "", "malice"}},
		{"*@Acme.example.com", []string{"a@acme.EXAMPLE.com"}, []string{"a@acme.example.com.evil.example"}},
		{"a*z", []string{"az", "a-z", "azz"}, []string{"a", "z", "za"}},
		{"*b*d*", []string{"abcd", "bd"}, []string{"db", "b"}},
		{"a*a", []string{"aa", "aba"}, []string{"a"}},
		{"straße", []string{"STRASSE"}, []string{"strase"}},
		{"*", []string{"anything"}, []string{""}},
		{"", nil, []string{"anything", ""}},
	} {
		p := pattern{}
		if err := p.Set(tc.pattern); err != nil {
			t.Fatal(err)
		}
		for _, text := range tc.like {
			if !p.matchesAny("other than that", text) {
				t.Errorf("%q is not like %q", text, tc.pattern)
			}
		}
		for _, text := range tc.unlike {
			if p.matchesAny(text) {
				t.Errorf("%q is like %q", text, tc.pattern)
			}
		}
	}
	if p := (&pattern{}); !p.matchesAny("anything") || !p.matchesAny() {
		t.Error("what was not set leaves somebody out")
	}
}
