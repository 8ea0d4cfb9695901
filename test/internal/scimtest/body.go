package scimtest

import (
	"fmt"
	"strings"
)

// Users and Groups are the endpoints of the two resource types.
const (
	Users  = "/Users"
	Groups = "/Groups"
)

// Patch is the body of a PATCH.
func Patch(operations ...string) string {
	return fmt.Sprintf(`{"schemas":[%q],"Operations":[%s]}`, urnPatch, strings.Join(operations, ","))
}

// PlainUser is the least that SCIM wants of a user.
func PlainUser(userName string) string {
	return fmt.Sprintf(`{"schemas":[%q],"userName":%q}`, URNUser, userName)
}

// PlainGroup is the least that SCIM wants of a group with these members, by id.
func PlainGroup(displayName string, members ...string) string {
	list := make([]string, len(members))
	for i, id := range members {
		list[i] = fmt.Sprintf(`{"value":%q}`, id)
	}
	return fmt.Sprintf(`{"schemas":[%q],"displayName":%q,"members":[%s]}`, URNGroup, displayName, strings.Join(list, ","))
}

// NamedUser is the body of an active user with a displayName.
func NamedUser(userName, displayName string) string {
	return fmt.Sprintf(`{"schemas":[%q],"userName":%q,"displayName":%q,"active":true}`, URNUser, userName, displayName)
}

// Replace is the body of a PATCH that replaces the value of an attribute.
func Replace(attribute string, value any) string {
	if text, isText := value.(string); isText {
		value = fmt.Sprintf("%q", text)
	}
	return Patch(fmt.Sprintf(`{"op":"replace","path":%q,"value":%v}`, attribute, value))
}
