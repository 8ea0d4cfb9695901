package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// object is a JSON object.
type object = map[string]any

// list is a JSON array.
type list = []any

// shown is how many characters of a body are shown.
const shown = 240

// Schemas that the requests name.
const (
	userSchema       = "urn:ietf:params:scim:schemas:core:2.0:User"
	enterpriseSchema = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	groupSchema      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	patchSchema      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// client sends the requests of one identity provider, and shows them.
type client struct {
	out        io.Writer
	url, token string
	// userAgent is the User-Agent header; none is sent when it is empty.
	userAgent string
	// blank is how the identity provider writes a blank in a filter.
	blank string
}

// title shows what the next requests are for.
func (c *client) title(text string) { c.show("\n# %s", text) }

// do sends a request and returns the body of the answer, whose status must be one of those that are expected.
func (c *client) do(ctx context.Context, method, path string, body object, expected ...int) (object, error) {
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("writing the body: %w", err)
		}
	}
	c.show("%-6s %s %s", method, readable(path), short(sent))
	status, received, err := c.send(ctx, method, path, sent)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	c.show("   %d  %s", status, short(received))
	if !slices.Contains(expected, status) {
		return nil, fmt.Errorf("%s %s was answered %d, expected %v: %s", method, path, status, expected, received)
	}
	if len(received) == 0 {
		return nil, nil
	}
	answer := object{}
	if err := json.Unmarshal(received, &answer); err != nil {
		return nil, fmt.Errorf("reading the answer to %s %s: %w", method, path, err)
	}
	return answer, nil
}

// send sends a request and returns what is answered.
func (c *client) send(ctx context.Context, method, path string, body []byte) (status int, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("User-Agent", c.userAgent)
	if body != nil {
		request.Header.Set("Content-Type", "application/scim+json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, errors.Join(err, response.Body.Close())
}

// find returns the id of the one resource that the filter matches; empty when there is none. rest are further
// parameters of the query.
func (c *client) find(ctx context.Context, endpoint, attribute, value, rest string) (id string, err error) {
	filter := attribute + " eq " + strconv.Quote(value)
	answer, err := c.do(ctx, http.MethodGet, endpoint+"?filter="+strings.ReplaceAll(url.QueryEscape(filter), "+", c.blank)+rest, nil, http.StatusOK)
	if err != nil {
		return "", err
	}
	found, _ := answer["Resources"].(list)
	switch len(found) {
	case 0:
		return "", nil
	case 1:
		return idOf(found[0])
	default:
		return "", fmt.Errorf("%s matches %d resources", filter, len(found))
	}
}

// create posts a resource and returns its id.
func (c *client) create(ctx context.Context, endpoint string, body object) (id string, err error) {
	answer, err := c.do(ctx, http.MethodPost, endpoint, body, http.StatusCreated)
	if err != nil {
		return "", err
	}
	return idOf(answer)
}

// get returns some attributes of a resource: no more than can be shown.
func (c *client) get(ctx context.Context, endpoint, id, attributes string) (object, error) {
	return c.do(ctx, http.MethodGet, endpoint+"/"+id+"?attributes="+attributes, nil, http.StatusOK)
}

// patch sends operations, which may be answered with or without a body.
func (c *client) patch(ctx context.Context, endpoint, id string, operations ...object) error {
	body := object{"schemas": list{patchSchema}, "Operations": operations}
	_, err := c.do(ctx, http.MethodPatch, endpoint+"/"+id, body, http.StatusOK, http.StatusNoContent)
	return err
}

// show writes one line, without the blanks that an empty body leaves at its end.
func (c *client) show(format string, args ...any) {
	line := strings.TrimRight(fmt.Sprintf(format, args...), " ")
	_, _ = fmt.Fprintln(c.out, line) // output that nobody reads is no reason to stop half-way
}

// idOf returns the id of a resource.
func idOf(resource any) (string, error) {
	attributes, _ := resource.(object)
	id, _ := attributes["id"].(string)
	if id == "" {
		return "", fmt.Errorf("the resource has no id: %v", resource)
	}
	return id, nil
}

// readable shows a path as a person would write it.
func readable(path string) string {
	if plain, err := url.QueryUnescape(path); err == nil {
		return plain
	}
	return path
}

// short cuts a body to what fits on a few lines of a terminal.
func short(body []byte) string {
	if text := []rune(string(body)); len(text) > shown {
		return string(text[:shown]) + "…"
	}
	return string(body)
}
