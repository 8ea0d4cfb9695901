package hosting_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/requestlog"
	"github.com/kubescim/kubescim/internal/signingkey"
)

var _ = Describe("The last requests", func() {
	It("are given to the operator alone, of one tenant at a time", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		acme, globex := apply(ctx, namespace, "acme"), apply(ctx, namespace, "globex")
		s := start(namespace, slog.New(slog.DiscardHandler))
		Eventually(s.Router().Ready).Should(BeTrue())
		now := time.Now()
		key, err := signingkey.New(now, now.Add(-time.Minute))
		Expect(err).NotTo(HaveOccurred())
		keys := signingkey.Set{key}
		s.SignWith(keys)
		ask := func(tenant, pass string) (int, []requestlog.Record) {
			GinkgoHelper()
			request := httptest.NewRequest(http.MethodGet, contract.PathRequests+"?"+url.Values{contract.ParameterTenant: {tenant}}.Encode(), http.NoBody)
			request.Header.Set("Authorization", "Bearer "+pass)
			recorder := httptest.NewRecorder()
			s.ServeRequests(recorder, request)
			if recorder.Code != http.StatusOK {
				return recorder.Code, nil
			}
			found, err := contract.DecodePodRequests(bytes.NewReader(recorder.Body.Bytes()))
			Expect(err).NotTo(HaveOccurred())
			return recorder.Code, found
		}
		passFor := func(tenant string) string {
			GinkgoHelper()
			pass, err := keys.Pass(contract.PassAudience(namespace, "shared-0", tenant), now)
			Expect(err).NotTo(HaveOccurred())
			return pass
		}
		s.send(http.MethodPost, "acme", "/Users", acme, `{"userName":1}`)
		s.send(http.MethodGet, "globex", "/Users", globex, "")

		status, log := ask("acme", passFor("acme"))
		Expect(status).To(Equal(http.StatusOK))
		Expect(log).To(HaveExactElements(And(HaveField("Resource", "Users"), HaveField("Status", http.StatusBadRequest))))
		_, log = ask("globex", passFor("globex"))
		Expect(log).To(HaveExactElements(HaveField("Status", http.StatusOK)))
		_, log = ask("initech", passFor("initech"))
		Expect(log).To(BeEmpty(), "a tenant that there is not")
		for name, pass := range map[string]string{"none": "", "the tenant's token": acme, "one for another tenant": passFor("globex")} {
			status, _ = ask("acme", pass)
			Expect(status).To(Equal(http.StatusUnauthorized), name)
		}
		Expect(s.Usage()).To(ContainSubstring(`"refusals":{"acme":{"BodyInvalid":1}}`))
	})
})
