package scim

import (
	"fmt"
	"strings"
	"testing"
)

// patched is the result of operations on a user with these members, without
// schemas and meta; "=" for no change.
func patched(t *testing.T, kind *ResourceType, current string, l Leniency, operations ...string) (string, error) {
	t.Helper()
	o, err := parseObject([]byte(current))
	if err != nil {
		t.Fatal(err)
	}
	r, err := reader{t: kind, stored: true, l: Leniency{UndeclaredExtensions: true}}.resource(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	before := text(t, r)
	result, changed, err := apply(kind, r, l, operations...)
	if text(t, r) != before {
		t.Error("the current resource was changed")
	}
	if err != nil {
		return "", err
	}
	after := text(t, result)
	again, err := FromJSON(kind, []byte(after))
	if err != nil || text(t, again) != after {
		t.Errorf("the result is not canonical: %v\n%s", err, after)
	}
	if changed == result.Equal(r) {
		t.Errorf("changed is %v: %s", changed, after)
	}
	if !changed {
		return "=", nil
	}
	_, after, _ = strings.Cut(after, "],")
	after = strings.TrimSuffix(after, `,"meta":{"resourceType":"`+kind.Name+`"}}`)
	return strings.TrimPrefix(strings.TrimPrefix(after, `"userName":"bjensen"`), ","), nil
}

type patchCase struct {
	current string // members of a user besides userName
	ops     string // operations, joined by commas
	out     string // the same of the result, or "="
}

func runPatchCases(t *testing.T, l Leniency, cases map[string]patchCase) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := patched(t, userType, user(c.current), l, c.ops)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.out {
				t.Errorf("got  %s\nwant %s", got, c.out)
			}
		})
	}
}

const (
	twoEmails = `"emails":[{"value":"w@example.com","type":"work","primary":true},{"value":"h@example.com","type":"home"}]`
	ent       = `"` + URNEnterpriseUser + `"`
	tst       = `"` + urnTest + `"`
)

