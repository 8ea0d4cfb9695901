package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// planter makes values that are searched for when the suite ends.
type planter struct{}

// of is a value of an attribute, which no other one has.
func (planter) of(attribute string) string { return Plant(attribute, Unique("Planted-"+attribute)) }

// user is a user all of whose attributes are planted.
func (p planter) user() map[string]any {
	document := map[string]any{
		"schemas": []string{URNUser, URNEnterprise}, "active": true,
		"userName": p.of("userName") + "@example.com", "externalId": p.of("externalId"), "password": p.of("password"),
		"profileUrl":       "https://example.com/" + p.of("profileUrl"),
		"x509Certificates": []any{map[string]any{"value": base64.StdEncoding.EncodeToString([]byte(p.of("x509Certificates")))}},
		"addresses": []any{map[string]any{
			"streetAddress": p.of("streetAddress"), "locality": p.of("locality"), "region": p.of("region"), "postalCode": p.of("postalCode"),
			"formatted": p.of("formatted"), "type": "work",
		}},
	}
	for _, attribute := range []string{"displayName", "nickName", "title", "userType", "preferredLanguage", "locale", "timezone"} {
		document[attribute] = p.of(attribute)
	}
	name := map[string]any{}
	for _, attribute := range []string{"formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix"} {
		name[attribute] = p.of(attribute)
	}
	document["name"] = name
	for _, attribute := range []string{"emails", "phoneNumbers", "ims", "photos", "entitlements", "roles"} {
		document[attribute] = []any{map[string]any{"value": p.of(attribute), "display": p.of(attribute + "-display"), "type": "work"}}
	}
	enterprise := map[string]any{"manager": map[string]any{"value": p.of("manager")}}
	for _, attribute := range []string{"employeeNumber", "costCenter", "organization", "division", "department"} {
		enterprise[attribute] = p.of(attribute)
	}
	document[URNEnterprise] = enterprise
	return document
}

// bodies are those of requests that are refused, or change what is planted.
func (p planter) bodies(id string) [][3]string {
	m, users := p.of, Users+"/"+id
	bulk := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[%s]}`
	return [][3]string{
		{http.MethodPost, Users, `{"schemas":["` + URNUser + `"],"userName":"` + m("cut-short")},
		{http.MethodPost, Users, `{"schemas":["` + m("schema") + `"],"userName":"x"}`},
		{http.MethodPost, Users, `{"schemas":["` + URNUser + `"],"userName":"x","active":"` + m("boolean") + `"}`},
		{http.MethodPost, Users, `{"schemas":["` + URNUser + `"],"userName":"x","name":"` + m("complex") + `"}`},
		{http.MethodPost, Users, `{"schemas":["` + URNUser + `"],"userName":"x","emails":"` + m("list") + `"}`},
		{http.MethodPost, Users, `{"schemas":["` + URNUser + `"],"userName":["` + m("string") + `"]}`},
		{http.MethodPost, Users, `{"schemas":["` + URNUser + `"],"userName":"x","` + m("name-of-an-attribute") + `":1}`},
		{http.MethodPut, users, `{"schemas":["` + URNUser + `"],"userName":"` + strings.Repeat(m("too-long"), 200) + `"}`},
		{http.MethodPatch, users, Replace(m("path"), "x")},
		{http.MethodPatch, users, Replace(`emails[value eq \"`+m("value-of-a-path")+`\"].type`, "x")},
		{http.MethodPatch, users, Replace("active", m("value"))},
		{http.MethodPatch, users, Replace("password", m("password"))},
		{http.MethodPatch, users, Replace("emails", m("value-of-a-list"))},
		{http.MethodPatch, users, Patch(`{"op":"` + m("op") + `","path":"title","value":"x"}`)},
		{http.MethodPatch, users, Patch(`{"op":"replace","value":{"` + m("name-of-a-value") + `":"x"}}`)},
		{http.MethodPatch, users, Replace("title", m("new-title"))},
		{http.MethodPost, Groups, PlainGroup(m("group"), m("member"))},
		{http.MethodPost, Groups, PlainGroup(m("group-of-a-user"), id)},
		{http.MethodPost, "/Bulk", fmt.Sprintf(bulk, `{"method":"POST","path":"/Users","bulkId":"`+m("bulkId")+`","data":`+PlainUser(m("bulk")+"@example.com")+`}`)},
		{http.MethodPost, "/Bulk", fmt.Sprintf(bulk, `{"method":"DELETE","path":"/Users/`+m("bulk-path")+`"}`)},
		{http.MethodPost, "/Bulk", fmt.Sprintf(bulk, `{"method":"`+m("bulk-method")+`","path":"/Users"}`)},
		{http.MethodPost, "/Bulk", fmt.Sprintf(bulk, `{"method":"POST","path":"/Users","bulkId":"q","data":"`+m("bulk-data")+`"}`)},
		{http.MethodPost, "/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"` + m("search") + `"}`},
	}
}

