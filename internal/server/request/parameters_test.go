package request_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/message"
	"github.com/kubescim/kubescim/internal/server/request"
)

func parametersOf(query string) (url.Values, error) {
	r := httptest.NewRequest(http.MethodGet, "/scim/v2/Users", nil)
	r.URL.RawQuery = query
	return request.Parameters(r)
}

// What a client means by a query, whichever way it encodes it (RFC 3986 and the forms of HTML).
func TestParameters(t *testing.T) {
	for name, c := range map[string]struct {
		query string
		want  url.Values
	}{
		"none":                          {"", nil},
		"those of others":               {"api-version=1&aadOptscim062020&=x", url.Values{}},
		"any case":                      {"FILTER=a&SortBy=b&STARTINDEX=1&Count=2", url.Values{"filter": {"a"}, "sortBy": {"b"}, "startIndex": {"1"}, "count": {"2"}}},
		"a form: plus is a blank":       {`filter=userName+eq+%22a%2Bb@example.com%22`, url.Values{"filter": {`userName eq "a+b@example.com"`}}},
		"no form: plus is a plus":       {`filter=userName%20eq%20%22a+b@example.com%22`, url.Values{"filter": {`userName eq "a+b@example.com"`}}},
		"a semicolon is part of values": {`filter=title%20eq%20%22a;b%22`, url.Values{"filter": {`title eq "a;b"`}}},
		"empty is given":                {"cursor=&filter=", url.Values{"cursor": {""}, "filter": {""}}},
		"lists add up":                  {"attributes=userName&attributes=emails,title", url.Values{"attributes": {"userName,emails,title"}}},
		"lists of what is excluded too": {"excludedattributes=members&excludedattributes=title", url.Values{"excludedAttributes": {"members,title"}}},
		"not only ASCII":                {"filter=displayName%20eq%20%22J%C3%BCrgen%22", url.Values{"filter": {`displayName eq "Jürgen"`}}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			g.Expect(parametersOf(c.query)).To(Equal(c.want))
		})
	}
}

// A search whose filter is lost would find everybody.
func TestAmbiguousParametersAreRefused(t *testing.T) {
	for name, query := range map[string]string{
		"two filters":                 "filter=a&filter=b",
		"two filters in another case": "filter=a&FILTER=a",
		"two counts":                  "count=1&count=1",
		"two cursors":                 "cursor=&cursor=x",
		"half an escape":              "filter=%2",
		"an escape that is none":      "filter=%zz",
		"a percent sign alone":        "filter=userName+eq+%22100%%22",
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			_, err := parametersOf(query)
			var refused *scim.Error
			g.Expect(errors.As(err, &refused)).To(BeTrue())
			g.Expect(refused.Status).To(Equal(http.StatusBadRequest))
			g.Expect(refused.Type).To(Equal(scim.InvalidValue))
		})
	}
}

func TestSearchOfAURL(t *testing.T) {
	for name, c := range map[string]struct {
		query string
		want  message.SearchRequest
	}{
		"nothing": {"", message.SearchRequest{}},
		"everything": {"filter=a&sortBy=b&sortOrder=descending&startIndex=3&count=0&attributes=c", message.SearchRequest{
			Filter: ptr.To("a"), SortBy: "b", SortOrder: "descending", StartIndex: ptr.To(3), Count: ptr.To(0), Attributes: []string{"c"}}},
		"what is empty is there":      {"filter=&cursor=", message.SearchRequest{Filter: ptr.To(""), Cursor: ptr.To("")}},
		"an empty number is none":     {"count=&startIndex=", message.SearchRequest{}},
		"numbers below the least":     {"count=-1&startIndex=-5", message.SearchRequest{Count: ptr.To(-1), StartIndex: ptr.To(-5)}},
		"attributes that are not one": {"excludedAttributes=a,b", message.SearchRequest{ExcludedAttributes: []string{"a,b"}}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			parameters, err := parametersOf(c.query)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(request.Search(parameters)).To(HaveValue(Equal(c.want)))
		})
	}
	for _, query := range []string{"count=ten", "count=1.5", "count=0x1", "startIndex=%201", "startIndex=99999999999999999999"} {
		g := NewWithT(t)
		parameters, err := parametersOf(query)
		g.Expect(err).NotTo(HaveOccurred())
		_, err = request.Search(parameters)
		g.Expect(err).To(HaveField("Status", http.StatusBadRequest), query)
		g.Expect(err).To(HaveField("Type", scim.InvalidValue), query)
	}
}