func TestPatchAdd(t *testing.T) {
	runPatchCases(t, strict, map[string]patchCase{
		"simple":                   {``, `{"op":"add","path":"title","value":"Boss"}`, `"title":"Boss"`},
		"replaces a simple":        {`"title":"x"`, `{"op":"add","path":"title","value":"Boss"}`, `"title":"Boss"`},
		"what is there":            {`"title":"Boss"`, `{"op":"add","path":"title","value":"Boss"}`, `=`},
		"null":                     {`"title":"Boss"`, `{"op":"add","path":"title","value":null}`, `=`},
		"sub-attribute":            {`"name":{"givenName":"B"}`, `{"op":"add","path":"name.familyName","value":"J"}`, `"name":{"familyName":"J","givenName":"B"}`},
		"sub-attribute of nothing": {``, `{"op":"add","path":"NAME.FAMILYNAME","value":"J"}`, `"name":{"familyName":"J"}`},
		"complex merges":           {`"name":{"givenName":"B","familyName":"J"}`, `{"op":"add","path":"name","value":{"familyName":"K","middleName":null,"givenName":null}}`, `"name":{"familyName":"K","givenName":"B"}`},
		"appends":                  {`"roles":[{"value":"a"}]`, `{"op":"add","path":"roles","value":[{"value":"b"},{"value":"a"},{"value":"b"}]}`, `"roles":[{"value":"a"},{"value":"b"}]`},
		"to nothing":               {``, `{"op":"add","path":"roles","value":[{"value":"b"}]}`, `"roles":[{"value":"b"}]`},
		"empty array":              {``, `{"op":"add","path":"roles","value":[]}`, `=`},
		"same type and value merges": {`"emails":[{"value":"A@example.com","type":"work"}]`, `{"op":"add","path":"emails","value":[{"value":"a@example.com","type":"work","display":"A"}]}`,
			`"emails":[{"value":"A@example.com","display":"A","type":"work"}]`},
		"same value, other type": {`"emails":[{"value":"a","type":"work"}]`, `{"op":"add","path":"emails","value":[{"value":"a","type":"home"}]}`,
			`"emails":[{"value":"a","type":"work"},{"value":"a","type":"home"}]`},
		"a new primary clears the old": {twoEmails, `{"op":"add","path":"emails","value":[{"value":"n@example.com","primary":true}]}`,
			`"emails":[{"value":"w@example.com","type":"work","primary":false},{"value":"h@example.com","type":"home"},{"value":"n@example.com","primary":true}]`},
		"filter": {twoEmails, `{"op":"add","path":"emails[type eq \"home\"]","value":{"display":"H","primary":true}}`,
			`"emails":[{"value":"w@example.com","type":"work","primary":false},{"value":"h@example.com","display":"H","type":"home","primary":true}]`},
		"filter and sub-attribute": {twoEmails, `{"op":"add","path":"emails[type eq \"home\"].display","value":"H"}`,
			`"emails":[{"value":"w@example.com","type":"work","primary":true},{"value":"h@example.com","display":"H","type":"home"}]`},
		"every element": {twoEmails, `{"op":"add","path":"emails.display","value":"D"}`,
			`"emails":[{"value":"w@example.com","display":"D","type":"work","primary":true},{"value":"h@example.com","display":"D","type":"home"}]`},
		"no path": {`"title":"x","roles":[{"value":"a"}]`, `{"op":"add","value":{"TITLE":"y","roles":[{"value":"b"}],"name":{"givenName":"B"},"nickName":null}}`,
			`"name":{"givenName":"B"},"title":"y","roles":[{"value":"a"},{"value":"b"}]`},
		"no path, extension": {ent + `:{"department":"D"}`, `{"op":"add","value":{` + ent + `:{"division":"V","manager":{"value":"m"}}}}`,
			ent + `:{"division":"V","department":"D","manager":{"value":"m"}}`},
		"extension's attribute":     {``, `{"op":"add","path":` + strings.TrimSuffix(ent, `"`) + `:department","value":"D"}`, ent + `:{"department":"D"}`},
		"extension's sub-attribute": {ent + `:{"manager":{"value":"m"}}`, `{"op":"add","path":` + strings.TrimSuffix(ent, `"`) + `:manager.value","value":"n"}`, ent + `:{"manager":{"value":"n"}}`},
		"extension as a path":       {ent + `:{"department":"D"}`, `{"op":"add","path":` + ent + `,"value":{"division":"V"}}`, ent + `:{"division":"V","department":"D"}`},
		"core URN":                  {``, `{"op":"add","path":"` + URNUser + `:name.givenName","value":"B"}`, `"name":{"givenName":"B"}`},
		"simple multi-valued":       {tst + `:{"tags":["a"],"scores":[1]}`, `{"op":"add","value":{` + tst + `:{"tags":["A","a","b"],"scores":[2,1]}}}`, tst + `:{"tags":["a","A","b"],"scores":[1,2]}`},
		"multi-valued sub-attribute": {tst + `:{"device":{"ports":[80]}}`, `{"op":"add","path":` + strings.TrimSuffix(tst, `"`) + `:device","value":{"ports":[443,80]}}`,
			tst + `:{"device":{"ports":[80,443]}}`},
		"an unset immutable":    {``, `{"op":"add","value":{` + tst + `:{"serial":"S"}}}`, tst + `:{"serial":"S"}`},
		"a set immutable, same": {tst + `:{"serial":"S"}`, `{"op":"add","value":{` + tst + `:{"serial":"S"}}}`, `=`},
		"password":              {``, `{"op":"add","path":"password","value":"x"}`, `=`},
		"schemas":               {``, `{"op":"add","path":"schemas","value":["` + URNEnterpriseUser + `"]}`, `=`},
	})
}

