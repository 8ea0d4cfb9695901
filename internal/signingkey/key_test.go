package signingkey

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestSigner(t *testing.T) {
	keys := signing(t, Period, time.Minute, -time.Minute)
	if key, signs := keys.Signer(now); !signs || !key.SignsFrom.Equal(now.Add(-time.Minute)) {
		t.Errorf("the key that has signed from %s signs, %v", key.SignsFrom, signs)
	}
	if key, signs := keys.Signer(now.Add(time.Minute)); !signs || !key.SignsFrom.Equal(now.Add(time.Minute)) {
		t.Errorf("a minute later, the key that has signed from %s signs, %v", key.SignsFrom, signs)
	}
	if _, signs := keys.Signer(now.Add(-2 * Period)); signs {
		t.Error("a key signs before it was made")
	}
	if _, signs := (Set)(nil).Signer(now); signs {
		t.Error("no key signs")
	}
}

func TestFileRoundTrip(t *testing.T) {
	for _, keys := range []Set{{}, signing(t, 0), signing(t, -time.Minute, Period, time.Hour)} {
		data, err := keys.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(data)
		if err != nil || len(got) != len(keys) {
			t.Fatalf("Parse(%d keys) = %d keys, %v", len(keys), len(got), err)
		}
		for i, key := range got {
			want := keys[i]
			if key.ID != want.ID || !key.Created.Equal(want.Created) || !key.SignsFrom.Equal(want.SignsFrom) || !key.Private.Equal(want.Private) {
				t.Errorf("key %d is read as another one", i)
			}
		}
		if again, err := got.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("the same keys have another file, %v", err)
		}
	}
}

func TestFileIsAJWKSet(t *testing.T) {
	data, err := signing(t, 0).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(data, &set); err != nil {
		t.Fatal(err)
	}
	key := set.Keys[0]
	if key["kty"] != "OKP" || key["crv"] != "Ed25519" || key["alg"] != "EdDSA" || key["use"] != "sig" || key["x"] == "" || key["d"] == "" ||
		key["created"] != "2026-05-01T11:50:00Z" || key["signsFrom"] != "2026-05-01T12:00:00Z" {
		t.Error("the file has another key than it should")
	}
}

func TestParseRefuses(t *testing.T) {
	data, err := signing(t, 0).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	other, err := signing(t, 0).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	entry := func(data []byte) string { return string(data[len(`{"keys":[`) : len(data)-len(`]}`)]) }
	member := func(name string) string {
		var set struct{ Keys []map[string]string }
		if err := json.Unmarshal(data, &set); err != nil {
			t.Fatal(err)
		}
		return set.Keys[0][name]
	}
	changed := func(old, replacement string) string { return strings.Replace(string(data), old, replacement, 1) }
	for name, bad := range map[string]string{
		"nothing":          "",
		"no JSON":          "keys",
		"another document": `[]`,
		"no JWK":           `{"keys":[{}]}`,
		"a key of HMAC":    `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`,
		"a public key":     changed(`"d":"`+member("d")+`",`, ""),
		"another kid":      changed(member("kid"), "another"),
		"no kid":           changed(`"kid"`, `"other"`),
		"no signsFrom":     changed(`"signsFrom"`, `"other"`),
		"no created":       changed(`"created"`, `"other"`),
		"no time":          changed("2026-05-01T12:00:00Z", "tomorrow"),
		"x of another key": changed(member("x"), strings.Split(strings.Split(entry(other), `"x":"`)[1], `"`)[0]),
		"the same twice":   `{"keys":[` + entry(data) + "," + entry(data) + `]}`,
		"too many":         `{"keys":[` + strings.Repeat(entry(data)+",", maxKeys) + entry(other) + `]}`,
		"too large":        string(data) + strings.Repeat(" ", MaxFileBytes),
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := Parse([]byte(bad))
			if err == nil {
				t.Fatalf("%d keys are read", len(keys))
			}
			if private := member("d"); strings.Contains(err.Error(), private) {
				t.Error("the error has the key in it")
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	data, err := signing(f, 0, Period).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := Parse(data)
		if err != nil {
			return
		}
		for _, key := range keys {
			if max(key.Created.Year(), key.SignsFrom.Year()) > 9999 {
				return // A time of another zone, which cannot be written in UTC.
			}
		}
		again, err := keys.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Parse(again); err != nil || len(got) != len(keys) {
			t.Errorf("what was read cannot be read again: %v", err)
		}
	})
}
