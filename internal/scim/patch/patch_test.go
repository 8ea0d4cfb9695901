package patch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/decode"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/patch"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

func TestPatchAdd(t *testing.T) {
	scimtest.RunPatchCases(t, scimtest.Strict, map[string]scimtest.PatchCase{
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
		"a new primary clears the old": {scimtest.TwoEmails, `{"op":"add","path":"emails","value":[{"value":"n@example.com","primary":true}]}`,
			`"emails":[{"value":"w@example.com","type":"work","primary":false},{"value":"h@example.com","type":"home"},{"value":"n@example.com","primary":true}]`},
		"filter": {scimtest.TwoEmails, `{"op":"add","path":"emails[type eq \"home\"]","value":{"display":"H","primary":true}}`,
			`"emails":[{"value":"w@example.com","type":"work","primary":false},{"value":"h@example.com","display":"H","type":"home","primary":true}]`},
		"filter and sub-attribute": {scimtest.TwoEmails, `{"op":"add","path":"emails[type eq \"home\"].display","value":"H"}`,
			`"emails":[{"value":"w@example.com","type":"work","primary":true},{"value":"h@example.com","display":"H","type":"home"}]`},
		"every element": {scimtest.TwoEmails, `{"op":"add","path":"emails.display","value":"D"}`,
			`"emails":[{"value":"w@example.com","display":"D","type":"work","primary":true},{"value":"h@example.com","display":"D","type":"home"}]`},
		"no path": {`"title":"x","roles":[{"value":"a"}]`, `{"op":"add","value":{"TITLE":"y","roles":[{"value":"b"}],"name":{"givenName":"B"},"nickName":null}}`,
			`"name":{"givenName":"B"},"title":"y","roles":[{"value":"a"},{"value":"b"}]`},
		"no path, extension": {scimtest.EnterpriseKey + `:{"department":"D"}`, `{"op":"add","value":{` + scimtest.EnterpriseKey + `:{"division":"V","manager":{"value":"m"}}}}`,
			scimtest.EnterpriseKey + `:{"division":"V","department":"D","manager":{"value":"m"}}`},
		"extension's attribute":     {``, `{"op":"add","path":` + strings.TrimSuffix(scimtest.EnterpriseKey, `"`) + `:department","value":"D"}`, scimtest.EnterpriseKey + `:{"department":"D"}`},
		"extension's sub-attribute": {scimtest.EnterpriseKey + `:{"manager":{"value":"m"}}`, `{"op":"add","path":` + strings.TrimSuffix(scimtest.EnterpriseKey, `"`) + `:manager.value","value":"n"}`, scimtest.EnterpriseKey + `:{"manager":{"value":"n"}}`},
		"extension as a path":       {scimtest.EnterpriseKey + `:{"department":"D"}`, `{"op":"add","path":` + scimtest.EnterpriseKey + `,"value":{"division":"V"}}`, scimtest.EnterpriseKey + `:{"division":"V","department":"D"}`},
		"core URN":                  {``, `{"op":"add","path":"` + schema.URNUser + `:name.givenName","value":"B"}`, `"name":{"givenName":"B"}`},
		"simple multi-valued":       {scimtest.TestKey + `:{"tags":["a"],"scores":[1]}`, `{"op":"add","value":{` + scimtest.TestKey + `:{"tags":["A","a","b"],"scores":[2,1]}}}`, scimtest.TestKey + `:{"tags":["a","A","b"],"scores":[1,2]}`},
		"multi-valued sub-attribute": {scimtest.TestKey + `:{"device":{"ports":[80]}}`, `{"op":"add","path":` + strings.TrimSuffix(scimtest.TestKey, `"`) + `:device","value":{"ports":[443,80]}}`,
			scimtest.TestKey + `:{"device":{"ports":[80,443]}}`},
		"an unset immutable":    {``, `{"op":"add","value":{` + scimtest.TestKey + `:{"serial":"S"}}}`, scimtest.TestKey + `:{"serial":"S"}`},
		"a set immutable, same": {scimtest.TestKey + `:{"serial":"S"}`, `{"op":"add","value":{` + scimtest.TestKey + `:{"serial":"S"}}}`, `=`},
		"password":              {``, `{"op":"add","path":"password","value":"x"}`, `=`},
		"schemas":               {``, `{"op":"add","path":"schemas","value":["` + schema.URNEnterpriseUser + `"]}`, `=`},
	})
}

