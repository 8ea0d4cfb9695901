package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"regexp"
	"time"
)

const (
	// pace is the time before each request, so that people can follow.
	pace = 900 * time.Millisecond
	// rest is how long the watch is looked at after the last request.
	rest = 2 * time.Second
)

// forwarded is what `kubectl port-forward` says first.
var forwarded = regexp.MustCompile(`^Forwarding from (127\.0\.0\.1:\d+)`)

// record plays the session of a tenant's provider, and returns what is to be seen meanwhile.
func record(ctx context.Context, namespace, tenant string) (*cast, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	forwards, err := start(ctx, "port-forward", "-n", namespace, "service/"+tenant+"-scim", ":80")
	if err != nil {
		return nil, err
	}
	found := forwarded.FindStringSubmatch(<-forwards)
	if found == nil {
		return nil, errors.New("kubectl forwards no port to the tenant's server")
	}
	seen := newScreen()
	session, err := between(ctx, seen, found[1])
	if err != nil {
		return nil, err
	}

	watch := []string{"get", "scimusers", "-n", namespace, "--watch"}
	seen.print(lower, "$ kubectl get scimusers -n "+namespace+" --watch")
	users, err := start(ctx, watch...)
	if err != nil {
		return nil, err
	}
	seen.print(lower, <-users)
	go func() {
		for line := range users {
			seen.print(lower, line)
		}
	}()

	seen.print(upper, "$ kubectl scim test "+tenant+" -n "+namespace+"     # sends what the identity provider sends")
	test := exec.CommandContext(ctx, "kubectl", "scim", "test", tenant, "-n", namespace, "--url", session+"/scim/v2")
	if output, err := test.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("playing the session: %w: %s", err, output)
	}
	select {
	case <-time.After(rest):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return seen.recorded(), nil
}

// start runs kubectl until the context ends, and returns the lines that it prints. Nobody has to read
// them all.
func start(ctx context.Context, args ...string) (<-chan string, error) {
	command := exec.CommandContext(ctx, "kubectl", args...)
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("running kubectl %s: %w", args[0], err)
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(out)
		for scanner.Scan() {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
		_, _ = io.Copy(io.Discard, out)
		_ = command.Wait() // It was killed, as it is meant to be.
	}()
	return lines, nil
}

// between stands between a client and a server, and returns the URL to call. It prints each request with the
// status of its answer.
func between(ctx context.Context, seen *screen, server string) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listening for the session: %w", err)
	}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: server})
	proxy.ModifyResponse = func(answer *http.Response) error {
		asked, err := url.PathUnescape(answer.Request.URL.RequestURI())
		if err != nil {
			asked = answer.Request.URL.Path
		}
		seen.print(upper, fmt.Sprintf("%-6s %s  →  %s", answer.Request.Method, asked, answer.Status))
		return nil
	}
	paced := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(pace):
			proxy.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
	web := &http.Server{Handler: paced, ReadHeaderTimeout: pace}
	go func() { _ = web.Serve(listener) }() // It ends with the recording.
	context.AfterFunc(ctx, func() { _ = web.Close() })
	return "http://" + listener.Addr().String(), nil
}
