package connect

import scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"

var entra = &guide{
	product: "Microsoft Entra ID", page: "entra.md",
	ways: []way{
		{
			key: scimv1alpha1.APIKeyOAuthClient, method: "OAuth2 client credentials grant", flags: rotatedClient,
			fields: []field{
				{name: "Tenant URL", source: fromURL}, {name: "Token Endpoint", source: fromTokenURL},
				{name: "Client Identifier", source: fromClientID}, {name: "Client Secret", source: fromClientSecret},
			},
		},
		{
			key: scimv1alpha1.APIKeyFederated, method: "workload identity",
			fields: []field{
				{name: "Tenant URL", source: fromURL}, {name: "Token Endpoint", source: fromTokenURL}, {name: "Client Identifier", source: fromClientID},
			},
		},
		{
			key: scimv1alpha1.APIKeyBearerToken, method: "Secret Token", flags: rotated,
			fields: []field{{name: "Tenant URL", source: fromURL}, {name: "Secret Token", source: fromToken}},
		},
	},
	steps: []step{
		{text: "In the Entra admin centre, open *Enterprise applications* and choose *New application*, *Create your own application*, " +
			"*Integrate any other application you don't find in the gallery*. If the application is there already for sign-in, use that one."},
		{text: "Open *Provisioning*, choose automatic provisioning, and enter:", fields: true},
		{text: "Choose *Test connection*, and save."},
		{text: "Under *Users and groups*, assign those who are to be provisioned, and start provisioning."},
	},
	after: "Entra ID works in cycles of about 40 minutes; *Provision on demand* sends one user at once.",
	troubles: []string{
		"A user is not provisioned: the provisioning log in Entra ID has the answer, which says what to do.",
		"Provisioning is in quarantine: mend what the log says, and choose *Restart provisioning*.",
	},
}

var okta = &guide{
	product: "Okta", page: "okta.md",
	ways: []way{bearer(
		field{name: "SCIM connector base URL", source: fromURL},
		field{name: "Unique identifier field for users", text: "userName"},
		field{name: "Supported provisioning actions", text: "Push New Users, Push Profile Updates, Push Groups"},
		field{name: "Authentication Mode", text: "HTTP Header"},
		field{name: "Authorization", source: fromToken, text: "without Bearer where the field has it in front already"},
	)},
	steps: []step{
		{text: "In the Okta admin console, open the application under *Applications*: one made with *Create App Integration*, or the " +
			"*SCIM 2.0 Test App (Header Auth)* from the catalogue. On the tab *General*, choose *SCIM* for *Provisioning*."},
		{text: "On the tab *Provisioning*, under *Integration*, enter:", fields: true},
		{text: "Choose *Test Connector Configuration*, and save."},
		{text: "Under *To App*, enable *Create Users*, *Update User Attributes* and *Deactivate Users*. " +
			"Assign people on the tab *Assignments*, and groups on *Push Groups*."},
	},
	after: "Okta never deletes users: a person who is unassigned is set inactive.",
	troubles: []string{
		"A user stays in error under *Tasks*: the task has the answer, which says what to do. After mending, choose *Retry selected*.",
		"A pushed group has too few members: those who are missing are not assigned to the application. Assign them and push again.",
	},
}

var jumpCloud = &guide{
	product: "JumpCloud", page: "jumpcloud.md",
	ways: []way{bearer(
		field{name: "API Type", text: "SCIM API"},
		field{name: "SCIM Version", text: "SCIM 2.0"},
		field{name: "Base URL", source: fromURL},
		field{name: "Token Key", source: fromToken},
		field{name: "Test User Email", text: "an address that no user of yours has"},
	)},
	steps: []step{
		{text: "In the JumpCloud admin portal, open *SSO Applications*, add a *Custom Application*, and choose to export users to it (*Identity Management*)."},
		{text: "On the tab *Identity Management*, enter:", fields: true},
		{text: "Choose *Test Connection*, and *Activate*. For groups, enable the management of user groups."},
		{text: "On the tab *User Groups*, bind the groups whose members are to be provisioned."},
	},
	after:    "The test makes a user and a group, and deletes both.",
	troubles: []string{"The test fails with 409: a user has the test address as name; choose another."},
}

var oneLogin = &guide{
	product: "OneLogin", page: "onelogin.md",
	ways: []way{bearer(
		field{name: "SCIM Base URL", source: fromURL},
		field{name: "SCIM Bearer Token", source: fromToken},
		field{name: "SCIM JSON Template", text: "the template at the end of this text"},
	)},
	steps: []step{
		{text: "In the OneLogin administration, open *Applications*, choose *Add App*, and add *SCIM Provisioner with SAML (SCIM v2 Enterprise)*."},
		{text: "On the tab *Configuration*, enter:", fields: true},
		{text: "Enable the API connection, and save."},
		{text: "On the tab *Provisioning*, enable provisioning, and choose whether a user who is deleted in OneLogin is deleted here or suspended. Assign users."},
	},
	after: "The template decides what is sent.",
	troubles: []string{
		"A user fails with 400 invalidSyntax: the template is no JSON once its variables are filled in. Put every variable in quotes.",
	},
	attachment: `{
  "schemas": [
    "urn:ietf:params:scim:schemas:core:2.0:User",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
  ],
  "userName": "{$parameters.scimusername}",
  "name": {"givenName": "{$user.firstname}", "familyName": "{$user.lastname}"},
  "displayName": "{$user.display_name}",
  "emails": [{"value": "{$user.email}", "type": "work", "primary": true}],
  "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "{$parameters.department}"}
}`,
}

var pingOne = &guide{
	product: "PingOne", page: "pingone.md",
	ways: []way{
		{
			key: scimv1alpha1.APIKeyOAuthClient, flags: rotatedClient,
			fields: append(pingResources(),
				field{name: "Authentication Method", text: "OAuth 2 Client Credentials"},
				field{name: "OAuth 2 Token Request Endpoint", source: fromTokenURL},
				field{name: "Client ID", source: fromClientID},
				field{name: "Client Secret", source: fromClientSecret},
				field{name: "Auth Type Header", text: "Bearer"}),
		},
		bearer(append(pingResources(),
			field{name: "Authentication Method", text: "OAuth 2 Bearer Token"},
			field{name: "OAuth Access Token", source: fromToken},
			field{name: "Auth Type Header", text: "Bearer"})...),
	},
	steps: []step{
		{text: "Open *Integrations*, *Provisioning*, choose *New connection*, *Identity Store*, and then *SCIM Outbound*."},
		{text: "Enter:", fields: true},
		{text: "Choose *Test connection*. Keep the user filter as it is. Choose what happens to a user who goes, *Disable* or *Delete*, " +
			"and how the members of groups are sent, *Merge* or *Overwrite*."},
		{text: "Add a rule with the attribute mapping, and enable both the connection and the rule."},
	},
	after: "PingFederate has the same fields in an SP connection with outbound provisioning through the SCIM connector.",
	troubles: []string{
		"400 invalidFilter: the filter of the connection is no SCIM filter. Single quotes are no quotes in SCIM.",
		"409 for a user who is there: the filter has to ask for what is mapped to userName.",
	},
}

// pingResources are the fields that PingOne has however it signs in.
func pingResources() []field {
	return []field{
		{name: "SCIM Base URL", source: fromURL}, {name: "Users Resource", text: "/Users"},
		{name: "Groups Resource", text: "/Groups"}, {name: "SCIM Version", text: "2.0"},
	}
}
