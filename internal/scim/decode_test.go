package scim

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	for name, c := range map[string]struct{ in, out string }{
		"names in any case": {
			`{"SCHEMAS":["URN:IETF:params:scim:schemas:core:2.0:user"],"USERNAME":"b","Name":{"GIVENNAME":"B"},"eMails":[{"VALUE":"x","Primary":true}]}`,
			`{"schemas":["` + URNUser + `"],"userName":"b","name":{"givenName":"B"},"emails":[{"value":"x","primary":true}],"meta":{"resourceType":"User"}}`},
		"unassigned is dropped": {
			user(`"title":null,"emails":[],"name":{},"phoneNumbers":null,"roles":null,"` + URNEnterpriseUser + `":{"manager":{}}`),
			user(`"meta":{"resourceType":"User"}`)},
		"an extension that is null": {user(`"` + URNEnterpriseUser + `":null`), user(`"meta":{"resourceType":"User"}`)},
		"read-only is ignored": {
			user(`"id":null,"meta":{"resourceType":"Cat","version":7},"groups":"whatever"`),
			user(`"meta":{"resourceType":"User"}`)},
		"a password is dropped": {user(`"password":"hunter2"`), user(`"meta":{"resourceType":"User"}`)},
		"exact duplicates are dropped": {
			user(`"emails":[{"value":"x","type":"work"},{"type":"work","value":"x"},{"value":"x","type":"home"}]`),
			user(`"emails":[{"value":"x","type":"work"},{"value":"x","type":"home"}],"meta":{"resourceType":"User"}`)},
		"a value with its type is one": {
			user(`"emails":[{"value":"x","type":"work","display":"X"},{"value":"x","type":"WORK","display":"Y","primary":true},{"value":"X","type":"work"},{"value":"x"}]`),
			user(`"emails":[{"value":"x","display":"X","type":"work","primary":true},{"value":"X","type":"work"},{"value":"x"}],"meta":{"resourceType":"User"}`)},
		"an empty externalId is none": {user(`"externalId":""`), user(`"meta":{"resourceType":"User"}`)},
		"canonical values are suggestions": {
			user(`"emails":[{"value":"x","type":"whatever"}]`), user(`"emails":[{"value":"x","type":"whatever"}],"meta":{"resourceType":"User"}`)},
		"the empty string is a value": {user(`"title":""`), user(`"title":"","meta":{"resourceType":"User"}`)},
		"schemas listed twice":        {`{"schemas":["` + URNUser + `","` + URNUser + `"],"userName":"bjensen"}`, user(`"meta":{"resourceType":"User"}`)},
		"escapes and Unicode":         {user(`"title":"a\u00e9\ud83d\ude00\"\\\n\u0001<&>"`), user(`"title":"aé😀\"\\\n\u0001<&>","meta":{"resourceType":"User"}`)},
		"verbatim dates and binaries": {
			`{"schemas":["` + URNUser + `","` + urnTest + `"],"userName":"b","` + urnTest + `":{"hired":"2020-01-31T24:00:00-05:00","key":"a2V5Cg","height":1e2,"badge":-9223372036854775808,"clearance":"x","pin":"1"}}`,
			`{"schemas":["` + URNUser + `","` + urnTest + `"],"userName":"b","` + urnTest + `":{"badge":-9223372036854775808,"height":100,"hired":"2020-01-31T24:00:00-05:00","key":"a2V5Cg"},"meta":{"resourceType":"User"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Decode(userType, []byte(c.in), strict)
			if err != nil {
				t.Fatal(err)
			}
			if got := text(t, r); got != c.out {
				t.Errorf("got  %s\nwant %s", got, c.out)
			}
		})
	}
}

func TestDecodeGroup(t *testing.T) {
	r, err := Decode(groupType, []byte(`{"schemas":["`+URNGroup+`"],"displayName":"G","members":[
		{"value":"a","display":"x","$ref":null,"type":"User"},{"value":"a","display":"y"},{"value":"B","$ref":"https://example.com/Users/B"},{"value":"b"}]}`), strict)
	if err != nil {
		t.Fatal(err)
	}
	if got, wanted := text(t, r), `{"schemas":["`+URNGroup+`"],"displayName":"G","members":[{"value":"a","type":"User"},{"value":"B"}],"meta":{"resourceType":"Group"}}`; got != wanted {
		t.Errorf("got %s", got)
	}
	if ids := r.MemberIDs(); len(ids) != 2 || ids[0] != "a" || ids[1] != "B" {
		t.Error(ids)
	}
}

func TestDecodeRefusals(t *testing.T) {
	ext := func(x string) string {
		return `{"schemas":["` + URNUser + `","` + urnTest + `"],"userName":"b","` + urnTest + `":` + x + `}`
	}
	for name, c := range map[string]struct {
		doc  string
		kind ErrorType
	}{
		"nothing":                 {``, InvalidSyntax},
		"malformed":               {`{"schemas":`, InvalidSyntax},
		"trailing garbage":        {user(``) + `x`, InvalidSyntax},
		"array":                   {`[]`, InvalidSyntax},
		"duplicate key":           {user(`"title":"a","title":"b"`), InvalidSyntax},
		"case-variant key":        {user(`"title":"a","TITLE":"b"`), InvalidSyntax},
		"invalid UTF-8":           {user("\"title\":\"\xff\""), InvalidSyntax},
		"NUL":                     {user(`"title":"a\u0000b"`), InvalidValue},
		"too deep":                {user(`"title":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000)), InvalidSyntax},
		"no schemas":              {`{"userName":"b"}`, InvalidSyntax},
		"schemas null":            {`{"schemas":null,"userName":"b"}`, InvalidSyntax},
		"schemas empty":           {`{"schemas":[],"userName":"b"}`, InvalidSyntax},
		"schemas no array":        {`{"schemas":"` + URNUser + `","userName":"b"}`, InvalidSyntax},
		"schemas of numbers":      {`{"schemas":[1],"userName":"b"}`, InvalidSyntax},
		"other base schema":       {`{"schemas":["` + URNGroup + `"],"userName":"b"}`, InvalidSyntax},
		"unknown schema":          {`{"schemas":["` + URNUser + `","urn:example:x"],"userName":"b"}`, InvalidSyntax},
		"undeclared extension":    {user(`"` + URNEnterpriseUser + `":{"department":"x"}`), InvalidSyntax},
		"unknown attribute":       {user(`"nope":1`), InvalidSyntax},
		"unknown sub-attribute":   {user(`"name":{"nope":1}`), InvalidSyntax},
		"unknown in extension":    {ext(`{"nope":1}`), InvalidSyntax},
		"no userName":             {`{"schemas":["` + URNUser + `"]}`, InvalidValue},
		"userName null":           {`{"schemas":["` + URNUser + `"],"userName":null}`, InvalidValue},
		"userName empty":          {`{"schemas":["` + URNUser + `"],"userName":" "}`, InvalidValue},
		"required sub-attribute":  {ext(`{"sites":[{"desk":"4"}]}`), InvalidValue},
		"number for string":       {user(`"title":7`), InvalidValue},
		"object for string":       {user(`"title":{"value":"x"}`), InvalidValue},
		"array for string":        {user(`"title":["x"]`), InvalidValue},
		"string for boolean":      {user(`"active":"true"`), InvalidValue},
		"number for boolean":      {user(`"active":1`), InvalidValue},
		"string for complex":      {user(`"name":"x"`), InvalidValue},
		"object for multi-valued": {user(`"emails":{"value":"x"}`), InvalidValue},
		"strings for complex":     {user(`"emails":["x"]`), InvalidValue},
		"complex in a simple":     {user(`"name":{"givenName":{"value":"x"}}`), InvalidValue},
		"array in an array":       {user(`"emails":[[{"value":"x"}]]`), InvalidValue},
		"two primaries":           {user(`"emails":[{"value":"a","primary":true},{"value":"b","primary":true}]`), InvalidValue},
		"extension no object":     {ext(`"x"`), InvalidValue},
		"fraction for integer":    {ext(`{"badge":1.5}`), InvalidValue},
		"exponent for integer":    {ext(`{"badge":1e3}`), InvalidValue},
		"65 bits":                 {ext(`{"badge":9223372036854775808}`), InvalidValue},
		"string for integer":      {ext(`{"badge":"1"}`), InvalidValue},
		"string for decimal":      {ext(`{"height":"1"}`), InvalidValue},
		"infinite decimal":        {ext(`{"height":1e999}`), InvalidValue},
		"date without zone":       {ext(`{"hired":"2020-01-31T10:00:00"}`), InvalidValue},
		"date without time":       {ext(`{"hired":"2020-01-31"}`), InvalidValue},
		"no such date":            {ext(`{"hired":"2021-02-29T10:00:00Z"}`), InvalidValue},
		"number for date":         {ext(`{"hired":20200131}`), InvalidValue},
		"not base64":              {ext(`{"key":"a b"}`), InvalidValue},
		"base64 with line breaks": {ext(`{"key":"a2V5\na2V5"}`), InvalidValue},
		"password of wrong type":  {user(`"password":12345678`), InvalidValue},
		"writeOnly of wrong type": {ext(`{"pin":7}`), InvalidValue},
		"too many elements":       {user(`"roles":[` + elements(MaxElements+1) + `]`), InvalidValue},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode(userType, []byte(c.doc), strict)
			want(t, err, 400, c.kind)
		})
	}
	for name, doc := range map[string]string{
		"no displayName":       `{"schemas":["` + URNGroup + `"]}`,
		"member without value": `{"schemas":["` + URNGroup + `"],"displayName":"g","members":[{"type":"User"}]}`,
		"member empty":         `{"schemas":["` + URNGroup + `"],"displayName":"g","members":[{"value":""}]}`,
	} {
		_, err := Decode(groupType, []byte(doc), lenient)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		want(t, err, 400, InvalidValue)
	}
}

