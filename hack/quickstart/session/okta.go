package main

import (
	"context"
	"fmt"
	"net/http"
)

// okta provisions two users and pushes a group as Okta does: a user is updated by PUT with the whole document, and
// a push names the group with its read-only id.
func okta(ctx context.Context, c *client) error {
	c.title("Okta tests the connection to globex")
	if _, err := c.do(ctx, http.MethodGet, users+"?startIndex=1&count=2", nil, http.StatusOK); err != nil {
		return err
	}
	c.title("It looks for each user, and creates or updates them with the whole document")
	carol, err := oktaUser(ctx, c, "carol.diaz@globex.example.com", "Carol", "Diaz", "Engineer")
	if err != nil {
		return err
	}
	dan, err := oktaUser(ctx, c, "dan.novak@globex.example.com", "Dan", "Novak", "Accountant")
	if err != nil {
		return err
	}
	c.title("Dan is unassigned, which makes him inactive: Okta never deletes users")
	if err := c.patch(ctx, users, dan, object{"op": "replace", "value": object{"active": false}}); err != nil {
		return err
	}
	user, err := c.get(ctx, users, dan, "userName,active")
	if err != nil {
		return err
	}
	if user["active"] != false {
		return fmt.Errorf("user %s has active %v after active was set to false", dan, user["active"])
	}
	return oktaGroup(ctx, c, carol, dan)
}

// oktaUser matches or creates a user and then gives them a title.
func oktaUser(ctx context.Context, c *client, userName, given, family, title string) (id string, err error) {
	document := object{
		"schemas":     list{userSchema},
		"userName":    userName,
		"name":        object{"givenName": given, "familyName": family},
		"emails":      list{object{"primary": true, "value": userName, "type": "work"}},
		"displayName": given + " " + family,
		"locale":      "en-US",
		"externalId":  "00u" + given,
		"groups":      list{},
		"active":      true,
	}
	if id, err = c.find(ctx, users, "userName", userName, "&startIndex=1&count=100"); err != nil {
		return "", err
	}
	if id == "" {
		if id, err = c.create(ctx, users, document); err != nil {
			return "", err
		}
	}
	document["id"], document["title"], document["meta"] = id, title, object{"resourceType": "User"}
	_, err = c.do(ctx, http.MethodPut, users+"/"+id, document, http.StatusOK)
	return id, err
}

// oktaGroup pushes a group with its members.
func oktaGroup(ctx context.Context, c *client, members ...string) error {
	c.title("It pushes a group: first its name, with the id that may not change, then the members")
	const name = "Finance"
	id, err := c.find(ctx, groups, "displayName", name, "&startIndex=1&count=100")
	if err != nil {
		return err
	}
	if id == "" {
		id, err = c.create(ctx, groups, object{"schemas": list{groupSchema}, "displayName": name, "members": list{}})
		if err != nil {
			return err
		}
	}
	if err := c.patch(ctx, groups, id, object{"op": "replace", "value": object{"id": id, "displayName": name}}); err != nil {
		return err
	}
	values := list{}
	for _, member := range members {
		values = append(values, object{"value": member})
	}
	if err := c.patch(ctx, groups, id, object{"op": "replace", "path": "members", "value": values}); err != nil {
		return err
	}
	return expectMembers(ctx, c, id, len(members))
}
