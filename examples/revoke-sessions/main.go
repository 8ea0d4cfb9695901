// Command revoke-sessions ends the sessions of whoever is deactivated or deleted: DELETE $SESSIONS/<id> at the application ends those
// of a user, and PUT $SESSIONS those of everybody who is not in its body, which has an id in each line. How far it is, it keeps in the
// file $CURSOR.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/kubescim/kubescim/api/directory"
	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	err := directory.Run(ctx, directory.Options{
		Namespace: os.Getenv("NAMESPACE"), Tenant: os.Getenv("TENANT"), Cursor: directory.File(os.Getenv("CURSOR")),
		OnUser: func(ctx context.Context, change directory.Change[scimv1alpha1.ScimUser]) error {
			if change.After != nil && *change.After.Spec.Active {
				return nil
			}
			return send(ctx, http.MethodDelete, "/"+change.ID, "")
		},
		Resync: func(ctx context.Context, there directory.IDs) error {
			return send(ctx, http.MethodPut, "", strings.Join(there.Users, "\n"))
		},
	})
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func send(ctx context.Context, method, path, body string) error {
	request, err := http.NewRequestWithContext(ctx, method, os.Getenv("SESSIONS")+path, strings.NewReader(body)) //nolint:gosec // Whoever runs it says where.
	if err != nil {
		return err
	}
	answer, err := (&http.Client{Timeout: 10 * time.Second}).Do(request) //nolint:gosec // The same.
	if err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("the application answers %s", answer.Status)
	}
	return errors.Join(err, answer.Body.Close())
}
