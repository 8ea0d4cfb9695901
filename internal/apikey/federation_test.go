package apikey

import (
	"testing"
	"time"
)

func TestFederationsAreEqualInEverything(t *testing.T) {
	federation := func(change func(*Federation)) *Federation {
		f := &Federation{
			Issuer: "https://idp.example.com", KeysURLs: []string{"https://idp.example.com/keys"}, CABundle: "PEM",
			Audiences: []string{"a", "b"}, Claims: map[string]string{"sub": "s1"}, NotBefore: time.Unix(1, 0),
		}
		change(f)
		return f
	}
	first := federation(func(*Federation) {})
	for name, tc := range map[string]struct {
		other *Federation
		want  bool
	}{
		"the same":          {federation(func(*Federation) {}), true},
		"none":              {nil, false},
		"another issuer":    {federation(func(f *Federation) { f.Issuer = "" }), false},
		"the cluster":       {federation(func(f *Federation) { f.Cluster = true }), false},
		"other keys":        {federation(func(f *Federation) { f.KeysURLs = nil }), false},
		"other authorities": {federation(func(f *Federation) { f.CABundle = "" }), false},
		"other audiences":   {federation(func(f *Federation) { f.Audiences = []string{"a"} }), false},
		"other claims":      {federation(func(f *Federation) { f.Claims = map[string]string{"sub": "s2"} }), false},
		"another time":      {federation(func(f *Federation) { f.NotBefore = time.Time{} }), false},
	} {
		t.Run(name, func(t *testing.T) {
			if first.Equal(tc.other) != tc.want || tc.other.Equal(first) != tc.want {
				t.Errorf("they are found equal: %v", !tc.want)
			}
			if (Key{Federation: first}).Equal(Key{Federation: tc.other}) != tc.want {
				t.Errorf("keys with them are found equal: %v", !tc.want)
			}
		})
	}
	if !(*Federation)(nil).Equal(nil) {
		t.Error("none and none are not equal")
	}
}