func TestPatchReplace(t *testing.T) {
	runPatchCases(t, strict, map[string]patchCase{
		"simple":             {`"title":"x"`, `{"op":"replace","path":"title","value":"Boss"}`, `"title":"Boss"`},
		"absent adds":        {``, `{"op":"replace","path":"title","value":"Boss"}`, `"title":"Boss"`},
		"case is content":    {``, `{"op":"replace","path":"userName","value":"BJensen"}`, `"userName":"BJensen"`},
		"same":               {`"title":"Boss"`, `{"op":"replace","path":"title","value":"Boss"}`, `=`},
		"null unassigns":     {`"title":"Boss"`, `{"op":"replace","path":"title","value":null}`, ``},
		"null of nothing":    {``, `{"op":"replace","path":"title","value":null}`, `=`},
		"complex merges":     {`"name":{"givenName":"B","familyName":"J"}`, `{"op":"replace","path":"name","value":{"familyName":"K","givenName":null}}`, `"name":{"familyName":"K"}`},
		"complex to nothing": {`"name":{"givenName":"B"}`, `{"op":"replace","path":"name","value":{"givenName":null}}`, ``},
		"complex null":       {`"name":{"givenName":"B"}`, `{"op":"replace","path":"name","value":null}`, ``},
		"nothing to merge":   {`"name":{"givenName":"B"}`, `{"op":"replace","path":"name","value":{}}`, `=`},
		"the whole list":     {twoEmails, `{"op":"replace","path":"emails","value":[{"value":"n"}]}`, `"emails":[{"value":"n"}]`},
		"an empty list":      {twoEmails, `{"op":"replace","path":"emails","value":[]}`, ``},
		"another order":      {`"roles":[{"value":"a"},{"value":"b"}]`, `{"op":"replace","path":"roles","value":[{"value":"b"},{"value":"a"}]}`, `=`},
		"filter, whole element": {twoEmails, `{"op":"replace","path":"emails[type eq \"home\"]","value":{"value":"n","type":"other"}}`,
			`"emails":[{"value":"w@example.com","type":"work","primary":true},{"value":"n","type":"other"}]`},
		"filter and sub-attribute": {twoEmails, `{"op":"replace","path":"emails[type eq \"home\" and value ew \"example.com\"].value","value":"n"}`,
			`"emails":[{"value":"w@example.com","type":"work","primary":true},{"value":"n","type":"home"}]`},
		"filter, null": {twoEmails, `{"op":"replace","path":"emails[type eq \"home\"]","value":null}`, `"emails":[{"value":"w@example.com","type":"work","primary":true}]`},
		"primary by filter": {twoEmails, `{"op":"replace","path":"emails[type eq \"home\"].primary","value":true}`,
			`"emails":[{"value":"w@example.com","type":"work","primary":false},{"value":"h@example.com","type":"home","primary":true}]`},
		"filter on a single complex": {ent + `:{"manager":{"value":"m"}}`, `{"op":"replace","path":` + strings.TrimSuffix(ent, `"`) + `:manager[value eq \"m\"].value","value":"n"}`, ent + `:{"manager":{"value":"n"}}`},
		"an element of a type": {tst + `:{"scores":[1,2],"ratios":[0.5,2],"flags":[true,false],"dates":["2020-01-01T00:00:00Z"],"keys":["YQ"]}`,
			`{"op":"replace","path":` + strings.TrimSuffix(tst, `"`) + `:scores[value gt 1]","value":3},{"op":"remove","path":` + strings.TrimSuffix(tst, `"`) + `:ratios[value lt 1]"},` +
				`{"op":"remove","path":` + strings.TrimSuffix(tst, `"`) + `:flags[value eq false]"},{"op":"remove","path":` + strings.TrimSuffix(tst, `"`) + `:dates[value le \"2020-01-01T00:00:00Z\"]"},` +
				`{"op":"remove","path":` + strings.TrimSuffix(tst, `"`) + `:keys[value eq \"YQ==\"]"}`, tst + `:{"scores":[1,3],"ratios":[2],"flags":[true]}`},
		"simple element": {tst + `:{"tags":["a","b"]}`, `{"op":"replace","path":` + strings.TrimSuffix(tst, `"`) + `:tags[value eq \"a\"]","value":"c"}`, tst + `:{"tags":["c","b"]}`},
		"no path": {`"title":"x",` + twoEmails, `{"op":"replace","value":{"title":"y","emails":[{"value":"n"}],"active":false}}`,
			`"title":"y","active":false,"emails":[{"value":"n"}]`},
		"no path leaves the rest of an extension": {ent + `:{"department":"D","manager":{"value":"m"}}`, `{"op":"replace","value":{` + ent + `:{"division":"V"}}}`,
			ent + `:{"division":"V","department":"D","manager":{"value":"m"}}`},
		"extension null":                                {ent + `:{"department":"D"}`, `{"op":"replace","value":{` + ent + `:null}}`, ``},
		"elements that become alike are one":            {twoEmails, `{"op":"replace","path":"emails[value pr]","value":{"value":"n"}}`, `"emails":[{"value":"n"}]`},
		"elements without what told them apart are one": {`"emails":[{"value":"x","type":"work"},{"value":"x","type":"home"},{"value":"y"}]`, `{"op":"replace","path":"emails.type","value":null}`, `"emails":[{"value":"x"},{"value":"y"}]`},
		"every element's primary to false": {twoEmails, `{"op":"replace","path":"emails.primary","value":false}`,
			`"emails":[{"value":"w@example.com","type":"work","primary":false},{"value":"h@example.com","type":"home","primary":false}]`},
	})
}

