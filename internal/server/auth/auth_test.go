package auth_test

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store/memory"
)

func TestAuthentication(t *testing.T) {
	h := servertest.New(t, memory.New())
	expired, expiredVerifier, err := apikey.Mint()
	h.Expect(err).NotTo(HaveOccurred())
	expiredVerifier.ExpirationTime = time.Now().Add(-time.Minute)
	early, earlyVerifier, err := apikey.Mint()
	h.Expect(err).NotTo(HaveOccurred())
	earlyVerifier.NotBefore = time.Now().Add(time.Minute)
	unknown, _, err := apikey.Mint()
	h.Expect(err).NotTo(HaveOccurred())
	forgedKey, _, err := apikey.Mint()
	h.Expect(err).NotTo(HaveOccurred())
	forged := withKeyID(forgedKey, h.Verifier.KeyID)
	keys := auth.Keys{
		h.Verifier.KeyID: {Verifier: h.Verifier}, expiredVerifier.KeyID: {Verifier: expiredVerifier}, earlyVerifier.KeyID: {Verifier: earlyVerifier},
	}
	issue := func(key apikey.Key) (token, keyID string) {
		token, key.Verifier, err = apikey.Mint()
		h.Expect(err).NotTo(HaveOccurred())
		keys[key.Verifier.KeyID] = key
		return token, key.Verifier.KeyID
	}
	suspended, suspendedID := issue(apikey.Key{Grant: apikey.Grant{Suspended: true}})
	elsewhere, elsewhereID := issue(apikey.Key{Grant: apikey.Grant{Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}})
	nowhere, nowhereID := issue(apikey.Key{Grant: apikey.Grant{Networks: []netip.Prefix{}}})
	secret, secretID := issue(apikey.Key{Client: "acme"})
	h.Tenant.Accept(keys, func() {})
	ended, endedVerifier, err := apikey.Mint()
	h.Expect(err).NotTo(HaveOccurred())
	forgedEnded := withKeyID(forgedKey, endedVerifier.KeyID)
	h.Tenant.Explain(map[string]apikey.Ended{endedVerifier.KeyID: {Verifier: endedVerifier, End: apikey.EndRevoked}})

	answers := map[bool][]string{} // by whether there was a token
	for _, test := range []struct{ name, header, reason, keyID string }{
		{"no header", "", "Missing", ""},
		{"another scheme", "Basic " + h.Token, "Missing", ""},
		{"no token", "Bearer ", "Missing", ""},
		{"no such form", "Bearer secret", "Malformed", ""},
		{"unknown token", "Bearer " + unknown, "Unknown", ""},
		{"token that was accepted once", "Bearer " + ended, "Revoked", endedVerifier.KeyID},
		{"token of the key id of such a one", "Bearer " + forgedEnded, "Unknown", ""},
		{"token of a known key id", "Bearer " + forged, "Mismatch", h.Verifier.KeyID},
		{"expired token", "Bearer " + expired, "Expired", expiredVerifier.KeyID},
		{"token that is good later", "Bearer " + early, "Early", earlyVerifier.KeyID},
		{"token of a suspended key", "Bearer " + suspended, "Suspended", suspendedID},
		{"token for another network", "Bearer " + elsewhere, "Address", elsewhereID},
		{"token for no network", "Bearer " + nowhere, "Address", nowhereID},
		{"secret of an OAuth client", "Bearer " + secret, "ClientSecret", secretID},
		{"token cut short", "Bearer " + h.Token[:len(h.Token)-1], "Malformed", ""},
		{"token and a half", "Bearer " + h.Token + "a", "Malformed", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.In(t)
			for _, path := range []string{"/scim/v2/Users", "/scim/v2/Nothing", "/elsewhere"} {
				// What a client claims of itself is believed of no connection that is not a trusted proxy's.
				r := h.Send(http.MethodGet, path, "", "Authorization", test.header, "X-Forwarded-For", "203.0.113.7")
				h.ExpectError(r, http.StatusUnauthorized, "")
				id := r.Header.Get("X-Request-Id")
				h.Expect(r.Doc["detail"]).To(ContainSubstring(id))
				r.Header.Del("Date")
				sent := test.reason != "Missing"
				answers[sent] = append(answers[sent], strings.ReplaceAll(fmt.Sprint(r.Header, r.Text), id, "the id"))
				line := h.LastLine()
				h.Expect(line).To(And(HaveKeyWithValue("reason", test.reason), HaveKeyWithValue("source", "127.0.0.1")))
				if test.keyID == "" {
					h.Expect(line).NotTo(HaveKey("keyID"))
				} else {
					h.Expect(line).To(HaveKeyWithValue("keyID", test.keyID))
				}
			}
		})
	}
	// RFC 6750 section 3: a client that sends no token is not told of an error in it.
	const challenge, invalid = `Bearer realm="scim"`, `, error="invalid_token"`
	for sent, want := range map[bool]string{false: challenge, true: challenge + invalid} {
		h.Expect(answers[sent][0]).To(ContainSubstring("Www-Authenticate:[" + want + "]"))
		for _, answer := range answers[sent] {
			h.Expect(answer).To(Equal(answers[sent][0]), "nothing tells why a token is refused")
		}
	}
	h.Expect(strings.ReplaceAll(answers[true][0], invalid, "")).To(Equal(answers[false][0]))
	for _, token := range []string{h.Token, unknown, expired, early, forged, suspended, elsewhere, nowhere, secret} {
		h.Expect(h.Log.String()).NotTo(ContainSubstring(token))
	}

	h.Expect(h.Do(http.MethodGet, "/Users", "").StatusCode).To(Equal(http.StatusOK))
	h.Expect(h.Send(http.MethodGet, "/scim/v2/Users", "", "Authorization", "bearer "+h.Token).StatusCode).To(Equal(http.StatusOK))
	h.Tenant.Accept(auth.Keys{}, func() {})
	h.ExpectError(h.Do(http.MethodGet, "/Users", ""), http.StatusUnauthorized, "")
}

// withKeyID is a token with another key id and a checksum that fits.
func withKeyID(token, id string) string {
	parts := strings.Split(token, "_")
	body := parts[0] + "_" + id + "_" + parts[2]
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], crc32.ChecksumIEEE([]byte(body)))
	lower := base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	return body + "_" + lower.EncodeToString(sum[:])
}