func TestPatchReplace(t *testing.T) {
	scimtest.RunPatchCases(t, scimtest.Strict, map[string]scimtest.PatchCase{
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
		"the whole list":     {scimtest.TwoEmails, `{"op":"replace","path":"emails","value":[{"value":"n"}]}`, `"emails":[{"value":"n"}]`},
		"an empty list":      {scimtest.TwoEmails, `{"op":"replace","path":"emails","value":[]}`, ``},
		"another order":      {`"roles":[{"value":"a"},{"value":"b"}]`, `{"op":"replace","path":"roles","value":[{"value":"b"},{"value":"a"}]}`, `=`},
		"filter, whole element": {scimtest.TwoEmails, `{"op":"replace","path":"emails[type eq \"home\"]","value":{"value":"n","type":"other"}}`,
			`"emails":[{"value":"w@example.com","type":"work","primary":true},{"value":"n","type":"other"}]`},
		"filter and sub-attribute": {scimtest.TwoEmails, `{"op":"replace","path":"emails[type eq \"home\" and value ew \"example.com\"].value","value":"n"}`,
			`"emails":[{"value":"w@example.com","type":"work","primary":true},{"value":"n","type":"home"}]`},
		"filter, null": {scimtest.TwoEmails, `{"op":"replace","path":"emails[type eq \"home\"]","value":null}`, `"emails":[{"value":"w@example.com","type":"work","primary":true}]`},
		"primary by filter": {scimtest.TwoEmails, `{"op":"replace","path":"emails[type eq \"home\"].primary","value":true}`,
			`"emails":[{"value":"w@example.com","type":"work","primary":false},{"value":"h@example.com","type":"home","primary":true}]`},
		"filter on a single complex": {scimtest.EnterpriseKey + `:{"manager":{"value":"m"}}`, `{"op":"replace","path":` + strings.TrimSuffix(scimtest.EnterpriseKey, `"`) + `:manager[value eq \"m\"].value","value":"n"}`, scimtest.EnterpriseKey + `:{"manager":{"value":"n"}}`},
		"an element of a type": {scimtest.TestKey + `:{"scores":[1,2],"ratios":[0.5,2],"flags":[true,false],"dates":["2020-01-01T00:00:00Z"],"keys":["YQ"]}`,
			`{"op":"replace","path":` + strings.TrimSuffix(scimtest.TestKey, `"`) + `:scores[value gt 1]","value":3},{"op":"remove","path":` + strings.TrimSuffix(scimtest.TestKey, `"`) + `:ratios[value lt 1]"},` +
				`{"op":"remove","path":` + strings.TrimSuffix(scimtest.TestKey, `"`) + `:flags[value eq false]"},{"op":"remove","path":` + strings.TrimSuffix(scimtest.TestKey, `"`) + `:dates[value le \"2020-01-01T00:00:00Z\"]"},` +
				`{"op":"remove","path":` + strings.TrimSuffix(scimtest.TestKey, `"`) + `:keys[value eq \"YQ==\"]"}`, scimtest.TestKey + `:{"scores":[1,3],"ratios":[2],"flags":[true]}`},
		"simple element": {scimtest.TestKey + `:{"tags":["a","b"]}`, `{"op":"replace","path":` + strings.TrimSuffix(scimtest.TestKey, `"`) + `:tags[value eq \"a\"]","value":"c"}`, scimtest.TestKey + `:{"tags":["c","b"]}`},
		"no path": {`"title":"x",` + scimtest.TwoEmails, `{"op":"replace","value":{"title":"y","emails":[{"value":"n"}],"active":false}}`,
			`"title":"y","active":false,"emails":[{"value":"n"}]`},
		"no path leaves the rest of an extension": {scimtest.EnterpriseKey + `:{"department":"D","manager":{"value":"m"}}`, `{"op":"replace","value":{` + scimtest.EnterpriseKey + `:{"division":"V"}}}`,
			scimtest.EnterpriseKey + `:{"division":"V","department":"D","manager":{"value":"m"}}`},
		"extension null":                                {scimtest.EnterpriseKey + `:{"department":"D"}`, `{"op":"replace","value":{` + scimtest.EnterpriseKey + `:null}}`, ``},
		"elements that become alike are one":            {scimtest.TwoEmails, `{"op":"replace","path":"emails[value pr]","value":{"value":"n"}}`, `"emails":[{"value":"n"}]`},
		"elements without what told them apart are one": {`"emails":[{"value":"x","type":"work"},{"value":"x","type":"home"},{"value":"y"}]`, `{"op":"replace","path":"emails.type","value":null}`, `"emails":[{"value":"x"},{"value":"y"}]`},
		"every element's primary to false": {scimtest.TwoEmails, `{"op":"replace","path":"emails.primary","value":false}`,
			`"emails":[{"value":"w@example.com","type":"work","primary":false},{"value":"h@example.com","type":"home","primary":false}]`},
	})
}

