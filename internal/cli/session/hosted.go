package session

// entra sends operations in capitals and booleans as strings, and looks before each change.
func entra() []step {
	const email = `{"op":"Replace","path":"emails[type eq \"work\"].value","value":"changed-USERNAME"}`
	active := func(value string) string { return `{"op":"Replace","path":"active","value":"` + value + `"}` }
	return []step{
		finds("tests the connection: a user whom there is not is an empty list", `/Users?filter=userName+eq+%22nobody-USERNAME%22`, 0),
		finds("looks for the user", `/Users?filter=userName+eq+%22USERNAME%22`, 0),
		creates("makes the user", "/Users", `{"schemas":[`+coreUser+`,`+enterprise+`],"externalId":"USERNAME","userName":"USERNAME","active":true,
			"displayName":"Test User","emails":[{"primary":true,"type":"work","value":"USERNAME"}],"meta":{"resourceType":"User"},
			"name":{"formatted":"Test User","familyName":"User","givenName":"Test"},"roles":[]}`, user),
		finds("finds the user", `/Users?filter=userName+eq+%22USERNAME%22`, 1),
		changes("changes the address and the department", "/Users/"+user, email, `{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"Research"}`),
		changes("blocks the user", "/Users/"+user, active("False")),
		reads("reads the user, who is inactive", "active", false),
		changes("lets the user in again", "/Users/"+user, active("True")),
		reads("reads the user, who is active", "active", true),
		finds("looks for the group", `/Groups?excludedAttributes=members&filter=displayName+eq+%22GROUPNAME%22`, 0),
		creates("makes the group, without members", "/Groups", `{"schemas":[`+coreGroup+`,"http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
			"externalId":"GROUPNAME","displayName":"GROUPNAME","meta":{"resourceType":"Group"}}`, group),
		changes("adds the member", "/Groups/"+group, `{"op":"Add","path":"members","value":[{"$ref":null,"value":"USERID"}]}`),
		hasMembers(1),
		changes("removes the member", "/Groups/"+group, `{"op":"Remove","path":"members","value":[{"$ref":null,"value":"USERID"}]}`),
		hasMembers(0),
	}
}

// okta replaces whole documents, and renames a group with its read-only id.
func okta() []step {
	const document = `{"schemas":[` + coreUser + `],"id":"USERID","userName":"USERNAME","name":{"givenName":"Another","familyName":"User"},
		"emails":[{"primary":true,"value":"USERNAME","type":"work","display":"USERNAME"}],"active":true,"groups":[],"meta":{"resourceType":"User"}}`
	return []step{
		lists("tests the connection", "/Users?startIndex=1&count=2"),
		lists("tests the connection for groups", "/Groups?startIndex=1&count=100"),
		finds("looks for the user", `/Users?filter=userName%20eq%20%22USERNAME%22&startIndex=1&count=100`, 0),
		creates("makes the user", "/Users", `{"schemas":[`+coreUser+`],"userName":"USERNAME","name":{"givenName":"Test","familyName":"User"},
			"emails":[{"primary":true,"value":"USERNAME","type":"work"}],"displayName":"Test User","locale":"en-US","externalId":"00u-USERNAME",
			"groups":[],"password":"a-password-that-is-thrown-away","active":true}`, user),
		lists("reads the user", "/Users/"+user),
		replaces(document),
		changes("deactivates the user", "/Users/"+user, `{"op":"replace","value":{"active":false}}`),
		reads("reads the user, who is inactive", "active", false),
		changes("activates the user", "/Users/"+user, `{"op":"replace","value":{"active":true}}`),
		creates("pushes the group", "/Groups", `{"schemas":[`+coreGroup+`],"displayName":"GROUPNAME","members":[]}`, group),
		changes("names the group, with its id", "/Groups/"+group, `{"op":"replace","value":{"id":"GROUPID","displayName":"GROUPNAME"}}`),
		changes("adds the member", "/Groups/"+group, `{"op":"add","path":"members","value":[{"value":"USERID","display":"USERNAME"}]}`),
		hasMembers(1),
		changes("removes the member", "/Groups/"+group, `{"op":"remove","path":"members[value eq \"USERID\"]"}`),
		hasMembers(0),
	}
}

