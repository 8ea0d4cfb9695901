package apikey

import (
	"strings"
	"testing"
	"time"
)

func mint(t testing.TB) (string, Verifier) {
	t.Helper()
	token, v, err := Mint()
	if err != nil {
		t.Fatal(err)
	}
	return token, v
}

func TestMint(t *testing.T) {
	token, v := mint(t)
	if want := len(Prefix) + keyIDLength + secretLength + checksumLength + 3; len(token) != want {
		t.Errorf("a token has %d characters, want %d", len(token), want)
	}
	if token != strings.ToLower(token) {
		t.Error("a token has upper-case letters")
	}
	if id, ok := KeyID(token); !ok || id != v.KeyID {
		t.Errorf("KeyID = %q, %v, want %q", id, ok, v.KeyID)
	}
	if !v.Matches(token) {
		t.Error("the verifier does not match its own token")
	}
	other, _ := mint(t)
	if v.Matches(other) || v.Matches("") || v.Matches(token+"a") {
		t.Error("the verifier matches another token")
	}
	if (Verifier{}).Matches("") {
		t.Error("the zero verifier matches the empty token")
	}
}

func TestMintNeverRepeats(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		token, v := mint(t)
		if seen[token] || seen[v.KeyID] {
			t.Fatal("minted the same twice")
		}
		seen[token], seen[v.KeyID] = true, true
	}
}

func TestKeyIDRefuses(t *testing.T) {
	token, _ := mint(t)
	parts := strings.Split(token, "_")
	for name, bad := range map[string]string{
		"empty":              "",
		"prefix only":        "kscim",
		"other prefix":       strings.Replace(token, "kscim", "ghp", 1),
		"upper case":         strings.ToUpper(token),
		"last letter lost":   token[:len(token)-1],
		"letter added":       token + "a",
		"leading space":      " " + token,
		"trailing newline":   token + "\n",
		"no checksum":        strings.Join(parts[:3], "_"),
		"a fifth part":       token + "_",
		"short key id":       strings.Replace(token, parts[1], parts[1][1:], 1),
		"parts interchanged": strings.Join([]string{parts[0], parts[2], parts[1], parts[3]}, "_"),
	} {
		t.Run(name, func(t *testing.T) {
			if id, ok := KeyID(bad); ok || id != "" {
				t.Errorf("KeyID = %q, %v", id, ok)
			}
			if _, ok := VerifierOf(bad); ok {
				t.Error("VerifierOf made a verifier of it")
			}
		})
	}
}

func TestKeyIDFindsEveryTypo(t *testing.T) {
	token, _ := mint(t)
	for i := range token {
		typo := []byte(token)
		typo[i] = 'z'
		if token[i] == 'z' {
			typo[i] = 'y'
		}
		if _, ok := KeyID(string(typo)); ok {
			t.Errorf("a typo at position %d went unnoticed", i)
		}
	}
}

func TestVerifierOf(t *testing.T) {
	token, want := mint(t)
	if got, ok := VerifierOf(token); !ok || got != want {
		t.Error("VerifierOf is not the verifier that Mint returned")
	}
}

func TestExpired(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		expiration time.Time
		want       bool
	}{
		"never":         {time.Time{}, false},
		"in the future": {now.Add(time.Second), false},
		"now":           {now, true},
		"in the past":   {now.Add(-time.Second), true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (Verifier{ExpirationTime: tc.expiration}).Expired(now); got != tc.want {
				t.Errorf("Expired = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestEarly(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		notBefore time.Time
		want      bool
	}{
		"at once":       {time.Time{}, false},
		"in the future": {now.Add(time.Second), true},
		"now":           {now, false},
		"in the past":   {now.Add(-time.Second), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (Verifier{NotBefore: tc.notBefore}).Early(now); got != tc.want {
				t.Errorf("Early = %v, want %v", got, tc.want)
			}
		})
	}
}

func FuzzKeyID(f *testing.F) {
	token, _ := mint(f)
	f.Add(token)
	f.Add("kscim___")
	f.Fuzz(func(t *testing.T, s string) {
		id, ok := KeyID(s)
		if ok && (len(id) != keyIDLength || !strings.HasPrefix(s, Prefix+"_"+id+"_")) {
			t.Errorf("KeyID(%q) = %q", s, id)
		}
	})
}
