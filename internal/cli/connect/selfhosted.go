package connect

import scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"

var authentik = &guide{
	product: "authentik", page: "authentik.md",
	ways: []way{bearer(field{name: "URL", source: fromURL}, field{name: "Token", source: fromToken}, field{name: "Compatibility Mode", text: "the default"})},
	steps: []step{
		{text: "In the authentik admin interface, under *Applications*, *Providers*, create a *SCIM Provider*."},
		{text: "Enter:", fields: true},
		{text: "Open the application, and add the provider to its *Backchannel Providers*."},
	},
	after:    "A user or group that is answered 404 is made again.",
	troubles: []string{"A group lacks members: users whom the other side does not know are left out. They have to be provisioned first."},
}

var keycloak = &guide{
	product: "Keycloak with keycloak-scim", page: "keycloak.md",
	ways: []way{bearer(
		field{name: "SCIM 2.0 endpoint", source: fromURL},
		field{name: "Endpoint content type", text: "application/scim+json"},
		field{name: "Auth mode", text: "Bearer"},
		field{name: "token", source: fromToken},
	)},
	steps: []step{
		{text: "Put the extension into Keycloak's providers directory, and add scim to the event listeners of the realm."},
		{text: "Under *User Federation*, add the provider scim, and enter:", fields: true},
		{text: "Beware of *Delete Remote* if you enable the import: it deletes every user whom Keycloak does not know."},
		{text: "Save, and start a synchronisation."},
	},
	after: "Changes from before it was connected are sent by a synchronisation.",
	troubles: []string{
		"Nothing arrives: scim is not among the event listeners of the realm.",
		"409 for a user who is there: enable the import, so that Keycloak learns the ids of those that there are.",
	},
}

var generic = &guide{
	product: "your SCIM client", page: "generic.md",
	ways: []way{
		{
			key: scimv1alpha1.APIKeyOAuthClient, flags: rotatedClient,
			fields: append(genericFields("client credentials grant of OAuth 2.0"),
				field{name: "token endpoint", source: fromTokenURL}, field{name: "client id", source: fromClientID}, field{name: "client secret", source: fromClientSecret}),
		},
		{
			key:    scimv1alpha1.APIKeyFederated,
			fields: append(genericFields("a token of your own issuer, as the client's assertion"), field{name: "token endpoint", source: fromTokenURL}, field{name: "client id", source: fromClientID}),
		},
		bearer(append(genericFields("bearer token in the header Authorization"), field{name: "token", source: fromToken})...),
	},
	steps: []step{
		{text: "Enter, by whatever names the client has for it:", fields: true},
		{text: "Let it look up one user, which must be answered 200 with an empty list for one whom there is not. Then start it."},
	},
	after: "What the server does is told at /ServiceProviderConfig, /ResourceTypes and /Schemas below the base URL.",
	troubles: []string{
		"400: the detail of the answer names what is wrong.",
		"404 with a detail about the URL: the client leaves a part of the base path out, or adds one.",
	},
}

// genericFields are the fields that a client has however it signs in.
func genericFields(authentication string) []field {
	return []field{
		{name: "base URL", source: fromURL}, {name: "SCIM version", text: "2.0"},
		{name: "unique or matching attribute", text: "userName for users, displayName for groups"},
		{name: "content type", text: "application/scim+json"},
		{name: "authentication", text: authentication},
	}
}
