package session

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// requestTimeout is longer than a server takes for any request.
	requestTimeout = 15 * time.Second
	// longestAnswer is how much of an answer is read.
	longestAnswer = 4 << 20
)

// Result is what came of one request.
type Result struct {
	// Step is what the identity provider does by it.
	Step string `json:"step"`
	// Request is its method and path.
	Request string `json:"request"`
	// Status is that of the answer; 0 if there was none.
	Status int `json:"status,omitempty"`
	// Problem is what is wrong; empty for nothing.
	Problem string `json:"problem,omitempty"`
}

// player sends the requests of a session.
type player struct {
	http *http.Client
	// base is the URL that the paths are below.
	base, token string
	// values are what the placeholders stand for.
	values map[string]string
}

func newPlayer(base, token, name string) *player {
	return &player{
		http: &http.Client{
			Timeout: requestTimeout,
			// A token is for the server that it was made for.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		base: strings.TrimSuffix(base, "/"), token: token,
		values: map[string]string{userName: name + "@example.com", groupName: name},
	}
}

// play sends the requests until one fails, and then takes away what was made. What a session has left that
// was killed is taken away before.
func (p *player) play(ctx context.Context, steps []step) []Result {
	results := p.clear(ctx)
	for _, s := range steps {
		results = append(results, p.send(ctx, s))
		if results[len(results)-1].Problem != "" {
			break
		}
	}
	return append(results, p.takeAway(context.WithoutCancel(ctx))...) // Whoever interrupts a session leaves nobody behind either.
}

// clear takes away a user and a group of the names of the session, if they are there.
func (p *player) clear(ctx context.Context) []Result {
	for placeholder, s := range leftovers() {
		status, _, body, err := p.request(ctx, s)
		found := struct {
			Resources []struct {
				ID string `json:"id"`
			}
		}{}
		if err == nil && status == http.StatusOK && json.Unmarshal(body, &found) == nil && len(found.Resources) == 1 {
			p.values[placeholder] = found.Resources[0].ID
		}
	}
	results := p.takeAway(ctx)
	delete(p.values, user)
	delete(p.values, group)
	return results
}

// takeAway deletes what the session has the ids of.
func (p *player) takeAway(ctx context.Context) (results []Result) {
	for _, s := range cleanup() {
		if strings.HasPrefix(p.filled(s.path), s.path) {
			continue // What it would take away was never made.
		}
		results = append(results, p.send(ctx, s))
	}
	return results
}

// filled puts values in place of the placeholders.
func (p *player) filled(text string) string {
	for placeholder, value := range p.values {
		text = strings.ReplaceAll(text, placeholder, value)
	}
	return text
}

func (p *player) send(ctx context.Context, s step) Result {
	result := Result{Step: s.what, Request: s.method + " " + p.filled(s.path)}
	status, kind, body, err := p.request(ctx, s)
	if err != nil {
		result.Problem = err.Error()
		return result
	}
	result.Status = status
	answer := map[string]any{}
	if len(body) > 0 {
		err = json.Unmarshal(body, &answer)
	}
	switch {
	case !slices.Contains(s.want, status):
		result.Problem = problemOf(status, kind, answer, s.want)
	case err != nil:
		result.Problem = "the answer is no JSON: something in front of the server has answered, or its URL leads elsewhere"
	case s.check != nil:
		if err := s.check(answer); err != nil {
			result.Problem = err.Error()
		}
	}
	if id, is := answer["id"].(string); is && s.keep != "" && result.Problem == "" {
		p.values[s.keep] = id
	}
	return result
}

func (p *player) request(ctx context.Context, s step) (status int, kind string, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, s.method, p.base+p.filled(s.path), strings.NewReader(p.filled(s.body)))
	if err != nil {
		return 0, "", nil, fmt.Errorf("the URL cannot be called: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+p.token)
	request.Header.Set("Accept", "application/scim+json")
	if s.body != "" {
		request.Header.Set("Content-Type", "application/scim+json")
	}
	response, err := p.http.Do(request)
	if err != nil {
		return 0, "", nil, fmt.Errorf("no answer: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // It was read.
	answer, err = io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	if err != nil {
		return 0, "", nil, fmt.Errorf("the answer is cut off: %w", err)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), answer, nil
}

// problemOf says what an answer means that is not what the identity provider takes for success.
func problemOf(status int, kind string, answer map[string]any, want []int) string {
	text := "answered " + strconv.Itoa(status)
	detail, isError := answer["detail"].(string)
	if scimType, is := answer["scimType"].(string); is {
		text += " " + scimType
	}
	switch {
	case isError:
		text += ": " + detail
	case strings.Contains(kind, "html"):
		text += " in HTML: something in front of the server has answered"
	default:
		text += fmt.Sprintf(", and not %v", want)
	}
	switch {
	case status == http.StatusUnauthorized:
		text += " (the token is not one of this tenant, or its key is suspended, expired or for other networks)"
	case status >= 300 && status < 400:
		text += " (identity providers follow no redirect: use the URL that it leads to)"
	}
	return text
}