// paths are those of requests without a body.
func (p planter) paths() (all []string) {
	for _, format := range []string{
		"/Users/%s", "/Groups/%s", "/%s", "/Users/%[1]s/%[1]s", "/Schemas/%s", "/ResourceTypes/%s", "/Users?%s=x", "/Users?sortBy=%s",
		"/Users?attributes=%s", "/Users?excludedAttributes=%s", "/Users?count=%s", "/Users?startIndex=%s", "/Users?cursor=%s", "/Users?filter=%s",
	} {
		all = append(all, fmt.Sprintf(format, p.of("url")))
	}
	for _, filter := range []string{`userName eq "%s"`, `userName eq "%s`, `emails[value eq "%s"]`, `%s eq "x"`, `userName %s "x"`, `name.familyName co "%s"`} {
		all = append(all, Users+"?filter="+url.QueryEscape(fmt.Sprintf(filter, p.of("filter"))))
	}
	return all
}

// plantEverywhere sends what must be seen nowhere in every place of a request that comes to
// mind. That nothing of it is seen shows at the end of the suite.
func plantEverywhere(ctx SpecContext, t *Tenant) {
	GinkgoHelper()
	p := planter{}
	document, err := json.Marshal(p.user())
	Expect(err).NotTo(HaveOccurred())
	id := t.Send(http.MethodPost, Users, string(document)).Has(http.StatusCreated).ID()
	t.Send(http.MethodPost, Users, string(document)).IsError(http.StatusConflict, "uniqueness")
	t.Send(http.MethodPut, Users+"/"+id, string(document)).Has(http.StatusOK)
	for _, request := range p.bodies(id) {
		t.Send(request[0], request[1], request[2])
	}
	for _, path := range p.paths() {
		t.Get(path)
	}
	for _, header := range []string{
		"If-Match", "If-None-Match", "X-Request-Id", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Cookie", "Referer", "Accept",
		"Content-Type", "Content-Encoding", "Traceparent", "Authorization",
	} {
		t.Service.With(header, p.of("header")).Do(http.MethodPatch, Users+"/"+id, Replace("title", "x"))
	}
	for _, parameter := range []string{"client_id", "client_secret", "client_assertion", "scope", "grant_type"} {
		form := url.Values{"grant_type": {"client_credentials"}}
		form.Set(parameter, p.of(parameter))
		t.Service.WithToken("").With("Content-Type", "application/x-www-form-urlencoded").Do(http.MethodPost, "/oauth2/token", form.Encode())
	}
	t.Service.Do(strings.ToUpper(p.of("method")), Users, "")

	t.Send(http.MethodDelete, Users+"/"+id, "").Has(http.StatusNoContent)
	metrics := metricsOfOperator(ctx, t.Namespace)
	var text string
	Eventually(func() (err error) {
		text, err = metrics()
		return err
	}).Should(Succeed())
	Expect(text).To(ContainSubstring("controller_runtime_reconcile_total"))
	See("metrics of the operator", text)
}