func TestPatchRemove(t *testing.T) {
	scimtest.RunPatchCases(t, scimtest.Strict, map[string]scimtest.PatchCase{
		"simple":                  {`"title":"x"`, `{"op":"remove","path":"title"}`, ``},
		"with a null value":       {`"title":"x"`, `{"op":"remove","path":"title","value":null}`, ``},
		"absent":                  {``, `{"op":"remove","path":"title"}`, `=`},
		"absent in an extension":  {``, `{"op":"remove","path":` + strings.TrimSuffix(scimtest.EnterpriseKey, `"`) + `:department"}`, `=`},
		"sub-attribute":           {`"name":{"givenName":"B","familyName":"J"}`, `{"op":"remove","path":"name.givenName"}`, `"name":{"familyName":"J"}`},
		"the last sub-attribute":  {`"name":{"givenName":"B"}`, `{"op":"remove","path":"name.givenName"}`, ``},
		"whole list":              {scimtest.TwoEmails, `{"op":"remove","path":"emails"}`, ``},
		"filter":                  {scimtest.TwoEmails, `{"op":"remove","path":"emails[type eq \"work\"]"}`, `"emails":[{"value":"h@example.com","type":"home"}]`},
		"filter without a match":  {scimtest.TwoEmails, `{"op":"remove","path":"emails[type eq \"other\"]"}`, `=`},
		"the last element":        {`"roles":[{"value":"a"}]`, `{"op":"remove","path":"roles[value eq \"A\"]"}`, ``},
		"all that match":          {scimtest.TwoEmails, `{"op":"remove","path":"emails[value co \"example\"]"}`, ``},
		"filter and sub":          {scimtest.TwoEmails, `{"op":"remove","path":"emails[type eq \"work\"].primary"}`, `"emails":[{"value":"w@example.com","type":"work"},{"value":"h@example.com","type":"home"}]`},
		"sub of every element":    {scimtest.TwoEmails, `{"op":"remove","path":"emails.type"}`, `"emails":[{"value":"w@example.com","primary":true},{"value":"h@example.com"}]`},
		"element with nothing":    {`"roles":[{"value":"a"},{"display":"b"}]`, `{"op":"remove","path":"roles.display"}`, `"roles":[{"value":"a"}]`},
		"extension":               {scimtest.EnterpriseKey + `:{"department":"D"}`, `{"op":"remove","path":` + scimtest.EnterpriseKey + `}`, ``},
		"extension's last":        {scimtest.EnterpriseKey + `:{"department":"D"}`, `{"op":"remove","path":` + strings.TrimSuffix(scimtest.EnterpriseKey, `"`) + `:department"}`, ``},
		"single complex's filter": {scimtest.EnterpriseKey + `:{"manager":{"value":"m"}}`, `{"op":"remove","path":` + strings.TrimSuffix(scimtest.EnterpriseKey, `"`) + `:manager[value eq \"M\"]"}`, ``},
		"single complex, another": {scimtest.EnterpriseKey + `:{"manager":{"value":"m"}}`, `{"op":"remove","path":` + strings.TrimSuffix(scimtest.EnterpriseKey, `"`) + `:manager[value eq \"x\"]"}`, `=`},
		"simple element":          {scimtest.TestKey + `:{"tags":["a","b"]}`, `{"op":"remove","path":` + strings.TrimSuffix(scimtest.TestKey, `"`) + `:tags[value eq \"a\"]"}`, scimtest.TestKey + `:{"tags":["b"]}`},
		"password":                {``, `{"op":"remove","path":"password"}`, `=`},
	})
}

