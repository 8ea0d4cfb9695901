package connect

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/output"
)

// labelled is what a form says, in the text of a step.
var labelled = regexp.MustCompile(`\*([^*]+)\*`)

// flat joins the lines of a text, of which a document may break a label, and leaves out how it is set.
func flat(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "`", "")
}

// What is entered where is what the page of the provider says.
func TestEveryFactIsInTheDocuments(t *testing.T) {
	for provider, g := range guides {
		t.Run(string(provider), func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "identity-providers", g.page))
			if err != nil {
				t.Fatal(err)
			}
			page := flat(string(content))
			says := func(text string) {
				if !strings.Contains(page, flat(text)) {
					t.Errorf("%s does not say %q", g.page, text)
				}
			}
			for _, w := range g.ways {
				says(w.method)
				for _, f := range w.fields {
					says(f.name)
					if f.source == literal && provider != scimv1alpha1.IdentityProviderOneLogin && !strings.HasPrefix(f.text, "a token of your own") {
						for part := range strings.SplitSeq(f.text, ", ") {
							says(part)
						}
					}
				}
			}
			texts := append([]string{g.after}, g.troubles...)
			for _, s := range g.steps {
				texts = append(texts, s.text)
			}
			for _, text := range texts {
				for _, found := range labelled.FindAllStringSubmatch(text, -1) {
					says(found[1])
				}
			}
			says(g.attachment)
		})
	}
}

// words are those of Kubernetes and of this project, which mean nothing to a customer.
var words = regexp.MustCompile(`(?i)kubectl|kubernetes|kubescim|namespace|cluster|\bpods?\b|operator|\bcrd|manifest|scim(tenant|apikey|user|group|server|credential)s?\b|\bsecret/|spec\.|status\.|\byaml\b|docs/`)

func TestAHandOverHasNoWordOfKubernetes(t *testing.T) {
	ready := []metav1.Condition{{Type: scimv1alpha1.ConditionReady, Status: metav1.ConditionTrue}}
	for provider, g := range guides {
		for _, w := range g.ways {
			t.Run(string(provider)+" "+string(w.key), func(t *testing.T) {
				expect := NewWithT(t)
				c := &connection{provider: provider, tenant: &scimv1alpha1.ScimTenant{}, key: &scimv1alpha1.ScimApiKey{}}
				c.tenant.Name, c.tenant.Namespace, c.tenant.Spec.IdentityProvider = "acme", "customers", provider
				c.tenant.Status.URL, c.tenant.Status.Conditions = "https://acme.scim.example.com/scim/v2", ready
				c.key.Name, c.key.Status.SecretName, c.key.Status.Conditions = "entra", "entra", ready
				c.key.Spec.Rotation.EveryDays = 90
				switch w.key {
				case scimv1alpha1.APIKeyOAuthClient:
					c.key.Spec.OAuthClient = &scimv1alpha1.OAuthClient{}
				case scimv1alpha1.APIKeyFederated:
					c.key.Spec.Federated.Issuer = "https://issuer.example.com"
				}
				sheet, err := c.handOver("", "")
				expect.Expect(err).NotTo(HaveOccurred())
				text := &strings.Builder{}
				expect.Expect(sheet.print(text, output.Terminal{})).To(Succeed())
				expect.Expect(words.FindAllString(text.String(), -1)).To(BeEmpty(), text.String())
				expect.Expect(text.String()).To(And(ContainSubstring(c.tenant.Status.URL), ContainSubstring(" to our application\nfor acme\n"), ContainSubstring("X-Request-Id")))
				for line := range strings.Lines(strings.Replace(text.String(), g.attachment, "", 1)) {
					if !strings.HasPrefix(line, "     ") { // What is entered is not broken.
						expect.Expect(len(line)).To(BeNumerically("<=", 79), line)
					}
				}
				expect.Expect(text.String()).NotTo(ContainSubstring("customers"))

				own, err := c.sheet()
				expect.Expect(err).NotTo(HaveOccurred())
				expect.Expect(own.Before).To(BeEmpty())
			})
		}
	}
}

// Who reads that page has never seen a cluster.
func TestThePageForAdministratorsHasNoWordOfKubernetes(t *testing.T) {
	content, err := os.ReadFile("../../../docs/for-administrators.md")
	if err != nil {
		t.Fatal(err)
	}
	page := regexp.MustCompile(`(?s)<!--.*?-->`).ReplaceAllString(string(content), "")
	if found := words.FindAllString(page, -1); len(found) > 0 {
		t.Errorf("it says %q", found)
	}
	if !strings.HasSuffix(string(content), Page()) {
		t.Error("it is not as the guides are: run make generate")
	}
}
