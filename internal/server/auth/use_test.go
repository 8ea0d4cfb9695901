package auth_test

import (
	"testing"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/server/auth"
)

func TestDeny(t *testing.T) {
	users, groups, both := []string{"Users"}, []string{"Groups"}, []string{"Users", "Groups"}
	for name, tc := range map[string]struct {
		use   auth.Use
		grant apikey.Grant
		want  auth.Denial
	}{
		"a write, by a key for everything":        {auth.Use{Resource: "Users", Writes: true, Shows: both}, apikey.Grant{}, ""},
		"a read, by a key that reads":             {auth.Use{Resource: "Users"}, apikey.Grant{ReadOnly: true}, ""},
		"a write, by a key that reads":            {auth.Use{Resource: "Users", Writes: true}, apikey.Grant{ReadOnly: true}, auth.DeniedWrite},
		"users, by a key for users":               {auth.Use{Resource: "Users", Writes: true, Shows: users}, apikey.Grant{Resources: users}, ""},
		"users, by a key for groups":              {auth.Use{Resource: "Users"}, apikey.Grant{Resources: groups}, auth.DeniedResource},
		"a write of users, by a key for groups":   {auth.Use{Resource: "Users", Writes: true}, apikey.Grant{Resources: groups, ReadOnly: true}, auth.DeniedResource},
		"discovery, by a key for nothing":         {auth.Use{}, apikey.Grant{Resources: []string{}, ReadOnly: true}, ""},
		"users with groups, by a key for users":   {auth.Use{Resource: "Users", Shows: both}, apikey.Grant{Resources: users}, auth.DeniedChanged},
		"users and groups, by a key for groups":   {auth.Use{Shows: both}, apikey.Grant{Resources: groups}, auth.DeniedChanged},
		"a write that shows too much, by neither": {auth.Use{Resource: "Users", Writes: true, Shows: both}, apikey.Grant{ReadOnly: true, Resources: users}, auth.DeniedWrite},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.use.Deny(tc.grant); got != tc.want {
				t.Errorf("Deny = %q, want %q", got, tc.want)
			}
		})
	}
}