func TestPatchIsSequential(t *testing.T) {
	scimtest.RunPatchCases(t, scimtest.Strict, map[string]scimtest.PatchCase{
		"later wins":            {``, `{"op":"add","path":"title","value":"a"},{"op":"replace","path":"title","value":"b"}`, `"title":"b"`},
		"add, then find":        {``, `{"op":"add","path":"emails","value":[{"type":"work","value":"a"}]},{"op":"replace","path":"emails[type eq \"work\"].value","value":"b"}`, `"emails":[{"value":"b","type":"work"}]`},
		"remove, then add":      {`"roles":[{"value":"a"}]`, `{"op":"remove","path":"roles"},{"op":"add","path":"roles","value":[{"value":"a"}]}`, `=`},
		"add, then remove":      {``, `{"op":"add","path":"title","value":"a"},{"op":"remove","path":"title"}`, `=`},
		"extension and back":    {``, `{"op":"add","value":{` + scimtest.EnterpriseKey + `:{"department":"D"}}},{"op":"remove","path":` + scimtest.EnterpriseKey + `}`, `=`},
		"list, extension, list": {scimtest.TestKey + `:{"tags":["a"]}`, `{"op":"add","value":{` + scimtest.TestKey + `:{"tags":["b"]}}},{"op":"remove","path":` + scimtest.TestKey + `},{"op":"add","value":{` + scimtest.TestKey + `:{"tags":["c"]}}}`, scimtest.TestKey + `:{"tags":["c"]}`},
	})
}