// jumpCloud sends booleans as strings, and members to remove in the value.
func jumpCloud() []step {
	return []step{
		creates("makes a user for its test", "/Users", `{"schemas":[`+coreUser+`,`+enterprise+`],"userName":"USERNAME","active":true,"displayName":"Test User",
			"name":{"givenName":"Test","familyName":"User"},"emails":[{"value":"USERNAME","type":"work","primary":true}],"phoneNumbers":[{"value":null}]}`, user),
		finds("finds the user", `/Users?filter=userName%20eq%20%22USERNAME%22`, 1),
		changes("changes the address", "/Users/"+user, `{"op":"replace","path":"emails[type eq \"work\"].value","value":"changed-USERNAME"}`),
		changes("suspends the user", "/Users/"+user, `{"op":"replace","path":"active","value":"False"}`),
		reads("reads the user, who is inactive", "active", false),
		creates("makes a group for its test", "/Groups", `{"schemas":[`+coreGroup+`],"displayName":"GROUPNAME","members":[{"value":"USERID"}]}`, group),
		hasMembers(1),
		changes("removes the member", "/Groups/"+group, `{"op":"remove","path":"members","value":[{"value":"USERID"}]}`),
		hasMembers(0),
	}
}

// oneLogin sends what its template makes: here one without schemas, and with variables in quotes.
func oneLogin() []step {
	const document = `{"userName":"USERNAME","active":"true","name":{"givenName":"Test","familyName":"User"},"displayName":"Test User",
		"emails":[{"value":"USERNAME","type":"work","primary":true}],"phoneNumbers":[{"value":null}],` + enterprise + `:{"department":"Research","manager":""}}`
	return []step{
		finds("tests the connection: a user whom there is not is an empty list", `/Users?filter=userName%20eq%20%22nobody-USERNAME%22`, 0),
		creates("makes the user", "/Users", document, user),
		lists("reads the user", "/Users/"+user),
		replaces(document),
		changes("suspends the user", "/Users/"+user, `{"op":"replace","path":"active","value":"false"}`),
		reads("reads the user, who is inactive", "active", false),
		lists("reads the groups", "/Groups"),
		creates("makes the group", "/Groups", `{"schemas":[`+coreGroup+`],"displayName":"GROUPNAME"}`, group),
		changes("adds the member", "/Groups/"+group, `{"op":"add","path":"members","value":[{"value":"USERID"}]}`),
		hasMembers(1),
	}
}

// pingOne looks users up by the filter of the connection, and merges members.
func pingOne() []step {
	return []step{
		finds("looks for the user", `/Users?filter=username%20Eq%20%22USERNAME%22`, 0),
		creates("makes the user", "/Users", `{"schemas":[`+coreUser+`],"userName":"USERNAME","active":true,"name":{"givenName":"Test","familyName":"User"},
			"emails":[{"value":"USERNAME","type":"work","primary":true}]}`, user),
		finds("finds the user, without quotes, as PingFederate does", `/Users?filter=userName%20eq%20USERNAME`, 1),
		changes("disables the user", "/Users/"+user, `{"op":"replace","path":"active","value":false}`),
		reads("reads the user, who is inactive", "active", false),
		creates("makes the group", "/Groups", `{"schemas":[`+coreGroup+`],"displayName":"GROUPNAME"}`, group),
		changes("merges a member", "/Groups/"+group, `{"op":"add","path":"members","value":[{"value":"USERID"}]}`),
		hasMembers(1),
		changes("removes the member", "/Groups/"+group, `{"op":"remove","path":"members","value":[{"value":"USERID"}]}`),
		hasMembers(0),
	}
}
