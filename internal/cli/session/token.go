package session

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/operand"
)

// tokenOf returns the token of a key, from its Secret; of an OAuth client, an access token that it
// gets for its secret at the server which is called.
func tokenOf(ctx context.Context, c client.Client, key *scimv1alpha1.ScimApiKey, base string) (string, error) {
	switch {
	case key.IsFederated():
		return "", fmt.Errorf("ScimApiKey %q is federated: get a token of its issuer, exchange it for an access token, and name the file with --token-file", key.Name)
	case key.Status.SecretName == "":
		return "", fmt.Errorf("the token of ScimApiKey %q is in no Secret: name a file with --token-file, or another key with --key", key.Name)
	}
	secret := &corev1.Secret{}
	if err := c.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: key.Status.SecretName}, secret); err != nil {
		return "", command.Failed("reading the token in Secret "+key.Status.SecretName+", for which --token-file may stand", "", err)
	}
	if key.Spec.OAuthClient == nil {
		return string(secret.Data[operand.HandoverToken]), nil
	}
	return accessToken(ctx, strings.TrimSuffix(base, "/")+"/oauth2/token", string(secret.Data[operand.HandoverClientID]), string(secret.Data[operand.HandoverClientSecret]))
}

// accessToken gets an access token for a client secret (RFC 6749 section 4.4).
func accessToken(ctx context.Context, tokenURL, id, secret string) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, tokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("asking for an access token: %w", err)
	}
	request.SetBasicAuth(id, secret)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := newPlayer(tokenURL, "", "").http.Do(request)
	if err != nil {
		return "", fmt.Errorf("asking for an access token: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // It was read.
	text, err := io.ReadAll(io.LimitReader(response.Body, longestAnswer))
	if err != nil {
		return "", fmt.Errorf("reading the access token: %w", err)
	}
	answer := struct {
		AccessToken string `json:"access_token"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{}
	if err := json.Unmarshal(text, &answer); err != nil || answer.AccessToken == "" {
		return "", fmt.Errorf("the token endpoint answered %d %s %s: the client secret may not be that of this tenant", response.StatusCode, answer.Error, answer.Description)
	}
	return answer.AccessToken, nil
}