func TestPatchRemove(t *testing.T) {
	runPatchCases(t, strict, map[string]patchCase{
		"simple":                  {`"title":"x"`, `{"op":"remove","path":"title"}`, ``},
		"with a null value":       {`"title":"x"`, `{"op":"remove","path":"title","value":null}`, ``},
		"absent":                  {``, `{"op":"remove","path":"title"}`, `=`},
		"absent in an extension":  {``, `{"op":"remove","path":` + strings.TrimSuffix(ent, `"`) + `:department"}`, `=`},
		"sub-attribute":           {`"name":{"givenName":"B","familyName":"J"}`, `{"op":"remove","path":"name.givenName"}`, `"name":{"familyName":"J"}`},
		"the last sub-attribute":  {`"name":{"givenName":"B"}`, `{"op":"remove","path":"name.givenName"}`, ``},
		"whole list":              {twoEmails, `{"op":"remove","path":"emails"}`, ``},
		"filter":                  {twoEmails, `{"op":"remove","path":"emails[type eq \"work\"]"}`, `"emails":[{"value":"h@example.com","type":"home"}]`},
		"filter without a match":  {twoEmails, `{"op":"remove","path":"emails[type eq \"other\"]"}`, `=`},
		"the last element":        {`"roles":[{"value":"a"}]`, `{"op":"remove","path":"roles[value eq \"A\"]"}`, ``},
		"all that match":          {twoEmails, `{"op":"remove","path":"emails[value co \"example\"]"}`, ``},
		"filter and sub":          {twoEmails, `{"op":"remove","path":"emails[type eq \"work\"].primary"}`, `"emails":[{"value":"w@example.com","type":"work"},{"value":"h@example.com","type":"home"}]`},
		"sub of every element":    {twoEmails, `{"op":"remove","path":"emails.type"}`, `"emails":[{"value":"w@example.com","primary":true},{"value":"h@example.com"}]`},
		"element with nothing":    {`"roles":[{"value":"a"},{"display":"b"}]`, `{"op":"remove","path":"roles.display"}`, `"roles":[{"value":"a"}]`},
		"extension":               {ent + `:{"department":"D"}`, `{"op":"remove","path":` + ent + `}`, ``},
		"extension's last":        {ent + `:{"department":"D"}`, `{"op":"remove","path":` + strings.TrimSuffix(ent, `"`) + `:department"}`, ``},
		"single complex's filter": {ent + `:{"manager":{"value":"m"}}`, `{"op":"remove","path":` + strings.TrimSuffix(ent, `"`) + `:manager[value eq \"M\"]"}`, ``},
		"single complex, another": {ent + `:{"manager":{"value":"m"}}`, `{"op":"remove","path":` + strings.TrimSuffix(ent, `"`) + `:manager[value eq \"x\"]"}`, `=`},
		"simple element":          {tst + `:{"tags":["a","b"]}`, `{"op":"remove","path":` + strings.TrimSuffix(tst, `"`) + `:tags[value eq \"a\"]"}`, tst + `:{"tags":["b"]}`},
		"password":                {``, `{"op":"remove","path":"password"}`, `=`},
	})
}

