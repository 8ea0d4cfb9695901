package document_test

import (
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/decode"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

func TestDecode(t *testing.T) {
	for name, c := range map[string]struct{ in, out string }{
		"names in any case": {
			`{"SCHEMAS":["URN:IETF:params:scim:schemas:core:2.0:user"],"USERNAME":"b","Name":{"GIVENNAME":"B"},"eMails":[{"VALUE":"x","Primary":true}]}`,
			`{"schemas":["` + schema.URNUser + `"],"userName":"b","name":{"givenName":"B"},"emails":[{"value":"x","primary":true}],"meta":{"resourceType":"User"}}`},
		"unassigned is dropped": {
			scimtest.User(`"title":null,"emails":[],"name":{},"phoneNumbers":null,"roles":null,"` + schema.URNEnterpriseUser + `":{"manager":{}}`),
			scimtest.User(`"meta":{"resourceType":"User"}`)},
		"an extension that is null": {scimtest.User(`"` + schema.URNEnterpriseUser + `":null`), scimtest.User(`"meta":{"resourceType":"User"}`)},
		"read-only is ignored": {
			scimtest.User(`"id":null,"meta":{"resourceType":"Cat","version":7},"groups":"whatever"`),
			scimtest.User(`"meta":{"resourceType":"User"}`)},
		"a password is dropped": {scimtest.User(`"password":"hunter2"`), scimtest.User(`"meta":{"resourceType":"User"}`)},
		"exact duplicates are dropped": {
			scimtest.User(`"emails":[{"value":"x","type":"work"},{"type":"work","value":"x"},{"value":"x","type":"home"}]`),
			scimtest.User(`"emails":[{"value":"x","type":"work"},{"value":"x","type":"home"}],"meta":{"resourceType":"User"}`)},
		"a value with its type is one": {
			scimtest.User(`"emails":[{"value":"x","type":"work","display":"X"},{"value":"x","type":"WORK","display":"Y","primary":true},{"value":"X","type":"work"},{"value":"x"}]`),
			scimtest.User(`"emails":[{"value":"x","display":"X","type":"work","primary":true},{"value":"X","type":"work"},{"value":"x"}],"meta":{"resourceType":"User"}`)},
		"an empty externalId is none": {scimtest.User(`"externalId":""`), scimtest.User(`"meta":{"resourceType":"User"}`)},
		"canonical values are suggestions": {
			scimtest.User(`"emails":[{"value":"x","type":"whatever"}]`), scimtest.User(`"emails":[{"value":"x","type":"whatever"}],"meta":{"resourceType":"User"}`)},
		"the empty string is a value": {scimtest.User(`"title":""`), scimtest.User(`"title":"","meta":{"resourceType":"User"}`)},
		"schemas listed twice":        {`{"schemas":["` + schema.URNUser + `","` + schema.URNUser + `"],"userName":"bjensen"}`, scimtest.User(`"meta":{"resourceType":"User"}`)},
		"escapes and Unicode":         {scimtest.User(`"title":"a\u00e9\ud83d\ude00\"\\\n\u0001<&>"`), scimtest.User(`"title":"aé😀\"\\\n\u0001<&>","meta":{"resourceType":"User"}`)},
		"verbatim dates and binaries": {
			`{"schemas":["` + schema.URNUser + `","` + scimtest.URNTest + `"],"userName":"b","` + scimtest.URNTest + `":{"hired":"2020-01-31T24:00:00-05:00","key":"a2V5Cg","height":1e2,"badge":-9223372036854775808,"clearance":"x","pin":"1"}}`,
			`{"schemas":["` + schema.URNUser + `","` + scimtest.URNTest + `"],"userName":"b","` + scimtest.URNTest + `":{"badge":-9223372036854775808,"height":100,"hired":"2020-01-31T24:00:00-05:00","key":"a2V5Cg"},"meta":{"resourceType":"User"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := document.Decode(scimtest.UserType, []byte(c.in), scimtest.Strict)
			if err != nil {
				t.Fatal(err)
			}
			if got := scimtest.Text(t, r); got != c.out {
				t.Errorf("got  %s\nwant %s", got, c.out)
			}
		})
	}
}

func TestDecodeGroup(t *testing.T) {
	r, err := document.Decode(scimtest.GroupType, []byte(`{"schemas":["`+schema.URNGroup+`"],"displayName":"G","members":[
		{"value":"a","display":"x","$ref":null,"type":"User"},{"value":"a","display":"y"},{"value":"B","$ref":"https://example.com/Users/B"},{"value":"b"}]}`), scimtest.Strict)
	if err != nil {
		t.Fatal(err)
	}
	if got, wanted := scimtest.Text(t, r), `{"schemas":["`+schema.URNGroup+`"],"displayName":"G","members":[{"value":"a","type":"User"},{"value":"B"}],"meta":{"resourceType":"Group"}}`; got != wanted {
		t.Errorf("got %s", got)
	}
	if ids := r.Members().IDs(); len(ids) != 2 || ids[0] != "a" || ids[1] != "B" {
		t.Error(ids)
	}
}

func TestDecodeRefusals(t *testing.T) {
	ext := func(x string) string {
		return `{"schemas":["` + schema.URNUser + `","` + scimtest.URNTest + `"],"userName":"b","` + scimtest.URNTest + `":` + x + `}`
	}
	for name, c := range map[string]struct {
		doc  string
		kind scim.ErrorType
	}{
		"nothing":                 {``, scim.InvalidSyntax},
		"malformed":               {`{"schemas":`, scim.InvalidSyntax},
		"trailing garbage":        {scimtest.User(``) + `x`, scim.InvalidSyntax},
		"array":                   {`[]`, scim.InvalidSyntax},
		"duplicate key":           {scimtest.User(`"title":"a","title":"b"`), scim.InvalidSyntax},
		"case-variant key":        {scimtest.User(`"title":"a","TITLE":"b"`), scim.InvalidSyntax},
		"invalid UTF-8":           {scimtest.User("\"title\":\"\xff\""), scim.InvalidSyntax},
		"NUL":                     {scimtest.User(`"title":"a\u0000b"`), scim.InvalidValue},
		"too deep":                {scimtest.User(`"title":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000)), scim.InvalidSyntax},
		"no schemas":              {`{"userName":"b"}`, scim.InvalidSyntax},
		"schemas null":            {`{"schemas":null,"userName":"b"}`, scim.InvalidSyntax},
		"schemas empty":           {`{"schemas":[],"userName":"b"}`, scim.InvalidSyntax},
		"schemas no array":        {`{"schemas":"` + schema.URNUser + `","userName":"b"}`, scim.InvalidSyntax},
		"schemas of numbers":      {`{"schemas":[1],"userName":"b"}`, scim.InvalidSyntax},
		"other base schema":       {`{"schemas":["` + schema.URNGroup + `"],"userName":"b"}`, scim.InvalidSyntax},
		"unknown schema":          {`{"schemas":["` + schema.URNUser + `","urn:example:x"],"userName":"b"}`, scim.InvalidSyntax},
		"undeclared extension":    {scimtest.User(`"` + schema.URNEnterpriseUser + `":{"department":"x"}`), scim.InvalidSyntax},
		"unknown attribute":       {scimtest.User(`"nope":1`), scim.InvalidSyntax},
		"unknown sub-attribute":   {scimtest.User(`"name":{"nope":1}`), scim.InvalidSyntax},
		"unknown in extension":    {ext(`{"nope":1}`), scim.InvalidSyntax},
		"no userName":             {`{"schemas":["` + schema.URNUser + `"]}`, scim.InvalidValue},
		"userName null":           {`{"schemas":["` + schema.URNUser + `"],"userName":null}`, scim.InvalidValue},
		"userName empty":          {`{"schemas":["` + schema.URNUser + `"],"userName":" "}`, scim.InvalidValue},
		"required sub-attribute":  {ext(`{"sites":[{"desk":"4"}]}`), scim.InvalidValue},
		"number for string":       {scimtest.User(`"title":7`), scim.InvalidValue},
		"object for string":       {scimtest.User(`"title":{"value":"x"}`), scim.InvalidValue},
		"array for string":        {scimtest.User(`"title":["x"]`), scim.InvalidValue},
		"string for boolean":      {scimtest.User(`"active":"true"`), scim.InvalidValue},
		"number for boolean":      {scimtest.User(`"active":1`), scim.InvalidValue},
		"string for complex":      {scimtest.User(`"name":"x"`), scim.InvalidValue},
		"object for multi-valued": {scimtest.User(`"emails":{"value":"x"}`), scim.InvalidValue},
		"strings for complex":     {scimtest.User(`"emails":["x"]`), scim.InvalidValue},
		"complex in a simple":     {scimtest.User(`"name":{"givenName":{"value":"x"}}`), scim.InvalidValue},
		"array in an array":       {scimtest.User(`"emails":[[{"value":"x"}]]`), scim.InvalidValue},
		"two primaries":           {scimtest.User(`"emails":[{"value":"a","primary":true},{"value":"b","primary":true}]`), scim.InvalidValue},
		"extension no object":     {ext(`"x"`), scim.InvalidValue},
		"fraction for integer":    {ext(`{"badge":1.5}`), scim.InvalidValue},
		"exponent for integer":    {ext(`{"badge":1e3}`), scim.InvalidValue},
		"65 bits":                 {ext(`{"badge":9223372036854775808}`), scim.InvalidValue},
		"string for integer":      {ext(`{"badge":"1"}`), scim.InvalidValue},
		"string for decimal":      {ext(`{"height":"1"}`), scim.InvalidValue},
		"infinite decimal":        {ext(`{"height":1e999}`), scim.InvalidValue},
		"date without zone":       {ext(`{"hired":"2020-01-31T10:00:00"}`), scim.InvalidValue},
		"date without time":       {ext(`{"hired":"2020-01-31"}`), scim.InvalidValue},
		"no such date":            {ext(`{"hired":"2021-02-29T10:00:00Z"}`), scim.InvalidValue},
		"number for date":         {ext(`{"hired":20200131}`), scim.InvalidValue},
		"not base64":              {ext(`{"key":"a b"}`), scim.InvalidValue},
		"base64 with line breaks": {ext(`{"key":"a2V5\na2V5"}`), scim.InvalidValue},
		"password of wrong type":  {scimtest.User(`"password":12345678`), scim.InvalidValue},
		"writeOnly of wrong type": {ext(`{"pin":7}`), scim.InvalidValue},
		"too many elements":       {scimtest.User(`"roles":[` + scimtest.Elements(decode.MaxElements+1) + `]`), scim.InvalidValue},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := document.Decode(scimtest.UserType, []byte(c.doc), scimtest.Strict)
			scimtest.Want(t, err, 400, c.kind)
		})
	}
	for name, doc := range map[string]string{
		"no displayName":       `{"schemas":["` + schema.URNGroup + `"]}`,
		"member without value": `{"schemas":["` + schema.URNGroup + `"],"displayName":"g","members":[{"type":"User"}]}`,
		"member empty":         `{"schemas":["` + schema.URNGroup + `"],"displayName":"g","members":[{"value":""}]}`,
	} {
		_, err := document.Decode(scimtest.GroupType, []byte(doc), scimtest.Lenient)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		scimtest.Want(t, err, 400, scim.InvalidValue)
	}
}

