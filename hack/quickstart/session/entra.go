package main

import (
	"context"
	"crypto/rand"
	"fmt"
)

// Endpoints below the base URL.
const (
	users  = "/Users"
	groups = "/Groups"
)

// entra provisions two users and a group as Microsoft Entra ID does without the aadOptscim062020 flag: operations
// are capitalised, booleans are strings, and members are removed by a value and not by a filter.
func entra(ctx context.Context, c *client) error {
	c.title("Entra ID tests the connection to acme: a user who cannot exist is an empty list")
	if _, err := c.find(ctx, users, "userName", rand.Text(), ""); err != nil {
		return err
	}
	c.title("It looks for each user, and creates those who are not there")
	alice, err := entraUser(ctx, c, "alice.martin@acme.example.com", "Alice", "Martin")
	if err != nil {
		return err
	}
	bob, err := entraUser(ctx, c, "bob.keller@acme.example.com", "Bob", "Keller")
	if err != nil {
		return err
	}
	if err := entraChanges(ctx, c, alice, bob); err != nil {
		return err
	}
	return entraGroup(ctx, c, alice, bob)
}

// entraUser matches or creates a user.
func entraUser(ctx context.Context, c *client, userName, given, family string) (id string, err error) {
	if id, err = c.find(ctx, users, "userName", userName, ""); err != nil || id != "" {
		return id, err
	}
	return c.create(ctx, users, object{
		"schemas":     list{userSchema, enterpriseSchema},
		"externalId":  given + "-0001",
		"userName":    userName,
		"active":      true,
		"displayName": given + " " + family,
		"emails":      list{object{"primary": true, "type": "work", "value": userName}},
		"meta":        object{"resourceType": "User"},
		"name":        object{"formatted": given + " " + family, "familyName": family, "givenName": given},
		"roles":       list{},
	})
}

// entraChanges changes Alice's attributes, and blocks Bob and lets him in again.
func entraChanges(ctx context.Context, c *client, alice, bob string) error {
	c.title("Alice moves to another department")
	err := c.patch(ctx, users, alice,
		object{"op": "Replace", "path": `emails[type eq "work"].value`, "value": "alice.m@acme.example.com"},
		object{"op": "Add", "path": enterpriseSchema + ":department", "value": "Research"})
	if err != nil {
		return err
	}
	c.title("Bob is unassigned, and assigned again")
	for _, active := range []string{"False", "True"} {
		if err := c.patch(ctx, users, bob, object{"op": "Replace", "path": "active", "value": active}); err != nil {
			return err
		}
		user, err := c.get(ctx, users, bob, "userName,active")
		if err != nil {
			return err
		}
		if user["active"] != (active == "True") {
			return fmt.Errorf("user %s has active %v after active was set to %s", bob, user["active"], active)
		}
	}
	return nil
}

// entraGroup makes a group of both users and takes Bob out of it again.
func entraGroup(ctx context.Context, c *client, alice, bob string) error {
	c.title("A group with both, and then without Bob")
	const name = "Engineering"
	id, err := c.find(ctx, groups, "displayName", name, "&excludedAttributes=members")
	if err != nil {
		return err
	}
	if id == "" {
		id, err = c.create(ctx, groups, object{
			"schemas":     list{groupSchema, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"},
			"externalId":  "engineering-0001",
			"displayName": name,
			"meta":        object{"resourceType": "Group"},
		})
		if err != nil {
			return err
		}
	}
	for _, operation := range []object{
		{"op": "Add", "path": "members", "value": list{member(alice)}},
		{"op": "Add", "path": "members", "value": list{member(bob)}},
		{"op": "Remove", "path": "members", "value": list{member(bob)}},
	} {
		if err := c.patch(ctx, groups, id, operation); err != nil {
			return err
		}
	}
	return expectMembers(ctx, c, id, 1)
}

// member refers to a member as Entra ID does.
func member(id string) object { return object{"$ref": nil, "value": id} }

// expectMembers reads a group and checks how many members it has.
func expectMembers(ctx context.Context, c *client, id string, expected int) error {
	group, err := c.get(ctx, groups, id, "displayName,members.value")
	if err != nil {
		return err
	}
	if members, _ := group["members"].(list); len(members) != expected {
		return fmt.Errorf("group %s has %d members, expected %d", id, len(members), expected)
	}
	return nil
}
