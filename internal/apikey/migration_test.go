package apikey

import (
	"strings"
	"testing"
	"time"
)

func TestVerifierRoundTrip(t *testing.T) {
	_, forever := mint(t)
	_, limited := mint(t)
	limited.ExpirationTime = time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, v := range []Verifier{forever, limited} {
		text, err := v.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseVerifier(v.KeyID, text)
		if err != nil || got != v {
			t.Errorf("ParseVerifier(%s) = %+v, %v, want %+v", text, got, err, v)
		}
		if v.ExpirationTime.IsZero() == strings.Contains(string(text), "expirationTime") {
			t.Errorf("unexpected text %s", text)
		}
	}
}

func TestParseVerifierRefuses(t *testing.T) {
	const id = "abcdefghijklmnop"
	for name, tc := range map[string]struct{ id, data string }{
		"no key id":      {"nope", `{"sha256":"` + strings.Repeat("0", 64) + `"}`},
		"no JSON":        {id, `sha256`},
		"no hash":        {id, `{}`},
		"short hash":     {id, `{"sha256":"00"}`},
		"no hexadecimal": {id, `{"sha256":"` + strings.Repeat("z", 64) + `"}`},
		"no time":        {id, `{"sha256":"` + strings.Repeat("0", 64) + `","expirationTime":"tomorrow"}`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParseVerifier(tc.id, []byte(tc.data)); err == nil {
				t.Error("no error")
			}
		})
	}
}

func FuzzParseVerifier(f *testing.F) {
	_, v := mint(f)
	text, _ := v.MarshalText()
	f.Add(v.KeyID, text)
	f.Fuzz(func(t *testing.T, id string, data []byte) {
		v, err := ParseVerifier(id, data)
		if err != nil {
			return
		}
		// A year beyond 9999 parses and does not marshal; what marshals, parses to the same.
		if text, err := v.MarshalText(); err == nil {
			again, err := ParseVerifier(id, text)
			if err != nil || again.SHA256 != v.SHA256 || !again.ExpirationTime.Equal(v.ExpirationTime) {
				t.Errorf("%s parses to %+v, %v", text, again, err)
			}
		}
	})
}