func TestEmptyBodyIsCalledEmpty(t *testing.T) {
	for _, doc := range []string{"", " \r\n"} {
		_, err := Decode(userType, []byte(doc), strict)
		want(t, err, 400, InvalidSyntax)
		if err != nil && !strings.Contains(err.Error(), "empty") {
			t.Errorf("%q: %v", doc, err)
		}
	}
}

// No leniency takes a document of one resource type for another type.
func TestDecodeOfAnotherType(t *testing.T) {
	userDoc := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bjensen","displayName":"Babs Jensen"}`
	groupDoc := `{"schemas":["URN:ietf:params:scim:schemas:core:2.0:group"],"userName":"bjensen","displayName":"Tour Guides"}`
	for _, l := range []Leniency{strict, {MissingSchemas: true}, {IgnoreUnknown: true}, {MissingSchemas: true, IgnoreUnknown: true}, lenient} {
		_, err := Decode(groupType, []byte(userDoc), l)
		want(t, err, 400, InvalidSyntax)
		_, err = Decode(userType, []byte(groupDoc), l)
		want(t, err, 400, InvalidSyntax)
		_, err = Replace(groupType, stored(t, groupType, `{"schemas":["`+URNGroup+`"],"id":"g","displayName":"g"}`), []byte(userDoc), l)
		want(t, err, 400, InvalidSyntax)
	}
	// With its own schema too, the other one is unknown like any.
	both := `{"schemas":["` + URNUser + `","` + URNGroup + `"],"displayName":"Tour Guides"}`
	_, err := Decode(groupType, []byte(both), strict)
	want(t, err, 400, InvalidSyntax)
	if _, err := Decode(groupType, []byte(both), Leniency{IgnoreUnknown: true}); err != nil {
		t.Error(err)
	}
}