func TestEmptyBodyIsCalledEmpty(t *testing.T) {
	for _, doc := range []string{"", " \r\n"} {
		_, err := document.Decode(scimtest.UserType, []byte(doc), scimtest.Strict)
		scimtest.Want(t, err, 400, scim.InvalidSyntax)
		if err != nil && !strings.Contains(err.Error(), "empty") {
			t.Errorf("%q: %v", doc, err)
		}
	}
}

// No leniency takes a document of one resource type for another type.
func TestDecodeOfAnotherType(t *testing.T) {
	userDoc := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bjensen","displayName":"Babs Jensen"}`
	groupDoc := `{"schemas":["URN:ietf:params:scim:schemas:core:2.0:group"],"userName":"bjensen","displayName":"Tour Guides"}`
	for _, l := range []scim.Leniency{scimtest.Strict, {MissingSchemas: true}, {IgnoreUnknown: true}, {MissingSchemas: true, IgnoreUnknown: true}, scimtest.Lenient} {
		_, err := document.Decode(scimtest.GroupType, []byte(userDoc), l)
		scimtest.Want(t, err, 400, scim.InvalidSyntax)
		_, err = document.Decode(scimtest.UserType, []byte(groupDoc), l)
		scimtest.Want(t, err, 400, scim.InvalidSyntax)
		_, err = document.Replace(scimtest.GroupType, scimtest.Stored(t, scimtest.GroupType, `{"schemas":["`+schema.URNGroup+`"],"id":"g","displayName":"g"}`), []byte(userDoc), l)
		scimtest.Want(t, err, 400, scim.InvalidSyntax)
	}
	// With its own schema too, the other one is unknown like any.
	both := `{"schemas":["` + schema.URNUser + `","` + schema.URNGroup + `"],"displayName":"Tour Guides"}`
	_, err := document.Decode(scimtest.GroupType, []byte(both), scimtest.Strict)
	scimtest.Want(t, err, 400, scim.InvalidSyntax)
	if _, err := document.Decode(scimtest.GroupType, []byte(both), scim.Leniency{IgnoreUnknown: true}); err != nil {
		t.Error(err)
	}
}

