package scimtest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/kubescim/kubescim/test/internal/planted"
)

// notes has what must be seen nowhere, and seen what is seen. They are nil while nobody looks
// for that.
var (
	notes *planted.Notes
	seen  *planted.Sightings
)

// Plant notes the value of an attribute of a user, which nobody must see who may not read
// users, and returns it.
func Plant(attribute, value string) string {
	notes.Add(planted.Personal, attribute, value)
	return value
}

// Show notes something that is no secret, such as the id of a key, which must be found where
// secrets are searched for.
func Show(what, value string) { notes.Add(planted.Visible, what, value) }

// See writes down what is seen at a place.
func See(place, text string) { seen.Add(place, []byte(text)) }

// noteRequest notes what is secret in a request.
func noteRequest(r *http.Request, body string) {
	if notes == nil {
		return
	}
	scheme, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch scheme {
	case "Bearer":
		notes.Add(planted.Credential, "a bearer token", credentials)
	case "Basic":
		decoded, _ := base64.StdEncoding.DecodeString(credentials)
		_, secret, _ := strings.Cut(string(decoded), ":")
		notes.Add(planted.Credential, "a client secret", secret)
	}
	if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		form, _ := url.ParseQuery(body) // What cannot be read is none of these.
		for _, name := range []string{"client_secret", "client_assertion"} {
			notes.Add(planted.Credential, "a "+name, form.Get(name))
		}
		return
	}
	if strings.Contains(r.URL.Path, Users) || strings.Contains(r.URL.Path, "/Bulk") {
		var document any
		_ = json.Unmarshal([]byte(body), &document)
		noteAttributes("", document)
	}
}

// noteAttributes notes what a body says of users that nobody else has: addresses, and
// passwords.
func noteAttributes(name string, value any) {
	switch value := value.(type) {
	case map[string]any:
		path, _ := value["path"].(string)
		for member, inner := range value {
			if member == "value" && strings.EqualFold(path, "password") {
				member = path
			}
			noteAttributes(member, inner)
		}
	case []any:
		for _, inner := range value {
			noteAttributes(name, inner)
		}
	case string:
		switch {
		case strings.EqualFold(name, "password"):
			notes.Add(planted.Password, "a password", value)
		case strings.Contains(value, "@"):
			notes.Add(planted.Personal, name, value)
		}
	}
}

// noteAnswer notes what is secret in an answer.
func noteAnswer(r *Response) {
	if token, _ := r.At("access_token").(string); token != "" {
		notes.Add(planted.Credential, "an access token", token)
	}
}

// noteSecret notes what an object of the kind Secret has: what it is there to hide, and no
// more. What Helm knows of its releases is none of that.
func noteSecret(name, kind string, data map[string]any) {
	if strings.HasPrefix(kind, "helm.sh/") {
		return
	}
	for key, value := range data {
		encoded, _ := value.(string)
		decoded, _ := base64.StdEncoding.DecodeString(encoded)
		switch {
		case strings.HasSuffix(key, ".crt"), strings.HasPrefix(string(decoded), "http"), key == "clientID", key == "keyID":
			continue // Everybody may know it.
		}
		var keys struct {
			Keys []struct {
				D string `json:"d"` // what is private in a JWK of Ed25519
			} `json:"keys"`
		}
		_ = json.Unmarshal(decoded, &keys)
		for _, private := range keys.Keys {
			notes.Add(planted.Credential, "a signing key of Secret "+name, private.D)
		}
		for line := range strings.Lines(string(decoded)) { // Of PEM, each line alone is secret.
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") {
				notes.Add(planted.Credential, key+" of Secret "+name, line)
			}
		}
	}
}