func TestPatchIsSequential(t *testing.T) {
	runPatchCases(t, strict, map[string]patchCase{
		"later wins":            {``, `{"op":"add","path":"title","value":"a"},{"op":"replace","path":"title","value":"b"}`, `"title":"b"`},
		"add, then find":        {``, `{"op":"add","path":"emails","value":[{"type":"work","value":"a"}]},{"op":"replace","path":"emails[type eq \"work\"].value","value":"b"}`, `"emails":[{"value":"b","type":"work"}]`},
		"remove, then add":      {`"roles":[{"value":"a"}]`, `{"op":"remove","path":"roles"},{"op":"add","path":"roles","value":[{"value":"a"}]}`, `=`},
		"add, then remove":      {``, `{"op":"add","path":"title","value":"a"},{"op":"remove","path":"title"}`, `=`},
		"extension and back":    {``, `{"op":"add","value":{` + ent + `:{"department":"D"}}},{"op":"remove","path":` + ent + `}`, `=`},
		"list, extension, list": {tst + `:{"tags":["a"]}`, `{"op":"add","value":{` + tst + `:{"tags":["b"]}}},{"op":"remove","path":` + tst + `},{"op":"add","value":{` + tst + `:{"tags":["c"]}}}`, tst + `:{"tags":["c"]}`},
	})
}

