package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// It has a deadline to meet: no other spec runs beside it.
var _ = Describe("A bulk request", Serial, Ordered, func() {
	var (
		t *Tenant
		c *Client
	)

	BeforeAll(func(ctx SpecContext) {
		t = Serve(ctx, "bulk", scimv1alpha1.IdentityProviderGeneric)
		c = t.Service.WithTimeout(time.Minute)
	})

	// create makes users in one bulk request, and returns their ids.
	create := func(prefix string, users, failOnErrors int) (ids []string, took time.Duration) {
		GinkgoHelper()
		operations := make([]string, users)
		for i := range operations {
			operations[i] = fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":"%d","data":%s}`, i, PlainUser(fmt.Sprintf("%s%d@example.com", prefix, i)))
		}
		r := c.Do(http.MethodPost, "/Bulk", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"failOnErrors":%d,"Operations":[%s]}`,
			failOnErrors, strings.Join(operations, ","))).Has(http.StatusOK)
		results, _ := r.At("Operations").([]any)
		Expect(results).To(HaveLen(users), r.String())
		for i, result := range results {
			Expect(result).To(And(HaveKeyWithValue("bulkId", fmt.Sprint(i)), HaveKeyWithValue("status", "201")), r.String())
			location, _ := result.(map[string]any)["location"].(string)
			ids = append(ids, location[strings.LastIndex(location, "/")+1:])
		}
		return ids, r.Took
	}

	It("carries out independent operations side by side, each with its line in the log", func() {
		const users = 100
		_, oneByOne := create("first", users, 1)
		ids, sideBySide := create("second", users, 0)
		AddReportEntry("100 users in a bulk request", fmt.Sprintf("one by one %s, side by side %s", oneByOne, sideBySide))
		Expect(KubectlList(t.Namespace, "scimusers")).To(HaveLen(2 * users))
		logs := serverLogs(t)
		for _, id := range ids {
			Expect(logs).To(MatchRegexp(`"method":"POST","resource":"Users","status":201,.*"id":"` + id + `"`))
		}
	})

	It("has time for as many operations as it advertises", func() {
		most, _ := t.Get("/ServiceProviderConfig").At("bulk/maxOperations").(float64)
		Expect(most).To(BeNumerically(">", 0))
		_, took := create("many", int(most), 0)
		AddReportEntry("as many users as a bulk request may have", fmt.Sprintf("%d users in %s", int(most), took))
	})
})
