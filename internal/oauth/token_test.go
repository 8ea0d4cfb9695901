package oauth

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/kubescim/kubescim/internal/signingkey"
)

const issuer = "https://scim.example.com/scim/v2"

var (
	now   = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	grant = Grant{ClientID: "acme-entra", KeyID: "abcdefghijklmnop"}
)

func newKey(t testing.TB) signingkey.Key {
	t.Helper()
	key, err := signingkey.New(now.Add(-time.Hour), now.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func issue(t testing.TB, key signingkey.Key) string {
	t.Helper()
	token, _, err := Issue(key, issuer, grant, time.Time{}, now)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// part decodes a part of a JWT.
func part(t testing.TB, token string, index int) map[string]any {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[index])
	var members map[string]any
	if err != nil || json.Unmarshal(data, &members) != nil {
		t.Fatalf("part %d of the token is no JSON", index)
	}
	return members
}

func TestIssue(t *testing.T) {
	key := newKey(t)
	for name, tc := range map[string]struct {
		expiration time.Time
		lasts      time.Duration
	}{
		"secret that does not expire": {time.Time{}, time.Hour},
		"secret that expires later":   {now.Add(2 * time.Hour), time.Hour},
		"secret that expires before":  {now.Add(90 * time.Second), 90 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			token, lasts, err := Issue(key, issuer, grant, tc.expiration, now.Add(300*time.Millisecond))
			if err != nil || lasts != tc.lasts {
				t.Fatalf("the token lasts %s, %v, want %s", lasts, err, tc.lasts)
			}
			if header := part(t, token, 0); fmt.Sprint(header) != fmt.Sprint(map[string]any{"alg": "EdDSA", "kid": key.ID, "typ": "at+jwt"}) {
				t.Errorf("the header is %v", header)
			}
			claims := part(t, token, 1)
			if id, _ := claims["jti"].(string); len(id) < 20 {
				t.Errorf("the token has the id %q", id)
			}
			delete(claims, "jti")
			want := map[string]any{
				"iss": issuer, "aud": issuer, "sub": "acme-entra", "client_id": "acme-entra", "scope": "scim", "key_id": "abcdefghijklmnop",
				"iat": float64(now.Unix()), "exp": float64(now.Add(lasts).Unix()),
			}
			if fmt.Sprint(claims) != fmt.Sprint(want) {
				t.Errorf("the claims are %v, want %v", claims, want)
			}
		})
	}
	if first, second := issue(t, key), issue(t, key); first == second {
		t.Error("two tokens are the same")
	}
}

func TestVerify(t *testing.T) {
	former, current := newKey(t), newKey(t)
	verifier := NewVerifier(signingkey.Set{current, former}, issuer)
	for _, key := range []signingkey.Key{former, current} {
		token := issue(t, key)
		if !IsAccessToken(token) {
			t.Error("the token does not look like one")
		}
		for name, tc := range map[string]struct {
			at   time.Duration // after it was issued
			want Fault
		}{
			"at once":                      {0, ""},
			"by a clock behind":            {-leeway, ""},
			"before":                       {-leeway - 1, Early},
			"at the end":                   {Lifetime, ""},
			"by a clock behind at the end": {Lifetime + leeway - 1, ""},
			"after":                        {Lifetime + leeway, Expired},
		} {
			for _, which := range []string{"the first time", "again"} {
				got, fault := verifier.Verify(token, now.Add(tc.at))
				if fault != tc.want || fault == "" && got != grant {
					t.Errorf("%s, %s: it is %+v, %q", name, which, got, fault)
				}
			}
		}
		// What was checked with a key is not remembered when that key is gone.
		if _, fault := NewVerifier(signingkey.Set{newKey(t)}, issuer).Verify(token, now); fault != UnknownKey {
			t.Errorf("without its key it is %q", fault)
		}
	}
	if _, fault := (*Verifier)(nil).Verify(issue(t, current), now); fault != UnknownKey {
		t.Errorf("without any keys, a token is %q", fault)
	}
}

// While a tenant is moved, its tokens are good that another server has signed, as long as that is
// said to be so.
func TestTokensOfAnotherServer(t *testing.T) {
	own, other := newKey(t), newKey(t)
	token, ends := issue(t, other), now.Add(time.Minute)
	for name, tc := range map[string]struct {
		others signingkey.VerifyingSet
		at     time.Duration
		want   Fault
	}{
		"of no other server":        {nil, 0, UnknownKey},
		"of another server":         {signingkey.Set{other}.Verifying("acme", time.Time{}), Lifetime, ""},
		"when they expire":          {signingkey.Set{other}.Verifying("acme", time.Time{}), Lifetime + leeway, Expired},
		"before its key ends":       {signingkey.Set{other}.Verifying("acme", ends), time.Minute, ""},
		"when its key has ended":    {signingkey.Set{other}.Verifying("acme", ends), time.Minute + leeway, Expired},
		"of a key that is also own": {signingkey.Set{own}.Verifying("acme", ends), 0, UnknownKey},
	} {
		t.Run(name, func(t *testing.T) {
			verifier := NewVerifier(signingkey.Set{own}, issuer, tc.others...)
			if got, fault := verifier.Verify(token, now.Add(tc.at)); fault != tc.want || fault == "" && got != grant {
				t.Errorf("it is %+v, %q", got, fault)
			}
			if _, fault := verifier.Verify(issue(t, own), now.Add(Lifetime)); fault != "" {
				t.Errorf("one that the server has signed itself is %q", fault)
			}
		})
	}
}

// sign signs the claims, which differ from those of a good token by what change does, under
// a header of one's own making.
func sign(t testing.TB, signingKey jose.SigningKey, options *jose.SignerOptions, change func(map[string]any)) string {
	t.Helper()
	signer, err := jose.NewSigner(signingKey, options)
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{
		"iss": issuer, "aud": issuer, "sub": grant.ClientID, "client_id": grant.ClientID, "scope": Scope, "key_id": grant.KeyID,
		"iat": now.Unix(), "exp": now.Add(Lifetime).Unix(), "jti": rand.Text(),
	}
	change(claims)
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func accessToken() *jose.SignerOptions { return (&jose.SignerOptions{}).WithType(mediaType) }

func unchanged(map[string]any) {}

func TestVerifyRefusesClaims(t *testing.T) {
	key := newKey(t)
	signingKey := jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: key.Private, KeyID: key.ID}}
	set := func(name string, value any) func(map[string]any) {
		return func(claims map[string]any) {
			if claims[name] = value; value == nil {
				delete(claims, name)
			}
		}
	}
	for name, tc := range map[string]struct {
		change func(map[string]any)
		want   Fault
	}{
		"as it should be":                 {unchanged, ""},
		"no issuer":                       {set("iss", nil), Foreign},
		"issuer of another tenant":        {set("iss", "https://globex.example.com/scim/v2"), Foreign},
		"issuer with a slash":             {set("iss", issuer+"/"), Foreign},
		"no audience":                     {set("aud", nil), Foreign},
		"audience of another tenant":      {set("aud", "https://globex.example.com/scim/v2"), Foreign},
		"one audience more":               {set("aud", []string{issuer, "https://globex.example.com/scim/v2"}), Foreign},
		"no subject":                      {set("sub", nil), Malformed},
		"subject of another client":       {set("sub", "globex"), Malformed},
		"no client":                       {set("client_id", nil), Malformed},
		"no key id":                       {set("key_id", nil), Malformed},
		"no scope":                        {set("scope", nil), Malformed},
		"another scope":                   {set("scope", "admin"), Malformed},
		"no time of issue":                {set("iat", nil), Malformed},
		"no expiration":                   {set("exp", nil), Malformed},
		"an expiration far in the future": {set("exp", now.Add(Lifetime+time.Second).Unix()), Malformed},
		"not yet":                         {set("nbf", now.Add(time.Hour).Unix()), Malformed},
		"issued in the future":            {func(c map[string]any) { c["iat"], c["exp"] = now.Add(time.Hour).Unix(), now.Add(2*time.Hour).Unix() }, Early},
		"expired":                         {set("exp", now.Add(-leeway).Unix()), Expired},
		"a number too many":               {set("exp", 1e300), Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			token := sign(t, signingKey, accessToken(), tc.change)
			if got, fault := NewVerifier(signingkey.Set{key}, issuer).Verify(token, now); fault != tc.want {
				t.Errorf("it is %+v, %q, want %q", got, fault, tc.want)
			}
		})
	}
}