func TestPatchRefusals(t *testing.T) {
	extPath := func(x string) string { return strings.TrimSuffix(tst, `"`) + `:` + x + `"` }
	current := user(twoEmails + `,"title":"x",` + tst + `:{"serial":"S","device":{"id":"d"},"sites":[{"name":"n"}],"clearance":"top"}`)
	for name, c := range map[string]struct {
		op   string
		kind ErrorType
	}{
		"no object":                    {`7`, InvalidSyntax},
		"no op":                        {`{"path":"title","value":"x"}`, InvalidSyntax},
		"unknown op":                   {`{"op":"move","path":"title"}`, InvalidSyntax},
		"op in capitals":               {`{"op":"Add","path":"title","value":"x"}`, InvalidSyntax},
		"op no string":                 {`{"op":1,"path":"title"}`, InvalidSyntax},
		"unknown member":               {`{"op":"add","path":"title","value":"x","from":"y"}`, InvalidSyntax},
		"path no string":               {`{"op":"add","path":7,"value":"x"}`, InvalidPath},
		"empty path":                   {`{"op":"add","path":"","value":"x"}`, InvalidPath},
		"unknown attribute":            {`{"op":"add","path":"nope","value":"x"}`, InvalidPath},
		"unknown sub-attribute":        {`{"op":"add","path":"name.nope","value":"x"}`, InvalidPath},
		"sub of a simple":              {`{"op":"add","path":"title.x","value":"x"}`, InvalidPath},
		"unknown URN":                  {`{"op":"add","path":"urn:example:nope:title","value":"x"}`, InvalidPath},
		"core URN alone":               {`{"op":"remove","path":"` + URNUser + `"}`, InvalidPath},
		"unclosed bracket":             {`{"op":"remove","path":"emails[type eq \"work\""}`, InvalidPath},
		"unclosed and empty":           {`{"op":"remove","path":"emails["}`, InvalidPath},
		"unclosed after an attribute":  {`{"op":"remove","path":"emails[type"}`, InvalidPath},
		"unclosed after an operator":   {`{"op":"remove","path":"emails[type eq"}`, InvalidPath},
		"unclosed before a sub":        {`{"op":"remove","path":"emails[type eq \"work\".value"}`, InvalidPath},
		"unclosed string":              {`{"op":"remove","path":"emails[type eq \"work].value"}`, InvalidPath},
		"closed in a string only":      {`{"op":"remove","path":"emails[type eq \"a\\\"]\""}`, InvalidPath},
		"unclosed, a bad filter":       {`{"op":"remove","path":"emails[nope xx 1"}`, InvalidPath},
		"unclosed parenthesis":         {`{"op":"remove","path":"emails[(type eq \"work\"]"}`, InvalidFilter},
		"a bracket in brackets":        {`{"op":"remove","path":"emails[value[type eq \"work\"]]"}`, InvalidFilter},
		"no quotes":                    {`{"op":"remove","path":"emails[type eq work]"}`, InvalidFilter},
		"closed and not opened":        {`{"op":"remove","path":"emails]"}`, InvalidPath},
		"closed twice":                 {`{"op":"remove","path":"emails[type eq \"work\"]]"}`, InvalidPath},
		"after the bracket":            {`{"op":"remove","path":"emails[type eq \"work\"]x"}`, InvalidPath},
		"unknown sub after brackets":   {`{"op":"remove","path":"emails[type eq \"work\"].nope"}`, InvalidPath},
		"nothing after the dot":        {`{"op":"remove","path":"emails[type eq \"work\"]."}`, InvalidPath},
		"brackets on a sub":            {`{"op":"remove","path":"emails.value[type eq \"work\"]"}`, InvalidPath},
		"brackets on an extension":     {`{"op":"remove","path":"` + urnTest + `[badge eq 1]"}`, InvalidPath},
		"a filter as a path":           {`{"op":"remove","path":"title eq \"x\""}`, InvalidPath},
		"pointer":                      {`{"op":"remove","path":"/title"}`, InvalidPath},
		"index":                        {`{"op":"remove","path":"emails[0]"}`, InvalidFilter},
		"bad filter":                   {`{"op":"remove","path":"emails[type xx \"work\"]"}`, InvalidFilter},
		"bad comparison":               {`{"op":"remove","path":"emails[primary gt true]"}`, InvalidFilter},
		"unknown in filter":            {`{"op":"remove","path":"emails[nope eq \"x\"]"}`, InvalidFilter},
		"empty filter":                 {`{"op":"remove","path":"emails[]"}`, InvalidFilter},
		"remove without path":          {`{"op":"remove"}`, NoTarget},
		"remove without path, value":   {`{"op":"remove","value":{"title":"x"}}`, NoTarget},
		"replace matches nothing":      {`{"op":"replace","path":"emails[type eq \"other\"].value","value":"x"}`, NoTarget},
		"replace matches no element":   {`{"op":"replace","path":"emails[type eq \"other\"]","value":{"value":"x"}}`, NoTarget},
		"replace in an empty list":     {`{"op":"replace","path":"phoneNumbers[type eq \"work\"].value","value":"x"}`, NoTarget},
		"add matches nothing":          {`{"op":"add","path":"emails[type eq \"other\"].value","value":"x"}`, NoTarget},
		"sub of no element":            {`{"op":"replace","path":"ims.value","value":"x"}`, NoTarget},
		"single complex, no match":     {`{"op":"replace","path":"name[givenName eq \"x\"].givenName","value":"x"}`, NoTarget},
		"add without value":            {`{"op":"add","path":"title"}`, InvalidValue},
		"replace without value":        {`{"op":"replace","path":"title"}`, InvalidValue},
		"value no object":              {`{"op":"add","value":"x"}`, InvalidValue},
		"value array":                  {`{"op":"replace","value":[{"title":"x"}]}`, InvalidValue},
		"wrong type":                   {`{"op":"replace","path":"active","value":"False"}`, InvalidValue},
		"wrong type of sub":            {`{"op":"replace","path":"name.givenName","value":7}`, InvalidValue},
		"string for complex":           {`{"op":"replace","path":"name","value":"x"}`, InvalidValue},
		"complex in simple":            {`{"op":"replace","path":"title","value":{"value":"x"}}`, InvalidValue},
		"extension no object":          {`{"op":"add","path":"` + urnTest + `","value":"x"}`, InvalidValue},
		"two primaries in a value":     {`{"op":"add","path":"emails","value":[{"value":"a","primary":true},{"value":"b","primary":true}]}`, InvalidValue},
		"two primaries by path":        {`{"op":"replace","path":"emails.primary","value":true}`, InvalidValue},
		"empty required":               {`{"op":"replace","path":"userName","value":""}`, InvalidValue},
		"too many elements":            {`{"op":"add","path":"roles","value":[` + elements(MaxElements+1) + `]}`, InvalidValue},
		"required in a new element":    {`{"op":"add","path":` + extPath("sites") + `,"value":[{"desk":"x"}]}`, InvalidValue},
		"remove with a value":          {`{"op":"remove","path":"emails","value":[{"value":"w@example.com"}]}`, InvalidValue},
		"remove with an empty list":    {`{"op":"remove","path":"emails","value":[]}`, InvalidValue},
		"remove an extension's value":  {`{"op":"remove","path":"` + urnTest + `","value":{"tags":["a"]}}`, InvalidValue},
		"remove a part of a complex":   {`{"op":"remove","path":"name","value":{"givenName":"x"}}`, InvalidValue},
		"unknown in value":             {`{"op":"add","value":{"nope":1}}`, InvalidSyntax},
		"unknown in an extension":      {`{"op":"add","value":{"` + urnTest + `":{"nope":1}}}`, InvalidSyntax},
		"unknown sub in value":         {`{"op":"add","path":"name","value":{"nope":1}}`, InvalidSyntax},
		"unknown schema":               {`{"op":"add","path":"schemas","value":["urn:example:nope"]}`, InvalidSyntax},
		"id":                           {`{"op":"replace","path":"id","value":"x"}`, Mutability},
		"id in a value":                {`{"op":"replace","value":{"id":"x"}}`, Mutability},
		"meta":                         {`{"op":"replace","path":"meta.version","value":"x"}`, Mutability},
		"groups":                       {`{"op":"add","path":"groups","value":[{"value":"x"}]}`, Mutability},
		"remove groups":                {`{"op":"remove","path":"groups"}`, Mutability},
		"remove schemas":               {`{"op":"remove","path":"schemas"}`, Mutability},
		"read-only sub":                {`{"op":"replace","path":"` + URNEnterpriseUser + `:manager.displayName","value":"x"}`, Mutability},
		"read-only in an extension":    {`{"op":"replace","value":{"` + urnTest + `":{"clearance":"x"}}}`, Mutability},
		"remove required":              {`{"op":"remove","path":"userName"}`, Mutability},
		"unassign required":            {`{"op":"replace","path":"userName","value":null}`, Mutability},
		"remove required sub":          {`{"op":"remove","path":` + extPath("sites.name") + `}`, Mutability},
		"immutable":                    {`{"op":"replace","path":` + extPath("serial") + `,"value":"T"}`, Mutability},
		"add to immutable":             {`{"op":"add","path":` + extPath("serial") + `,"value":"T"}`, Mutability},
		"remove immutable":             {`{"op":"remove","path":` + extPath("serial") + `}`, Mutability},
		"immutable sub":                {`{"op":"replace","path":` + extPath("device.id") + `,"value":"e"}`, Mutability},
		"immutable with its extension": {`{"op":"remove","path":"` + urnTest + `"}`, Mutability},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := patched(t, userType, current, strict, c.op)
			want(t, err, 400, c.kind)
			if !strings.Contains(err.Error(), ": operation 1: ") && c.kind != Mutability && c.kind != InvalidValue {
				t.Error(err)
			}
		})
	}
	_, err := patched(t, userType, current, strict, `{"op":"remove","path":"emails[type eq \"x\"]"}`, `{"op":"replace","path":"title","value":7}`)
	if want(t, err, 400, InvalidValue); !strings.Contains(err.Error(), "operation 2") {
		t.Error(err)
	}
}