func TestRoundTripThroughTheStore(t *testing.T) {
	for _, c := range []struct {
		kind *schema.ResourceType
		doc  string
	}{{scimtest.UserType, scimtest.RichUser}, {scimtest.GroupType, scimtest.GroupDoc}} {
		r := scimtest.Stored(t, c.kind, c.doc)
		once := scimtest.Text(t, r)
		again := scimtest.Stored(t, c.kind, once)
		if scimtest.Text(t, again) != once || !again.Equal(r) || again.Meta() != r.Meta() || again.ID() != r.ID() {
			t.Errorf("%s\n%s", once, scimtest.Text(t, again))
		}
	}
	r := scimtest.Stored(t, scimtest.UserType, scimtest.RichUser)
	if m := r.Meta(); m.Version != `W/"3"` || m.Created.IsZero() || m.LastModified.Nanosecond() != 5e8 {
		t.Error(m)
	}
	if r.Attributes()["groups"] == nil || r.ExternalID() != "701984" || r.UserName() != "bjensen@example.com" || r.DisplayName() != "Babs Jensen" {
		t.Error(r)
	}
	for _, doc := range []string{`{}`, `{"schemas":["` + schema.URNUser + `"],"userName":"b","nope":1}`, `{"schemas":["` + schema.URNUser + `"],"userName":"b","active":"true"}`} {
		if _, err := decode.FromJSON(scimtest.UserType, []byte(doc)); err == nil {
			t.Error("accepted", doc)
		}
	}
}

