package main

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/idp"
	"github.com/kubescim/kubescim/internal/replica"
	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// The server of a tenant for each identity provider passes all cases, with its store
// in memory.
func TestEveryProfilePasses(t *testing.T) {
	for _, profile := range idp.Profiles() {
		t.Run(profile.Name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			o := options{main: serve(t, profile.Name), other: serve(t, profile.Name), profile: profile.Name, parallel: 4,
				requestTimeout: 15 * time.Second, caseTimeout: 2 * time.Minute, seed: 7644, requests: 50, slow: 15 * time.Second}
			s, err := newSuite(o)
			g.Expect(err).NotTo(HaveOccurred())
			var out bytes.Buffer
			var total tally
			for _, group := range allGroups() {
				results := s.run(group)
				printFailures(&out, results, false)
				total = total.plus(count(results))
			}
			g.Expect(total.failed).To(BeZero(), out.String())
			g.Expect(total.notApplicable).To(BeZero(), total.String())
			t.Log(total)
		})
	}
}

// serve serves a tenant for an identity provider.
func serve(t *testing.T, provider string) target {
	t.Helper()
	g := NewWithT(t)
	wanted := &v1alpha1.ScimTenant{Spec: v1alpha1.ScimTenantSpec{IdentityProvider: v1alpha1.IdentityProvider(provider)}}
	settings, err := replica.SettingsOf(wanted)
	g.Expect(err).NotTo(HaveOccurred())
	token, verifier, err := apikey.Mint()
	g.Expect(err).NotTo(HaveOccurred())
	tenant := server.NewTenant(memory.New(), server.DefaultLimits(), slog.New(slog.DiscardHandler), server.NewMetrics(prometheus.NewRegistry(), "acme"))
	tenant.Configure(settings)
	tenant.Accept(server.Keys{verifier.KeyID: verifier}, func() {})
	web := httptest.NewServer(tenant)
	t.Cleanup(web.Close)
	return target{web.URL + settings.Path, token}
}
