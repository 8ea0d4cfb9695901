package connect

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/view"
	"github.com/kubescim/kubescim/internal/operand"
)

// Sheet is what somebody does to connect an identity provider to a tenant.
type Sheet struct {
	// Provider is the value of spec.identityProvider, and Product what people call it.
	Provider string `json:"provider"`
	Product  string `json:"product"`
	// Tenant is the name of the tenant, or what it is called.
	Tenant string `json:"tenant"`
	// Application is what the provider is connected to, as its administrator knows it; empty for
	// somebody with kubectl, who knows the tenant.
	Application string `json:"application,omitempty"`
	// Before is what has to be done first, on this side.
	Before []string `json:"before,omitempty"`
	Steps  []Step   `json:"steps"`
	After  string   `json:"after"`
	// Troubles are what may go wrong.
	Troubles []string `json:"troubles"`
	// Help is whom to ask, and what to send them.
	Help string `json:"help,omitempty"`
	// Attachment is a text to paste.
	Attachment string `json:"attachment,omitempty"`
	// Page is where there is more to read.
	Page string `json:"page,omitempty"`
}

// Step is one thing to do.
type Step struct {
	Text   string  `json:"text"`
	Fields []Field `json:"fields,omitempty"`
}

// Field is one entry of a form.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Secret says that the value is how to get one that is secret.
	Secret bool `json:"secret,omitempty"`
}

// connection is what a sheet is about.
type connection struct {
	tenant *scimv1alpha1.ScimTenant
	// key is the key that the provider is to use; nil if there is none.
	key      *scimv1alpha1.ScimApiKey
	provider scimv1alpha1.IdentityProvider
}

// way returns how the provider signs in: with the key, or else in the best way.
func (c *connection) way(g *guide) (*way, error) {
	if c.key == nil {
		return &g.ways[0], nil
	}
	if found := g.wayFor(c.key.Type()); found != nil {
		return found, nil
	}
	var types []string
	for _, way := range g.ways {
		types = append(types, string(way.key))
	}
	return nil, fmt.Errorf("%s cannot use ScimApiKey %q, which is of the type %s, but one of the type %s: name another one with --key, or make one with 'kubectl scim key create %s NAME -n %s'",
		g.product, c.key.Name, c.key.Type(), strings.Join(types, " or "), c.tenant.Name, c.tenant.Namespace)
}

// sheet is for somebody with kubectl.
func (c *connection) sheet() (*Sheet, error) {
	g := guides[c.provider]
	w, err := c.way(g)
	if err != nil {
		return nil, err
	}
	s := c.common(g, w, c.value)
	s.Tenant, s.Before, s.Page = c.tenant.Name, c.before(w), pages+g.page
	return s, nil
}

// pages is where the pages of the providers are.
const pages = "https://github.com/kubescim/kubescim/blob/main/docs/identity-providers/"

// notLetIn is what 401 means, by what the provider signs in with.
var notLetIn = map[scimv1alpha1.APIKeyType]string{
	scimv1alpha1.APIKeyBearerToken: "401: the token is not the one of this connection. Paste it again, without spaces or line breaks.",
	scimv1alpha1.APIKeyOAuthClient: "401, or invalid_client: the client id or the client secret is not the one of this connection. Paste both again, without spaces or line breaks.",
	scimv1alpha1.APIKeyFederated: "401, or invalid_client: the client id is not the one of this connection, or who signs in is not who was agreed on. " +
		"Enter the client id again; if that does not help, ask.",
}

// common is what a sheet has for whomever it is.
func (c *connection) common(g *guide, w *way, value func(field) (text string, secret bool)) *Sheet {
	s := &Sheet{
		Provider: string(c.provider), Product: g.product, After: quoted(g.after), Attachment: g.attachment,
		Troubles: []string{
			notLetIn[w.key],
			"A page in HTML, or no answer at all: something in front of the server has answered, such as a firewall.",
		},
	}
	for _, trouble := range g.troubles {
		s.Troubles = append(s.Troubles, quoted(trouble))
	}
	for _, step := range g.steps {
		made := Step{Text: quoted(step.text)}
		if step.fields {
			if w.method != "" {
				made.Fields = append(made.Fields, Field{Name: "authentication method", Value: w.method})
			}
			for _, field := range w.fields {
				text, secret := value(field)
				made.Fields = append(made.Fields, Field{Name: field.name, Value: text, Secret: secret})
			}
		}
		s.Steps = append(s.Steps, made)
	}
	return s
}

