package connect

import (
	"cmp"
	"fmt"

	"github.com/kubescim/kubescim/internal/cli/output"
)

// handOver is the sheet for the administrator of the provider, who has no kubectl and need not know
// what runs on this side. They know the application by a name, and may have somebody to ask.
func (c *connection) handOver(application, contact string) (*Sheet, error) {
	g := guides[c.provider]
	t := c.tenant
	switch {
	case c.key == nil:
		return nil, fmt.Errorf("there is no key that could be handed over: make one with 'kubectl scim key create %s NAME -n %s', and name it with --key", t.Name, t.Namespace)
	case t.Status.URL == "":
		return nil, fmt.Errorf("ScimTenant %q has no URL yet: 'kubectl scim status %[1]s -n %s' says why", t.Name, t.Namespace)
	case !c.public():
		return nil, fmt.Errorf("ScimTenant %q can be reached inside the cluster alone, at %s: set its spec.endpoint.host, so that the customer can call it", t.Name, t.Status.URL)
	}
	w, err := c.way(g)
	if err != nil {
		return nil, err
	}
	s := c.common(g, w, c.customerValue)
	s.Tenant = output.Safe(t.Spec.DisplayName)
	if s.Tenant == "" {
		s.Tenant = t.Name
	}
	s.Application = cmp.Or(application, "our application")
	s.Help = fmt.Sprintf("Send %s the time with the time zone, the status, and the request id: the last part of the text of an error, and the header "+
		"X-Request-Id of every answer. Send no token, no secret, and no picture that shows one.", cmp.Or(contact, "us"))
	if end := c.key.Spec.ExpirationTime; !end.IsZero() {
		s.After += fmt.Sprintf(" What was sent to you is good until %s; you get another one before.", output.Date(end.Time))
	} else if days := c.key.Spec.Rotation.EveryDays; days > 0 {
		s.After += fmt.Sprintf(" What was sent to you is changed every %d days: you get another one, and both work for a while.", days)
	}
	return s, nil
}

// customerValue returns what to enter in a field. What is secret comes another way.
func (c *connection) customerValue(f field) (text string, secret bool) {
	switch f.source {
	case fromToken, fromClientSecret:
		text = "comes to you another way, and not with this sheet"
		if f.text != "" {
			text += "; " + f.text
		}
		return text, true
	default:
		return c.value(f)
	}
}