func TestPatchMessage(t *testing.T) {
	for name, doc := range map[string]string{
		"no schemas":         `{"Operations":[{"op":"remove","path":"title"}]}`,
		"other schema":       `{"schemas":["` + URNUser + `"],"Operations":[{"op":"remove","path":"title"}]}`,
		"no operations":      `{"schemas":["` + URNPatchOp + `"]}`,
		"empty":              `{"schemas":["` + URNPatchOp + `"],"Operations":[]}`,
		"object":             `{"schemas":["` + URNPatchOp + `"],"Operations":{"op":"remove","path":"title"}}`,
		"malformed":          `{`,
		"JSON Patch":         `[{"op":"remove","path":"/title"}]`,
		"twice":              `{"schemas":["` + URNPatchOp + `"],"Operations":[{"op":"remove","path":"title"}],"operations":[]}`,
		"duplicate in an op": `{"schemas":["` + URNPatchOp + `"],"Operations":[{"op":"remove","path":"title","Path":"x"}]}`,
	} {
		_, err := ParsePatch(userType, []byte(doc), strict)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		want(t, err, 400, InvalidSyntax)
	}
	if _, err := ParsePatch(userType, []byte(`{"SCHEMAS":["`+strings.ToUpper(URNPatchOp)+`"],"operations":[{"OP":"add","PATH":"title","VALUE":"x"}]}`), strict); err != nil {
		t.Error("names in any case:", err)
	}
	_, err := ParsePatch(userType, patchOp(strings.TrimSuffix(strings.Repeat(`{"op":"remove","path":"title"},`, MaxOperations+1), ",")), strict)
	want(t, err, 413, "")
	p, err := ParsePatch(userType, patchOp(`{"op":"remove","path":"title"}`), strict)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Apply(stored(t, groupType, groupDoc)); err == nil {
		t.Error("applied to a group")
	}
	if _, _, err := p.Apply(nil); err == nil {
		t.Error("applied to nothing")
	}
}

