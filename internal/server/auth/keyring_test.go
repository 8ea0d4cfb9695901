package auth_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// That a key is revoked is said once nothing is being done under it any more, and no other
// change of the keys waits for anything.
func TestKeysAreRetiredWhenTheirWorkIsDone(t *testing.T) {
	backend := &servertest.FirstCreate{Store: memory.New()}
	h := servertest.New(t, backend)
	_, other, err := apikey.Mint()
	h.Expect(err).NotTo(HaveOccurred())
	var retired []string
	accept := func(name string, keys ...apikey.Verifier) {
		accepted := auth.Keys{}
		for _, key := range keys {
			accepted[key.KeyID] = apikey.Key{Verifier: key}
		}
		h.Tenant.Accept(accepted, func() { retired = append(retired, name) })
	}
	began, revoked := make(chan struct{}), make(chan struct{})
	finish := sync.OnceFunc(func() { close(revoked) })
	defer finish()
	backend.Before = func() { close(began); <-revoked }
	answered := make(chan int, 1)
	go func() { answered <- h.Do(http.MethodPost, "/Users", servertest.UserNamed(1)).StatusCode }()
	h.Eventually(began).Should(BeClosed())

	accept("added", h.Verifier, other)
	h.Expect(retired).To(Equal([]string{"added"}), "a new key is good at once")
	accept("revoked", other)
	accept("revoked, and all others too")
	h.Expect(retired).To(Equal([]string{"added"}), "a user is being created")
	finish()
	h.Eventually(answered).Should(Receive(Equal(http.StatusCreated)))
	h.Expect(retired).To(Equal([]string{"added", "revoked, and all others too"}))
	accept("none are there", other)
	h.Expect(retired).To(HaveLen(3))
}

// The same holds for what is taken away from a key that stays: work that it would not permit
// any more is waited for, and no other work.
func TestPermissionsAreTakenAwayWhenTheWorkUnderThemIsDone(t *testing.T) {
	users := []string{"Users"}
	here, elsewhere := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}, []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	reading := auth.Use{From: here[0].Addr(), Resource: "Users"}
	writing := auth.Use{From: here[0].Addr(), Resource: "Users", Writes: true}
	showing := auth.Use{From: here[0].Addr(), Resource: "Users", Shows: []string{"Users", "Groups"}}
	token, verifier, err := apikey.Mint()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.Header.Set("Authorization", "Bearer "+token)

	for name, tc := range map[string]struct {
		use    auth.Use
		before apikey.Grant
		after  apikey.Key
		waits  bool
	}{
		"nothing changes":                  {use: writing},
		"suspended":                        {use: reading, after: apikey.Key{Grant: apikey.Grant{Suspended: true}}, waits: true},
		"read only, while it writes":       {use: writing, after: apikey.Key{Grant: apikey.Grant{ReadOnly: true}}, waits: true},
		"read only, while it reads":        {use: reading, after: apikey.Key{Grant: apikey.Grant{ReadOnly: true}}},
		"for users, while it reads some":   {use: reading, after: apikey.Key{Grant: apikey.Grant{Resources: users}}},
		"for users, while it shows groups": {use: showing, after: apikey.Key{Grant: apikey.Grant{Resources: users}}, waits: true},
		"for groups, while it reads users": {use: reading, after: apikey.Key{Grant: apikey.Grant{Resources: []string{"Groups"}}}, waits: true},
		"from here":                        {use: writing, after: apikey.Key{Grant: apikey.Grant{Networks: here}}},
		"from elsewhere":                   {use: reading, after: apikey.Key{Grant: apikey.Grant{Networks: elsewhere}}, waits: true},
		"the secret of an OAuth client":    {use: reading, after: apikey.Key{Client: "acme"}, waits: true},
		"more than before":                 {use: reading, before: apikey.Grant{ReadOnly: true, Resources: users, Networks: here}},
		"an expiration that has passed":    {use: reading, after: apikey.Key{Verifier: apikey.Verifier{ExpirationTime: time.Now()}}},
	} {
		t.Run(name, func(t *testing.T) {
			g, keyring, retired := NewWithT(t), &auth.Keyring{}, 0
			accept := func(key apikey.Key) {
				key.Verifier.KeyID, key.Verifier.SHA256 = verifier.KeyID, verifier.SHA256
				keyring.Accept(auth.Keys{verifier.KeyID: key}, func() { retired++ })
			}
			accept(apikey.Key{Grant: tc.before})
			g.Expect(retired).To(Equal(1))
			_, end := keyring.Begin(request, tc.use, time.Now())
			g.Expect(end).NotTo(BeNil())
			accept(tc.after)
			if tc.waits {
				g.Expect(retired).To(Equal(1), "what is being done is not permitted any more")
				_, again := keyring.Begin(request, tc.use, time.Now())
				g.Expect(again).To(BeNil())
			} else {
				g.Expect(retired).To(Equal(2), "what is being done is still permitted")
			}
			end()
			g.Expect(retired).To(Equal(2))
		})
	}
}
