package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"k8s.io/apimachinery/pkg/api/resource"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// largeUser is a user with so many links to photos, of 3 KiB each.
func largeUser(userName string, photos int) string {
	links := make([]string, photos)
	for i := range links {
		links[i] = fmt.Sprintf(`{"type":"%d","value":"https://photos.example.com/%s"}`, i, strings.Repeat("x", 3<<10))
	}
	return strings.TrimSuffix(PlainUser(userName), "}") + `,"photos":[` + strings.Join(links, ",") + `]}`
}

var _ = Describe("A tenant with little storage", func() {
	It("takes no more than it has room for, and goes on with all else", func(ctx SpecContext) {
		t := Serve(ctx, "small", scimv1alpha1.IdentityProviderGeneric, OneReplica, func(spec *scimv1alpha1.ScimTenantSpec) {
			limit := resource.MustParse("1Mi")
			spec.StorageLimit = &limit
		})
		t.Expose(ctx)
		By("refusing a user who is too large")
		t.Send(http.MethodPost, Users, largeUser("huge@example.com", 30)).IsError(http.StatusRequestEntityTooLarge, "")

		By("refusing more at a time than half of its storage, and telling when to come again")
		first := t.Send(http.MethodPost, Users, largeUser("user-0@example.com", 18)).Has(http.StatusCreated).ID()
		var refused *Response
		for i := 1; refused == nil; i++ {
			Expect(i).To(BeNumerically("<", 40), "1 MiB has no room for so many")
			r := t.Send(http.MethodPost, Users, largeUser(fmt.Sprintf("user-%d@example.com", i), 18))
			if r.Status != http.StatusCreated {
				refused = r
			}
		}
		refused.IsError(http.StatusTooManyRequests, "")
		Expect(refused.Header.Get("Retry-After")).To(MatchRegexp(`^[1-9][0-9]*$`))
		t.Get(Users + "/" + first).Has(http.StatusOK)

		By("taking a higher limit over")
		Kubectl("patch", "scimtenant", t.Name, "-n", t.Namespace, "--type=merge", "-p", `{"spec":{"storageLimit":"64Mi"}}`)
		Eventually(func() int {
			return t.Send(http.MethodDelete, Users+"/"+first, "").Status
		}).WithTimeout(time.Minute).Should(Equal(http.StatusNoContent))
	})
})

// The drill of the same name has as many connections as an attacker would.
// It fills the cores: no other spec runs beside it.
var _ = Describe("A pod that is sent much by clients without a token", Serial, func() {
	It("goes on answering one with a token, and says what it refused", func(ctx SpecContext) {
		t := Serve(ctx, "besieged", scimv1alpha1.IdentityProviderGeneric, OneReplica)
		t.Expose(ctx)
		lasting, closeIdle := t.Service.Lasting()
		defer closeIdle()
		lasting.Get(Users).IsList(0)
		base, err := url.Parse(t.Service.Base)
		Expect(err).NotTo(HaveOccurred())
		for i := range 200 {
			request := "POST " + t.Path + "/Users HTTP/1.1\r\nHost: scim.example.com\r\nX-Filler: " + strings.Repeat("x", 8<<10)
			// The headers of the others never end. So few have bodies that the next without a token still gets 401.
			if i%4 == 0 {
				request += "\r\nContent-Length: 10000000\r\n\r\n{"
			}
			connection, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(context.Background(), "tcp", base.Host)
			Expect(err).NotTo(HaveOccurred())
			DeferCleanup(connection.Close)
			_, err = io.WriteString(connection, request)
			Expect(err).NotTo(HaveOccurred())
		}
		t.Get(Users).IsList(0)
		lasting.Get(Users).IsList(0)
		refused := t.Service.WithToken("").Do(http.MethodPost, Users, PlainUser("babs@example.com")).IsError(http.StatusUnauthorized, "")
		id := refused.Header.Get("X-Request-Id")
		Expect(refused.At("detail")).To(ContainSubstring(id))
		Eventually(func() string { return serverLogs(t) }).Should(And(
			MatchRegexp(id+`.*"reason":"Missing"`), MatchRegexp(id+`.*"source":"`)))
		Expect(t.Pods(ctx)[0].Status.ContainerStatuses[0].RestartCount).To(BeZero())
	})
})
