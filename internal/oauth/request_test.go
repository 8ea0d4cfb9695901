package oauth

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func basic(user, password string) []string {
	return []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
}

func TestParseTokenRequest(t *testing.T) {
	const (
		secret = "kscim_abcdefghijklmnop_qrstuvwxyz234567"
		jwt    = "&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	)
	for name, tc := range map[string]struct {
		query         string
		authorization []string
		contentType   string // that of a form when empty
		body          string
		want          TokenRequest
		code          Code // empty for a request that is one for a token
	}{
		"Basic":                     {"", basic("acme-entra", secret), "", "grant_type=client_credentials", TokenRequest{ClientID: "acme-entra", Secret: secret}, ""},
		"Basic, encoded":            {"", basic(url.QueryEscape("a b"), url.QueryEscape("s:e+c%r")), "", "grant_type=client_credentials", TokenRequest{ClientID: "a b", Secret: "s:e+c%r"}, ""},
		"basic in small letters":    {"", []string{"basic  " + basic("acme", secret)[0][len("Basic "):] + " "}, "", "grant_type=client_credentials", TokenRequest{ClientID: "acme", Secret: secret}, ""},
		"form":                      {"", nil, "", "grant_type=client_credentials&client_id=acme-entra&client_secret=" + secret, TokenRequest{ClientID: "acme-entra", Secret: secret}, ""},
		"form with a charset":       {"", nil, "application/x-www-form-urlencoded; charset=utf-8", "grant_type=client_credentials&client_id=acme&client_secret=" + secret, TokenRequest{ClientID: "acme", Secret: secret}, ""},
		"Basic, id in the form too": {"", basic("acme", secret), "", "grant_type=client_credentials&client_id=acme", TokenRequest{ClientID: "acme", Secret: secret}, ""},
		"scope scim":                {"", basic("acme", secret), "", "grant_type=client_credentials&scope=scim", TokenRequest{ClientID: "acme", Secret: secret}, ""},
		"scope scim.readwrite":      {"", basic("acme", secret), "", "grant_type=client_credentials&scope=scim.readwrite+scim", TokenRequest{ClientID: "acme", Secret: secret}, ""},
		"scope without a value":     {"", basic("acme", secret), "", "grant_type=client_credentials&scope=", TokenRequest{ClientID: "acme", Secret: secret}, ""},
		"a parameter nobody knows":  {"", basic("acme", secret), "", "grant_type=client_credentials&resource=a&resource=b&audience=c", TokenRequest{ClientID: "acme", Secret: secret}, ""},
		"empty secret beside Basic": {"", basic("acme", secret), "", "grant_type=client_credentials&client_secret=", TokenRequest{ClientID: "acme", Secret: secret}, ""},
		"a query nobody asked for":  {"api-version=1", basic("acme", secret), "", "grant_type=client_credentials", TokenRequest{ClientID: "acme", Secret: secret}, ""},

		"an assertion":                  {"", nil, "", "grant_type=client_credentials&client_id=acme&client_assertion=a.b.c" + jwt, TokenRequest{ClientID: "acme", Assertion: "a.b.c"}, ""},
		"an assertion alone":            {"", nil, "", "grant_type=client_credentials&client_assertion=a.b.c" + jwt, TokenRequest{Assertion: "a.b.c"}, ""},
		"an assertion, empty secret":    {"", nil, "", "grant_type=client_credentials&client_secret=&client_assertion=a.b.c" + jwt, TokenRequest{Assertion: "a.b.c"}, ""},
		"JSON":                          {"", basic("acme", secret), "application/json", `{"grant_type":"client_credentials"}`, TokenRequest{}, InvalidRequest},
		"no type":                       {"", basic("acme", secret), " ", "grant_type=client_credentials", TokenRequest{}, InvalidRequest},
		"no form":                       {"", basic("acme", secret), "", "grant_type=%zz", TokenRequest{}, InvalidRequest},
		"no grant_type":                 {"", basic("acme", secret), "", "", TokenRequest{}, InvalidRequest},
		"grant_type without a value":    {"", basic("acme", secret), "", "grant_type=", TokenRequest{}, InvalidRequest},
		"grant_type twice":              {"", basic("acme", secret), "", "grant_type=client_credentials&grant_type=client_credentials", TokenRequest{}, InvalidRequest},
		"client_secret twice":           {"", nil, "", "grant_type=client_credentials&client_id=acme&client_secret=a&client_secret=b", TokenRequest{}, InvalidRequest},
		"secret in the URL":             {"client_secret=" + secret, nil, "", "grant_type=client_credentials&client_id=acme", TokenRequest{}, InvalidRequest},
		"grant_type in the URL":         {"grant_type=client_credentials", basic("acme", secret), "", "", TokenRequest{}, InvalidRequest},
		"Basic and form":                {"", basic("acme", secret), "", "grant_type=client_credentials&client_secret=" + secret, TokenRequest{}, InvalidRequest},
		"Basic and form, both in full":  {"", basic("acme", secret), "", "grant_type=client_credentials&client_id=acme&client_secret=" + secret, TokenRequest{}, InvalidRequest},
		"Basic and an assertion":        {"", basic("acme", secret), "", "grant_type=client_credentials&client_assertion=a.b.c", TokenRequest{}, InvalidRequest},
		"secret and an assertion":       {"", nil, "", "grant_type=client_credentials&client_id=acme&client_secret=s&client_assertion=a.b.c", TokenRequest{}, InvalidRequest},
		"two headers":                   {"", append(basic("acme", secret), basic("acme", secret)...), "", "grant_type=client_credentials", TokenRequest{}, InvalidRequest},
		"another id in the form":        {"", basic("acme", secret), "", "grant_type=client_credentials&client_id=globex", TokenRequest{}, InvalidRequest},
		"authorization_code":            {"", basic("acme", secret), "", "grant_type=authorization_code&code=c", TokenRequest{}, UnsupportedGrantType},
		"password":                      {"", basic("acme", secret), "", "grant_type=password&username=u&password=p", TokenRequest{}, UnsupportedGrantType},
		"Client_Credentials":            {"", basic("acme", secret), "", "grant_type=Client_Credentials", TokenRequest{}, UnsupportedGrantType},
		"scope openid":                  {"", basic("acme", secret), "", "grant_type=client_credentials&scope=scim+openid", TokenRequest{}, InvalidScope},
		"nobody":                        {"", nil, "", "grant_type=client_credentials", TokenRequest{}, InvalidClient},
		"id alone":                      {"", nil, "", "grant_type=client_credentials&client_id=acme", TokenRequest{}, InvalidClient},
		"secret alone":                  {"", nil, "", "grant_type=client_credentials&client_secret=" + secret, TokenRequest{}, InvalidClient},
		"assertion of no type":          {"", nil, "", "grant_type=client_credentials&client_id=acme&client_assertion=a.b.c", TokenRequest{}, InvalidRequest},
		"assertion in SAML":             {"", nil, "", "grant_type=client_credentials&client_assertion=a&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:saml2-bearer", TokenRequest{}, InvalidRequest},
		"type without an assertion":     {"", nil, "", "grant_type=client_credentials&client_id=acme&client_secret=" + secret + jwt, TokenRequest{}, InvalidRequest},
		"two assertions":                {"", nil, "", "grant_type=client_credentials&client_assertion=a.b.c&client_assertion=d.e.f" + jwt, TokenRequest{}, InvalidRequest},
		"assertion in the URL":          {"client_assertion=a.b.c", nil, "", "grant_type=client_credentials&client_id=acme" + jwt, TokenRequest{}, InvalidRequest},
		"assertion as a grant":          {"", nil, "", "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=a.b.c", TokenRequest{}, UnsupportedGrantType},
		"Bearer":                        {"", []string{"Bearer " + secret}, "", "grant_type=client_credentials", TokenRequest{}, InvalidClient},
		"Bearer, form without a secret": {"", []string{"Bearer " + secret}, "", "grant_type=client_credentials&client_id=acme", TokenRequest{}, InvalidClient},
		"Basic without a password":      {"", basic("acme", ""), "", "grant_type=client_credentials", TokenRequest{}, InvalidClient},
		"Basic without a colon":         {"", []string{"Basic YWNtZQ=="}, "", "grant_type=client_credentials", TokenRequest{}, InvalidClient},
		"Basic, not in base64":          {"", []string{"Basic acme:secret"}, "", "grant_type=client_credentials", TokenRequest{}, InvalidClient},
		"Basic, not encoded":            {"", basic("acme", "100%"), "", "grant_type=client_credentials", TokenRequest{}, InvalidClient},
		"an empty header":               {"", []string{""}, "", "grant_type=client_credentials", TokenRequest{}, InvalidClient},
	} {
		t.Run(name, func(t *testing.T) {
			contentType := tc.contentType
			if contentType == "" {
				contentType = formType
			}
			got, err := ParseTokenRequest(tc.query, tc.authorization, contentType, []byte(tc.body))
			if got != tc.want {
				t.Errorf("it is from %q", got.ClientID)
			}
			switch {
			case tc.code == "" && err != nil:
				t.Errorf("it is refused: %v", err)
			case tc.code != "" && (err == nil || err.Code != tc.code):
				t.Errorf("the error is %v, want %s", err, tc.code)
			case err != nil:
				expectError(t, err)
			}
		})
	}
}

// expectError checks that an error is one by RFC 6749 section 5.2.
func expectError(t *testing.T, err *Error) {
	t.Helper()
	want := http.StatusBadRequest
	if err.Code == InvalidClient {
		want = http.StatusUnauthorized
	}
	if err.Status != want {
		t.Errorf("%s is answered %d", err.Code, err.Status)
	}
	if i := strings.IndexFunc(err.Description, func(c rune) bool { return c < 0x20 || c > 0x7e || c == '"' || c == '\\' }); i >= 0 || err.Description == "" {
		t.Errorf("the description must not have the character at %d of %q", i, err.Description)
	}
	body, marshalErr := json.Marshal(err)
	var members map[string]string
	if marshalErr != nil || json.Unmarshal(body, &members) != nil || len(members) != 2 ||
		members["error"] != string(err.Code) || members["error_description"] != err.Description {
		t.Errorf("the body is %s", body)
	}
}

func TestEveryWrongClientIsRefusedAlike(t *testing.T) {
	var errors []*Error
	for _, authorization := range [][]string{nil, basic("acme", ""), {"Bearer x"}, {"Basic"}, {"Basic !"}} {
		_, err := ParseTokenRequest("", authorization, formType, []byte("grant_type=client_credentials"))
		errors = append(errors, err)
	}
	for _, err := range errors {
		if *err != *NoSuchClient() {
			t.Errorf("one is refused with %v", err)
		}
	}
}

func FuzzParseTokenRequest(f *testing.F) {
	f.Add("", "Basic YTpi", formType, "grant_type=client_credentials")
	f.Add("client_id=a", "", formType, "grant_type=client_credentials&client_id=a&client_secret=b&scope=scim")
	f.Fuzz(func(t *testing.T, query, authorization, contentType, body string) {
		var headers []string
		if authorization != "" {
			headers = []string{authorization}
		}
		request, err := ParseTokenRequest(query, headers, contentType, []byte(body))
		if (err == nil) != (request.Assertion != "" || request.ClientID != "" && request.Secret != "") {
			t.Errorf("it is read as %+v, %v", request, err)
		}
		if err != nil {
			expectError(t, err)
		}
	})
}
