package server

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/store/memory"
)

func TestAuthentication(t *testing.T) {
	h := newHarness(t, memory.New())
	expired, expiredVerifier, err := apikey.Mint()
	h.Expect(err).NotTo(HaveOccurred())
	expiredVerifier.ExpirationTime = time.Now().Add(-time.Minute)
	unknown, _, err := apikey.Mint()
	h.Expect(err).NotTo(HaveOccurred())
	forgedKey, _, err := apikey.Mint()
	h.Expect(err).NotTo(HaveOccurred())
	forged := withKeyID(forgedKey, h.verifier.KeyID)
	h.tenant.Accept(Keys{h.verifier.KeyID: h.verifier, expiredVerifier.KeyID: expiredVerifier}, func() {})

	var answers []string
	for _, test := range []struct{ name, header, reason, keyID string }{
		{"no header", "", "Missing", ""},
		{"another scheme", "Basic " + h.token, "Missing", ""},
		{"no token", "Bearer ", "Missing", ""},
		{"no such form", "Bearer secret", "Malformed", ""},
		{"unknown token", "Bearer " + unknown, "Unknown", ""},
		{"token of a known key id", "Bearer " + forged, "Mismatch", h.verifier.KeyID},
		{"expired token", "Bearer " + expired, "Expired", expiredVerifier.KeyID},
		{"token cut short", "Bearer " + h.token[:len(h.token)-1], "Malformed", ""},
		{"token and a half", "Bearer " + h.token + "a", "Malformed", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := &harness{WithT: NewWithT(t), tenant: h.tenant, url: h.url, log: h.log}
			for _, path := range []string{"/scim/v2/Users", "/scim/v2/Nothing", "/elsewhere"} {
				r := h.send(http.MethodGet, path, "", "Authorization", test.header)
				h.expectError(r, http.StatusUnauthorized, "")
				h.Expect(r.Header.Get("WWW-Authenticate")).To(HavePrefix("Bearer"))
				id := r.Header.Get("X-Request-Id")
				h.Expect(r.doc["detail"]).To(ContainSubstring(id))
				r.Header.Del("Date")
				answers = append(answers, strings.ReplaceAll(fmt.Sprint(r.Header, r.body), id, "the id"))
				line := h.lastLine()
				h.Expect(line).To(And(HaveKeyWithValue("reason", test.reason), HaveKeyWithValue("source", "127.0.0.1")))
				if test.keyID == "" {
					h.Expect(line).NotTo(HaveKey("keyID"))
				} else {
					h.Expect(line).To(HaveKeyWithValue("keyID", test.keyID))
				}
			}
		})
	}
	for _, answer := range answers {
		h.Expect(answer).To(Equal(answers[0]), "nothing tells why a token is refused")
	}
	h.Expect(h.log.String()).NotTo(Or(ContainSubstring(unknown), ContainSubstring(expired), ContainSubstring(h.token), ContainSubstring(forged)))

	h.Expect(h.do(http.MethodGet, "/Users", "").StatusCode).To(Equal(http.StatusOK))
	h.Expect(h.send(http.MethodGet, "/scim/v2/Users", "", "Authorization", "bearer "+h.token).StatusCode).To(Equal(http.StatusOK))
	h.tenant.Accept(Keys{}, func() {})
	h.expectError(h.do(http.MethodGet, "/Users", ""), http.StatusUnauthorized, "")
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
