package consistency

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// holder is whoever has a ScimApiKey, and uses it all the time.
type holder struct {
	tenant *Tenant
	key    string
	// field is that of the hand-over Secret which is secret.
	field   string
	clients SteadyClients
	// secrets are those that the holder had, and tokens what its requests were sent with:
	// the same, or the access tokens of an OAuth client.
	secrets, tokens []string
	uses            atomic.Value // the last of the tokens
}

// adopt makes the holder use another secret from now on.
func (h *holder) adopt(secret string) {
	GinkgoHelper()
	token := secret
	if h.field == "clientSecret" {
		token = AccessToken(h.tenant.Service, h.key, secret)
	}
	h.secrets, h.tokens = append(h.secrets, secret), append(h.tokens, token)
	h.uses.Store(token)
}

// handedOver waits until another secret is handed over, and has the holder use it.
func (h *holder) handedOver() {
	GinkgoHelper()
	var secret string
	Eventually(func() string {
		data, _ := Dig(KubectlGet(h.tenant.Namespace, "secret", h.key), "data/"+h.field).(string)
		decoded, err := base64.StdEncoding.DecodeString(data)
		Expect(err).NotTo(HaveOccurred())
		secret = string(decoded)
		return secret
	}).WithTimeout(time.Minute).ShouldNot(Or(BeEmpty(), Equal(h.secrets[len(h.secrets)-1])))
	h.adopt(secret)
}

// start sends 40 requests a second, a third of which write: two holders send more than 20
// writes and 50 reads.
func (h *holder) start() {
	h.clients.Token = func() string { token, _ := h.uses.Load().(string); return token }
	h.clients.Prefix = h.key
	h.clients.Start(h.tenant, 4, 100*time.Millisecond)
}

func (h *holder) rotates(rotation string) {
	GinkgoHelper()
	Kubectl("patch", "scimapikey", "-n", h.tenant.Namespace, h.key, "--type=merge", "-p", `{"spec":{"rotation":`+rotation+`}}`)
}

// ended waits until a secret of the holder has ended, and expects that each replica
// refuses it, and what it was exchanged for, a second later.
func (h *holder) ended(n int) {
	GinkgoHelper()
	Eventually(func() any {
		return Dig(KubectlGet(h.tenant.Namespace, "scimcredential", CredentialOf(h.secrets[n])), "spec/expirationTime")
	}).WithTimeout(time.Minute).WithPolling(20 * time.Millisecond).Should(Or(BeNil(), Satisfy(HasPassed)))
	h.tenant.EveryReplica(func(c *Client) { refusedWithinASecond(c, h.tokens[n]) })
}

// gets is how a replica answers a request with a token.
func gets(c *Client, token string) func() int {
	return func() int {
		GinkgoHelper()
		r, err := c.WithToken(token).Try(http.MethodGet, Users+"?count=0", "")
		if err != nil {
			return 0
		}
		return r.Status
	}
}

// refusedWithinASecond expects a replica to refuse a token a second from now.
func refusedWithinASecond(c *Client, token string) {
	GinkgoHelper()
	Eventually(gets(c, token)).WithTimeout(time.Second).WithPolling(20 * time.Millisecond).Should(Equal(http.StatusUnauthorized))
}

// progress waits until each of the holders has sent so many more requests.
func progress(holders []*holder, more int) {
	GinkgoHelper()
	for _, h := range holders {
		Eventually(h.clients.Sent).WithTimeout(time.Minute).Should(BeNumerically(">", h.clients.Sent()+more))
	}
}

// secondAfter waits until the next whole second, in which tokens are issued, and returns it.
func secondAfter(now time.Time) time.Time {
	GinkgoHelper()
	next := now.UTC().Truncate(time.Second).Add(time.Second)
	Eventually(time.Now).WithPolling(20 * time.Millisecond).WithTimeout(2 * time.Second).Should(BeTemporally(">", next))
	return next
}

// describeKeys has the specs of keys that are changed and revoked while they are used. The pods of a server of many tenants
// say otherwise than those of one what they go by.
func describeKeys(f *fleet) {
	var (
		t       *Tenant
		holders []*holder
	)
	Describe("with keys", Ordered, func() {
		BeforeAll(func() {
			t = f.tenants[0].Tenant
			holders = []*holder{{tenant: t, key: "bearer", field: "token"}, {tenant: t, key: "client", field: "clientSecret"}}
			InstallPlugin("../..")
			// The first tokens were issued long ago, so that others are due by schedule.
			issued := `issueTime: "` + time.Now().AddDate(0, 0, -91).UTC().Format(time.RFC3339) + `"`
			for _, h := range holders {
				secret, manifest := GenerateToken(t.Namespace, h.key)
				ApplyText(regexp.MustCompile(`issueTime: .*`).ReplaceAllString(manifest, issued))
				Apply(NewKey(t.Namespace, h.key, t.Name, func(spec *scimv1alpha1.ScimApiKeySpec) {
					spec.Rotation.OverlapHours = ptr.To[int32](1)
					if h.field == "clientSecret" {
						spec.OAuthClient = &scimv1alpha1.OAuthClient{}
					}
				}))
				WaitFor(t.Namespace, "condition=Ready", "scimapikey/"+h.key)
				h.adopt(secret)
			}
		})

		It("change them by schedule and on demand under load without a request that fails, and end them within a second", func() {
			for _, h := range holders {
				h.start()
				defer h.clients.Stop()
			}
			for _, h := range holders {
				h.rotates(`{"everyDays":90}`)
				h.handedOver()
			}
			progress(holders, 200)
			for _, h := range holders {
				Kubectl("annotate", "scimapikey", "-n", t.Namespace, h.key, "--overwrite",
					scimv1alpha1.AnnotationRotateAt+"="+secondAfter(time.Now()).Format(time.RFC3339))
				h.handedOver()
			}
			progress(holders, 200)
			for _, h := range holders {
				h.rotates(`{"overlapHours":0}`)
				h.ended(0)
				h.ended(1)
			}
			progress(holders, 200)
			for _, h := range holders {
				h.clients.Stop()
				Expect(h.clients.Failures()).To(BeEmpty(), h.key)
				t.EveryReplica(func(c *Client) { Expect(gets(c, h.tokens[2])()).To(Equal(http.StatusOK)) })
			}
		})

		It("refuse them within a second when they are revoked, and a pod that cannot hear of it answers 503", func(ctx SpecContext) {
			mend := cutOffFromAPIServer(podOf(ctx, t, 0))
			latest := time.Now().Add(10 * time.Second)
			for _, h := range holders {
				Kubectl("delete", "scimapikey", "-n", t.Namespace, h.key, "--wait=false")
				for _, c := range t.Replicas[1:] {
					refusedWithinASecond(c, h.tokens[2])
				}
			}
			Eventually(time.Now).WithTimeout(15 * time.Second).Should(BeTemporally(">", latest))
			for _, h := range holders {
				r := t.Replicas[0].WithToken(h.tokens[2]).Get(Users).IsError(http.StatusServiceUnavailable, "")
				Expect(r.Took).To(BeNumerically("<", 10*time.Second))
			}
			mend()
			for _, h := range holders {
				Eventually(gets(t.Replicas[0], h.tokens[2])).WithTimeout(time.Minute).Should(Equal(http.StatusUnauthorized))
				Kubectl("wait", "-n", t.Namespace, "--for=delete", "--timeout=1m", "scimapikey/"+h.key)
			}
		})
	})
}