func elements(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"value":"x%d"}`, i)
	}
	return strings.Join(list, ",")
}

// No error text ever has a value that the client sent.
func TestErrorsKeepSecrets(t *testing.T) {
	for _, doc := range []string{
		user(`"password":["hunter2"]`), user(`"password":{"hunter2":1}`), user(`"password":"hunter2","PASSWORD":"hunter2"`),
		user(`"password":"hunter2\u0000"`), user(`"password":"hunter2`), user(`"active":"hunter2"`),
	} {
		_, err := Decode(userType, []byte(doc), strict)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", doc, err)
		}
	}
	_, err := ParsePatch(userType, patchOp(`{"op":"replace","path":"password","value":["hunter2"]}`), strict)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

func TestRoundTripThroughTheStore(t *testing.T) {
	for _, c := range []struct {
		kind *ResourceType
		doc  string
	}{{userType, richUser}, {groupType, groupDoc}} {
		r := stored(t, c.kind, c.doc)
		once := text(t, r)
		again := stored(t, c.kind, once)
		if text(t, again) != once || !again.Equal(r) || again.Meta() != r.Meta() || again.ID() != r.ID() {
			t.Errorf("%s\n%s", once, text(t, again))
		}
	}
	r := stored(t, userType, richUser)
	if m := r.Meta(); m.Version != `W/"3"` || m.Created.IsZero() || m.LastModified.Nanosecond() != 5e8 {
		t.Error(m)
	}
	if r.Attributes()["groups"] == nil || r.ExternalID() != "701984" || r.UserName() != "bjensen@example.com" || r.DisplayName() != "Babs Jensen" {
		t.Error(r)
	}
	for _, doc := range []string{`{}`, `{"schemas":["` + URNUser + `"],"userName":"b","nope":1}`, `{"schemas":["` + URNUser + `"],"userName":"b","active":"true"}`} {
		if _, err := FromJSON(userType, []byte(doc)); err == nil {
			t.Error("accepted", doc)
		}
	}
}

