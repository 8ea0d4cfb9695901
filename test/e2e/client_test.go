package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
)

// URNs of the messages and schemas of SCIM.
const (
	urnList       = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	urnError      = "urn:ietf:params:scim:api:messages:2.0:Error"
	urnPatch      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	urnUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	urnGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	urnEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

const mediaType = "application/scim+json"

// publicHost is the host that requests are sent to, as if they came through an
// Ingress, so that a location does not depend on the way to the server.
const publicHost = "scim.example.com"

// scimClient sends SCIM requests to one URL with one token.
type scimClient struct {
	base    string
	token   string
	query   string            // added to every URL
	headers map[string]string // added to, or in place of, the usual ones; "" sends none
	http    *http.Client
}

// newClient returns a client that opens a connection for each request, so that
// each is balanced anew.
func newClient(base, token string) *scimClient {
	return &scimClient{base: base, token: token, http: &http.Client{
		Timeout: 15 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
		},
	}}
}

// with returns the client with another header; "" leaves the header out.
func (c *scimClient) with(header, value string) *scimClient {
	other := *c
	other.headers = map[string]string{}
	maps.Copy(other.headers, c.headers)
	other.headers[header] = value
	return &other
}

// withToken returns the client with another token; "" sends none.
func (c *scimClient) withToken(token string) *scimClient {
	other := *c
	other.token = token
	return &other
}

// withQuery returns the client with something at the end of every URL.
func (c *scimClient) withQuery(query string) *scimClient {
	other := *c
	other.query = query
	return &other
}

// do sends a request. The body is a JSON text; "" sends none. The spec fails
// when no answer comes.
func (c *scimClient) do(method, path, body string) *response {
	GinkgoHelper()
	r, err := c.try(method, path, body)
	Expect(err).NotTo(HaveOccurred(), "%s %s", method, path)
	return r
}

// get is do for GET.
func (c *scimClient) get(path string) *response {
	GinkgoHelper()
	return c.do(http.MethodGet, path, "")
}

// try sends a request and reads the whole answer.
func (c *scimClient) try(method, path, body string) (*response, error) {
	request, err := c.request(method, path, body)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("no answer to %s %s: %w", method, path, err)
	}
	defer func() { _ = answer.Body.Close() }()
	r := &response{method: method, url: request.URL.String(), sent: body, status: answer.StatusCode, header: answer.Header}
	if r.body, err = io.ReadAll(answer.Body); err != nil {
		return nil, fmt.Errorf("half an answer to %s %s: %w", method, path, err)
	}
	r.took = time.Since(began)
	if len(r.body) > 0 {
		r.malformed = json.Unmarshal(r.body, &r.document)
	}
	return r, nil
}

