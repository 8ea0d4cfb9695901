package oauth

import (
	"encoding/base64"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

const (
	// MaxBodyBytes is how large the body of a request for a token may be. One with an
	// assertion in it has some thousands.
	MaxBodyBytes = 16 << 10
	// Scope is the scope of every access token: what its client may do is decided by its
	// key, and not by what it asks for.
	Scope = "scim"

	grantType = "client_credentials"
	formType  = "application/x-www-form-urlencoded"
	// assertionType is the type of an assertion that is a JWT (RFC 7523 section 2.2).
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// scopes are those that a client may ask for. All are answered with Scope.
var scopes = map[string]bool{Scope: true, "scim.readwrite": true}

// parameters are those that the endpoint knows. Others are none of its business (RFC 6749
// section 3.2).
var parameters = []string{"grant_type", "scope", "client_id", "client_secret", "client_assertion", "client_assertion_type"}

// TokenRequest is a request for an access token, of a client that has yet to be
// authenticated: by a secret, or by an assertion.
type TokenRequest struct {
	// ClientID is empty when an assertion alone says who the client is (RFC 7521 section
	// 4.2).
	ClientID  string
	Secret    string
	Assertion string
}

// ParseTokenRequest reads a request for an access token (RFC 6749 sections 2.3.1 and 4.4.2,
// RFC 7521 section 4.2): the query of its URL, its header Authorization, which may be there
// more than once, the media type of its body, and the body. The client is authenticated
// either by Basic or by what is in the body, since clients are built for the one or the
// other.
func ParseTokenRequest(query string, authorization []string, contentType string, body []byte) (TokenRequest, *Error) {
	form, err := parseForm(query, contentType, body)
	if err != nil {
		return TokenRequest{}, err
	}
	switch form.Get("grant_type") {
	case grantType:
	case "":
		return TokenRequest{}, BadRequest("the parameter grant_type is missing; it must be " + grantType)
	default:
		return TokenRequest{}, newError(http.StatusBadRequest, UnsupportedGrantType, "the parameter grant_type must be "+grantType)
	}
	for scope := range strings.FieldsSeq(form.Get("scope")) {
		if !scopes[scope] {
			return TokenRequest{}, newError(http.StatusBadRequest, InvalidScope, "there is no such scope; leave the parameter scope out, or send "+Scope)
		}
	}
	return client(authorization, form)
}

// parseForm reads the parameters of a request. One without a value counts as absent (RFC
// 6749 section 3.2).
func parseForm(query, contentType string, body []byte) (url.Values, *Error) {
	if media, _, err := mime.ParseMediaType(contentType); err != nil || media != formType {
		return nil, BadRequest("the body must be of the type " + formType + "; set Content-Type accordingly")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, BadRequest("the body is not encoded as " + formType)
	}
	inURL, _ := url.ParseQuery(query) // What cannot be read is none of these.
	for _, name := range parameters {
		if inURL.Has(name) {
			return nil, BadRequest("the parameter " + name + " is in the URL, where others may see it; send it in the body")
		}
		if len(form[name]) > 1 {
			return nil, BadRequest("the parameter " + name + " is there more than once")
		}
	}
	return form, nil
}

// client returns who a request says that it is from.
func client(authorization []string, form url.Values) (TokenRequest, *Error) {
	id, secret, assertion, assertedBy := form.Get("client_id"), form.Get("client_secret"), form.Get("client_assertion"), form.Get("client_assertion_type")
	switch {
	case len(authorization) > 1, secret != "" && assertion != "", len(authorization) == 1 && (secret != "" || assertion != ""):
		return TokenRequest{}, BadRequest("the client is authenticated in more than one way; send one of these: the client secret in the header Authorization, the client secret in the body, a client_assertion")
	case assertion != "" && assertedBy != assertionType:
		return TokenRequest{}, BadRequest("with a client_assertion, the parameter client_assertion_type must be " + assertionType)
	case assertion == "" && assertedBy != "":
		return TokenRequest{}, BadRequest("the parameter client_assertion is missing, which client_assertion_type is about")
	case assertion != "":
		return TokenRequest{ClientID: id, Assertion: assertion}, nil
	case len(authorization) == 0:
		if id == "" || secret == "" {
			return TokenRequest{}, NoSuchClient()
		}
		return TokenRequest{ClientID: id, Secret: secret}, nil
	}
	request, ok := parseBasic(authorization[0])
	switch {
	case !ok:
		return TokenRequest{}, NoSuchClient()
	case id != "" && id != request.ClientID:
		return TokenRequest{}, BadRequest("the parameter client_id is another one than that in the header Authorization; leave the parameter out")
	}
	return request, nil
}

// parseBasic reads the header Authorization of a client that uses Basic. Id and secret are
// encoded like a form in there (RFC 6749 section 2.3.1), which many clients do not do: to
// those of this software it makes no difference.
func parseBasic(header string) (TokenRequest, bool) {
	scheme, encoded, found := strings.Cut(header, " ")
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if !found || !strings.EqualFold(scheme, "Basic") || err != nil {
		return TokenRequest{}, false
	}
	user, password, found := strings.Cut(string(decoded), ":")
	id, idErr := url.QueryUnescape(user)
	secret, secretErr := url.QueryUnescape(password)
	if !found || idErr != nil || secretErr != nil || id == "" || secret == "" {
		return TokenRequest{}, false
	}
	return TokenRequest{ClientID: id, Secret: secret}, true
}
