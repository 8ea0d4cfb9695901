package connect

import (
	"slices"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// source is where the value of a field comes from.
type source int

const (
	// literal is for a value that is the same for everybody.
	literal source = iota
	fromURL
	fromToken
	fromTokenURL
	fromClientID
	fromClientSecret
)

// field is one entry of a provider's form.
type field struct {
	name   string
	source source
	// text is a literal value, or what is to be known about another one.
	text string
}

// step is one thing to do in a provider's administration. What is between asterisks is written
// there so.
type step struct {
	text string
	// fields says that the fields of the way in are entered in this step.
	fields bool
}

// way is how a provider can sign in.
type way struct {
	key scimv1alpha1.APIKeyType
	// method is what is chosen for it in the provider's form; empty where there is no choice.
	method string
	fields []field
	// flags are those of `kubectl scim key create` for a key like that; empty for one that cannot
	// be made so.
	flags string
}

// guide is what to do to connect one identity provider. The facts are those of its page in
// docs/identity-providers, and a test holds them to it.
type guide struct {
	// product is what its maker calls it, and page the page in docs/identity-providers.
	product, page string
	// ways are how it can sign in, the best one first.
	ways  []way
	steps []step
	// after is what happens once it is connected.
	after string
	// troubles are what goes wrong there, and what it means, beside what goes wrong everywhere.
	troubles []string
	// attachment is a text to paste; empty where there is none.
	attachment string
}

// wayFor returns how the provider signs in with a type of keys; nil if it cannot.
func (g *guide) wayFor(key scimv1alpha1.APIKeyType) *way {
	i := slices.IndexFunc(g.ways, func(w way) bool { return w.key == key })
	if i < 0 {
		return nil
	}
	return &g.ways[i]
}

// guides are all of them.
var guides = map[scimv1alpha1.IdentityProvider]*guide{
	scimv1alpha1.IdentityProviderEntra:     entra,
	scimv1alpha1.IdentityProviderOkta:      okta,
	scimv1alpha1.IdentityProviderJumpCloud: jumpCloud,
	scimv1alpha1.IdentityProviderOneLogin:  oneLogin,
	scimv1alpha1.IdentityProviderPingOne:   pingOne,
	scimv1alpha1.IdentityProviderAuthentik: authentik,
	scimv1alpha1.IdentityProviderKeycloak:  keycloak,
	scimv1alpha1.IdentityProviderGeneric:   generic,
}

// rotated are the flags of a bearer token that is changed in time.
const (
	rotated       = "--rotate-every-days=90 --overlap-hours=72"
	rotatedClient = "--oauth-client --rotate-every-days=180 --overlap-hours=168"
)

// bearer is the way in of a provider whose form asks for a URL and a token.
func bearer(fields ...field) way {
	return way{key: scimv1alpha1.APIKeyBearerToken, fields: fields, flags: rotated}
}
