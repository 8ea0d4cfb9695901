package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// bodies are of the sizes that identity providers send.
func bodies() map[string][]byte {
	var members strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&members, `,{"value":"2819c223-7f76-453a-919d-%012d","display":"user%d@example.com"}`, i, i)
	}
	return map[string][]byte{
		"user": []byte(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
			"externalId":"7b1c3f6e-5b3f-4f0e-9d3a-1d2f9b0c4a55","userName":"bjensen@example.com","active":true,"displayName":"Bärbel Jensen",
			"name":{"formatted":"Ms. Bärbel J Jensen, III","familyName":"Jensen","givenName":"Bärbel","honorificPrefix":"Ms."},
			"title":"Tour Guide","preferredLanguage":"en-US","locale":"en-US","timezone":"America/Los_Angeles",
			"emails":[{"value":"bjensen@example.com","type":"work","primary":true},{"value":"babs@example.com","type":"home"}],
			"phoneNumbers":[{"value":"555-555-5555","type":"work"},{"value":"555-555-4444","type":"mobile"}],
			"addresses":[{"type":"work","streetAddress":"100 Universal City Plaza","locality":"Hollywood","region":"CA","postalCode":"91608",
			"country":"US","formatted":"100 Universal City Plaza\nHollywood, CA 91608 US","primary":true}],
			"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"701984","costCenter":"4130",
			"department":"Tour Operations","manager":{"value":"26118915-6090-4610-87e4-49d8ca9f808d"}}}`),
		"PATCH": []byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":false},
			{"op":"Replace","path":"emails[type eq \"work\"].value","value":"b.jensen@example.com"},{"op":"Add","path":"title","value":"Guide"}]}`),
		"group of 1,000": []byte(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Tour Guides","members":[` + members.String()[1:] + `]}`),
	}
}

// BenchmarkParse compares this package with one that makes the same of the tokens of jsontext.
func BenchmarkParse(b *testing.B) {
	for name, doc := range bodies() {
		for reader, parse := range map[string]func([]byte) (any, error){"own": Parse, "jsontext": parseByLibrary} {
			b.Run(name+"/"+reader, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(doc)))
				for b.Loop() {
					if _, err := parse(doc); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func TestLibraryReadsAlike(t *testing.T) {
	for name, doc := range bodies() {
		own, err := Parse(doc)
		if err != nil {
			t.Fatal(err)
		}
		if other, err := parseByLibrary(doc); err != nil || !reflect.DeepEqual(own, other) {
			t.Errorf("%s: %v, got %#v; want %#v", name, err, other, own)
		}
	}
}

// parseByLibrary is Parse over jsontext, which has no bound on values, one on depth that
// cannot be set, and finds two members of one name only where their case is the same.
func parseByLibrary(doc []byte) (any, error) {
	r := readers.Get().(*libraryReader)
	defer r.release()
	r.body, r.values = *bytes.NewBuffer(doc), 0
	r.decoder.Reset(&r.body, jsontext.AllowDuplicateNames(true))
	v, err := r.value()
	if err != nil {
		return nil, err
	}
	if _, err := r.decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, &Error{Offset: int(r.decoder.InputOffset()), Reason: "there is something after the end of the document"}
	}
	return v, nil
}

// readers are used again, as jsontext wants it of who reads small documents.
var readers = sync.Pool{New: func() any { return &libraryReader{decoder: jsontext.NewDecoder(&bytes.Buffer{})} }}

type libraryReader struct {
	decoder *jsontext.Decoder
	body    bytes.Buffer
	values  int
}

func (r *libraryReader) release() {
	r.body = bytes.Buffer{}
	readers.Put(r)
}

func (r *libraryReader) fail(reason string) error {
	return &Error{Offset: int(r.decoder.InputOffset()), Reason: reason}
}

func (r *libraryReader) value() (any, error) {
	if r.values++; r.values > MaxValues || r.decoder.StackDepth() > MaxDepth {
		return nil, r.fail("the document is too large")
	}
	token, err := r.decoder.ReadToken()
	if err != nil {
		return nil, r.fail(err.Error())
	}
	switch token.Kind() {
	case '{':
		return r.object()
	case '[':
		return r.array()
	case '"':
		return token.String(), nil
	case '0':
		return Number(token.String()), nil
	case 't', 'f':
		return token.Bool(), nil
	default:
		return nil, nil
	}
}

func (r *libraryReader) array() (any, error) {
	list := []any{}
	for r.decoder.PeekKind() != ']' {
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := r.decoder.ReadToken()
	return list, err
}

func (r *libraryReader) object() (any, error) {
	o := Object{}
	var seen names
	for r.decoder.PeekKind() != '}' {
		token, err := r.decoder.ReadToken()
		if err != nil {
			return nil, r.fail(err.Error())
		}
		name := token.String()
		if seen.add(o, name) {
			return nil, r.fail("an object has two members of one name")
		}
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		o = append(o, Member{Name: name, Value: v})
	}
	_, err := r.decoder.ReadToken()
	return o, err
}