func TestVerifyRefusesForgeries(t *testing.T) {
	key, former, other := newKey(t), newKey(t), newKey(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	good := issue(t, key)
	parts := strings.Split(good, ".")
	encoded := func(document string) string { return base64.RawURLEncoding.EncodeToString([]byte(document)) }
	with := func(algorithm jose.SignatureAlgorithm, private any, kid string, options *jose.SignerOptions) string {
		return sign(t, jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: private, KeyID: kid}}, options, unchanged)
	}
	noOptions := func() *jose.SignerOptions { return &jose.SignerOptions{} }
	for name, tc := range map[string]struct {
		token string
		want  Fault
	}{
		"as it should be":                {with(jose.EdDSA, key.Private, key.ID, accessToken()), ""},
		"signed by another tenant":       {with(jose.EdDSA, other.Private, other.ID, accessToken()), UnknownKey},
		"another tenant's, kid swapped":  {with(jose.EdDSA, other.Private, key.ID, accessToken()), Forged},
		"kid of the key before":          {with(jose.EdDSA, key.Private, former.ID, accessToken()), Forged},
		"no kid":                         {with(jose.EdDSA, key.Private, "", accessToken()), UnknownKey},
		"a key of its own":               {with(jose.EdDSA, other.Private, "", (&jose.SignerOptions{EmbedJWK: true}).WithType(mediaType)), UnknownKey},
		"a key of its own under our kid": {with(jose.EdDSA, other.Private, "", (&jose.SignerOptions{EmbedJWK: true}).WithType(mediaType).WithHeader("kid", key.ID)), Forged},
		"HMAC with the public key":       {with(jose.HS256, []byte(key.Public()), key.ID, accessToken()), Malformed},
		"RSA":                            {with(jose.RS256, rsaKey, key.ID, accessToken()), Malformed},
		"no type":                        {with(jose.EdDSA, key.Private, key.ID, noOptions()), Malformed},
		"another type":                   {with(jose.EdDSA, key.Private, key.ID, noOptions().WithType("JWT")), Malformed},
		"the type in full":               {with(jose.EdDSA, key.Private, key.ID, noOptions().WithType("application/AT+JWT")), ""},
		"alg none":                       {encoded(`{"alg":"none","typ":"at+jwt","kid":"`+key.ID+`"}`) + "." + parts[1] + ".", Malformed},
		"alg none with the signature":    {encoded(`{"alg":"none","typ":"at+jwt","kid":"`+key.ID+`"}`) + "." + parts[1] + "." + parts[2], Malformed},
		"a header added":                 {encoded(`{"alg":"EdDSA","typ":"at+jwt","kid":"`+key.ID+`","x":1}`) + "." + parts[1] + "." + parts[2], Forged},
		"a critical header":              {encoded(`{"alg":"EdDSA","typ":"at+jwt","kid":"`+key.ID+`","crit":["x"],"x":1}`) + "." + parts[1] + "." + parts[2], Malformed},
		"other claims":                   {parts[0] + "." + encoded(`{"iss":"`+issuer+`"}`) + "." + parts[2], Forged},
		"no signature":                   {parts[0] + "." + parts[1] + ".", Forged},
		"cut short":                      {good[:len(good)-4], Forged},
		"a character too many":           {good + "A", Forged},
		"a fourth part":                  {good + "." + parts[2], Malformed},
		"in JSON":                        {`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, Malformed},
		"empty":                          {"", Malformed},
		"dots":                           {"..", Malformed},
		"very long":                      {strings.Repeat("a", maxTokenLength) + good, Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			verifier := NewVerifier(signingkey.Set{key, former}, issuer)
			for range 2 {
				if got, fault := verifier.Verify(tc.token, now); fault != tc.want {
					t.Errorf("it is %+v, %q, want %q", got, fault, tc.want)
				}
			}
		})
	}
}

// Nobody can make a verifier remember more than it should, or anything but good tokens.
func TestVerifierRemembersWithinBounds(t *testing.T) {
	key := newKey(t)
	verifier := NewVerifier(signingkey.Set{key}, issuer)
	for range 10 {
		verifier.Verify(issue(t, newKey(t)), now)
		verifier.Verify(issue(t, key)+"AAAA", now)
	}
	if remembered := verifier.verified.Len(); remembered != 0 {
		t.Errorf("%d bad tokens are remembered", remembered)
	}
	for range rememberedTokens + 10 {
		if _, fault := verifier.Verify(issue(t, key), now); fault != "" {
			t.Fatal(fault)
		}
	}
	if remembered := verifier.verified.Len(); remembered != rememberedTokens {
		t.Errorf("%d tokens are remembered", remembered)
	}
}

func FuzzVerify(f *testing.F) {
	key := newKey(f)
	good := issue(f, key)
	f.Add(good)
	f.Add("e30.e30.")
	verifier := NewVerifier(signingkey.Set{key}, issuer)
	f.Fuzz(func(t *testing.T, token string) {
		// Only what was signed is good; the last character of a signature has bits to spare.
		if got, fault := verifier.Verify(token, now); fault == "" && !strings.HasPrefix(token, good[:len(good)-1]) {
			t.Errorf("%q is good for %+v", token, got)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	key := newKey(b)
	token := issue(b, key)
	b.Run("the first time", func(b *testing.B) {
		for b.Loop() {
			NewVerifier(signingkey.Set{key}, issuer).Verify(token, now)
		}
	})
	b.Run("again", func(b *testing.B) {
		verifier := NewVerifier(signingkey.Set{key}, issuer)
		for b.Loop() {
			verifier.Verify(token, now)
		}
	})
	b.Run("issue", func(b *testing.B) {
		for b.Loop() {
			issue(b, key)
		}
	})
}