// before is what has to be done before anybody can connect.
func (c *connection) before(w *way) []string {
	t := c.tenant
	var do []string
	if ready := view.Ready(t.Status.Conditions); ready.Status != metav1.ConditionTrue {
		do = append(do, "the tenant is not ready: "+ready.Message)
	}
	if c.provider != t.Spec.IdentityProvider {
		do = append(do, fmt.Sprintf("spec.identityProvider of the tenant is %s, and the server puts up with what that sends: set it to %s", t.Spec.IdentityProvider, c.provider))
	}
	if t.Status.URL != "" && !c.public() {
		do = append(do, "the URL leads to the tenant inside the cluster alone: set spec.endpoint.host if the provider is outside")
	}
	switch {
	case c.key != nil:
		if ready := view.Ready(c.key.Status.Conditions); ready.Status != metav1.ConditionTrue {
			do = append(do, fmt.Sprintf("ScimApiKey %s is not ready: %s", c.key.Name, ready.Message))
		}
	default:
		do = append(do, fmt.Sprintf("there is no key: make one with 'kubectl scim key create %s %s -n %s %s', and ask again", t.Name,
			strings.ToLower(string(c.provider)), t.Namespace, w.flags))
	}
	return do
}

// public reports whether the tenant has a URL at a host of its own or its server's.
func (c *connection) public() bool { return strings.HasPrefix(c.tenant.Status.URL, "https://") }

// value returns what to enter in a field, or how to get it.
func (c *connection) value(f field) (text string, secret bool) {
	switch f.source {
	case fromURL:
		return c.url(""), false
	case fromTokenURL:
		return c.tokenURL(), false
	case fromClientID:
		return c.keyName(), false
	case fromToken:
		return c.reading(operand.HandoverToken, f.text), true
	case fromClientSecret:
		return c.reading(operand.HandoverClientSecret, f.text), true
	default:
		return f.text, false
	}
}

func (c *connection) keyName() string {
	if c.key == nil {
		return "the name of the key"
	}
	return c.key.Name
}

// url is the base URL with what is below it.
func (c *connection) url(below string) string {
	if c.tenant.Status.URL == "" {
		return "that of the tenant, once it is ready"
	}
	return c.tenant.Status.URL + below
}

// tokenURL is where the key gets access tokens.
func (c *connection) tokenURL() string {
	if c.key != nil && c.key.Status.Federated.TokenURL != "" {
		return c.key.Status.Federated.TokenURL
	}
	return c.url(tokenEndpoint)
}

// tokenEndpoint is the path of the token endpoint below the base URL.
const tokenEndpoint = "/oauth2/token" //nolint:gosec // A path, not a credential.

// reading says how to read an entry of the key's Secret.
func (c *connection) reading(entry, remark string) string {
	text := "that of the key, once it is ready"
	switch {
	case c.key == nil:
	case c.key.Status.SecretName != "":
		command := fmt.Sprintf("kubectl get secret %s -n %s -o jsonpath='{.data.%s}' | base64 -d", c.key.Status.SecretName, c.key.Namespace, entry)
		if remark != "" {
			return fmt.Sprintf("what this prints, %s: %s", remark, command)
		}
		return "what this prints: " + command
	case view.Ready(c.key.Status.Conditions).Status == metav1.ConditionTrue:
		text = "as it was handed over: it is in no Secret any more"
	}
	if remark != "" {
		text += ", " + remark
	}
	return text
}

// quoted puts what a form says into quotes.
func quoted(text string) string { return strings.ReplaceAll(text, "*", "\"") }
