package scimtest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
)

// Response is an answer, and the request that it is for.
type Response struct {
	method, url, sent string
	Status            int
	Header            http.Header
	Body              []byte
	Document          map[string]any
	malformed         error
	Took              time.Duration
}

// String tells all about an exchange, for the message of a failure.
func (r *Response) String() string {
	text := fmt.Sprintf("%s %s", r.method, r.url)
	if r.sent != "" {
		text += "\nsent: " + shortened(r.sent)
	}
	return fmt.Sprintf("%s\nanswer: %d %s\nbody: %s", text, r.Status, r.Header, shortened(string(r.Body)))
}

func shortened(text string) string {
	if len(text) > 4000 {
		return text[:4000] + "…"
	}
	return text
}

// Has checks the status, and what every answer must have.
func (r *Response) Has(status int) *Response {
	GinkgoHelper()
	Expect(r.Status).To(Equal(status), r.String())
	r.wellFormed()
	return r
}

// HasOneOf is Has for requests to which identity providers accept more answers
// than one.
func (r *Response) HasOneOf(statuses ...int) *Response {
	GinkgoHelper()
	Expect(statuses).To(ContainElement(r.Status), r.String())
	r.wellFormed()
	return r
}

func (r *Response) wellFormed() {
	GinkgoHelper()
	Expect(r.Header.Get("X-Request-Id")).NotTo(BeEmpty(), r.String())
	if r.Status == http.StatusNoContent || r.Status == http.StatusNotModified {
		Expect(r.Body).To(BeEmpty(), r.String())
		return
	}
	Expect(r.malformed).NotTo(HaveOccurred(), r.String())
	Expect(r.Header.Get("Content-Type")).To(HavePrefix(MediaType), r.String())
	Expect(r.At("schemas")).NotTo(BeEmpty(), r.String())
}

// IsError checks that the answer is a SCIM Error (RFC 7644 section 3.12) that
// says something to a human.
func (r *Response) IsError(status int, scimType string) *Response {
	GinkgoHelper()
	r.Has(status)
	expected := Want{
		"schemas":  ConsistOf(urnError),
		"status":   strconv.Itoa(status),
		"detail":   Not(BeEmpty()),
		"scimType": nil,
	}
	if scimType != "" {
		expected["scimType"] = scimType
	}
	expected.In(r.Document, r.String())
	if status == http.StatusTooManyRequests || status >= http.StatusInternalServerError {
		Expect(r.Header.Get("Retry-After")).NotTo(BeEmpty(), r.String())
	}
	return r
}

// IsList checks that the answer is a list of that many, and returns them.
func (r *Response) IsList(total int) []map[string]any {
	GinkgoHelper()
	r.Has(http.StatusOK)
	Want{
		"schemas":      ConsistOf(URNList),
		"totalResults": total,
		"startIndex":   BeNumerically(">=", 1),
		"itemsPerPage": BeNumerically(">=", 0),
	}.In(r.Document, r.String())
	var resources []map[string]any
	list, _ := r.At("Resources").([]any)
	for _, resource := range list {
		resources = append(resources, resource.(map[string]any))
	}
	Expect(r.At("itemsPerPage")).To(BeEquivalentTo(len(resources)), r.String())
	return resources
}

// Anonymous is the body without the id of the request, which every error has in its
// detail.
func (r *Response) Anonymous() string {
	id := r.Header.Get("X-Request-Id")
	Expect(id).NotTo(BeEmpty(), r.String())
	return strings.ReplaceAll(string(r.Body), id, "")
}

// At returns a part of the body, as in name/familyName or emails/0/value; nil
// when there is none.
func (r *Response) At(path string) any { return Dig(r.Document, path) }

// ID is the id of the resource in the body.
func (r *Response) ID() string {
	GinkgoHelper()
	id, _ := r.At("id").(string)
	Expect(id).NotTo(BeEmpty(), r.String())
	return id
}

// Dig returns a part of a JSON document. The name enterprise stands for the
// extension's URN where the document has that.
func Dig(document any, path string) any {
	for step := range strings.SplitSeq(path, "/") {
		switch value := document.(type) {
		case map[string]any:
			if step == "enterprise" && value[URNEnterprise] != nil {
				step = URNEnterprise
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

// Want says what parts of a document should be, by their path: a value, a
// matcher, or nil for what should not be there.
type Want map[string]any

// In checks a document.
func (w Want) In(document map[string]any, context string) {
	GinkgoHelper()
	for path, expected := range w {
		actual := Dig(document, path)
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
