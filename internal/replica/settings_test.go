package replica_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/guard"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/replica"
)

func oktaTenant() *scimv1alpha1.ScimTenant {
	return &scimv1alpha1.ScimTenant{Spec: scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderOkta}}
}

func TestSettingsHaveThePolicies(t *testing.T) {
	g, tenant := NewWithT(t), oktaTenant()
	tenant.Spec.Users.OnDelete = scimv1alpha1.UserDeletionDelete
	tenant.Spec.Groups.UnknownMembers = scimv1alpha1.UnknownMembersReject
	tenant.Spec.Endpoint.Host = "acme.api.example.com"
	tenant.Spec.Endpoint.TrustedProxies = []scimv1alpha1.CIDR{"10.0.0.0/8"}
	tenant.Spec.Users.RequiredAttributes = []scimv1alpha1.UserAttribute{"emails"}
	settings, err := replica.SettingsOf(tenant)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(settings.Policy.KeepDeletedUsers).To(BeFalse())
	g.Expect(settings.Policy.RejectUnknownMembers).To(BeTrue())
	g.Expect(settings.PublicURL).To(Equal("https://acme.api.example.com/scim/v2"))
	g.Expect(settings.TrustedProxies).To(ConsistOf(netip.MustParsePrefix("10.0.0.0/8")))
	g.Expect(settings.RequiredAttributes).To(ConsistOf("emails"))
	g.Expect(settings.Policy.Seats).To(BeZero())
	g.Expect(settings.Policy.ObjectLimit).To(Equal(250_000))
	g.Expect(settings.Policy.StorageLimit).To(BeEquivalentTo(256 << 20))
	g.Expect(settings.WriteBytes).To(BeEquivalentTo(128<<20), "of all pods together")
	g.Expect(settings.MostReplicas).To(Equal(2))
	g.Expect(settings.Rate).To(Equal(ratelimit.Limits{
		Requests: ratelimit.Limit{PerSecond: 10_000, Burst: 20_000}, Writes: ratelimit.Limit{PerSecond: 1000, Burst: 2000},
	}))
	g.Expect(settings.Policy.Retention).To(BeNil())
	g.Expect(settings.Policy.Guard).To(BeNil())
	g.Expect(strings.ToLower(settings.Profile.Name)).To(Equal("okta"))
}

func TestSettingsHaveTheLimits(t *testing.T) {
	g, tenant := NewWithT(t), oktaTenant()
	tenant.Spec.Users.Seats, tenant.Spec.ObjectLimit = 50, 1000
	tenant.Spec.StorageLimit, tenant.Spec.Server.Replicas = ptr.To(resource.MustParse("64Mi")), 4
	tenant.Spec.RateLimit = scimv1alpha1.RateLimit{WritesPerSecond: 25}
	tenant.Spec.Users.DeactivationGuard = scimv1alpha1.DeactivationGuard{MaxPercent: 20}
	for days, retention := range map[int32]time.Duration{0: 0, 30: 720 * time.Hour} {
		tenant.Spec.Users.RetentionDays = &days
		settings, err := replica.SettingsOf(tenant)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(settings.Policy.Seats).To(Equal(50))
		g.Expect(settings.Policy.Guard).To(Equal(&guard.Guard{MaxPercent: 20, MinUsers: 10, Window: time.Hour}))
		g.Expect(settings.Policy.ObjectLimit).To(Equal(1000))
		g.Expect(settings.Policy.StorageLimit).To(BeEquivalentTo(64 << 20))
		g.Expect(settings.WriteBytes).To(BeEquivalentTo(32 << 20))
		g.Expect(settings.MostReplicas).To(Equal(4))
		g.Expect(settings.Rate.Requests).To(Equal(ratelimit.Limit{PerSecond: 10_000, Burst: 20_000}), "of all pods together")
		g.Expect(settings.Rate.Writes).To(Equal(ratelimit.Limit{PerSecond: 25, Burst: 50}))
		g.Expect(settings.Policy.Retention).To(HaveValue(Equal(retention)))
	}
}
