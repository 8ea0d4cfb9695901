package hosting_test

import (
	"log/slog"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
)

var _ = Describe("The audit log of a server of many tenants", func() {
	It("says whose user was changed, by whose key, and under which id the API server has it", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		tokens := map[string]string{"acme": apply(ctx, namespace, "acme"), "globex": apply(ctx, namespace, "globex")}
		log := gbytes.NewBuffer()
		s := start(namespace, slog.New(slog.NewJSONHandler(log, nil)))
		Eventually(s.Router().Ready).Should(BeTrue())
		for tenant, token := range tokens {
			id := s.send(http.MethodPost, tenant, "/Users", token, user("babs")).Doc["id"].(string)
			Expect(string(log.Contents())).To(MatchRegexp(
				`"msg":"change","log":"audit","namespace":"%s","tenant":"%[2]s","key":"%[2]s","keyID":"[^"]+","source":"127.0.0.1","requestID":"[^"]+","auditID":"[^"]+",`+
					`"operation":"Create","resource":"Users","id":"%[3]s","changed":\["active","userName"\],"result":"Succeeded","status":201}`, namespace, tenant, id))
		}
	})
})
