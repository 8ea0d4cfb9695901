package connect

import (
	"fmt"
	"strings"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// inPages is the order of the providers in docs/for-administrators.md.
var inPages = []scimv1alpha1.IdentityProvider{
	scimv1alpha1.IdentityProviderEntra, scimv1alpha1.IdentityProviderOkta, scimv1alpha1.IdentityProviderJumpCloud,
	scimv1alpha1.IdentityProviderOneLogin, scimv1alpha1.IdentityProviderPingOne, scimv1alpha1.IdentityProviderAuthentik,
	scimv1alpha1.IdentityProviderKeycloak, scimv1alpha1.IdentityProviderGeneric,
}

// Page returns in Markdown what an administrator of each identity provider does, whoever's tenant
// it is: the part of docs/for-administrators.md that follows its marker.
func Page() string {
	text := &strings.Builder{}
	for _, provider := range inPages {
		guides[provider].describe(text)
	}
	return text.String()
}

func (g *guide) describe(text *strings.Builder) {
	fmt.Fprintf(text, "\n## %s%s\n\n", strings.ToUpper(g.product[:1]), g.product[1:])
	for i, step := range g.steps {
		fmt.Fprintf(text, "%d. %s\n", i+1, step.text)
		if step.fields {
			g.describeFields(text)
		}
	}
	fmt.Fprintf(text, "\n%s\n", g.after)
	fmt.Fprint(text, "\nIf it does not work:\n\n")
	for _, trouble := range g.troubles {
		fmt.Fprintf(text, "- %s\n", trouble)
	}
	if g.attachment != "" {
		fmt.Fprintf(text, "\nThe template:\n\n```json\n%s\n```\n", g.attachment)
	}
}

// describeFields writes a table for each way in: which one it is, the credentials say that somebody
// was sent.
func (g *guide) describeFields(text *strings.Builder) {
	for _, way := range g.ways {
		fmt.Fprintf(text, "\n   %s:\n\n   | field | value |\n   |---|---|\n", sent[way.key])
		if way.method != "" {
			fmt.Fprintf(text, "   | authentication method | %s |\n", way.method)
		}
		for _, field := range way.fields {
			fmt.Fprintf(text, "   | %s | %s |\n", field.name, field.described())
		}
	}
	fmt.Fprintln(text)
}

// sent is what an administrator has been sent for a key.
var sent = map[scimv1alpha1.APIKeyType]string{
	scimv1alpha1.APIKeyBearerToken: "If you were sent a token",
	scimv1alpha1.APIKeyOAuthClient: "If you were sent a client id and a client secret",
	scimv1alpha1.APIKeyFederated:   "If you were sent a client id and no secret",
}

// described is what to enter in a field, whoever's tenant it is.
func (f field) described() string {
	var value string
	switch f.source {
	case literal:
		return f.text
	case fromURL:
		value = "the base URL"
	case fromTokenURL:
		value = "the base URL with `/oauth2/token` at its end"
	case fromClientID:
		value = "the client id"
	case fromToken:
		value = "the token"
	case fromClientSecret:
		value = "the client secret"
	}
	if f.text != "" {
		value += ", " + f.text
	}
	return value
}