// A secret is no more open to the filter of a path than to that of a query.
func TestPatchFilterOnSecrets(t *testing.T) {
	_, err := ParsePatch(userType, patchOp(`{"op":"remove","path":"password[value eq \"x\"]"}`), strict)
	want(t, err, 400, InvalidPath)
	kind := mustRegistry(&Schema{ID: urnTest, Attributes: []*Attribute{{Name: "codes", MultiValued: true, Mutability: WriteOnly, Returned: ReturnedNever}}}).User()
	_, err = ParsePatch(kind, patchOp(`{"op":"remove","path":"`+urnTest+`:codes[value eq \"x\"]"}`), strict)
	want(t, err, 403, Sensitive)
}

// Apply may be called again, on the same or a newer state, as a compare-and-swap loop
// does.
func TestPatchAppliesAgain(t *testing.T) {
	p, err := ParsePatch(groupType, patchOp(`{"op":"add","path":"members","value":[{"value":"x"}]}`,
		`{"op":"remove","path":"members[value eq \"a\"]"}`, `{"op":"add","path":"members","value":[{"value":"y"}]}`), strict)
	if err != nil {
		t.Fatal(err)
	}
	first := stored(t, groupType, groupDoc)
	second := stored(t, groupType, strings.Replace(groupDoc, `"value":"b"`, `"value":"n"`, 1))
	for _, c := range []struct {
		r   *Resource
		ids string
	}{{first, "[b c x y]"}, {second, "[n c x y]"}, {first, "[b c x y]"}} {
		got, changed, err := p.Apply(c.r)
		if err != nil || !changed || fmt.Sprint(got.MemberIDs()) != c.ids {
			t.Errorf("got %v, %v, %v", got.MemberIDs(), changed, err)
		}
	}
}