func TestPatchRefusals(t *testing.T) {
	extPath := func(x string) string { return strings.TrimSuffix(scimtest.TestKey, `"`) + `:` + x + `"` }
	current := scimtest.User(scimtest.TwoEmails + `,"title":"x",` + scimtest.TestKey + `:{"serial":"S","device":{"id":"d"},"sites":[{"name":"n"}],"clearance":"top"}`)
	for name, c := range map[string]struct {
		op   string
		kind scim.ErrorType
	}{
		"no object":                    {`7`, scim.InvalidSyntax},
		"no op":                        {`{"path":"title","value":"x"}`, scim.InvalidSyntax},
		"unknown op":                   {`{"op":"move","path":"title"}`, scim.InvalidSyntax},
		"op in capitals":               {`{"op":"Add","path":"title","value":"x"}`, scim.InvalidSyntax},
		"op no string":                 {`{"op":1,"path":"title"}`, scim.InvalidSyntax},
		"unknown member":               {`{"op":"add","path":"title","value":"x","from":"y"}`, scim.InvalidSyntax},
		"path no string":               {`{"op":"add","path":7,"value":"x"}`, scim.InvalidPath},
		"empty path":                   {`{"op":"add","path":"","value":"x"}`, scim.InvalidPath},
		"unknown attribute":            {`{"op":"add","path":"nope","value":"x"}`, scim.InvalidPath},
		"unknown sub-attribute":        {`{"op":"add","path":"name.nope","value":"x"}`, scim.InvalidPath},
		"sub of a simple":              {`{"op":"add","path":"title.x","value":"x"}`, scim.InvalidPath},
		"unknown URN":                  {`{"op":"add","path":"urn:example:nope:title","value":"x"}`, scim.InvalidPath},
		"core URN alone":               {`{"op":"remove","path":"` + schema.URNUser + `"}`, scim.InvalidPath},
		"unclosed bracket":             {`{"op":"remove","path":"emails[type eq \"work\""}`, scim.InvalidPath},
		"unclosed and empty":           {`{"op":"remove","path":"emails["}`, scim.InvalidPath},
		"unclosed after an attribute":  {`{"op":"remove","path":"emails[type"}`, scim.InvalidPath},
		"unclosed after an operator":   {`{"op":"remove","path":"emails[type eq"}`, scim.InvalidPath},
		"unclosed before a sub":        {`{"op":"remove","path":"emails[type eq \"work\".value"}`, scim.InvalidPath},
		"unclosed string":              {`{"op":"remove","path":"emails[type eq \"work].value"}`, scim.InvalidPath},
		"closed in a string only":      {`{"op":"remove","path":"emails[type eq \"a\\\"]\""}`, scim.InvalidPath},
		"unclosed, a bad filter":       {`{"op":"remove","path":"emails[nope xx 1"}`, scim.InvalidPath},
		"unclosed parenthesis":         {`{"op":"remove","path":"emails[(type eq \"work\"]"}`, scim.InvalidFilter},
		"a bracket in brackets":        {`{"op":"remove","path":"emails[value[type eq \"work\"]]"}`, scim.InvalidFilter},
		"no quotes":                    {`{"op":"remove","path":"emails[type eq work]"}`, scim.InvalidFilter},
		"closed and not opened":        {`{"op":"remove","path":"emails]"}`, scim.InvalidPath},
		"closed twice":                 {`{"op":"remove","path":"emails[type eq \"work\"]]"}`, scim.InvalidPath},
		"after the bracket":            {`{"op":"remove","path":"emails[type eq \"work\"]x"}`, scim.InvalidPath},
		"unknown sub after brackets":   {`{"op":"remove","path":"emails[type eq \"work\"].nope"}`, scim.InvalidPath},
		"nothing after the dot":        {`{"op":"remove","path":"emails[type eq \"work\"]."}`, scim.InvalidPath},
		"brackets on a sub":            {`{"op":"remove","path":"emails.value[type eq \"work\"]"}`, scim.InvalidPath},
		"brackets on an extension":     {`{"op":"remove","path":"` + scimtest.URNTest + `[badge eq 1]"}`, scim.InvalidPath},
		"a filter as a path":           {`{"op":"remove","path":"title eq \"x\""}`, scim.InvalidPath},
		"pointer":                      {`{"op":"remove","path":"/title"}`, scim.InvalidPath},
		"index":                        {`{"op":"remove","path":"emails[0]"}`, scim.InvalidFilter},
		"bad filter":                   {`{"op":"remove","path":"emails[type xx \"work\"]"}`, scim.InvalidFilter},
		"bad comparison":               {`{"op":"remove","path":"emails[primary gt true]"}`, scim.InvalidFilter},
		"unknown in filter":            {`{"op":"remove","path":"emails[nope eq \"x\"]"}`, scim.InvalidFilter},
		"empty filter":                 {`{"op":"remove","path":"emails[]"}`, scim.InvalidFilter},
		"remove without path":          {`{"op":"remove"}`, scim.NoTarget},
		"remove without path, value":   {`{"op":"remove","value":{"title":"x"}}`, scim.NoTarget},
		"replace matches nothing":      {`{"op":"replace","path":"emails[type eq \"other\"].value","value":"x"}`, scim.NoTarget},
		"replace matches no element":   {`{"op":"replace","path":"emails[type eq \"other\"]","value":{"value":"x"}}`, scim.NoTarget},
		"replace in an empty list":     {`{"op":"replace","path":"phoneNumbers[type eq \"work\"].value","value":"x"}`, scim.NoTarget},
		"add matches nothing":          {`{"op":"add","path":"emails[type eq \"other\"].value","value":"x"}`, scim.NoTarget},
		"sub of no element":            {`{"op":"replace","path":"ims.value","value":"x"}`, scim.NoTarget},
		"single complex, no match":     {`{"op":"replace","path":"name[givenName eq \"x\"].givenName","value":"x"}`, scim.NoTarget},
		"add without value":            {`{"op":"add","path":"title"}`, scim.InvalidValue},
		"replace without value":        {`{"op":"replace","path":"title"}`, scim.InvalidValue},
		"value no object":              {`{"op":"add","value":"x"}`, scim.InvalidValue},
		"value array":                  {`{"op":"replace","value":[{"title":"x"}]}`, scim.InvalidValue},
		"wrong type":                   {`{"op":"replace","path":"active","value":"False"}`, scim.InvalidValue},
		"wrong type of sub":            {`{"op":"replace","path":"name.givenName","value":7}`, scim.InvalidValue},
		"string for complex":           {`{"op":"replace","path":"name","value":"x"}`, scim.InvalidValue},
		"complex in simple":            {`{"op":"replace","path":"title","value":{"value":"x"}}`, scim.InvalidValue},
		"extension no object":          {`{"op":"add","path":"` + scimtest.URNTest + `","value":"x"}`, scim.InvalidValue},
		"two primaries in a value":     {`{"op":"add","path":"emails","value":[{"value":"a","primary":true},{"value":"b","primary":true}]}`, scim.InvalidValue},
		"two primaries by path":        {`{"op":"replace","path":"emails.primary","value":true}`, scim.InvalidValue},
		"empty required":               {`{"op":"replace","path":"userName","value":""}`, scim.InvalidValue},
		"too many elements":            {`{"op":"add","path":"roles","value":[` + scimtest.Elements(decode.MaxElements+1) + `]}`, scim.InvalidValue},
		"required in a new element":    {`{"op":"add","path":` + extPath("sites") + `,"value":[{"desk":"x"}]}`, scim.InvalidValue},
		"remove with a value":          {`{"op":"remove","path":"emails","value":[{"value":"w@example.com"}]}`, scim.InvalidValue},
		"remove with an empty list":    {`{"op":"remove","path":"emails","value":[]}`, scim.InvalidValue},
		"remove an extension's value":  {`{"op":"remove","path":"` + scimtest.URNTest + `","value":{"tags":["a"]}}`, scim.InvalidValue},
		"remove a part of a complex":   {`{"op":"remove","path":"name","value":{"givenName":"x"}}`, scim.InvalidValue},
		"unknown in value":             {`{"op":"add","value":{"nope":1}}`, scim.InvalidSyntax},
		"unknown in an extension":      {`{"op":"add","value":{"` + scimtest.URNTest + `":{"nope":1}}}`, scim.InvalidSyntax},
		"unknown sub in value":         {`{"op":"add","path":"name","value":{"nope":1}}`, scim.InvalidSyntax},
		"unknown schema":               {`{"op":"add","path":"schemas","value":["urn:example:nope"]}`, scim.InvalidSyntax},
		"id":                           {`{"op":"replace","path":"id","value":"x"}`, scim.Mutability},
		"id in a value":                {`{"op":"replace","value":{"id":"x"}}`, scim.Mutability},
		"meta":                         {`{"op":"replace","path":"meta.version","value":"x"}`, scim.Mutability},
		"groups":                       {`{"op":"add","path":"groups","value":[{"value":"x"}]}`, scim.Mutability},
		"remove groups":                {`{"op":"remove","path":"groups"}`, scim.Mutability},
		"remove schemas":               {`{"op":"remove","path":"schemas"}`, scim.Mutability},
		"read-only sub":                {`{"op":"replace","path":"` + schema.URNEnterpriseUser + `:manager.displayName","value":"x"}`, scim.Mutability},
		"read-only in an extension":    {`{"op":"replace","value":{"` + scimtest.URNTest + `":{"clearance":"x"}}}`, scim.Mutability},
		"remove required":              {`{"op":"remove","path":"userName"}`, scim.Mutability},
		"unassign required":            {`{"op":"replace","path":"userName","value":null}`, scim.Mutability},
		"remove required sub":          {`{"op":"remove","path":` + extPath("sites.name") + `}`, scim.Mutability},
		"immutable":                    {`{"op":"replace","path":` + extPath("serial") + `,"value":"T"}`, scim.Mutability},
		"add to immutable":             {`{"op":"add","path":` + extPath("serial") + `,"value":"T"}`, scim.Mutability},
		"remove immutable":             {`{"op":"remove","path":` + extPath("serial") + `}`, scim.Mutability},
		"immutable sub":                {`{"op":"replace","path":` + extPath("device.id") + `,"value":"e"}`, scim.Mutability},
		"immutable with its extension": {`{"op":"remove","path":"` + scimtest.URNTest + `"}`, scim.Mutability},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := scimtest.Patched(t, scimtest.UserType, current, scimtest.Strict, c.op)
			scimtest.Want(t, err, 400, c.kind)
			if !strings.Contains(err.Error(), ": operation 1: ") && c.kind != scim.Mutability && c.kind != scim.InvalidValue {
				t.Error(err)
			}
		})
	}
	_, err := scimtest.Patched(t, scimtest.UserType, current, scimtest.Strict, `{"op":"remove","path":"emails[type eq \"x\"]"}`, `{"op":"replace","path":"title","value":7}`)
	if scimtest.Want(t, err, 400, scim.InvalidValue); !strings.Contains(err.Error(), "operation 2") {
		t.Error(err)
	}
}

