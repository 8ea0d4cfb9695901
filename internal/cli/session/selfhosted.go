package session

// authentik reads first what the server can do, sends no field that has its default value, and
// matches a user who is there by a conflict.
func authentik() []step {
	const document = `{"userName":"USERNAME","active":true,"displayName":"Test User","externalId":"USERNAME","name":{"formatted":"Test User","givenName":"Test","familyName":"User"},
		"emails":[{"value":"USERNAME","type":"other","primary":true}]}`
	again := creates("makes the user a second time, which is a conflict", "/Users", document, "")
	again.want, again.check = []int{409}, nil
	return []step{
		lists("reads what the server can do", "/ServiceProviderConfig"),
		creates("makes the user", "/Users", document, user),
		again,
		finds("finds the user, without quotes", `/Users?filter=userName%20eq%20USERNAME`, 1),
		replaces(document),
		creates("makes the group, without members", "/Groups", `{"displayName":"GROUPNAME","externalId":"GROUPNAME"}`, group),
		changes("adds the member", "/Groups/"+group, `{"op":"add","path":"members","value":[{"value":"USERID"}]}`),
		hasMembers(1),
		changes("names the group, with its id", "/Groups/"+group, `{"op":"replace","value":{"id":"GROUPID","displayName":"GROUPNAME","externalId":"GROUPNAME"}}`),
		changes("removes the member", "/Groups/"+group, `{"op":"remove","path":"members","value":[{"value":"USERID"}]}`),
		hasMembers(0),
		lists("compares the groups with its own", "/Groups?startIndex=1"),
	}
}

// keycloak imports first, and patches with booleans as strings in arrays.
func keycloak() []step {
	const document = `{"schemas":[` + coreUser + `],"userName":"USERNAME","externalId":"USERNAME","active":true,"displayName":"Test User",
		"name":{"givenName":"Test","familyName":"User"},"emails":[{"value":"USERNAME","primary":true}]}`
	return []step{
		lists("imports users", "/Users"),
		lists("imports groups", "/Groups"),
		creates("makes the user", "/Users", document, user),
		replaces(document),
		changes("disables the user", "/Users/"+user, `{"op":"replace","path":"active","value":["false"]}`),
		reads("reads the user, who is inactive", "active", false),
		creates("makes the group", "/Groups", `{"schemas":[`+coreGroup+`],"displayName":"GROUPNAME","externalId":"GROUPNAME","members":[]}`, group),
		changes("sends the whole list of members", "/Groups/"+group, `{"op":"replace","path":"members","value":[{"value":"USERID"}]}`),
		hasMembers(1),
		changes("removes all members", "/Groups/"+group, `{"op":"remove","path":"members"}`),
		hasMembers(0),
	}
}

// generic keeps to the RFCs.
func generic() []step {
	return []step{
		lists("reads what the server can do", "/ServiceProviderConfig"),
		lists("reads the schemas", "/Schemas"),
		lists("reads the types of resources", "/ResourceTypes"),
		finds("looks for the user", `/Users?filter=userName%20eq%20%22USERNAME%22`, 0),
		creates("makes the user", "/Users", `{"schemas":[`+coreUser+`,`+enterprise+`],"userName":"USERNAME","externalId":"USERNAME","displayName":"Test User",
			"name":{"givenName":"Test","familyName":"User"},"emails":[{"value":"USERNAME","type":"work","primary":true}],`+enterprise+`:{"department":"Research"}}`, user),
		finds("finds the user", `/Users?filter=userName%20eq%20%22USERNAME%22`, 1),
		changes("changes the display name", "/Users/"+user, `{"op":"replace","path":"displayName","value":"Another User"}`),
		reads("reads the user", "displayName", "Another User"),
		changes("deactivates the user", "/Users/"+user, `{"op":"replace","path":"active","value":false}`),
		reads("reads the user, who is inactive", "active", false),
		creates("makes the group", "/Groups", `{"schemas":[`+coreGroup+`],"displayName":"GROUPNAME","members":[{"value":"USERID"}]}`, group),
		hasMembers(1),
		changes("removes the member", "/Groups/"+group, `{"op":"remove","path":"members[value eq \"USERID\"]"}`),
		hasMembers(0),
	}
}
