package crossing

import (
	"fmt"
	"net/http"
	"strings"
)

// withMembers are writes of a client's own groups that have another tenant's user, or group,
// as a member.
func withMembers(own, sent Facts) (all []Request) {
	group := own.Path + "/Groups/" + own.Group
	for i, member := range []string{
		`{"value":"` + sent.User + `"}`, `{"value":"` + sent.Group + `","type":"Group"}`, `{"value":"` + sent.Group + `","type":"User"}`,
		`{"value":"` + sent.User + `","$ref":"` + sent.URL + `/Users/` + sent.User + `","display":"x"}`,
		`{"$ref":"` + sent.URL + `/Users/` + sent.User + `"}`, `{"value":"` + sent.Name + `@example.com"}`,
	} {
		all = append(all,
			Request{Method: http.MethodPost, Path: own.Path + "/Groups", Body: Group(fmt.Sprintf("%s-%d", sent.Name, i), member)},
			Request{Method: http.MethodPut, Path: group, Body: Group("mine", member)},
			Request{Method: http.MethodPatch, Path: group, Body: patchOf(`{"op":"add","path":"members","value":[` + member + `]}`)},
			Request{Method: http.MethodPatch, Path: group, Body: patchOf(`{"op":"add","value":{"members":[` + member + `]}}`)},
			Request{Method: http.MethodPatch, Path: group, Body: patchOf(`{"op":"replace","path":"members","value":[` + member + `]}`)},
			Request{Method: http.MethodPatch, Path: group, Body: patchOf(`{"op":"remove","path":"members","value":[` + member + `]}`)})
	}
	for _, operation := range []string{
		`{"op":"remove","path":"members[value eq \"%s\"]"}`, `{"op":"replace","path":"members[value eq \"%s\"].display","value":"x"}`,
		`{"op":"add","path":"members[value eq \"%s\"].type","value":"User"}`,
	} {
		all = append(all, Request{Method: http.MethodPatch, Path: group, Body: patchOf(fmt.Sprintf(operation, sent.User))})
	}
	return all
}

// withReferences are writes of a client's own users that name what is another tenant's.
func withReferences(own, sent Facts) (all []Request) {
	manager := fmt.Sprintf(`,%q:{"manager":{"value":%q,"$ref":"%s/Users/%[2]s"}}`, enterprise, sent.User, sent.URL)
	for i, more := range []string{
		"", `,"id":"` + sent.User + `"`, manager, `,"groups":[{"value":"` + sent.Group + `"}]`,
		`,"meta":{"resourceType":"User","location":"` + sent.URL + `/Users/` + sent.User + `"}`,
	} {
		name := sent.Name // That of another tenant's user is free in this one.
		if i > 0 {
			name = fmt.Sprintf("%s-%d", sent.Name, i)
		}
		all = append(all,
			Request{Method: http.MethodPost, Path: own.Path + "/Users", Body: User(name, more)},
			Request{Method: http.MethodPut, Path: own.Path + "/Users/" + own.User, Body: User("mine", more)})
	}
	for _, operation := range []string{
		`{"op":"replace","path":"` + enterprise + `:manager","value":{"value":"` + sent.User + `"}}`,
		`{"op":"replace","path":"` + enterprise + `:manager.value","value":"` + sent.User + `"}`,
		`{"op":"replace","path":"id","value":"` + sent.User + `"}`,
		`{"op":"add","path":"groups","value":[{"value":"` + sent.Group + `"}]}`,
		`{"op":"remove","path":"groups[value eq \"` + sent.Group + `\"]"}`,
	} {
		all = append(all, Request{Method: http.MethodPatch, Path: own.Path + "/Users/" + own.User, Body: patchOf(operation)})
	}
	return all
}

// withBulk are bulk requests with what is another tenant's in their operations.
func withBulk(own, sent Facts) (all []Request) {
	title := patchOf(`{"op":"replace","path":"title","value":"x"}`)
	for i, operation := range []string{
		`{"method":"DELETE","path":"/Users/` + sent.User + `"}`, `{"method":"DELETE","path":"/Groups/` + sent.Group + `"}`,
		`{"method":"DELETE","path":"/Users/` + sent.User + `","version":` + fmt.Sprintf("%q", sent.Version) + `}`,
		`{"method":"DELETE","path":"/Users/` + own.User + `","version":` + fmt.Sprintf("%q", sent.Version) + `}`,
		`{"method":"PATCH","path":"/Users/` + sent.User + `","data":` + title + `}`,
		`{"method":"PATCH","path":"/Users/` + own.User + `","version":` + fmt.Sprintf("%q", sent.Version) + `,"data":` + title + `}`,
		`{"method":"PUT","path":"/Users/` + sent.User + `","data":` + User("mine", "") + `}`,
		`{"method":"GET","path":"/Users/` + sent.User + `"}`,
		`{"method":"DELETE","path":"/Users/bulkId:` + sent.BulkID + `"}`,
		`{"method":"PATCH","path":"/Users/bulkId:` + sent.BulkID + `","data":` + title + `}`,
		`{"method":"POST","path":"/Users","bulkId":"` + sent.BulkID + `","data":` + User("bulk-"+sent.Name, "") + `}`,
		`{"method":"POST","path":"/Groups","bulkId":"q","data":` + Group("bulk-a-"+sent.Name, `{"value":"bulkId:`+sent.BulkID+`"}`) + `}`,
		`{"method":"POST","path":"/Groups","bulkId":"q","data":` + Group("bulk-b-"+sent.Name, `{"value":"`+sent.User+`"}`) + `}`,
		`{"method":"POST","path":"` + strings.TrimPrefix(sent.URL, "http:") + `/Users","bulkId":"q","data":` + User("bulk-c-"+sent.Name, "") + `}`,
	} {
		all = append(all, Request{Method: http.MethodPost, Path: own.Path + "/Bulk", Body: Bulk(operation)})
		if i%2 == 0 { // Beside one that is carried out.
			beside := `{"method":"PATCH","path":"/Users/` + own.User + `","data":` + title + `}`
			all = append(all, Request{Method: http.MethodPost, Path: own.Path + "/Bulk", Body: Bulk(operation, beside)})
		}
	}
	return all
}