func TestPatchMessage(t *testing.T) {
	for name, doc := range map[string]string{
		"no schemas":         `{"Operations":[{"op":"remove","path":"title"}]}`,
		"other schema":       `{"schemas":["` + schema.URNUser + `"],"Operations":[{"op":"remove","path":"title"}]}`,
		"no operations":      `{"schemas":["` + scim.URNPatchOp + `"]}`,
		"empty":              `{"schemas":["` + scim.URNPatchOp + `"],"Operations":[]}`,
		"object":             `{"schemas":["` + scim.URNPatchOp + `"],"Operations":{"op":"remove","path":"title"}}`,
		"malformed":          `{`,
		"JSON Patch":         `[{"op":"remove","path":"/title"}]`,
		"twice":              `{"schemas":["` + scim.URNPatchOp + `"],"Operations":[{"op":"remove","path":"title"}],"operations":[]}`,
		"duplicate in an op": `{"schemas":["` + scim.URNPatchOp + `"],"Operations":[{"op":"remove","path":"title","Path":"x"}]}`,
	} {
		_, err := patch.Parse(scimtest.UserType, []byte(doc), scimtest.Strict)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		scimtest.Want(t, err, 400, scim.InvalidSyntax)
	}
	if _, err := patch.Parse(scimtest.UserType, []byte(`{"SCHEMAS":["`+strings.ToUpper(scim.URNPatchOp)+`"],"operations":[{"OP":"add","PATH":"title","VALUE":"x"}]}`), scimtest.Strict); err != nil {
		t.Error("names in any case:", err)
	}
	_, err := patch.Parse(scimtest.UserType, scimtest.PatchOp(strings.TrimSuffix(strings.Repeat(`{"op":"remove","path":"title"},`, patch.MaxOperations+1), ",")), scimtest.Strict)
	scimtest.Want(t, err, 413, "")
	p, err := patch.Parse(scimtest.UserType, scimtest.PatchOp(`{"op":"remove","path":"title"}`), scimtest.Strict)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Apply(scimtest.Stored(t, scimtest.GroupType, scimtest.GroupDoc)); err == nil {
		t.Error("applied to a group")
	}
	if _, _, err := p.Apply(nil); err == nil {
		t.Error("applied to nothing")
	}
}

