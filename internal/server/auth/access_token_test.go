package auth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/oauth"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/signingkey"
)

// What is done with an access token is done under the secret that it was issued for, and
// holds up what is said of that secret.
func TestWorkWithAnAccessTokenIsUnderItsSecret(t *testing.T) {
	const issuer = "https://acme.example.com/scim/v2"
	_, verifier, err := apikey.Mint()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	now := time.Now()
	signing, err := signingkey.Decide(nil, now).Rotate(now)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	token, _, err := oauth.Issue(signing[0], issuer, oauth.Grant{ClientID: "acme-entra", KeyID: verifier.KeyID}, time.Time{}, now)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.Header.Set("Authorization", "Bearer "+token)
	key := func(client string, grant apikey.Grant) auth.Keys {
		return auth.Keys{verifier.KeyID: {Verifier: verifier, Client: client, Grant: grant}}
	}
	writing := auth.Use{Resource: "Users", Writes: true}

	for name, tc := range map[string]struct {
		after auth.Keys
		waits bool
	}{
		"nothing changes":                     {key("acme-entra", apikey.Grant{}), false},
		"revoked":                             {auth.Keys{}, true},
		"suspended":                           {key("acme-entra", apikey.Grant{Suspended: true}), true},
		"read only":                           {key("acme-entra", apikey.Grant{ReadOnly: true}), true},
		"the secret is another client's":      {key("acme-okta", apikey.Grant{}), true},
		"the secret is a bearer token by now": {key("", apikey.Grant{}), true},
	} {
		t.Run(name, func(t *testing.T) {
			g, keyring, retired := NewWithT(t), &auth.Keyring{}, 0
			keyring.Accept(key("acme-entra", apikey.Grant{}), func() {})
			found, end := keyring.Begin(request, writing, now)
			g.Expect(found.Reason).To(Equal(auth.Unknown), "there are no keys that sign")
			g.Expect(end).To(BeNil())

			keyring.AcceptTokens(oauth.NewVerifier(signing, issuer))
			found, end = keyring.Begin(request, writing, now)
			g.Expect(found).To(And(HaveField("KeyID", verifier.KeyID), HaveField("Client", "acme-entra"), HaveField("Verifier", verifier)))
			g.Expect(end).NotTo(BeNil())
			keyring.Accept(tc.after, func() { retired++ })
			found, again := keyring.Begin(request, writing, now)
			if tc.waits {
				g.Expect(retired).To(BeZero(), "it is being done under the secret")
				g.Expect(again).To(BeNil())
				g.Expect(found.Reason != "" || found.Denial != "").To(BeTrue())
			} else {
				g.Expect(retired).To(Equal(1))
				g.Expect(again).NotTo(BeNil())
				again()
			}
			end()
			g.Expect(retired).To(Equal(1))
		})
	}
}

// The log says of an access token why the secret that it was issued for is accepted no more,
// and of a secret that is exchanged.
func TestWhyAClientIsAcceptedNoMore(t *testing.T) {
	g := NewWithT(t)
	const issuer = "https://acme.example.com/scim/v2"
	secret, verifier, err := apikey.Mint()
	g.Expect(err).NotTo(HaveOccurred())
	now := time.Now()
	signing, err := signingkey.Decide(nil, now).Rotate(now)
	g.Expect(err).NotTo(HaveOccurred())
	token, _, err := oauth.Issue(signing[0], issuer, oauth.Grant{ClientID: "acme-entra", KeyID: verifier.KeyID}, time.Time{}, now)
	g.Expect(err).NotTo(HaveOccurred())
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.Header.Set("Authorization", "Bearer "+token)
	ended := map[string]apikey.Ended{verifier.KeyID: {Verifier: verifier, End: apikey.EndOutdated}}

	var keyring auth.Keyring
	keyring.Accept(auth.Keys{}, func() {})
	keyring.AcceptTokens(oauth.NewVerifier(signing, issuer))
	g.Expect(keyring.Authenticate(request, auth.Use{}, now)).To(Equal(auth.Credential{Reason: auth.Unknown}))
	keyring.Explain(ended)
	want := auth.Credential{Reason: auth.Outdated, KeyID: verifier.KeyID}
	g.Expect(keyring.Authenticate(request, auth.Use{}, now)).To(Equal(want))
	begun, _ := keyring.Begin(request, auth.Use{}, now)
	g.Expect(begun).To(Equal(want))
	g.Expect(keyring.AuthenticateClient("acme-entra", secret, auth.Use{}, now)).To(Equal(want))
	keyring.AcceptTokens(oauth.NewVerifier(nil, issuer))
	g.Expect(keyring.Authenticate(request, auth.Use{}, now)).To(Equal(auth.Credential{Reason: auth.Unknown}), "nobody knows who has signed it")
}
