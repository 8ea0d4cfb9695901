package planted

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const (
	token    = "kscim_abcdefghijklmnop_qrstuvwxyz234567"
	password = "correct horse battery staple"
	address  = "Barbara.Jensen@example.com"
)

// search searches one text, at one place, for everything.
func search(t *testing.T, place, text string) (found []Found, visibleAt []string) {
	t.Helper()
	folder := t.TempDir()
	notes, err := OpenNotes(folder)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := OpenSightings(folder)
	if err != nil {
		t.Fatal(err)
	}
	notes.Add(Credential, "a token", token)
	notes.Add(Credential, "a token", token)
	notes.Add(Credential, "too short to be one", "token")
	notes.Add(Password, "a password", password)
	notes.Add(Personal, "an address", address)
	notes.Add(Visible, "a key id", "abcdefghijklmnop")
	seen.Add(place, []byte("nothing of interest"))
	seen.Add(place, []byte(text))
	for _, file := range []interface{ Close() error }{notes, seen} {
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	found, visibleAt, err = Search(folder)
	if err != nil {
		t.Fatal(err)
	}
	return found, visibleAt
}

// What is planted is found, whatever it looks like there.
func TestSearch(t *testing.T) {
	sum := sha256.Sum256([]byte(password))
	encoded := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for name, tc := range map[string]struct {
		place, text string
		want        []string // kinds
	}{
		"nothing":                              {"log", "GET /Users 200", nil},
		"what is too short":                    {"log", "the token is unknown", nil},
		"a token":                              {"log", "it is " + token + ".", []string{"credential"}},
		"a token on the second line":           {"log", "it is\n" + token, []string{"credential"}},
		"a token twice":                        {"log", token + token, []string{"credential"}},
		"half a token":                         {"log", token[:20], nil},
		"a token in base64":                    {"status", encoded(token), []string{"credential"}},
		"a token in base64, behind one byte":   {"status", encoded("a" + token + "z"), []string{"credential"}},
		"a token in base64, behind two":        {"status", encoded("ab" + token + "yz"), []string{"credential"}},
		"a token in base64, behind more":       {"status", encoded(`{"token":"` + token + `"}`), []string{"credential"}},
		"a token in the base64 of URLs":        {"status", base64.RawURLEncoding.EncodeToString([]byte("client:" + token)), []string{"credential"}},
		"a password":                           {"log", password, []string{"password"}},
		"a password in a URL":                  {"log", "?password=correct+horse+battery+staple", []string{"password"}},
		"a password as a hash":                 {"log", fmt.Sprintf("%x", sum), []string{"password"}},
		"a password as a hash in base64":       {"log", base64.StdEncoding.EncodeToString(sum[:]), []string{"password"}},
		"an address":                           {"events", "User " + address, []string{"personal"}},
		"an address, folded":                   {"leases metadata", strings.ToLower(address), []string{"personal"}},
		"an address, in a URL":                 {"log", "filter=Barbara.Jensen%40example.com", []string{"personal"}},
		"an address of a user":                 {OfUsers + "spec", address, nil},
		"a password of a user":                 {OfUsers + "spec", password, []string{"password"}},
		"a token and an address, with a hash":  {"log", token + address + fmt.Sprintf("%x", sum), []string{"credential", "personal", "password"}},
		"the hash of what is no password":      {"log", fmt.Sprintf("%x", sha256.Sum256([]byte(token))), nil},
		"a token, where only its id should be": {"leases metadata", token, []string{"credential"}},
	} {
		t.Run(name, func(t *testing.T) {
			found, _ := search(t, tc.place, tc.text)
			var kinds []string
			for _, f := range found {
				kinds = append(kinds, string(f.Value.Kind))
				if f.Place != tc.place || strings.Contains(f.String(), f.Value.Text) {
					t.Errorf("it is found in %s", f)
				}
			}
			if !reflect.DeepEqual(kinds, tc.want) {
				t.Errorf("found are %v, want %v", kinds, tc.want)
			}
		})
	}
}

// What is visible shows that the search can find, and is no finding.
func TestWhatIsVisibleIsFound(t *testing.T) {
	found, visibleAt := search(t, "log", "the key abcdefghijklmnop, and again: the key abcdefghijklmnop")
	if len(found) != 0 || !reflect.DeepEqual(visibleAt, []string{"log"}) {
		t.Errorf("found are %v, and what is visible at %v", found, visibleAt)
	}
}

// Nobody has to note anything.
func TestNoNotes(*testing.T) {
	var (
		notes *Notes
		seen  *Sightings
	)
	notes.Add(Credential, "a token", token)
	seen.Add("log", []byte(token))
}
