package auth_test

import (
	"net/http"
	"sync"
	"testing"

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
			accepted[key.KeyID] = key
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