func (c *scimClient) request(method, path, body string) (*http.Request, error) {
	target := c.base + path
	if c.query != "" {
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		target += separator + c.query
	}
	var content io.Reader
	if body != "" {
		content = bytes.NewBufferString(body)
	}
	request, err := http.NewRequest(method, target, content)
	if err != nil {
		return nil, err
	}
	request.Host = publicHost
	request.Header.Set("User-Agent", "") // The Go client leaves it out then, as Entra ID does.
	request.Header.Set("Accept", mediaType)
	if body != "" {
		request.Header.Set("Content-Type", mediaType)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	for name, value := range c.headers {
		request.Header.Set(name, value)
		if value == "" && name != "User-Agent" {
			request.Header.Del(name)
		}
	}
	return request, nil
}

// filter is the path of a query with a filter.
func filter(endpoint, format string, args ...any) string {
	return endpoint + "?filter=" + url.QueryEscape(fmt.Sprintf(format, args...))
}

// response is an answer, and the request that it is for.
type response struct {
	method, url, sent string
	status            int
	header            http.Header
	body              []byte
	document          map[string]any
	malformed         error
	took              time.Duration
}

// String tells all about an exchange, for the message of a failure.
func (r *response) String() string {
	text := fmt.Sprintf("%s %s", r.method, r.url)
	if r.sent != "" {
		text += "\nsent: " + shortened(r.sent)
	}
	return fmt.Sprintf("%s\nanswer: %d %s\nbody: %s", text, r.status, r.header, shortened(string(r.body)))
}

func shortened(text string) string {
	if len(text) > 4000 {
		return text[:4000] + "…"
	}
	return text
}

// has checks the status, and what every answer must have.
func (r *response) has(status int) *response {
	GinkgoHelper()
	Expect(r.status).To(Equal(status), r.String())
	r.wellFormed()
	return r
}

// hasOneOf is has for requests to which identity providers accept more answers
// than one.
func (r *response) hasOneOf(statuses ...int) *response {
	GinkgoHelper()
	Expect(statuses).To(ContainElement(r.status), r.String())
	r.wellFormed()
	return r
}

func (r *response) wellFormed() {
	GinkgoHelper()
	Expect(r.header.Get("X-Request-Id")).NotTo(BeEmpty(), r.String())
	if r.status == http.StatusNoContent || r.status == http.StatusNotModified {
		Expect(r.body).To(BeEmpty(), r.String())
		return
	}
	Expect(r.malformed).NotTo(HaveOccurred(), r.String())
	Expect(r.header.Get("Content-Type")).To(HavePrefix(mediaType), r.String())
	Expect(r.at("schemas")).NotTo(BeEmpty(), r.String())
}

// isError checks that the answer is a SCIM Error (RFC 7644 section 3.12) that
// says something to a human.
func (r *response) isError(status int, scimType string) *response {
	GinkgoHelper()
	r.has(status)
	expected := want{
		"schemas":  ConsistOf(urnError),
		"status":   strconv.Itoa(status),
		"detail":   Not(BeEmpty()),
		"scimType": nil,
	}
	if scimType != "" {
		expected["scimType"] = scimType
	}
	expected.in(r.document, r.String())
	if status == http.StatusTooManyRequests || status >= http.StatusInternalServerError {
		Expect(r.header.Get("Retry-After")).NotTo(BeEmpty(), r.String())
	}
	return r
}

// isList checks that the answer is a list of that many, and returns them.
func (r *response) isList(total int) []map[string]any {
	GinkgoHelper()
	r.has(http.StatusOK)
	want{
		"schemas":      ConsistOf(urnList),
		"totalResults": total,
		"startIndex":   BeNumerically(">=", 1),
		"itemsPerPage": BeNumerically(">=", 0),
	}.in(r.document, r.String())
	var resources []map[string]any
	list, _ := r.at("Resources").([]any)
	for _, resource := range list {
		resources = append(resources, resource.(map[string]any))
	}
	Expect(r.at("itemsPerPage")).To(BeEquivalentTo(len(resources)), r.String())
	return resources
}

// at returns a part of the body, as in name/familyName or emails/0/value; nil
// when there is none.
func (r *response) at(path string) any { return dig(r.document, path) }

// id is the id of the resource in the body.
func (r *response) id() string {
	GinkgoHelper()
	id, _ := r.at("id").(string)
	Expect(id).NotTo(BeEmpty(), r.String())
	return id
}

// dig returns a part of a JSON document. The name enterprise stands for the
// extension's URN where the document has that.
func dig(document any, path string) any {
	for step := range strings.SplitSeq(path, "/") {
		switch value := document.(type) {
		case map[string]any:
			if step == "enterprise" && value[urnEnterprise] != nil {
				step = urnEnterprise
			}
			document = value[step]
		case []any:
			index, err := strconv.Atoi(step)
			if err != nil || index >= len(value) {
				return nil
			}
			document = value[index]
		default:
			return nil
		}
	}
	return document
}

// want says what parts of a document should be, by their path: a value, a
// matcher, or nil for what should not be there.
type want map[string]any

// in checks a document.
func (w want) in(document map[string]any, context string) {
	GinkgoHelper()
	for path, expected := range w {
		actual := dig(document, path)
		switch expected := expected.(type) {
		case nil:
			Expect(actual).To(BeNil(), "%s of %s", path, context)
		case types.GomegaMatcher:
			Expect(actual).To(expected, "%s of %s", path, context)
		case int:
			Expect(actual).To(BeEquivalentTo(expected), "%s of %s", path, context)
		default:
			Expect(actual).To(Equal(expected), "%s of %s", path, context)
		}
	}
}
