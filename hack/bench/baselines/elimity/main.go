// Command elimity is the SCIM server that a team writes over github.com/elimity-com/scim when it wants one without a
// database: users in a map. The benchmark measures Kubescim against it.
//
// It listens on a free port of loopback, prints its base URL, and takes the bearer token from SCIM_TOKEN.
package main

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/elimity-com/scim"
	"github.com/elimity-com/scim/schema"
)

func main() {
	if err := run(os.Getenv("SCIM_TOKEN")); err != nil {
		log.Fatal(err)
	}
}

func run(token string) error {
	if token == "" {
		return errors.New("SCIM_TOKEN is not set")
	}
	server, err := scim.NewServer(&scim.ServerArgs{
		ServiceProviderConfig: &scim.ServiceProviderConfig{SupportFiltering: true},
		ResourceTypes: []scim.ResourceType{{
			Name:             "User",
			Endpoint:         "/Users",
			Schema:           schema.CoreUserSchema(),
			SchemaExtensions: []scim.SchemaExtension{{Schema: schema.ExtensionEnterpriseUser()}},
			Handler:          newUsers(),
		}},
	})
	if err != nil {
		return fmt.Errorf("making the SCIM server: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	fmt.Printf("http://%s/scim/v2\n", listener.Addr())
	return (&http.Server{
		Handler:           authenticated(token, http.StripPrefix("/scim", server)),
		ReadHeaderTimeout: 10 * time.Second,
	}).Serve(listener)
}

// authenticated lets requests with the token through.
func authenticated(token string, next http.Handler) http.Handler {
	expected := []byte("Bearer " + token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), expected) != 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