func TestExtensionFromJSON(t *testing.T) {
	got, err := ExtensionFromJSON(userType, urnTest, []byte(`{"badge":7,"height":1e2,"tags":[],"clearance":"x","sites":[{"name":"North"}]}`))
	want := Complex{"badge": int64(7), "height": 100.0, "clearance": "x", "sites": []any{Complex{"name": "North"}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := ExtensionFromJSON(userType, urnTest, []byte(`{}`)); err != nil || got != nil {
		t.Errorf("got %v, %v", got, err)
	}
	for urn, doc := range map[string]string{"urn:example:none": `{}`, URNUser: `{"userName":"b"}`, urnTest: `{"badge":"7"}`} {
		if _, err := ExtensionFromJSON(userType, urn, []byte(doc)); err == nil {
			t.Error("accepted", urn, doc)
		}
	}
	for _, doc := range []string{``, `null`, `[]`, `{"nope":1}`, `{"sites":[{"desk":"4"}]}`} {
		if _, err := ExtensionFromJSON(userType, urnTest, []byte(doc)); err == nil {
			t.Error("accepted", doc)
		}
	}
}

func TestReplace(t *testing.T) {
	current := stored(t, userType, richUser)
	before := text(t, current)
	both := `"schemas":["` + URNUser + `","` + urnTest + `"],"userName":"new"`
	for name, c := range map[string]struct{ in, out string }{
		"omitted is cleared, read-only and immutable and active stay": {`{` + both + `}`,
			`{"schemas":["` + URNUser + `","` + urnTest + `"],"id":"2819c223-7f76-453a-919d-413861904646","userName":"new","active":true,"groups":[{"value":"g1","display":"Tour Guides","type":"direct"}],"` +
				urnTest + `":{"serial":"S1","clearance":"top"},"meta":{"resourceType":"User","created":"2010-01-23T04:56:22Z","lastModified":"2011-05-13T04:42:34.5Z","version":"W/\"3\""}}`},
		"a body's id, meta and groups are ignored": {`{` + both + `,"id":"other","meta":{"version":"W/\"9\""},"groups":[{"value":"zz"}],"` + urnTest + `":{"serial":"S1","clearance":"none"}}`,
			`{"schemas":["` + URNUser + `","` + urnTest + `"],"id":"2819c223-7f76-453a-919d-413861904646","userName":"new","active":true,"groups":[{"value":"g1","display":"Tour Guides","type":"direct"}],"` +
				urnTest + `":{"serial":"S1","clearance":"top"},"meta":{"resourceType":"User","created":"2010-01-23T04:56:22Z","lastModified":"2011-05-13T04:42:34.5Z","version":"W/\"3\""}}`},
		"an immutable sub-attribute stays": {`{` + both + `,"` + urnTest + `":{"device":{"label":"new"}}}`,
			`{"schemas":["` + URNUser + `","` + urnTest + `"],"id":"2819c223-7f76-453a-919d-413861904646","userName":"new","active":true,"groups":[{"value":"g1","display":"Tour Guides","type":"direct"}],"` +
				urnTest + `":{"serial":"S1","clearance":"top","device":{"id":"d1","label":"new"}},"meta":{"resourceType":"User","created":"2010-01-23T04:56:22Z","lastModified":"2011-05-13T04:42:34.5Z","version":"W/\"3\""}}`},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Replace(userType, current, []byte(c.in), strict)
			if err != nil {
				t.Fatal(err)
			}
			if got := text(t, r); got != c.out {
				t.Errorf("got  %s\nwant %s", got, c.out)
			}
		})
	}
	for _, x := range []string{`{"serial":"S2"}`, `{"device":{"id":"d2"}}`} {
		_, err := Replace(userType, current, []byte(`{`+both+`,"`+urnTest+`":`+x+`}`), strict)
		want(t, err, 400, Mutability)
	}
	r, err := Replace(userType, current, []byte(richUser), strict)
	if err != nil || !r.Equal(current) {
		t.Errorf("a PUT of the same: %v\n%s", err, text(t, r))
	}
	if m, _ := r.Attributes()[URNEnterpriseUser].(Complex)["manager"].(Complex); m["displayName"] != "John Smith" {
		t.Error("the read-only displayName of an unchanged manager is lost")
	}
	if text(t, current) != before {
		t.Error("the current resource was changed")
	}
	if _, err := Replace(userType, current, []byte(`{}`), strict); err == nil {
		t.Error("accepted")
	}
}

func TestReplaceOfAGroup(t *testing.T) {
	current := stored(t, groupType, groupDoc)
	r, err := Replace(groupType, current, []byte(`{"schemas":["`+URNGroup+`"],"displayName":"G","members":[{"value":"c","type":"User"},{"value":"d"},{"value":"A"}]}`), strict)
	if err != nil {
		t.Fatal(err)
	}
	if got, wanted := text(t, r), `{"schemas":["`+URNGroup+`"],"id":"g1","displayName":"G","members":[{"value":"c","type":"Group"},{"value":"d"},{"value":"a","display":"A","type":"User"}],"meta":{"resourceType":"Group"}}`; got != wanted {
		t.Errorf("got %s", got)
	}
	if r, err = Replace(groupType, current, []byte(`{"schemas":["`+URNGroup+`"],"displayName":"G"}`), strict); err != nil || r.MemberIDs() != nil {
		t.Error(r.MemberIDs(), err)
	}
}