func TestReplace(t *testing.T) {
	current := scimtest.Stored(t, scimtest.UserType, scimtest.RichUser)
	before := scimtest.Text(t, current)
	both := `"schemas":["` + schema.URNUser + `","` + scimtest.URNTest + `"],"userName":"new"`
	for name, c := range map[string]struct{ in, out string }{
		"omitted is cleared, read-only and immutable and active stay": {`{` + both + `}`,
			`{"schemas":["` + schema.URNUser + `","` + scimtest.URNTest + `"],"id":"2819c223-7f76-453a-919d-413861904646","userName":"new","active":true,"groups":[{"value":"g1","display":"Tour Guides","type":"direct"}],"` +
				scimtest.URNTest + `":{"serial":"S1","clearance":"top"},"meta":{"resourceType":"User","created":"2010-01-23T04:56:22Z","lastModified":"2011-05-13T04:42:34.5Z","version":"W/\"3\""}}`},
		"a body's id, meta and groups are ignored": {`{` + both + `,"id":"other","meta":{"version":"W/\"9\""},"groups":[{"value":"zz"}],"` + scimtest.URNTest + `":{"serial":"S1","clearance":"none"}}`,
			`{"schemas":["` + schema.URNUser + `","` + scimtest.URNTest + `"],"id":"2819c223-7f76-453a-919d-413861904646","userName":"new","active":true,"groups":[{"value":"g1","display":"Tour Guides","type":"direct"}],"` +
				scimtest.URNTest + `":{"serial":"S1","clearance":"top"},"meta":{"resourceType":"User","created":"2010-01-23T04:56:22Z","lastModified":"2011-05-13T04:42:34.5Z","version":"W/\"3\""}}`},
		"an immutable sub-attribute stays": {`{` + both + `,"` + scimtest.URNTest + `":{"device":{"label":"new"}}}`,
			`{"schemas":["` + schema.URNUser + `","` + scimtest.URNTest + `"],"id":"2819c223-7f76-453a-919d-413861904646","userName":"new","active":true,"groups":[{"value":"g1","display":"Tour Guides","type":"direct"}],"` +
				scimtest.URNTest + `":{"serial":"S1","clearance":"top","device":{"id":"d1","label":"new"}},"meta":{"resourceType":"User","created":"2010-01-23T04:56:22Z","lastModified":"2011-05-13T04:42:34.5Z","version":"W/\"3\""}}`},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := document.Replace(scimtest.UserType, current, []byte(c.in), scimtest.Strict)
			if err != nil {
				t.Fatal(err)
			}
			if got := scimtest.Text(t, r); got != c.out {
				t.Errorf("got  %s\nwant %s", got, c.out)
			}
		})
	}
	for _, x := range []string{`{"serial":"S2"}`, `{"device":{"id":"d2"}}`} {
		_, err := document.Replace(scimtest.UserType, current, []byte(`{`+both+`,"`+scimtest.URNTest+`":`+x+`}`), scimtest.Strict)
		scimtest.Want(t, err, 400, scim.Mutability)
	}
	r, err := document.Replace(scimtest.UserType, current, []byte(scimtest.RichUser), scimtest.Strict)
	if err != nil || !r.Equal(current) {
		t.Errorf("a PUT of the same: %v\n%s", err, scimtest.Text(t, r))
	}
	if m, _ := r.Attributes()[schema.URNEnterpriseUser].(scim.Complex)["manager"].(scim.Complex); m["displayName"] != "John Smith" {
		t.Error("the read-only displayName of an unchanged manager is lost")
	}
	if scimtest.Text(t, current) != before {
		t.Error("the current resource was changed")
	}
	if _, err := document.Replace(scimtest.UserType, current, []byte(`{}`), scimtest.Strict); err == nil {
		t.Error("accepted")
	}
}

func TestReplaceOfAGroup(t *testing.T) {
	current := scimtest.Stored(t, scimtest.GroupType, scimtest.GroupDoc)
	r, err := document.Replace(scimtest.GroupType, current, []byte(`{"schemas":["`+schema.URNGroup+`"],"displayName":"G","members":[{"value":"c","type":"User"},{"value":"d"},{"value":"A"}]}`), scimtest.Strict)
	if err != nil {
		t.Fatal(err)
	}
	if got, wanted := scimtest.Text(t, r), `{"schemas":["`+schema.URNGroup+`"],"id":"g1","displayName":"G","members":[{"value":"c","type":"Group"},{"value":"d"},{"value":"a","display":"A","type":"User"}],"meta":{"resourceType":"Group"}}`; got != wanted {
		t.Errorf("got %s", got)
	}
	if r, err = document.Replace(scimtest.GroupType, current, []byte(`{"schemas":["`+schema.URNGroup+`"],"displayName":"G"}`), scimtest.Strict); err != nil || r.Members().IDs() != nil {
		t.Error(r.Members().IDs(), err)
	}
}