// A secret is no more open to the filter of a path than to that of a query.
func TestPatchFilterOnSecrets(t *testing.T) {
	_, err := patch.Parse(scimtest.UserType, scimtest.PatchOp(`{"op":"remove","path":"password[value eq \"x\"]"}`), scimtest.Strict)
	scimtest.Want(t, err, 400, scim.InvalidPath)
	kind := scimtest.MustRegistry(&schema.Schema{ID: scimtest.URNTest, Attributes: []*schema.Attribute{{Name: "codes", MultiValued: true, Mutability: schema.WriteOnly, Returned: schema.ReturnedNever}}}).User()
	_, err = patch.Parse(kind, scimtest.PatchOp(`{"op":"remove","path":"`+scimtest.URNTest+`:codes[value eq \"x\"]"}`), scimtest.Strict)
	scimtest.Want(t, err, 403, scim.Sensitive)
}

// Apply may be called again, on the same or a newer state, as a compare-and-swap loop
// does.
func TestPatchAppliesAgain(t *testing.T) {
	p, err := patch.Parse(scimtest.GroupType, scimtest.PatchOp(`{"op":"add","path":"members","value":[{"value":"x"}]}`,
		`{"op":"remove","path":"members[value eq \"a\"]"}`, `{"op":"add","path":"members","value":[{"value":"y"}]}`), scimtest.Strict)
	if err != nil {
		t.Fatal(err)
	}
	first := scimtest.Stored(t, scimtest.GroupType, scimtest.GroupDoc)
	second := scimtest.Stored(t, scimtest.GroupType, strings.Replace(scimtest.GroupDoc, `"value":"b"`, `"value":"n"`, 1))
	for _, c := range []struct {
		r   *scim.Resource
		ids string
	}{{first, "[b c x y]"}, {second, "[n c x y]"}, {first, "[b c x y]"}} {
		got, changed, err := p.Apply(c.r)
		if err != nil || !changed || fmt.Sprint(got.Members().IDs()) != c.ids {
			t.Errorf("got %v, %v, %v", got.Members().IDs(), changed, err)
		}
	}
}
