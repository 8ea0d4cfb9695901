package federation

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/kubescim/kubescim/internal/apikey"
)

const (
	idp      = "https://idp.example.com/realms/acme"
	audience = "https://acme.example.com/scim/v2"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// signer is a private key of an issuer.
type signer struct {
	id        string
	algorithm jose.SignatureAlgorithm
	key       crypto.Signer
}

func newSigner(t testing.TB, id string, algorithm jose.SignatureAlgorithm) signer {
	t.Helper()
	var (
		key crypto.Signer
		err error
	)
	switch algorithm {
	case jose.RS256, jose.PS256:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case jose.ES256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signer{id: id, algorithm: algorithm, key: key}
}

// sign returns an assertion with the claims.
func (s signer) sign(t testing.TB, claims map[string]any) string {
	t.Helper()
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: s.algorithm, Key: jose.JSONWebKey{Key: s.key, KeyID: s.id}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(made).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// published returns the keys of an issuer as others see them.
func published(t testing.TB, signers ...signer) KeySet {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, s := range signers {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: s.key.Public(), KeyID: s.id, Algorithm: string(s.algorithm), Use: "sig"})
	}
	data, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ParseKeySet(idp, data)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// trusted is what the key of the tests is known by.
func trusted() *apikey.Federation {
	return &apikey.Federation{Issuer: idp, Audiences: []string{"api://acme", audience}, Claims: map[string]string{"sub": "app", "tid": "acme"}}
}

// claims are those of a good assertion, as change makes them.
func claims(change func(map[string]any)) map[string]any {
	all := map[string]any{
		"iss": idp, "sub": "app", "aud": audience, "tid": "acme", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "nbf": now.Unix(),
	}
	if change != nil {
		change(all)
	}
	return all
}

// check goes through all that is to be done about an assertion.
func check(text string, keys KeySet, federation *apikey.Federation) (Fault, string) {
	assertion, fault := Parse(text)
	if fault != "" {
		return fault, ""
	}
	verified, fault := assertion.Verify(keys)
	if fault != "" {
		return fault, ""
	}
	return verified.Check(federation, now)
}

func TestAssertionsOfEveryAlgorithm(t *testing.T) {
	for _, algorithm := range []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA} {
		s := newSigner(t, "k", algorithm)
		if fault, _ := check(s.sign(t, claims(nil)), published(t, newSigner(t, "other", algorithm), s), trusted()); fault != "" {
			t.Errorf("%s: %s", algorithm, fault)
		}
	}
}

func TestAssertionsThatDoNotStandForTheKey(t *testing.T) {
	s := newSigner(t, "k", jose.ES256)
	keys := published(t, s)
	set := func(name string, value any) func(map[string]any) {
		return func(all map[string]any) { all[name] = value }
	}
	without := func(name string) func(map[string]any) { return func(all map[string]any) { delete(all, name) } }
	for name, tc := range map[string]struct {
		change  func(map[string]any)
		trust   func(*apikey.Federation)
		fault   Fault
		differs string
	}{
		"good":                              {nil, nil, "", ""},
		"one of several audiences":          {set("aud", []string{"api://globex", "api://acme"}), nil, "", ""},
		"another audience":                  {set("aud", "api://globex"), nil, OtherAudience, ""},
		"an audience that begins alike":     {set("aud", audience+"/"), nil, OtherAudience, ""},
		"an audience in capitals":           {set("aud", strings.ToUpper(audience)), nil, OtherAudience, ""},
		"no audience":                       {without("aud"), nil, OtherAudience, ""},
		"no audience wanted":                {nil, func(f *apikey.Federation) { f.Audiences = nil }, OtherAudience, ""},
		"another subject":                   {set("sub", "apps"), nil, OtherClaims, "sub"},
		"no subject":                        {without("sub"), nil, OtherClaims, "sub"},
		"another tenant":                    {set("tid", "globex"), nil, OtherClaims, "tid"},
		"no tenant":                         {without("tid"), nil, OtherClaims, "tid"},
		"a tenant that is a list":           {set("tid", []string{"acme"}), nil, OtherClaims, "tid"},
		"a tenant that is a number":         {set("tid", 1), func(f *apikey.Federation) { f.Claims["tid"] = "1" }, OtherClaims, "tid"},
		"a claim of the name in capitals":   {func(all map[string]any) { all["TID"] = "acme"; delete(all, "tid") }, nil, OtherClaims, "tid"},
		"no expiration":                     {without("exp"), nil, Incomplete, ""},
		"expired within the leeway":         {set("exp", now.Add(-leeway).Unix()), nil, "", ""},
		"expired":                           {set("exp", now.Add(-leeway).Unix()-1), nil, Expired, ""},
		"expires at a time beyond all":      {set("exp", 1e300), nil, Malformed, ""},
		"not good yet, within the leeway":   {set("nbf", now.Add(leeway).Unix()), nil, "", ""},
		"not good yet":                      {set("nbf", now.Add(leeway).Unix()+1), nil, Early, ""},
		"no nbf and no iat":                 {func(all map[string]any) { delete(all, "nbf"); delete(all, "iat") }, nil, "", ""},
		"issued in the future":              {set("iat", now.Add(leeway).Unix()+1), nil, Early, ""},
		"issued just when it must":          {nil, func(f *apikey.Federation) { f.NotBefore = now }, "", ""},
		"issued before it must":             {nil, func(f *apikey.Federation) { f.NotBefore = now.Add(time.Second) }, Outdated, ""},
		"does not say when, and must":       {without("iat"), func(f *apikey.Federation) { f.NotBefore = now.Add(-time.Hour) }, Outdated, ""},
		"a subject that is no text":         {set("sub", 7), nil, Malformed, ""},
		"no issuer":                         {without("iss"), nil, Malformed, ""},
		"another issuer":                    {set("iss", idp+"/"), nil, UnknownIssuer, ""},
		"another subject, of another place": {func(all map[string]any) { all["sub"] = "apps"; all["aud"] = "api://globex" }, nil, OtherAudience, ""},
	} {
		t.Run(name, func(t *testing.T) {
			federation := trusted()
			if tc.trust != nil {
				tc.trust(federation)
			}
			if fault, differs := check(s.sign(t, claims(tc.change)), keys, federation); fault != tc.fault || differs != tc.differs {
				t.Errorf("it is %q %q, want %q %q", fault, differs, tc.fault, tc.differs)
			}
		})
	}
}

func TestAssertionsThatAreForged(t *testing.T) {
	s, other := newSigner(t, "k", jose.RS256), newSigner(t, "k", jose.RS256)
	good := s.sign(t, claims(nil))
	parts := strings.Split(good, ".")
	encode := base64.RawURLEncoding.EncodeToString
	head := func(header string) string { return encode([]byte(header)) + "." + parts[1] + "." + parts[2] }
	shared := func() string {
		// Who takes the public key for a shared one accepts this.
		made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: s.key.Public().(*rsa.PublicKey).N.Bytes()}, (&jose.SignerOptions{}).WithHeader("kid", "k"))
		if err != nil {
			t.Fatal(err)
		}
		token, err := jwt.Signed(made).Claims(claims(nil)).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	elsewhere := other
	elsewhere.id = "other"
	for name, tc := range map[string]struct {
		text  string
		fault Fault
	}{
		"good":                             {good, ""},
		"nothing":                          {"", Malformed},
		"one part":                         {"abc", Malformed},
		"cut short":                        {good[:len(good)-1], Malformed},
		"cut short by four letters":        {good[:len(good)-4], Forged},
		"no signature":                     {parts[0] + "." + parts[1] + ".", Forged},
		"alg none":                         {encode([]byte(`{"alg":"none","kid":"k"}`)) + "." + parts[1] + ".", Malformed},
		"alg none with a signature":        {head(`{"alg":"none","kid":"k"}`), Malformed},
		"a shared key":                     {shared(), Malformed},
		"no kid":                           {head(`{"alg":"RS256"}`), Malformed},
		"another kid":                      {elsewhere.sign(t, claims(nil)), UnknownSigner},
		"of another key, by that kid":      {other.sign(t, claims(nil)), Forged},
		"an algorithm of another key":      {newSigner(t, "k", jose.ES256).sign(t, claims(nil)), Forged},
		"an algorithm the key is not for":  {signer{"k", jose.PS256, s.key}.sign(t, claims(nil)), Forged},
		"other claims":                     {parts[0] + "." + encode([]byte(`{"iss":"`+idp+`","sub":"root"}`)) + "." + parts[2], Forged},
		"a header that must be understood": {head(`{"alg":"RS256","kid":"k","crit":["a"],"a":1}`), Incomplete},
		"a key of its own":                 {head(`{"alg":"RS256","kid":"k","jwk":{"kty":"oct","k":"AAAA"}}`), Malformed},
		"claims that are no object":        {parts[0] + "." + encode([]byte(`[]`)) + "." + parts[2], Malformed},
		"a claim twice":                    {parts[0] + "." + encode([]byte(`{"iss":"`+idp+`","sub":"app","sub":"root"}`)) + "." + parts[2], Malformed},
		"deep":                             {parts[0] + "." + encode([]byte(`{"iss":`+strings.Repeat("[", 10_000))) + "." + parts[2], Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			if fault, _ := check(tc.text, published(t, s), trusted()); fault != tc.fault {
				t.Errorf("it is %q, want %q", fault, tc.fault)
			}
		})
	}
}

func TestFaultsHaveAnOrder(t *testing.T) {
	for i, fault := range order {
		for j, other := range order {
			if fault.After(other) != (i > j) {
				t.Errorf("%s after %s: %v", fault, other, fault.After(other))
			}
		}
	}
	if !Malformed.After("") {
		t.Error("a fault is after none")
	}
}

func FuzzParse(f *testing.F) {
	s := newSigner(f, "k", jose.ES256)
	keys := published(f, s)
	f.Add(s.sign(f, claims(nil)))
	all := claims(nil)
	maps.DeleteFunc(all, func(name string, _ any) bool { return name != "iss" })
	f.Add(s.sign(f, all))
	f.Fuzz(func(t *testing.T, text string) {
		if fault, _ := check(text, keys, trusted()); fault == "" {
			if parsed, _ := Parse(text); parsed.Issuer != idp {
				t.Errorf("%q is good", text)
			}
		}
	})
}
